/** The places of a model that dictionaries can read and write, and how files call them. */
import type { Architecture } from "../model/architecture.ts";
import type { DictionaryDetail } from "../model/dictionary.ts";
import { type HookName, SPLICE_SITES } from "../model/hook_points.ts";
import { refuse } from "./byte_source.ts";

/** Hook points of a block that can be read and written. */
type WritableSite = typeof SPLICE_SITES[number];

/**
 * All that can be read, in the order of the forward pass. `ln2.hook_normalized` is before gain and bias, as in TransformerLens where norms are
 * folded into the weights after them.
 */
export const READABLE_SITES = [
  "hook_resid_pre",
  "hook_attn_out",
  "hook_resid_mid",
  "ln2.hook_normalized",
  "mlp.hook_post",
  "hook_mlp_out",
  "hook_resid_post",
] as const;
export type ReadableSite = typeof READABLE_SITES[number];

/** Where a dictionary belongs. */
export interface Site {
  readonly layer: number;
  readonly read: ReadableSite;
  readonly write: WritableSite;
}

/** Largest layer that is believed. */
const MAX_LAYER = 9999;

/** A hook point in a block: `blocks.3.hook_mlp_out`. @throws {FileFormatError} if it is none that can be read */
export function parseHookName(hook: string, name: string): { readonly layer: number; readonly site: ReadableSite } {
  const [, layer = "", found = ""] = /^blocks\.(\d{1,4})\.(.+)$/.exec(hook) ?? [];
  const site = READABLE_SITES.find((known) => known === found);
  if (site !== undefined) return { layer: Number(layer), site };
  const why = /hook_z$/.test(hook) ? "; activations of all heads side by side are not read" : "";
  return refuse(
    name,
    `it belongs to ${JSON.stringify(hook.slice(0, 200))}, expected blocks.LAYER. and one of ${
      READABLE_SITES.join(", ")
    }${why}`,
  );
}

/** A site of which both hook points are known. @throws {FileFormatError} if it cannot be written, or is written before it is read */
export function requireSite(
  { layer, read, write = read }: { readonly layer: number; readonly read: ReadableSite; readonly write?: ReadableSite },
  name: string,
): Site {
  if (!Number.isInteger(layer) || layer < 0 || layer > MAX_LAYER) {
    return refuse(name, `its layer is ${layer}, expected a whole number from 0 to ${MAX_LAYER}`);
  }
  const writable = SPLICE_SITES.find((site) => site === write);
  if (writable === undefined) {
    return refuse(name, `it writes ${write}, expected one of ${SPLICE_SITES.join(", ")}`);
  }
  if (READABLE_SITES.indexOf(read) > READABLE_SITES.indexOf(writable)) {
    return refuse(name, `it reads ${read}, which comes after ${writable}, where it writes`);
  }
  if (read === "hook_attn_out" && writable !== read) {
    return refuse(
      name,
      `it reads ${read} and writes ${writable}; what attention writes is read only to stand for itself`,
    );
  }
  return { layer, read, write: writable };
}

/** Names of the hook points of a site. */
export function hookNames({ layer, read, write }: Site): Pick<DictionaryDetail, "layer" | "readHook" | "writeHook"> {
  const readHook: HookName = `blocks.${layer}.${read}`;
  const writeHook: HookName = `blocks.${layer}.${write}`;
  return { layer, readHook, writeHook };
}

/** @throws {FileFormatError} unless the model has the layer, and activations of these widths at both hook points */
export function requireFits(
  { layer, readHook, writeHook, inputWidth, outputWidth }: DictionaryDetail,
  architecture: Architecture,
  name: string,
): void {
  if (layer >= architecture.layerCount) {
    refuse(name, `it belongs to layer ${layer}, but the model has ${architecture.layerCount} layers`);
  }
  for (const [hook, width] of [[readHook, inputWidth], [writeHook, outputWidth]] as const) {
    const expected = hook.endsWith(".mlp.hook_post") ? architecture.mlpWidth : architecture.modelWidth;
    if (width !== expected) refuse(name, `it has width ${width} at ${hook}, where the model has ${expected}`);
  }
}

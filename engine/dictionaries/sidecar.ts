/**
 * `dictionary.json`, a file of our own design beside a dictionary's weights. It says what the weights' format leaves open, and wins over what
 * was inferred:
 *
 *     {
 *       "site": "hook_mlp_out",          hook point of a block that is read (and written, unless writeSite says otherwise)
 *       "writeSite": "hook_mlp_out",     of a transcoder
 *       "layer": 3,
 *       "normalization": "none",         or "layer-norm", "unit-norm", "constant" (with factor), "mean-removed" (with or without)
 *       "factor": 1.25,
 *       "trainedWithBos": false,
 *       "model": "gpt2"
 *     }
 *
 * All fields are optional; others are refused. It holds for every weights file of its folder, so `layer` only suits folders with one.
 */
import { dirname, join } from "node:path";
import { z } from "zod";
import type { InputNormalization } from "../model/dictionary.ts";
import { refuse } from "./byte_source.ts";
import { SPLICE_SITES } from "../model/hook_points.ts";
import { READABLE_SITES } from "./hook_sites.ts";
import { checked, readJsonObject } from "./json_file.ts";

const FILE = "dictionary.json";

const sidecarSchema = z.strictObject({
  site: z.enum(READABLE_SITES).optional(),
  writeSite: z.enum(SPLICE_SITES).optional(),
  layer: z.int().min(0).optional(),
  normalization: z.enum(["none", "layer-norm", "unit-norm", "constant", "mean-removed"]).optional(),
  factor: z.number().positive().optional(),
  trainedWithBos: z.boolean().optional(),
  model: z.string().max(200).optional(),
});

/** What the sidecar of a weights file says: nothing where there is none. */
export type Sidecar = Readonly<z.infer<typeof sidecarSchema>>;

/** The ε that all published dictionaries with layer-norm use. */
const LAYER_NORM: InputNormalization = { kind: "layer-norm", epsilon: 1e-5, isUnbiased: true };

/** @throws {FileFormatError} if there is a sidecar and it is not of the form above */
export async function readSidecar(weightsPath: string, name: string): Promise<Sidecar> {
  const value = await readJsonObject(join(dirname(weightsPath), FILE), `${name}, ${FILE} beside it`);
  return value === null ? {} : checked(sidecarSchema, value, `${name}, ${FILE} beside it`);
}

/** The normalisation that a sidecar asks for; undefined where it does not say. */
export function sidecarNormalization(
  { normalization, factor }: Sidecar,
  name: string,
): InputNormalization | undefined {
  if (factor !== undefined && normalization !== "constant" && normalization !== "mean-removed") {
    return refuse(name, `${FILE} has a factor, which needs "normalization": "constant" or "mean-removed"`);
  }
  if (normalization === "constant" && factor === undefined) return refuse(name, `${FILE} has no factor to scale by`);
  switch (normalization) {
    case undefined:
      return undefined;
    case "none":
    case "unit-norm":
      return { kind: normalization };
    case "layer-norm":
      return LAYER_NORM;
    case "constant":
    case "mean-removed":
      return { kind: normalization, factor: factor ?? 1 };
  }
}

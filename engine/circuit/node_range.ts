/** Whether a node exists: its layer, unit and tokens against a model, the dictionaries of the question, and a prompt. */
import type { Architecture } from "../model/architecture.ts";
import { type Dictionary, type LatentKind, latentKind } from "../model/dictionary.ts";
import { type InterventionRef, isError, isLatent, latentKindOfError } from "./refs.ts";

/** What there can be nodes of. */
export interface NodeSpace {
  readonly architecture: Architecture;
  /** Those that the question splices in. */
  readonly dictionaries: readonly Dictionary[];
}

/** What is out of range, and what the range is; null if the node exists. */
export function checkNode(
  ref: InterventionRef,
  { architecture: { layerCount, headCount, mlpWidth }, dictionaries }: NodeSpace,
  tokenCount: number,
): string | null {
  const layer = ref.kind === "embed" ? null : tooLarge("layer", ref.layer, layerCount);
  if (layer !== null) return layer;
  const token = tooLarge("token", ref.kind === "head" || ref.kind === "head-row" ? ref.query : ref.token, tokenCount);
  if (isLatent(ref)) {
    const dictionary = dictionaryOf(dictionaries, ref.kind, ref.layer);
    if (dictionary === undefined) return noDictionary(ref.kind, ref.layer);
    return tooLarge("latent", ref.latent, dictionary.detail.latentCount) ?? token;
  }
  if (isError(ref)) {
    const kind = latentKindOfError(ref.kind);
    return dictionaryOf(dictionaries, kind, ref.layer) === undefined ? noDictionary(kind, ref.layer) : token;
  }
  switch (ref.kind) {
    case "embed":
      return token;
    case "mlp":
      return tooLarge("neuron", ref.neuron, mlpWidth) ?? token;
    case "head":
    case "head-row":
      return tooLarge("head", ref.head, headCount) ?? token;
  }
}

/** The dictionary, of a question's, that has the latents of a kind and layer. */
export function dictionaryOf(
  dictionaries: readonly Dictionary[],
  kind: LatentKind,
  layer: number,
): Dictionary | undefined {
  return dictionaries.find(({ detail }) => latentKind(detail) === kind && detail.layer === layer);
}

function tooLarge(what: string, value: number, count: number): string | null {
  return value < count ? null : `There is no ${what} ${value}: expected 0..${count - 1}`;
}

function noDictionary(kind: LatentKind, layer: number): string {
  return `This question has no dictionary with latents ${kind}/${layer}: expected one among "dictionaries"`;
}

/** What a run shows: which layers in neurons and heads, and which dictionaries in latents and errors. */
import { type Dictionary, latentKind } from "../model/dictionary.ts";
import type { ModelWeights } from "../model/language_model.ts";
import type { Basis } from "./dictionary_spec.ts";
import { dictionaryOf } from "./node_range.ts";
import { dictionariesOf, type QuestionKind } from "./question_graph.ts";

/** What decides the structure of a run's graph. */
export interface RunKind extends QuestionKind {
  readonly basis: Basis;
}

export interface RunParts {
  /** Layers whose neurons, and whose heads, are shown. */
  readonly mlp: readonly number[];
  readonly head: readonly number[];
  /** Dictionaries whose latents are shown: those of the basis, and all of the residual. */
  readonly dictionaries: readonly Dictionary[];
}

export function runParts(
  model: Pick<ModelWeights, "architecture" | "dictionaries">,
  { basis, dictionaries: ids }: Pick<RunKind, "basis" | "dictionaries">,
): RunParts {
  const layers = Array.from({ length: model.architecture.layerCount }, (_, layer) => layer);
  const dictionaries = dictionariesOf(model, ids).filter(({ detail }) => {
    const kind = latentKind(detail);
    return kind === "resid-latent" || (kind === "mlp-latent" ? basis.mlp : basis.attention) === "latent";
  });
  return {
    mlp: layers.filter((layer) => dictionaryOf(dictionaries, "mlp-latent", layer) === undefined),
    head: layers.filter((layer) => dictionaryOf(dictionaries, "attn-latent", layer) === undefined),
    dictionaries,
  };
}

/** Latents of one dictionary over texts: the forward pass as far as the dictionary reads it, and its encoder. */
import { gather, reshape, transpose } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { graphInput, type Value } from "../onnx/value.ts";
import type { Dictionary } from "../model/dictionary.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { encode } from "../model/latents.ts";
import { oneLatent } from "../model/one_latent.ts";
import { buildForward, hookOf } from "../model/transformer.ts";

/** Output of `buildLatentSweepGraph`. */
export const LATENTS_OUTPUT = "latents";

/** What the dictionary reads: `[sequence, token, in]`. Nothing behind it is part of the graph. */
export function dictionaryInput(
  { architecture, weights }: Pick<ModelWeights, "architecture" | "weights">,
  { detail: { readHook } }: Dictionary,
): Value {
  const forward = buildForward(architecture, weights, { hookNorms: readHook.includes(".ln") });
  return hookOf(forward, readHook);
}

/** Output `latents`, all activations: `[latent, sequence, token]`. */
export function buildLatentSweepGraph(model: ModelWeights, dictionary: Dictionary): GraphRequest {
  const { latents } = encode(dictionary, dictionaryInput(model, dictionary));
  return { outputs: { [LATENTS_OUTPUT]: transpose(latents, [2, 0, 1]) }, names: new Map() };
}

/**
 * Output `values`, the activations of one latent: `[sequence, token]`.
 *
 * @param input Name of the input int64 `[1]` that says which
 */
export function buildLatentValuesGraph(
  model: ModelWeights,
  { dictionary, input }: { readonly dictionary: Dictionary; readonly input: string },
): GraphRequest {
  const index = graphInput(input, "int64", [1]);
  const read = dictionaryInput(model, dictionary);
  const alone = oneLatent(dictionary, index);
  // Which latents are among the k largest, all of them say together.
  const chosen = alone === null ? gather(encode(dictionary, read).latents, index, 2) : encode(alone, read).latents;
  return { outputs: { values: reshape(chosen, chosen.shape.slice(0, 2)) }, names: new Map() };
}

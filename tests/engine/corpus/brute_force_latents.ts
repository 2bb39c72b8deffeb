/** A sweep of latents by hand: every activation of every sequence, from the reference transformer and dictionary in float64. */
import { latentKind } from "../../../engine/model/dictionary.ts";
import { type RefConfig, referenceRun, type RefWeights } from "../../support/reference_transformer.ts";
import { referenceEncode } from "../../support/reference_dictionary.ts";
import { type KnownDictionary, readDictionaries } from "../../support/swept_dictionaries.ts";
import type { SweptModel } from "../../support/swept_model.ts";
import type { AllValues, SequenceValues } from "./brute_force.ts";

/** Values of every latent over all sequences, by `mlp-latent/1/3`. */
export function bruteForceLatents(
  { weights, config }: { readonly weights: RefWeights; readonly config: RefConfig },
  { dictionary: { detail }, reference }: KnownDictionary,
  sequences: readonly (readonly number[])[],
): AllValues {
  const values = new Map<string, SequenceValues[]>();
  const prefix = `${latentKind(detail)}/${detail.layer}`;
  for (let latent = 0; latent < detail.latentCount; latent++) values.set(`${prefix}/${latent}`, []);
  sequences.forEach((tokens, sequence) => {
    const run = referenceRun(weights, config, { tokens, objective: { kind: "logit", targets: [1], distractors: [] } });
    const read = run.hooks.get(detail.readHook)?.data ?? new Float64Array();
    const encoded = tokens.map((_, token) => {
      const x = Float64Array.from(read.slice(token * detail.inputWidth, (token + 1) * detail.inputWidth));
      return referenceEncode(reference, x).latents;
    });
    for (let latent = 0; latent < detail.latentCount; latent++) {
      const own = encoded.map((latents) => latents[latent] ?? NaN);
      const max = Math.max(...own);
      values.get(`${prefix}/${latent}`)?.push({ sequence, values: own, max, at: [own.indexOf(max)] });
    }
  });
  return values;
}

/** Values of the latents of every dictionary of a model over its corpus, by the dictionary's id. */
export async function allLatentValues(model: SweptModel): Promise<ReadonlyMap<string, AllValues>> {
  const known = await readDictionaries(model);
  return new Map([...known].map(([id, own]) => [id, bruteForceLatents(model.tiny, own, model.sequences)]));
}

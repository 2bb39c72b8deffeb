/** The logit lens in float64 and plain loops, on what the reference transformer computed. */
import { at, centre, found, sum } from "./reference_arithmetic.ts";
import type { RefConfig, RefRun, RefWeights } from "./reference_transformer.ts";

/** What one layer would predict after one token. */
export interface RefLensCell {
  readonly top: number;
  readonly topLogProb: number;
  readonly targetLogProb: number;
  readonly targetRank: number;
}

/** Reads every layer out at every token: `[row][token]`, row 0 the embeddings. @param target Id of the token that is ranked */
export function referenceLens(
  { hooks }: RefRun,
  { weights, config }: { readonly weights: RefWeights; readonly config: RefConfig },
  target: number,
): readonly (readonly RefLensCell[])[] {
  const { n_embd: width, n_layer: layerCount, vocab_size: vocabulary, layer_norm_epsilon: epsilon } = config;
  const weight = (name: string) => (weights.get(name) ?? found(weights, `transformer.${name}`)).data;
  const [gain, bias] = [weight("ln_f.weight"), weight("ln_f.bias")];
  const unembedding = weights.get("lm_head.weight")?.data ?? weight("wte.weight");
  const residuals = [
    "blocks.0.hook_resid_pre",
    ...Array.from({ length: layerCount }, (_, layer) => `blocks.${layer}.hook_resid_post`),
  ];
  return residuals.map((hook) => {
    const { data } = found(hooks, hook);
    return Array.from({ length: data.length / width }, (_, token): RefLensCell => {
      const centred = centre(data.slice(token * width, (token + 1) * width), 1, width);
      const scale = Math.sqrt(sum(width, (c) => at(centred, c) ** 2) / width + epsilon);
      const normed = centred.map((value, c) => value / scale * at(gain, c) + at(bias, c));
      const logits = Array.from(
        { length: vocabulary },
        (_, id) => sum(width, (c) => at(normed, c) * at(unembedding, id * width + c)),
      );
      const max = Math.max(...logits);
      const logSum = max + Math.log(sum(vocabulary, (id) => Math.exp(at(logits, id) - max)));
      return {
        top: logits.indexOf(max),
        topLogProb: max - logSum,
        targetLogProb: at(logits, target) - logSum,
        targetRank: 1 + logits.filter((logit) => logit > at(logits, target)).length,
      };
    });
  });
}

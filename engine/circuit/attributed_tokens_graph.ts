/**
 * Where an attention latent's value comes from (`reference-semantics.md` §3.7): with r the latent's encoder row, P the pattern and v the
 * values at the latent's token q,
 *
 *   attribution[k] = Σ_h P[q,k,h] ⟨v[k,h] W_O[h], r⟩
 *
 * and 0 where the latent is 0. The scale of a normalised input is held, so that the attributions, the biases along r and the encoder's own
 * add up to the pre-activation.
 */
import { equal, mul, where } from "../onnx/elementwise.ts";
import { matMul, reduceSum } from "../onnx/linear.ts";
import { gatherNd, reshape, transpose, unsqueeze } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { graphInput, scalar } from "../onnx/value.ts";
import { type Architecture, blockOf } from "../model/architecture.ts";
import { readRows } from "../model/latents.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { hookOf } from "../model/transformer.ts";
import { int64, type Tensor } from "../tensor/tensor.ts";
import { spliceOf } from "./latent_trace_graph.ts";
import { buildQuestion, type QuestionKind, questionKind } from "./question_graph.ts";
import type { AttributedTokensQuestion } from "./questions.ts";

/** What decides the structure of the graph. */
export interface AttributedTokensKind extends QuestionKind {
  readonly layer: number;
}

/** The kind of a question; whence a value comes is the same whatever is explained. */
export function attributedTokensKind(
  question: AttributedTokensQuestion,
  architecture: Architecture,
): AttributedTokensKind {
  const plain = { ...question, objective: "logit-diff", freezeFinalNorm: true, trace: null } as const;
  return { ...questionKind(plain, architecture), layer: question.latent.layer };
}

/** Outputs of the first side, tokens as slots: `activation` `[1]`, `values` `[1, token]`. */
export function buildAttributedTokensGraph(
  model: ModelWeights,
  { layer, ...kind }: AttributedTokensKind,
): GraphRequest {
  const { headCount, headWidth } = model.architecture;
  const { forward, splices } = buildQuestion(model, kind, false);
  const { dictionary, input, ownLatents } = spliceOf(splices, "attn-latent", layer);
  const [row, at] = [graphInput("latent.row", "int64", [1, 1]), graphInput("latent.at", "int64", [1, 2])];
  const rows = readRows(dictionary, gatherNd(input, at), graphInput("latent.unit", "int64", [1]));
  // W_O[h] r of every head: [1, head, 1, width].
  const along = reshape(
    matMul(rows, blockOf(model.weights, layer).attentionOut.weight, { transB: true }),
    [1, headCount, 1, headWidth],
  );
  const values = transpose(gatherNd(hookOf(forward, `blocks.${layer}.attn.hook_v`), row), [0, 2, 1, 3]);
  const pattern = gatherNd(transpose(hookOf(forward, `blocks.${layer}.attn.hook_pattern`), [0, 2, 1, 3]), at);
  const brought = mul(pattern, reduceSum(mul(values, along), { axes: [3] }));
  const activation = gatherNd(ownLatents, graphInput("latent.cell", "int64", [1, 3]));
  const isOff = unsqueeze(equal(activation, scalar(0)), 1);
  return {
    outputs: { activation, values: where(isOff, scalar(0), reduceSum(brought, { axes: [1] })) },
    names: new Map(),
  };
}

/** Feeds of the inputs beside those of the question: the latent on the first side. */
export function attributedTokensFeeds({ latent: { latent, token } }: AttributedTokensQuestion): Record<string, Tensor> {
  return {
    "latent.row": int64([1, 1], [0]),
    "latent.at": int64([1, 2], [0, token]),
    "latent.unit": int64([1], [latent]),
    "latent.cell": int64([1, 3], [0, token, latent]),
  };
}

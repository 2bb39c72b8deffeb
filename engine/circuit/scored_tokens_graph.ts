/**
 * Scores of every token of the vocabulary for one node (`reference-semantics.md` §3.7):
 *
 *   write  what the node's write promotes: w · (gain ⊙ W_U[v]), less its mean over the vocabulary; the sign follows the activation
 *   read   which tokens would drive it: W_E[v] · ∂pre-activation/∂residual at the token that is read, the norm's scale held
 *   alone  the pre-activation of a neuron, or of a latent of the MLP, if the residual were the token's embedding and nothing else
 */
import { add, cast, gelu, mul, sub } from "../onnx/elementwise.ts";
import { layerNorm, matMul, reduceMean, reduceSum } from "../onnx/linear.ts";
import { expand, gather, gatherNd, reshape, unsqueeze } from "../onnx/shaping.ts";
import { graphInput, type Value } from "../onnx/value.ts";
import { blockOf } from "../model/architecture.ts";
import type { Dictionary } from "../model/dictionary.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { preEntries } from "../model/latents.ts";
import { freezableNorm, isToken, linear } from "../model/transformer.ts";
import { int64, type Tensor } from "../tensor/tensor.ts";
import { buildQuestion, type QuestionKind } from "./question_graph.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { type WriterKind, writtenVector } from "./writer.ts";

/** Output `scores`: `[vocab]`, of the first side. */
export function buildWriteScores(model: ModelWeights, kind: QuestionKind, writer: WriterKind): GraphRequest {
  const { weights: { finalNorm, unembedding } } = model;
  const written = mul(writtenVector(model, writer, buildQuestion(model, kind, false)), finalNorm.gain);
  const scores = matMul(written, unembedding, { transB: true });
  return scoresOf(sub(scores, reduceMean(scores, { axes: [1], keepDims: true })));
}

/** Output `scores`: `[vocab]`, of the first side. @param kind With a trace of the node through one path, before its nonlinearity */
export function buildReadScores(model: ModelWeights, kind: QuestionKind): GraphRequest {
  const question = buildQuestion(model, kind, false);
  const [gradient] = question.gradients([question.front]);
  if (gradient === undefined) throw new Error("Internal: gradient() answered too few values");
  // Nothing is read at empty slots. Where a latent reads the stream itself, its gradient follows from weights alone: what says how many slots
  // there are comes from here.
  const real = unsqueeze(cast(isToken(question.forward.order), "float32"), 2);
  // A path is read at one token: the only reader.
  const read = reduceSum(gatherNd(mul(gradient, real), question.readerIndex), { axes: [1] });
  return scoresOf(matMul(read, model.weights.tokenEmbedding, { transB: true }));
}

/** Name of the input that says which neuron: int64 `[1]`. */
export const NEURON_INPUT = "neuron";

/** Output `scores`: `[vocab]`. */
export function buildAloneScores({ architecture, weights }: ModelWeights, layer: number): GraphRequest {
  const { norm2, mlpIn } = blockOf(weights, layer);
  const unit = graphInput(NEURON_INPUT, "int64", [1]);
  const normed = layerNorm(weights.tokenEmbedding, norm2, architecture.normEpsilon);
  const pre = add(matMul(normed, gather(mlpIn.weight, unit, 1)), gather(mlpIn.bias, unit));
  return { outputs: { scores: reshape(pre, [architecture.vocabularySize]) }, names: new Map() };
}

/** Inputs of `buildLatentAloneScores`: the tokens, int64 `[row]`, and the latent, int64 `[1]`. */
const [ALONE_TOKENS, ALONE_LATENT] = ["alone.tokens", "alone.latent"] as const;

/** Output `scores` of some tokens: `[row]`. All neurons are computed for each, so that the vocabulary is fed in parts. */
export function buildLatentAloneScores({ architecture, weights }: ModelWeights, dictionary: Dictionary): GraphRequest {
  const { layer, readHook } = dictionary.detail;
  const { norm2, mlpIn, mlpOut } = blockOf(weights, layer);
  const tokens = graphInput(ALONE_TOKENS, "int64", ["row"]);
  const residual = gather(weights.tokenEmbedding, tokens);
  const { normalized, output } = freezableNorm(residual, norm2, {
    epsilon: architecture.normEpsilon,
    freezeScale: false,
  });
  const neurons = () => gelu(linear(output, mlpIn));
  const read = readHook.endsWith(".hook_resid_mid")
    ? residual
    : readHook.endsWith(".ln2.hook_normalized")
    ? normalized
    : readHook.endsWith(".mlp.hook_post")
    ? neurons()
    : linear(neurons(), mlpOut);
  const units = expand(graphInput(ALONE_LATENT, "int64", [1]), ["row"]);
  return { outputs: { scores: preEntries(dictionary, read, units) }, names: new Map() };
}

/** @param tokens Ids of a part of the vocabulary */
export function latentAloneFeeds(latent: number, tokens: readonly number[]): Record<string, Tensor> {
  return { [ALONE_TOKENS]: int64([tokens.length], tokens), [ALONE_LATENT]: int64([1], [latent]) };
}

/** @param scores `[batch, vocab]` */
function scoresOf(scores: Value): GraphRequest {
  return { outputs: { scores }, names: new Map() };
}

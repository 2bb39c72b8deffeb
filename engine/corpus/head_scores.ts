/**
 * What heads are known for. Induction and duplicate-token heads are found on random sequences that are given twice (Olsson et al. 2022):
 * BOS, r, r. Copying is read from the weights (Elhage et al. 2021): which tokens a head promotes that reads a token's embedding, through
 * W_E W_V W_O W_U with the norms' gains but without their centring, scale and biases.
 */
import { mul } from "../onnx/elementwise.ts";
import { matMul } from "../onnx/linear.ts";
import { gather, reshape, topK } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { constant, graphInput } from "../onnx/value.ts";
import { blockOf } from "../model/architecture.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { int64, type Tensor } from "../tensor/tensor.ts";
import type { HeadScores } from "./component_records.ts";
import { GroupStatistics, SCORE_COUNTS, SCORE_SUMS, type ScoreSum } from "./group_statistics.ts";
import { sampleOf } from "./random.ts";

/** Random sequences that are given twice. */
export const REPEATED_SEQUENCES = 32;
/** Tokens of one half of them, where the context allows. */
const MAX_PERIOD = 20;
/** Tokens that copying is measured on. */
export const COPIED_TOKENS = 200;
/** A token counts as copied if it is among so many that the head promotes most. */
export const PROMOTED_TOKENS = 10;

const REPEATED_SEED = 7001;
const COPIED_SEED = 8001;

export interface RepeatedSequences {
  /** BOS if the model has one, r, r. */
  readonly sequences: readonly (readonly number[])[];
  /** Length of r. */
  readonly period: number;
}

/** @param ordinary Different token ids that texts are made of; a model's vocabulary may hold others that it has never seen */
export function repeatedSequences(
  ordinary: readonly number[],
  { bosId, contextLength }: { readonly bosId: number | null; readonly contextLength: number },
): RepeatedSequences {
  const bos = bosId === null ? [] : [bosId];
  const period = Math.max(1, Math.min(MAX_PERIOD, ordinary.length, Math.floor((contextLength - bos.length) / 2)));
  const sequences = Array.from({ length: REPEATED_SEQUENCES }, (_, i) => {
    // All different: a token then has one earlier occurrence.
    const half = sampleOf(ordinary.length, period, REPEATED_SEED + i).map((at) => ordinary[at] ?? 0);
    return [...bos, ...half, ...half];
  });
  return { sequences, period };
}

/** Tokens to measure copying on. */
export function copiedTokens(ordinary: readonly number[]): readonly number[] {
  return sampleOf(ordinary.length, COPIED_TOKENS, COPIED_SEED).map((at) => ordinary[at] ?? 0);
}

/** Inputs: int64 `[token]`, `[1]`, `[1]`. */
const [READ, HEAD, VALUE_HEAD] = ["copying.read", "copying.head", "copying.value_head"] as const;

/** Output of `buildCopyingGraph` and input of `buildPromotedGraph`: float32 `[token, d_model]`. */
const WRITTEN = "copying.written";

/**
 * Output `WRITTEN`: what a head writes when it reads each token, with the final norm's gain. One graph a layer, and small: scores of the whole
 * vocabulary are the work of one graph for all layers, for each keeps its working memory and maps the unembedding.
 */
export function buildCopyingGraph({ architecture, weights }: ModelWeights, layer: number): GraphRequest {
  const { modelWidth, headCount, headWidth } = architecture;
  const { norm1, qkv, attentionOut } = blockOf(weights, layer);
  const read = mul(gather(weights.tokenEmbedding, graphInput(READ, "int64", ["token"])), norm1.gain);
  const byHead = reshape(qkv.weight, [modelWidth, 3 * headCount, headWidth]);
  const valueMatrix = reshape(gather(byHead, graphInput(VALUE_HEAD, "int64", [1]), 1), [modelWidth, headWidth]);
  const outputs = reshape(attentionOut.weight, [headCount, headWidth, modelWidth]);
  const outputMatrix = reshape(gather(outputs, graphInput(HEAD, "int64", [1])), [headWidth, modelWidth]);
  const written = mul(matMul(matMul(read, valueMatrix), outputMatrix), weights.finalNorm.gain);
  return { outputs: { [WRITTEN]: written }, names: new Map() };
}

/** Output `promoted`: ids that are promoted most by what was written, int64 `[token, PROMOTED_TOKENS]`. */
export function buildPromotedGraph({ architecture, weights }: ModelWeights): GraphRequest {
  const { modelWidth, vocabularySize } = architecture;
  const written = graphInput(WRITTEN, "float32", ["token", modelWidth]);
  const scores = matMul(written, weights.unembedding, { transB: true });
  const count = Math.min(PROMOTED_TOKENS, vocabularySize);
  const k = constant("int64", [1], BigInt64Array.of(BigInt(count)));
  const { indices } = topK(scores, k, { kDim: count, largest: true });
  return { outputs: { promoted: indices }, names: new Map() };
}

/** Feeds for one head. */
export function copyingFeeds(
  tokens: readonly number[],
  { head, headCount }: { readonly head: number; readonly headCount: number },
): Record<string, Tensor> {
  return {
    [READ]: int64([tokens.length], tokens),
    [HEAD]: int64([1], [head]),
    // Queries and keys come before the values in the joint matrix.
    [VALUE_HEAD]: int64([1], [2 * headCount + head]),
  };
}

/** The scores of one head; those of which nothing has been collected yet are 0. */
export function headScores(group: GroupStatistics, head: number): HeadScores {
  const sum = (name: ScoreSum) => group.scoreSums[SCORE_SUMS.indexOf(name) * group.size + head] ?? 0;
  const [queries = 0, repeatedQueries = 0, readTokens = 0] = SCORE_COUNTS.map((_, i) => group.scoreCounts[i] ?? 0);
  const share = (name: ScoreSum, count: number) => count === 0 ? 0 : sum(name) / count;
  return {
    induction: share("induction", repeatedQueries),
    duplicateToken: share("duplicateToken", repeatedQueries),
    previousToken: share("previousToken", queries),
    self: share("self", queries),
    firstToken: share("firstToken", queries),
    entropy: share("entropy", queries),
    copying: share("copying", readTokens),
  };
}

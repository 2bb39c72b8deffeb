/**
 * The logit lens as a graph (nostalgebraist, 2020): the residual stream in front of the first layer and after each one, at a few tokens
 * of one side, through the final norm and the unembedding as if it were the last.
 *
 * The tokens' rows are taken out first, and each layer's logits are reduced before those of the next are made: no more than
 * tokens × vocabulary of one layer stand in memory. With ℓ a row of logits and t the target:
 *
 *   top   = argmax ℓ          log P(top) = −log Σ exp(ℓ − max ℓ)
 *   rank  = 1 + |{v : ℓ[v] > ℓ[t]}|      log P(t) = ℓ[t] − max ℓ + log P(top)
 */
import { add, exp, greaterOrEqual, log, neg, shift, sub, where } from "../onnx/elementwise.ts";
import { reduceSum } from "../onnx/linear.ts";
import { concat, gather, gatherNd, topK } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { graphInput, int64Vector, scalar, type Value } from "../onnx/value.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { readAt, readOut } from "../model/transformer.ts";
import { float32Data, int64, int64Numbers, type Tensor } from "../tensor/tensor.ts";
import { EMBEDDING_SITE } from "./edits.ts";
import { buildQuestion, type QuestionKind } from "./question_graph.ts";
import type { LensNumbers, LensQuestion } from "./questions.ts";

/** Input int64 `[window, 2]`: side and slot of each token. */
const WINDOW_INPUT = "lens.window";

/** Input int64 `[1]`: the token whose probability and rank are told. */
const TARGET_INPUT = "lens.target";

/** Names of a row's outputs; row 0 is that of the embeddings, row l + 1 that of layer l. */
function rowOutputs(row: number): { readonly top: string; readonly scores: string } {
  return { top: `lens.${row}.top`, scores: `lens.${row}.scores` };
}

/** For each row `top`, int64 `[window, 1]`, and `scores` `[window, 3]`: log P(top), log P(target) and the target's rank. */
export function buildLensGraph(
  model: ModelWeights,
  kind: Pick<QuestionKind, "edits" | "dictionaries" | "dropsErrors">,
): GraphRequest {
  // Nothing is differentiated, so that the objective is never computed, whatever it is.
  const { forward } = buildQuestion(
    model,
    { ...kind, objective: "logit-diff", freezeFinalNorm: true, trace: null },
    false,
  );
  const window = graphInput(WINDOW_INPUT, "int64", ["window", 2]);
  const target = graphInput(TARGET_INPUT, "int64", [1]);
  const residuals = [
    readAt(forward, EMBEDDING_SITE),
    ...model.weights.blocks.map((_, layer) => readAt(forward, `blocks.${layer}.hook_resid_post`)),
  ];
  const outputs: Record<string, Value> = {};
  residuals.forEach((residual, row) => {
    const { logits } = readOut(gatherNd(residual, window), model, { freezeScale: false });
    const { top, scores } = scoredRow(logits, target);
    const names = rowOutputs(row);
    outputs[names.top] = top;
    outputs[names.scores] = scores;
  });
  return { outputs, names: new Map() };
}

/** @param logits `[window, vocab]` @param target int64 `[1]` */
function scoredRow(logits: Value, target: Value): { readonly top: Value; readonly scores: Value } {
  const { values: max, indices: top } = topK(logits, int64Vector([1]), { kDim: 1, largest: true });
  const topLogProb = neg(log(reduceSum(exp(sub(logits, max)), { axes: [1], keepDims: true })));
  const targetLogit = gather(logits, target, 1);
  const isAbove = where(greaterOrEqual(targetLogit, logits), scalar(0), scalar(1));
  const rank = shift(reduceSum(isAbove, { axes: [1], keepDims: true }), 1);
  return { top, scores: concat([topLogProb, add(sub(targetLogit, max), topLogProb), rank], 1) };
}

/** Feeds of the inputs beside those of the question. */
export function lensFeeds({ side, slots, target }: LensQuestion): Record<string, Tensor> {
  return {
    [WINDOW_INPUT]: int64([slots.length, 2], slots.flatMap((slot) => [side, slot])),
    [TARGET_INPUT]: int64([1], [target]),
  };
}

/** What the graph computed, by row and place in the window. */
export function readLens(fetches: Readonly<Record<string, Tensor>>, layerCount: number): LensNumbers {
  return Array.from({ length: layerCount + 1 }, (_, row) => {
    const names = rowOutputs(row);
    const [top, scores] = [fetches[names.top], fetches[names.scores]];
    if (top === undefined || scores === undefined) throw new Error(`Internal: the lens has no row ${row}`);
    const values = float32Data(scores);
    return int64Numbers(top).map((id, place) => ({
      top: id,
      topLogProb: values[3 * place] ?? NaN,
      targetLogProb: values[3 * place + 1] ?? NaN,
      targetRank: values[3 * place + 2] ?? NaN,
    }));
  });
}

/** One head's scalars on one side: a slice of what a run selects from, so that whole layers never leave ONNX Runtime. */
import { gatherNd } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { graphInput } from "../onnx/value.ts";
import type { Architecture } from "../model/architecture.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { int64, type Tensor } from "../tensor/tensor.ts";
import type { Metric } from "./metrics.ts";
import { nodeScalars } from "./node_scalars.ts";
import { buildQuestion, type QuestionKind, questionKind } from "./question_graph.ts";
import type { AttentionQuestion } from "./questions.ts";

/** Input int64 `[1, 2]`: side and head. */
const HEAD_INPUT = "attention.head";

/** What decides the structure of the graph. */
export interface AttentionKind extends QuestionKind {
  readonly layer: number;
  readonly metric: Metric;
}

/** The kind of a question; what is written and attended to is the same whatever is explained. */
export function attentionKind(question: AttentionQuestion, architecture: Architecture): AttentionKind {
  const { layer, metric } = question;
  const isEffect = metric === "directEffect" || metric === "totalEffect";
  const explained = isEffect
    ? question
    : { ...question, objective: "logit-diff", freezeFinalNorm: true, trace: null } as const;
  return { ...questionKind(explained, architecture), layer, metric };
}

/** Output `values`: `[1, query, key]`, tokens as slots. */
export function buildAttentionGraph(model: ModelWeights, { layer, metric, ...kind }: AttentionKind): GraphRequest {
  const scalars = nodeScalars(model, buildQuestion(model, kind, false)).head[layer];
  if (scalars === undefined) throw new Error(`Internal: no layer ${layer}`);
  const values = gatherNd(scalars[metric], graphInput(HEAD_INPUT, "int64", [1, 2]));
  return { outputs: { values }, names: new Map() };
}

/** Feeds of the inputs beside those of the question. */
export function attentionFeeds({ side, head }: AttentionQuestion): Record<string, Tensor> {
  return { [HEAD_INPUT]: int64([1, 2], [side, head]) };
}

/** The matrix among the slots that hold tokens, without pairs whose key comes after the query: `[query][key]`. */
export function readAttention(
  values: Float32Array,
  slots: readonly (number | null)[],
): readonly (readonly number[])[] {
  const held = slots.flatMap((id, slot) => id === null ? [] : [slot]);
  return held.map((query, place) =>
    // Adding 0 makes a zero of either sign the same zero, as it is once stored.
    held.slice(0, place + 1).map((key) => (values[query * slots.length + key] ?? NaN) + 0)
  );
}

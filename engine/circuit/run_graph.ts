/**
 * The graph of a run: everything that a debugger page shows, as one execution.
 *
 * Outputs: `objective` [batch], `logits` [batch, vocab], `residual` [batch, d_model] at the position, what the checks compare, the
 * embeddings' scalars, and of every layer the chosen nodes (`selection.ts`) and sums of effects.
 */
import { abs, shift } from "../onnx/elementwise.ts";
import { reduceMax, reduceSum } from "../onnx/linear.ts";
import { concat, reshape } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import type { Value } from "../onnx/value.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { type NodeScalars, nodeScalars, type QuestionScalars } from "./node_scalars.ts";
import { buildQuestion, type QuestionGraph, type QuestionKind } from "./question_graph.ts";
import { pairPenalty, selectNodes, tokenPenalty, topKInput } from "./selection.ts";

/** The two columns that add up over nodes. */
export const EFFECTS = ["directEffect", "totalEffect"] as const;
export type Effect = typeof EFFECTS[number];

export function buildRunGraph(model: ModelWeights, kind: QuestionKind): GraphRequest {
  const question = buildQuestion(model, kind, false);
  const scalars = nodeScalars(model, question);
  const { forward: { hooks } } = question;
  return {
    outputs: {
      objective: question.value,
      logits: question.logits,
      residual: question.residualAtPosition,
      ...checkOutputs(question, scalars),
      ...layerOutputs(question, scalars),
      "embed.writeNorm": scalars.embed.writeNorm,
      "embed.directEffect": scalars.embed.directEffect,
      "embed.totalEffect": scalars.embed.totalEffect,
    },
    names: new Map([...hooks].map(([name, value]) => [value, name])),
  };
}

/**
 * Chosen nodes and sums of every layer, the last layer first: that is the order in which the backward pass reaches them, so that a
 * layer's scalars can be dropped before those of the next are made.
 */
function layerOutputs(
  { forward: { order } }: QuestionGraph,
  { mlp, head }: QuestionScalars,
): Record<string, Value> {
  const penalties = { mlp: tokenPenalty(order), head: pairPenalty(order) };
  const k = { mlp: topKInput("mlp"), head: topKInput("head") };
  const outputs = mlp.flatMap((neurons, layer) => {
    const pairs = head[layer];
    if (pairs === undefined) throw new Error(`Internal: layer ${layer} has no heads`);
    return [{
      ...selectNodes({ kind: "mlp", layer, k: k.mlp }, neurons, penalties.mlp),
      ...selectNodes({ kind: "head", layer, k: k.head }, pairs, penalties.head),
      [sumOutput("mlp", layer)]: reduceSum(effectsOf(neurons), { axes: [3] }),
      [sumOutput("byQuery", layer)]: reduceSum(effectsOf(pairs), { axes: [2, 4] }),
      [sumOutput("byKey", layer)]: reduceSum(effectsOf(pairs), { axes: [2, 3] }),
    }];
  });
  return Object.assign({}, ...outputs.toReversed());
}

/** Sums of a layer's effects over its units, by token: neurons, head pairs at their query, head pairs at their key. */
export type SumKind = "mlp" | "byQuery" | "byKey";

/** Name of the output `[batch, effect, token]` with a layer's sums. */
export function sumOutput(kind: SumKind, layer: number): string {
  return `sum.${kind}.${layer}`;
}

/** Both effects: `[batch, effect, …]`. Joined along axis 1 first, as for the selection, so that this is done once. */
function effectsOf(scalars: NodeScalars): Value {
  const [batch = 1, ...rest] = scalars.directEffect.shape;
  return reshape(concat(EFFECTS.map((effect) => scalars[effect]), 1), [batch, EFFECTS.length, ...rest]);
}

/** What the self-checks compare (`checks.ts`). */
function checkOutputs({ ownPatterns }: QuestionGraph, scalars: QuestionScalars): Record<string, Value> {
  const rowSums = concat(ownPatterns.map((pattern) => reduceSum(pattern, { axes: [3] })), 1);
  return {
    "check.biasEffect": scalars.biasEffect,
    "check.normBiasEffect": scalars.normBiasEffect,
    "check.residualEffect": scalars.residualEffect,
    "check.patternRowError": reduceMax(abs(shift(rowSums, -1))),
  };
}

/**
 * The graph of a run: everything that a debugger page shows, as one execution.
 *
 * Outputs: `objective` [batch], `logits` [batch, vocab], `residual` [batch, d_model] at the position, what the checks compare,
 * sums of effects, the embeddings' scalars, and the chosen nodes of every layer (`selection.ts`).
 */
import { abs, addAll, shift } from "../onnx/elementwise.ts";
import { reduceMax, reduceSum } from "../onnx/linear.ts";
import { concat, reshape } from "../onnx/shaping.ts";
import type { Value } from "../onnx/value.ts";
import type { LanguageModel } from "../model/language_model.ts";
import { type NodeScalars, nodeScalars, type QuestionScalars } from "./node_scalars.ts";
import { buildQuestion, type QuestionGraph, type QuestionKind } from "./question_graph.ts";
import { pairPenalty, selectNodes, tokenPenalty, topKInput } from "./selection.ts";

/** The two columns that add up over nodes. */
export const EFFECTS = ["directEffect", "totalEffect"] as const;
export type Effect = typeof EFFECTS[number];

/** Outputs of a run's graph, with names for its inner values. */
export interface RunGraph {
  readonly outputs: Readonly<Record<string, Value>>;
  readonly names: ReadonlyMap<Value, string>;
}

export function buildRunGraph(model: LanguageModel, kind: QuestionKind): RunGraph {
  const question = buildQuestion(model, kind, false);
  const scalars = nodeScalars(model, question);
  const { forward: { hooks } } = question;
  return {
    outputs: {
      objective: question.objective,
      logits: question.logits,
      residual: question.residualAtPosition,
      ...checkOutputs(scalars),
      ...selectionsOf(question, scalars),
      ...sumOutputs(scalars),
      "embed.writeNorm": scalars.embed.writeNorm,
      "embed.directEffect": scalars.embed.directEffect,
      "embed.totalEffect": scalars.embed.totalEffect,
    },
    names: new Map([...hooks].map(([name, value]) => [value, name])),
  };
}

/**
 * The chosen nodes of all layers, the last layer first: that is the order in which the backward pass reaches them, so that a layer's
 * scalars can be dropped before those of the next are made.
 */
function selectionsOf(
  { forward: { positions }, lastToken }: QuestionGraph,
  { mlp, head }: QuestionScalars,
): Record<string, Value> {
  const kinds = [
    { kind: "mlp", layers: mlp, k: topKInput("mlp"), penalty: tokenPenalty(positions, lastToken) },
    { kind: "head", layers: head, k: topKInput("head"), penalty: pairPenalty(positions, lastToken) },
  ] as const;
  const fromLast = mlp.map((_, layer) => layer).toReversed();
  return Object.assign(
    {},
    ...fromLast.flatMap((layer) =>
      kinds.map(({ kind, layers, k, penalty }) => {
        const scalars = layers[layer];
        return scalars === undefined ? {} : selectNodes({ kind, layer, k }, scalars, penalty);
      })
    ),
  );
}

/** Sums over layers and units, token axes kept: `sum.mlp`, `sum.byQuery` and `sum.byKey`, each `[batch, effect, token]`. */
function sumOutputs({ mlp, head }: QuestionScalars): Record<string, Value> {
  /** `[batch, effect, …]`; joined along axis 1 first, as for the selection, so that this is done once. */
  const effects = (scalars: NodeScalars) => {
    const joined = concat(EFFECTS.map((effect) => scalars[effect]), 1);
    const [batch, ...rest] = scalars.directEffect.shape;
    return reshape(joined, [batch ?? 1, EFFECTS.length, ...rest]);
  };
  const sumOver = (layers: readonly NodeScalars[], axis: number) =>
    addAll(layers.toReversed().map((scalars) => reduceSum(effects(scalars), { axes: [axis] })));
  const pairs = sumOver(head, 2);
  return {
    "sum.mlp": sumOver(mlp, 3),
    "sum.byQuery": reduceSum(pairs, { axes: [3] }),
    "sum.byKey": reduceSum(pairs, { axes: [2] }),
  };
}

/** What the self-checks compare (`checks.ts`). */
function checkOutputs(scalars: QuestionScalars): Record<string, Value> {
  const rowSums = concat(scalars.head.map(({ activation: pattern }) => reduceSum(pattern, { axes: [3] })), 1);
  return {
    "check.biasEffect": scalars.biasEffect,
    "check.normBiasEffect": scalars.normBiasEffect,
    "check.residualEffect": scalars.residualEffect,
    "check.patternRowError": reduceMax(abs(shift(rowSums, -1))),
  };
}

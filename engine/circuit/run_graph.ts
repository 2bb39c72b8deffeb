/**
 * The graph of a run: everything that a debugger page shows, as one execution.
 *
 * Outputs: `objective` [batch], `logits` [batch, vocab], `residual` [batch, d_model] at the position, `checks` [batch, 3 + layer],
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

/** Sums over layers and units, token axes kept: `sum.EFFECT.mlp` and `sum.EFFECT.byQuery`, `…byKey`, each `[batch, token]`. */
function sumOutputs({ mlp, head }: QuestionScalars): Record<string, Value> {
  const outputs: Record<string, Value> = {};
  for (const effect of EFFECTS) {
    const of = (layers: readonly NodeScalars[], axis: number) =>
      addAll(layers.toReversed().map((scalars) => reduceSum(scalars[effect], { axes: [axis] })));
    const pairs = of(head, 1);
    outputs[`sum.${effect}.mlp`] = of(mlp, 2);
    outputs[`sum.${effect}.byQuery`] = reduceSum(pairs, { axes: [2] });
    outputs[`sum.${effect}.byKey`] = reduceSum(pairs, { axes: [1] });
  }
  return outputs;
}

/** What the self-checks compare (`checks.ts`). */
function checkOutputs(scalars: QuestionScalars): Record<string, Value> {
  const patterns = scalars.head.map(({ activation }) => activation);
  const rowErrors = patterns.map((pattern) =>
    reshape(reduceMax(abs(shift(reduceSum(pattern, { axes: [3] }), -1))), [1])
  );
  return {
    "check.biasEffect": scalars.biasEffect,
    "check.normBiasEffect": scalars.normBiasEffect,
    "check.residualEffect": scalars.residualEffect,
    "check.patternRowErrors": concat(rowErrors, 0),
  };
}

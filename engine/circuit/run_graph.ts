/**
 * The graph of a run: everything that a debugger page shows, as one execution.
 *
 * Outputs: `objective` [batch], `logits` [batch, vocab], `residual` [batch, d_model] at the position, what the checks compare, the
 * scalars of embeddings and errors, of every layer the chosen nodes (`selection.ts`) and sums of effects, and of every dictionary what it
 * is as a whole (`dictionary_sums.ts`).
 */
import { abs, addAll, shift } from "../onnx/elementwise.ts";
import { reduceMax, reduceSum } from "../onnx/linear.ts";
import { concat, reshape } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import type { Value } from "../onnx/value.ts";
import { latentKind } from "../model/dictionary.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { dictionaryOutputs } from "./dictionary_sums.ts";
import type { SpliceScalars } from "./latent_scalars.ts";
import type { NodeScalars, VectorScalars } from "./metrics.ts";
import { nodeScalars, type QuestionScalars } from "./node_scalars.ts";
import { buildQuestion, type QuestionGraph } from "./question_graph.ts";
import { errorKind } from "./refs.ts";
import { type RunKind, type RunParts, runParts } from "./run_parts.ts";
import { pairPenalty, selectLatents, selectNodes, tokenPenalty, topKInput } from "./selection.ts";

/** The two columns that add up over nodes. */
export const EFFECTS = ["directEffect", "totalEffect"] as const;
export type Effect = typeof EFFECTS[number];

export function buildRunGraph(model: ModelWeights, { basis, ...kind }: RunKind): GraphRequest {
  const parts = runParts(model, { basis, dictionaries: kind.dictionaries });
  const question = buildQuestion(model, kind, false);
  const scalars = nodeScalars(model, question);
  const { forward: { hooks } } = question;
  return {
    outputs: {
      objective: question.value,
      logits: question.logits,
      residual: question.residualAtPosition,
      ...checkOutputs(question, scalars),
      ...layerOutputs(question, scalars, parts),
      ...vectorOutputs("embed", scalars.embed),
      ...Object.assign(
        {},
        ...shownSplices(scalars, parts).map((splice) => vectorOutputs(errorOutput(splice), splice.error)),
      ),
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
  scalars: QuestionScalars,
  parts: RunParts,
): Record<string, Value> {
  const { mlp, head } = scalars;
  const penalties = { mlp: tokenPenalty(order), head: pairPenalty(order) };
  const latents = Map.groupBy(shownSplices(scalars, parts), ({ layer }) => layer);
  const outputs = mlp.flatMap((neurons, layer) => {
    const pairs = head[layer];
    if (pairs === undefined) throw new Error(`Internal: layer ${layer} has no heads`);
    const select = (kind: "mlp" | "head", nodes: NodeScalars) =>
      parts[kind].includes(layer) ? selectNodes({ kind, layer, k: topKInput(kind) }, nodes, penalties[kind]) : {};
    return [{
      ...Object.assign(
        {},
        ...(latents.get(layer) ?? []).toReversed().map((splice) => ({
          ...selectLatents({ kind: splice.kind, layer, k: topKInput(splice.kind) }, splice.latents, penalties.mlp),
          ...dictionaryOutputs(splice),
        })),
      ),
      ...select("mlp", neurons),
      ...select("head", pairs),
      [sumOutput("mlp", layer)]: reduceSum(effectsOf(neurons), { axes: [3] }),
      [sumOutput("byQuery", layer)]: reduceSum(effectsOf(pairs), { axes: [2, 4] }),
      [sumOutput("byKey", layer)]: reduceSum(effectsOf(pairs), { axes: [2, 3] }),
    }];
  });
  return Object.assign({}, ...outputs.toReversed());
}

/** The dictionaries whose latents are shown, with their scalars. */
function shownSplices({ splices }: QuestionScalars, { dictionaries }: RunParts): readonly SpliceScalars[] {
  const shown = new Set(
    dictionaries.map(({ detail }) => errorOutput({ kind: latentKind(detail), layer: detail.layer })),
  );
  return splices.filter((splice) => shown.has(errorOutput(splice)));
}

/** Prefix of the outputs of a dictionary's errors. */
export function errorOutput({ kind, layer }: Pick<SpliceScalars, "kind" | "layer">): string {
  return `${errorKind(kind)}.${layer}`;
}

function vectorOutputs(prefix: string, scalars: VectorScalars): Record<string, Value> {
  return Object.fromEntries(Object.entries(scalars).map(([metric, value]) => [`${prefix}.${metric}`, value]));
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
    // What changed latents add belongs to no neuron and no head.
    "check.biasEffect": addAll([
      scalars.biasEffect,
      ...scalars.splices.flatMap(({ changeEffect }) => changeEffect ?? []),
    ]),
    "check.normBiasEffect": scalars.normBiasEffect,
    "check.residualEffect": scalars.residualEffect,
    "check.patternRowError": reduceMax(abs(shift(rowSums, -1))),
  };
}

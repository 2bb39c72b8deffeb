/**
 * The part of a graph that every question shares: inputs, forward pass, read-out, objective and gradients.
 *
 * A question with several sides is one batch: each side is a row. Everything that may differ between questions of one kind
 * (tokens, position, choices, k) is fed, so that only the kind decides which graph is compiled.
 */
import { gradient } from "../autodiff/gradient.ts";
import { matMul, reduceSum } from "../onnx/linear.ts";
import { concat, expand, gather, gatherNd, reshape, unsqueeze } from "../onnx/shaping.ts";
import { graphInput, type Value } from "../onnx/value.ts";
import type { HookName } from "../model/hook_points.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { buildForward, type Forward, type ReadOut, readOut } from "../model/transformer.ts";
import type { ConcreteShape } from "../tensor/shape.ts";
import { float32, int64, type Tensor } from "../tensor/tensor.ts";
import { objectiveValue, type WeightedChoice } from "./objective.ts";
import type { ObjectiveKind } from "./run_spec.ts";

/** What decides the structure of a question's graph, whatever is asked of it. */
export interface QuestionKind {
  readonly objective: ObjectiveKind;
  readonly freezeFinalNorm: boolean;
}

/** One side, ready to be fed. */
export interface QuestionRow {
  readonly tokens: readonly number[];
  /** Token at which the objective is read; never negative. */
  readonly position: number;
  readonly choices: readonly WeightedChoice[];
}

/** The shared values of a question. */
export interface QuestionGraph {
  readonly forward: Forward;
  readonly readOut: ReadOut;
  /** J of every side: `[batch]` */
  readonly objective: Value;
  /** Logits at the position: `[batch, vocab]` */
  readonly logits: Value;
  /** The last residual at the position: `[batch, d_model]` */
  readonly residualAtPosition: Value;
  /** int64 `[batch, 1]`: the position of each side. */
  readonly position: Value;
  /** int64 `[batch, 2]`: row and position of each side. */
  readonly positionIndex: Value;
  /** int64 `[batch, 1]`: the last token of each side. */
  readonly lastToken: Value;
  /** ∂ΣJ/∂target: as the rows of a batch do not touch, each row is the gradient of its own J. */
  gradients(targets: readonly Value[]): readonly Value[];
}

/**
 * Builds the shared part.
 *
 * @param allPositions For tensors: read logits and the final norm out at every token, not only where the objective is read, and
 *   make the hook points of all norms.
 */
export function buildQuestion(model: ModelWeights, kind: QuestionKind, allPositions: boolean): QuestionGraph {
  const { architecture, weights } = model;
  const forward = buildForward(architecture, weights, { hookNorms: allPositions });
  const batchIndex = graphInput("batch_index", "int64", ["batch", 1]);
  const position = graphInput("position", "int64", ["batch", 1]);
  const positionIndex = concat([batchIndex, position], -1);
  const choiceIds = graphInput("choice_ids", "int64", ["batch", "choice"]);
  const choiceWeights = graphInput("choice_weights", "float32", ["batch", "choice"]);

  const residualAtPosition = gatherNd(forward.residual, positionIndex);
  const source = allPositions ? forward.residual : unsqueeze(residualAtPosition, 1);
  const read = readOut(source, { architecture, weights }, { freezeScale: kind.freezeFinalNorm });
  const logits = allPositions
    ? gatherNd(read.logits, positionIndex)
    : reshape(read.logits, ["batch", architecture.vocabularySize]);
  const choiceLogits = allPositions
    ? choose(logits, { batchIndex, choiceIds })
    : dotWithRows(read.output, gather(weights.unembedding, choiceIds));
  const objective = objectiveValue(kind.objective, { choiceLogits, choiceWeights, logits });
  return {
    forward,
    readOut: read,
    objective,
    logits,
    residualAtPosition,
    position,
    positionIndex,
    lastToken: graphInput("last_token", "int64", ["batch", 1]),
    gradients: (targets) => gradient(reduceSum(objective), targets),
  };
}

/** The values of every hook point, those of the read-out included when it covers all tokens. */
export function hooksOf({ forward, readOut: read }: QuestionGraph): ReadonlyMap<HookName, Value> {
  return new Map<HookName, Value>([
    ...forward.hooks,
    ["ln_final.hook_scale", read.scale],
    ["ln_final.hook_normalized", read.normalized],
    ["logits", read.logits],
  ]);
}

/** Feeds of the shared inputs. Shorter prompts are padded on the right with token 0. */
export function questionFeeds(rows: readonly QuestionRow[]): Record<string, Tensor> {
  const tokenCount = Math.max(...rows.map(({ tokens }) => tokens.length));
  const choiceCount = Math.max(...rows.map(({ choices }) => choices.length));
  const padded = <T>(items: readonly T[], count: number, filler: T) =>
    Array.from({ length: count }, (_, i) => items[i] ?? filler);
  const column: ConcreteShape = [rows.length, 1];
  return {
    tokens: int64([rows.length, tokenCount], rows.flatMap(({ tokens }) => padded(tokens, tokenCount, 0))),
    positions: int64([tokenCount], Array.from({ length: tokenCount }, (_, index) => index)),
    batch_index: int64(column, rows.map((_, index) => index)),
    position: int64(column, rows.map((row) => row.position)),
    last_token: int64(column, rows.map(({ tokens }) => tokens.length - 1)),
    choice_ids: int64(
      [rows.length, choiceCount],
      rows.flatMap(({ choices }) => padded(choices.map(({ id }) => id), choiceCount, 0)),
    ),
    choice_weights: float32(
      [rows.length, choiceCount],
      rows.flatMap(({ choices }) => padded(choices.map(({ weight }) => weight), choiceCount, 0)),
    ),
  };
}

/** Logits of the choices, picked from all logits: `[batch, vocab]` at `[batch, choice]`. */
function choose(
  logits: Value,
  { batchIndex, choiceIds }: { readonly batchIndex: Value; readonly choiceIds: Value },
): Value {
  const ids = unsqueeze(choiceIds, -1);
  return gatherNd(logits, concat([expand(unsqueeze(batchIndex, 1), ids.shape), ids], -1));
}

/**
 * Logits of the choices without those of the whole vocabulary, so that the gradient needs only a few rows of W_U.
 *
 * @param output The final norm's output at the position: `[batch, 1, d_model]`
 * @param rows Their rows of the unembedding: `[batch, choice, d_model]`
 */
function dotWithRows(output: Value, rows: Value): Value {
  return reshape(matMul(output, rows, { transB: true }), rows.shape.slice(0, 2));
}

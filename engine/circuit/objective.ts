/**
 * The objective J of a question, as a graph: what the prediction is measured by (`reference-semantics.md` §3.2).
 *
 * With t the targets, d the distractors and ℓ the logits at the chosen position:
 *   logit-diff = mean ℓ[t] − mean ℓ[d]   (without distractors: mean ℓ[t])
 *   logit      = mean ℓ[t] − mean ℓ
 *   log-prob   = mean (ℓ[t] − log Σ exp ℓ)
 *   prob       = Σ softmax(ℓ)[t]
 * The weights of the choices (1/|t|, −1/|d|, …) are fed, so that other tokens need no other graph.
 */
import { add, exp, log, mul, stopGradient, sub } from "../onnx/elementwise.ts";
import { reduceMax, reduceMean, reduceSum } from "../onnx/linear.ts";
import type { Value } from "../onnx/value.ts";
import type { ObjectiveKind } from "./run_spec.ts";

/** A target or distractor with its weight in the objective. */
export interface WeightedChoice {
  readonly id: number;
  readonly weight: number;
}

/** The choices of one side under an objective. */
export function weightedChoices(
  kind: ObjectiveKind,
  targets: readonly number[],
  distractors: readonly number[],
): readonly WeightedChoice[] {
  const targetWeight = kind === "prob" ? 1 : 1 / targets.length;
  return [
    ...targets.map((id) => ({ id, weight: targetWeight })),
    ...distractors.map((id) => ({ id, weight: -1 / distractors.length })),
  ];
}

export interface ObjectiveParts {
  /** Logits of the choices: `[batch, choice]` */
  readonly choiceLogits: Value;
  /** `[batch, choice]` */
  readonly choiceWeights: Value;
  /** All logits at the position: `[batch, vocab]` */
  readonly logits: Value;
}

/** J of every side: `[batch]`. */
export function objectiveValue(kind: ObjectiveKind, { choiceLogits, choiceWeights, logits }: ObjectiveParts): Value {
  const weighted = (values: Value) => reduceSum(mul(values, choiceWeights), { axes: [-1] });
  switch (kind) {
    case "logit-diff":
      return weighted(choiceLogits);
    case "logit":
      return sub(weighted(choiceLogits), reduceMean(logits, { axes: [-1] }));
    case "log-prob":
      return weighted(sub(choiceLogits, logSumExp(logits)));
    case "prob":
      return weighted(exp(sub(choiceLogits, logSumExp(logits))));
  }
}

/** log Σ exp along the last axis, which stays as 1. The subtracted maximum cancels, so it may be a constant. */
function logSumExp(logits: Value): Value {
  const max = stopGradient(reduceMax(logits, { axes: [-1], keepDims: true }));
  return add(max, log(reduceSum(exp(sub(logits, max)), { axes: [-1], keepDims: true })));
}

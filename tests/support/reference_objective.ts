/** What a run is asked about: one number read from the logits of one token. */
import { at, sum } from "./reference_arithmetic.ts";

/**
 * - `logit-diff`: mean target logit − mean distractor logit (without distractors: the mean target logit)
 * - `logit`: mean target logit − mean of all logits
 * - `log-prob`: mean log-probability of the targets
 * - `prob`: summed probability of the targets
 */
export type RefObjectiveKind = "logit-diff" | "logit" | "log-prob" | "prob";

export interface RefObjective {
  readonly kind: RefObjectiveKind;
  readonly targets: readonly number[];
  readonly distractors?: readonly number[];
  /** Token at which the objective is read; negative counts from the end. Default: -1. */
  readonly position?: number;
}

/** The objective's value from one row of logits, and its gradient there. */
export function readObjective(
  logits: Float64Array,
  { kind, targets, distractors = [] }: RefObjective,
): { value: number; gradient: Float64Array } {
  const meanOf = (read: (id: number) => number, ids: readonly number[]) =>
    ids.length === 0 ? 0 : sum(ids.length, (i) => read(at(ids, i))) / ids.length;
  const shareOf = (ids: readonly number[], id: number) =>
    ids.length === 0 ? 0 : ids.filter((other) => other === id).length / ids.length;
  const largest = Math.max(...logits);
  const total = sum(logits.length, (id) => Math.exp(at(logits, id) - largest));
  const prob = (id: number) => Math.exp(at(logits, id) - largest) / total;
  const meanTarget = meanOf((id) => at(logits, id), targets);
  switch (kind) {
    case "logit-diff":
      return {
        value: meanTarget - meanOf((id) => at(logits, id), distractors),
        gradient: logits.map((_, id) => shareOf(targets, id) - shareOf(distractors, id)),
      };
    case "logit":
      return {
        value: meanTarget - sum(logits.length, (id) => at(logits, id)) / logits.length,
        gradient: logits.map((_, id) => shareOf(targets, id) - 1 / logits.length),
      };
    case "log-prob":
      return {
        value: meanTarget - largest - Math.log(total),
        gradient: logits.map((_, id) => shareOf(targets, id) - prob(id)),
      };
    case "prob": {
      const value = meanOf(prob, targets) * targets.length;
      return { value, gradient: logits.map((_, id) => prob(id) * (shareOf(targets, id) * targets.length - value)) };
    }
  }
}

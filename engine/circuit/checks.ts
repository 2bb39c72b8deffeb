/**
 * The checks that every run carries (`design.md` §3.7): identities that hold if the numbers are right, with what was measured.
 *
 * 1. Direct effects of all nodes, of the output biases and of the final norm's bias add up to the objective, where J is
 *    linear in the last residual (logit-diff and logit with the final norm's scale frozen). Otherwise effects are first-order
 *    and add up to ⟨last residual, ∂J/∂residual⟩, which is what is compared then; while tracing, with the residual in front
 *    of the traced node.
 * 2. The lens of the last layer equals the logits: the final norm and the unembedding rows of the tokens in question are
 *    applied to the last residual once more, in float64, outside ONNX Runtime.
 * 3. Each row of each attention pattern adds up to 1, before interventions.
 */
import type { LanguageModel } from "../model/language_model.ts";
import type { RunNumbers, RunQuestion } from "./questions.ts";
import type { Check } from "./run_result.ts";

/** Relative tolerance of sums over very many float32 terms. */
const SUM_TOLERANCE = 1e-3;
const LENS_TOLERANCE = 1e-4;
const ROW_TOLERANCE = 1e-5;

/** Runs every check on the numbers of a run. */
export async function checkRun(
  model: LanguageModel,
  question: RunQuestion,
  numbers: RunNumbers,
): Promise<readonly Check[]> {
  return [
    directEffectsCheck(question, numbers),
    await lensCheck(model, question, numbers),
    check("attention rows sum to 1", numbers.checks.patternRowError, ROW_TOLERANCE),
  ];
}

function directEffectsCheck({ objective, freezeFinalNorm, rows, trace }: RunQuestion, numbers: RunNumbers): Check {
  const isLinear = trace === null && freezeFinalNorm && (objective === "logit-diff" || objective === "logit");
  const { biasEffect, normBiasEffect, residualEffect } = numbers.checks;
  const { mlp, byQuery } = numbers.sums.directEffect;
  const differences = rows.map((_, side) => {
    const nodes = sum(mlp[side]) + sum(byQuery[side]) + sum(numbers.embed.directEffect[side]) +
      (biasEffect[side] ?? NaN);
    return isLinear
      ? { found: nodes + (normBiasEffect[side] ?? NaN), expected: numbers.objective[side] ?? NaN }
      : { found: nodes, expected: residualEffect[side] ?? NaN };
  });
  const scale = Math.max(1, ...differences.map(({ expected }) => Math.abs(expected)));
  return check(
    isLinear
      ? "direct effects and biases sum to the objective"
      : `direct effects and biases sum to the ${trace === null ? "last" : "traced node's"} residual's effect`,
    Math.max(...differences.map(({ found, expected }) => Math.abs(found - expected))),
    SUM_TOLERANCE * scale,
  );
}

async function lensCheck(
  model: LanguageModel,
  { rows }: RunQuestion,
  { logits, residual }: RunNumbers,
): Promise<Check> {
  const { checkpoint, outputNames, architecture: { normEpsilon } } = model;
  const gain = await checkpoint.row(outputNames.gain, 0);
  const bias = await checkpoint.row(outputNames.bias, 0);
  let difference = 0;
  let largest = 1;
  for (const [side, { choices }] of rows.entries()) {
    const normed = layerNorm(residual[side] ?? new Float32Array(), { gain, bias, epsilon: normEpsilon });
    for (const id of new Set(choices.map((choice) => choice.id))) {
      const row = await checkpoint.row(outputNames.unembedding, id);
      const logit = logits[side]?.find((score) => score.id === id)?.logit ?? NaN;
      difference = Math.max(
        difference,
        Math.abs(normed.reduce((total, x, i) => total + x * (row[i] ?? NaN), 0) - logit),
      );
      largest = Math.max(largest, Math.abs(logit));
    }
  }
  return check("the last layer's lens equals the logits", difference, LENS_TOLERANCE * largest);
}

interface Norm {
  readonly gain: Float64Array;
  readonly bias: Float64Array;
  readonly epsilon: number;
}

function layerNorm(x: Float32Array, { gain, bias, epsilon }: Norm): Float64Array {
  const wide = Float64Array.from(x);
  const mean = wide.reduce((total, value) => total + value, 0) / wide.length;
  const variance = wide.reduce((total, value) => total + (value - mean) ** 2, 0) / wide.length;
  return wide.map((value, i) => (value - mean) / Math.sqrt(variance + epsilon) * (gain[i] ?? NaN) + (bias[i] ?? NaN));
}

/** A NaN difference is a failed check. */
function check(name: string, difference: number, tolerance: number): Check {
  return { name, ok: difference <= tolerance, difference, tolerance };
}

function sum(values: readonly number[] = []): number {
  return values.reduce((total, value) => total + value, 0);
}

/** From predicted values, 0 to 10, to a component's own scale. What is fitted is fitted on sequences of its own. */
import type { SimulatedSequence } from "./simulation_scores.ts";

/**
 * - `none`: 10 is the component's largest value, as the explainer was told
 * - `linear`: least squares
 * - `percentile`: the k-th smallest prediction becomes the k-th smallest value
 */
export const CALIBRATIONS = ["none", "linear", "percentile"] as const;
export type CalibrationName = typeof CALIBRATIONS[number];

export type Calibration = (predicted: number) => number;

/** Prediction of the component's largest value. */
export const FULL_SCALE = 10;

/** @param largest The component's largest value in what the explainer saw */
export function fitCalibration(
  name: CalibrationName,
  { sequences, largest }: { readonly sequences: readonly SimulatedSequence[]; readonly largest: number },
): Calibration {
  const truth = sequences.flatMap((sequence) => sequence.truth);
  const simulated = sequences.flatMap((sequence) => sequence.simulated);
  if (name === "none" || truth.length === 0) return (predicted) => predicted * largest / FULL_SCALE;
  return name === "linear" ? fitLine(simulated, truth) : matchPercentiles(simulated, truth);
}

/** A prediction that is the same everywhere becomes the mean. */
function fitLine(simulated: readonly number[], truth: readonly number[]): Calibration {
  const count = truth.length;
  const meanX = simulated.reduce((sum, x) => sum + x, 0) / count;
  const meanY = truth.reduce((sum, y) => sum + y, 0) / count;
  let [xx, xy] = [0, 0];
  simulated.forEach((x, i) => {
    xx += (x - meanX) ** 2;
    xy += (x - meanX) * ((truth[i] ?? 0) - meanY);
  });
  const slope = xx === 0 ? 0 : xy / xx;
  return (predicted) => meanY + slope * (predicted - meanX);
}

/** Linear between the predictions that were seen; equal ones share the mean of their places. */
function matchPercentiles(simulated: readonly number[], truth: readonly number[]): Calibration {
  const [xs, ys] = [simulated, truth].map((values) => values.toSorted((a, b) => a - b));
  const knots: { readonly x: number; readonly y: number }[] = [];
  for (let from = 0; from < simulated.length;) {
    const x = xs?.[from] ?? 0;
    let [to, sum] = [from, 0];
    for (; to < simulated.length && xs?.[to] === x; to++) sum += ys?.[to] ?? 0;
    knots.push({ x, y: sum / (to - from) });
    from = to;
  }
  return (predicted) => {
    const above = knots.findIndex(({ x }) => x >= predicted);
    const right = above === -1 ? knots.at(-1) : knots[above];
    const left = above <= 0 ? right : knots[above - 1];
    if (right === undefined || left === undefined) return 0;
    if (left === right || right.x === left.x) return right.y;
    return left.y + (right.y - left.y) * (predicted - left.x) / (right.x - left.x);
  };
}

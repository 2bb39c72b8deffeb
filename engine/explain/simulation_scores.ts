/**
 * How well predicted values follow a component's own. All three measures are 1 for a perfect prediction and 0 for one that is the same
 * everywhere, as long as that is the value which such a prediction does best with.
 */
import { bootstrapInterval, type Interval } from "./bootstrap.ts";

/** One sequence: a component's values at its places (tokens, or pairs), and those that an explanation predicts, in the same order. */
export interface SimulatedSequence {
  readonly truth: readonly number[];
  readonly simulated: readonly number[];
}

/** A score, and the interval in which it lies when other sequences had been drawn. */
export interface Estimate {
  readonly value: number;
  /** Null with too few sequences for one. */
  readonly interval: Interval | null;
}

export interface SimulationMeasures {
  /** Pearson's correlation; 0 if the prediction is the same everywhere. */
  readonly correlation: Estimate;
  /** 1 − Σ(y − s)² / Σ(y − ȳ)²; below 0 if the mean predicts better. */
  readonly rSquared: Estimate;
  /** 1 − Σ|y − s| / Σ|y − median|; below 0 if the median predicts better. */
  readonly absoluteDeviation: Estimate;
}

/** Sums over one sequence, taken around the means of all: they add up, and lose nothing to large numbers. */
interface Sums {
  readonly n: number;
  readonly x: number;
  readonly y: number;
  readonly xx: number;
  readonly yy: number;
  readonly xy: number;
  readonly squares: number;
  readonly distances: number;
  readonly spread: number;
}

/** Below this share of the values' own size, a variance is rounding. */
const ROUNDING = 1e-12;

/** Pearson's correlation without an interval. Null if the component has the same value everywhere. */
export function correlation(sequences: readonly SimulatedSequence[]): number | null {
  return correlationOf(addedUp(partsOf(sequences)));
}

/** Null if the component has the same value everywhere: there is nothing to explain. */
export function simulationMeasures(sequences: readonly SimulatedSequence[]): SimulationMeasures | null {
  const parts = partsOf(sequences);
  const estimate = (measure: (sums: Sums) => number | null): Estimate | null => {
    const value = measure(addedUp(parts));
    if (value === null) return null;
    const interval = bootstrapInterval(
      [parts.length],
      ([drawn = []]) => measure(addedUp(drawn.flatMap((unit) => parts[unit] ?? []))),
    );
    return { value, interval };
  };
  const measured = [correlationOf, rSquaredOf, absoluteDeviationOf].map(estimate);
  const [pearson, rSquared, absoluteDeviation] = measured;
  return pearson && rSquared && absoluteDeviation ? { correlation: pearson, rSquared, absoluteDeviation } : null;
}

function partsOf(sequences: readonly SimulatedSequence[]): readonly Sums[] {
  const truth = sequences.flatMap((sequence) => sequence.truth);
  const simulated = sequences.flatMap((sequence) => sequence.simulated);
  if (truth.length !== simulated.length) {
    throw new TypeError(`Expected as many predicted values as values, got ${simulated.length} for ${truth.length}`);
  }
  const centres = { x: meanOf(simulated), y: meanOf(truth), median: medianOf(truth) };
  return sequences.map((sequence) => sumsOf(sequence, centres));
}

function sumsOf(
  { truth, simulated }: SimulatedSequence,
  centres: { readonly x: number; readonly y: number; readonly median: number },
): Sums {
  let [x, y, xx, yy, xy, squares, distances, spread] = [0, 0, 0, 0, 0, 0, 0, 0];
  truth.forEach((value, i) => {
    const predicted = simulated[i] ?? 0;
    const [dx, dy] = [predicted - centres.x, value - centres.y];
    x += dx;
    y += dy;
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
    squares += (value - predicted) ** 2;
    distances += Math.abs(value - predicted);
    spread += Math.abs(value - centres.median);
  });
  return { n: truth.length, x, y, xx, yy, xy, squares, distances, spread };
}

function addedUp(parts: readonly Sums[]): Sums {
  const total = { n: 0, x: 0, y: 0, xx: 0, yy: 0, xy: 0, squares: 0, distances: 0, spread: 0 };
  for (const part of parts) {
    total.n += part.n;
    total.x += part.x;
    total.y += part.y;
    total.xx += part.xx;
    total.yy += part.yy;
    total.xy += part.xy;
    total.squares += part.squares;
    total.distances += part.distances;
    total.spread += part.spread;
  }
  return total;
}

function correlationOf({ n, x, y, xx, yy, xy }: Sums): number | null {
  if (n === 0) return null;
  const [varianceX, varianceY] = [xx - x * x / n, yy - y * y / n];
  if (varianceY <= ROUNDING * yy) return null;
  if (varianceX <= ROUNDING * xx) return 0;
  return Math.max(-1, Math.min(1, (xy - x * y / n) / Math.sqrt(varianceX * varianceY)));
}

function rSquaredOf({ n, y, yy, squares }: Sums): number | null {
  const variance = n === 0 ? 0 : yy - y * y / n;
  return variance <= ROUNDING * yy ? null : 1 - squares / variance;
}

function absoluteDeviationOf({ distances, spread }: Sums): number | null {
  return spread === 0 ? null : 1 - distances / spread;
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}

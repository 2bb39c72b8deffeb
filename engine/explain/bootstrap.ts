/**
 * Confidence intervals by resampling: whole sequences are drawn, with replacement, because the values within one hang together. Draws follow
 * from a seed, so the same score always has the same interval.
 */
import { hashOf } from "../tensor/random.ts";

/** Draws of an interval. */
const RESAMPLES = 1000;
/** Share of the draws that lie within. */
const LEVEL = 0.95;
const SEED = 9001;

/** Ends of a 95 % interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Percentile interval of a statistic (Efron 1979).
 *
 * @param groups How many units each group has; as many are drawn of each
 * @param statistic Of the units drawn, group by group; they may repeat. Null where it has no value on them
 * @returns Null if no group has two units, or if most draws have no value
 */
export function bootstrapInterval(
  groups: readonly number[],
  statistic: (drawn: readonly (readonly number[])[]) => number | null,
): Interval | null {
  if (!groups.some((size) => size > 1)) return null;
  const values: number[] = [];
  for (let draw = 0; draw < RESAMPLES; draw++) {
    const value = statistic(groups.map((size, group) => drawnUnits(size, hashOf(SEED + group, draw))));
    if (value !== null) values.push(value);
  }
  if (values.length < RESAMPLES / 2) return null;
  values.sort((a, b) => a - b);
  const tail = (1 - LEVEL) / 2;
  return { low: quantileOf(values, tail), high: quantileOf(values, 1 - tail) };
}

function drawnUnits(size: number, seed: number): readonly number[] {
  return Array.from({ length: size }, (_, i) => Math.floor(hashOf(seed, i) / 2 ** 32 * size));
}

/** Linear between the two values beside the place. */
function quantileOf(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const [below = 0, above = below] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

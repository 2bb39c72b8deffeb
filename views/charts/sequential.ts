/** Sequential colour by class, for values without a sign: 11 steps, `seq-0` … `seq-10`. */

/** Steps above zero. */
export const SEQUENTIAL_STEPS = 10;

/** The smallest probability, as a power of ten, that has a shade. */
const LOWEST_POWER = -5;

/** The class of a value on a scale from 0 to `largest`. Monotone in the value. */
export function sequentialClass(value: number, largest: number): string {
  if (!(largest > 0) || !(value > 0)) return "seq-0";
  return `seq-${Math.min(SEQUENTIAL_STEPS, Math.round(value / largest * SEQUENTIAL_STEPS))}`;
}

/**
 * The class of a probability, given its natural logarithm, on a logarithmic scale: two steps for each power of ten. On a linear one,
 * everything below 5% would look alike, and a lens is about how a target rises from there.
 */
export function probabilityClass(logProb: number): string {
  const power = logProb / Math.LN10;
  const share = 1 - power / LOWEST_POWER;
  return sequentialClass(share, 1);
}

/** The ends of that scale in words. */
export function probabilityScaleEnds(): readonly [string, string] {
  return [`${10 ** (LOWEST_POWER + 2)}% or less`, "100%"];
}

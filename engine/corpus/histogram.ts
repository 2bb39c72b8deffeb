/**
 * Bins that are the same for every component, so that histograms merge by addition: two an octave (edges 1, 1.5, 2, 3, …) from 2^−8 to 2^8
 * on both sides of zero, and one bin around zero. The bin of a number is read from its bits.
 */

/** Bins of one side. */
const SIDE = 32;
/** Exponent and upper mantissa bit of 2^−8 as a float32, where the bins of one side begin. */
const FIRST_HALF_OCTAVE = (127 - 8) * 2;

/** Bins of a histogram. */
export const BIN_COUNT = 2 * SIDE + 1;

const POSITIVE_EDGES = Array.from(
  { length: SIDE + 1 },
  (_, i) => 2 ** (Math.floor(i / 2) - 8) * (i % 2 === 0 ? 1 : 1.5),
);

/** Edges of the bins, rising; the first and the last bin are open outwards. */
export const BIN_EDGES: readonly number[] = [...POSITIVE_EDGES.map((edge) => -edge).reverse(), ...POSITIVE_EDGES];

/** Bits of a float32 below those of its half octave. */
const MANTISSA_BITS = 22;
/** Half octaves of one sign: what is left of a float32's bits beside the sign. */
const HALF_OCTAVES = 2 ** (31 - MANTISSA_BITS);

/** Bins by half octave, from the largest negative one up. */
const BIN_OF_HALF_OCTAVE = Uint8Array.from({ length: 2 * HALF_OCTAVES }, (_, i) => {
  const halfOctave = i - HALF_OCTAVES;
  const isNegative = halfOctave < 0;
  // −1 is what lies below zero and above the smallest half octave: it mirrors 0.
  const distance = (isNegative ? -1 - halfOctave : halfOctave) - FIRST_HALF_OCTAVE + 1;
  const clamped = Math.min(SIDE, Math.max(0, distance));
  return SIDE + (isNegative ? -clamped : clamped);
});

/**
 * The bin of a number, without a branch: the sweep asks for every activation.
 *
 * @param bits Of a finite float32, read as an integer
 */
export function binOf(bits: number): number {
  const sign = bits >> 31;
  // As a whole number that rises with the float: −0 is 0, and a negative number on an edge belongs above it.
  const rank = ((bits & 0x7fffffff) ^ sign) - sign;
  return BIN_OF_HALF_OCTAVE[(rank >> MANTISSA_BITS) + HALF_OCTAVES] ?? 0;
}

/** Counts of one component with the range that its values really have. */
export interface Counts {
  readonly counts: ArrayLike<number>;
  readonly min: number;
  readonly max: number;
}

/** The value below which a share of the values lies, linear within its bin. */
export function quantile(share: number, { counts, min, max }: Counts): number {
  const total = Array.from(counts).reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    const count = counts[bin] ?? 0;
    if (count > 0 && below + count >= share * total) {
      const [from, to] = binRange(bin, min, max);
      return from + (to - from) * (share * total - below) / count;
    }
    below += count;
  }
  return max;
}

/** The share of the values above a bound, linear within the bound's bin. */
export function shareAbove(bound: number, { counts, min, max }: Counts): number {
  let [above, total] = [0, 0];
  for (let bin = 0; bin < counts.length; bin++) {
    const count = counts[bin] ?? 0;
    total += count;
    const [from, to] = binRange(bin, min, max);
    if (from >= bound) above += count;
    else if (to > bound) above += count * (to - bound) / (to - from);
  }
  return total === 0 ? 0 : above / total;
}

/** Where the values of a bin can lie: between its edges, as far as there are values at all. */
function binRange(bin: number, min: number, max: number): readonly [from: number, to: number] {
  const from = bin === 0 ? min : Math.max(min, BIN_EDGES[bin] ?? min);
  const to = bin === BIN_COUNT - 1 ? max : Math.min(max, BIN_EDGES[bin + 1] ?? max);
  return [from, Math.max(from, to)];
}

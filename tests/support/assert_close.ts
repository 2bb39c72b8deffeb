/** Comparison of tensors with a message that names the worst entry. */
import { AssertionError } from "node:assert/strict";

/** How far apart two entries may be: the largest of the three allowances counts. All are 0 by default. */
export interface CloseOptions {
  /** What is compared; stands first in the message. */
  readonly label: string;
  /** Allowed difference, in the tensor's own unit. */
  readonly absolute?: number;
  /** Allowed difference as a share of `maxAbs`. */
  readonly relative?: number;
  /** Size that `relative` refers to; default: the largest finite |expected|. */
  readonly maxAbs?: number;
}

/**
 * Asserts that two arrays agree entry by entry. Infinities must match exactly, and a NaN on either side fails.
 * @throws {AssertionError} naming the label, the worst index, both values there and the largest difference.
 */
export function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, options: CloseOptions): void {
  const { label, absolute = 0, relative = 0, maxAbs = relative === 0 ? 0 : largestFinite(expected) } = options;
  if (actual.length !== expected.length) {
    throw new AssertionError({
      message: `${label}: expected ${expected.length} entries but found ${actual.length}`,
      actual: actual.length,
      expected: expected.length,
    });
  }
  const allowed = Math.max(absolute, relative * maxAbs);
  const { index, difference, failures } = worstDifference(actual, expected, allowed);
  if (failures === 0) return;
  throw new AssertionError({
    message: `${label}: ${failures} of ${expected.length} entries differ by more than ${allowed.toExponential(2)}; ` +
      `worst at [${index}]: found ${actual[index]}, expected ${expected[index]} ` +
      `(max difference ${difference.toExponential(2)})`,
    actual: actual[index],
    expected: expected[index],
  });
}

function worstDifference(actual: ArrayLike<number>, expected: ArrayLike<number>, allowed: number) {
  let [index, difference, failures] = [0, 0, 0];
  for (let at = 0; at < expected.length; at++) {
    const [found, wanted] = [actual[at] ?? NaN, expected[at] ?? NaN];
    const here = differenceOf(found, wanted);
    if (here > allowed) failures++;
    if (here > difference) [index, difference] = [at, here];
  }
  return { index, difference, failures };
}

/** |found − wanted|, infinite where no allowance can make the two equal. */
function differenceOf(found: number, wanted: number): number {
  if (Number.isFinite(found) && Number.isFinite(wanted)) return Math.abs(found - wanted);
  return found === wanted ? 0 : Infinity;
}

function largestFinite(values: ArrayLike<number>): number {
  let largest = 0;
  for (let at = 0; at < values.length; at++) {
    const size = Math.abs(values[at] ?? 0);
    if (Number.isFinite(size) && size > largest) largest = size;
  }
  return largest;
}

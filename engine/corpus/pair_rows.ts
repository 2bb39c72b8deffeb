/** Values of token pairs as published files have them: rows of a lower triangle one after the other, `[query][key]`. */

/**
 * How many values each query's row has: one more than the row before, until rows stop growing where the window of keys is capped.
 *
 * @returns Null if no window has this many values
 */
export function pairRowLengths(tokenCount: number, valueCount: number): readonly number[] | null {
  // Rows that do not grow lack 1, 2, 3, … values of the whole triangle's: how many there are follows from the sum of what is missing.
  const missing = tokenCount * (tokenCount + 1) / 2 - valueCount;
  const capped = (Math.sqrt(1 + 8 * missing) - 1) / 2;
  if (!Number.isInteger(capped) || capped >= tokenCount) return null;
  return Array.from({ length: tokenCount }, (_, query) => Math.min(query + 1, tokenCount - capped));
}

/** Values cut into rows. */
export function cutIntoRows(values: readonly number[], lengths: readonly number[]): readonly (readonly number[])[] {
  let end = 0;
  return lengths.map((length) => values.slice(end, end += length));
}

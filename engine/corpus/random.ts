/** Samples that are the same on every machine. */
import { hashOf } from "../tensor/random.ts";

/** Some of 0..count − 1, in the order of their hashes: the first of them are a sample too. */
export function sampleOf(count: number, size: number, seed: number): readonly number[] {
  const hashes = Array.from({ length: count }, (_, index) => ({ index, hash: hashOf(seed, index) }));
  hashes.sort((a, b) => a.hash - b.hash || a.index - b.index);
  return hashes.slice(0, size).map(({ index }) => index);
}

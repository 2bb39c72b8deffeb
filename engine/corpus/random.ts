/** Numbers that look random and are the same on every machine: samples and made-up sequences must not change from run to run. */

/** A hash of two whole numbers, 0..2³² − 1 (the finaliser of MurmurHash3; Appleby 2011). */
export function hashOf(seed: number, index: number): number {
  let bits = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index, 0x85ebca77)) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** Some of 0..count − 1, in the order of their hashes: the first of them are a sample too. */
export function sampleOf(count: number, size: number, seed: number): readonly number[] {
  const hashes = Array.from({ length: count }, (_, index) => ({ index, hash: hashOf(seed, index) }));
  hashes.sort((a, b) => a.hash - b.hash || a.index - b.index);
  return hashes.slice(0, size).map(({ index }) => index);
}

/** Numbers that look random and are the same on every machine: what is drawn must not change from run to run. */

/** A hash of two whole numbers, 0..2³² − 1 (the finaliser of MurmurHash3; Appleby 2011). */
export function hashOf(seed: number, index: number): number {
  let bits = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index, 0x85ebca77)) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** A number in [0, 1). */
export function uniformOf(seed: number, index: number): number {
  return hashOf(seed, index) / 2 ** 32;
}

/** 0..count − 1 in some order (the shuffle of Fisher and Yates). */
export function permutationOf(count: number, seed: number): Uint32Array<ArrayBuffer> {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = hashOf(seed, last) % (last + 1);
    const moved = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = moved;
  }
  return order;
}

/** Numbers of the standard normal distribution (Box and Muller 1958). */
export function normalNumbers(count: number, seed: number): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: count }, (_, index) => {
    // 1 − u is never 0.
    const radius = Math.sqrt(-2 * Math.log(1 - uniformOf(seed, 2 * index)));
    return radius * Math.cos(2 * Math.PI * uniformOf(seed, 2 * index + 1));
  });
}

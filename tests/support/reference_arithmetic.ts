/** Float64 arithmetic for the reference transformer, in row-major arrays. */

const GELU_FACTOR = Math.sqrt(2 / Math.PI);

/** The tanh form that GPT-2 uses. */
export function gelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(GELU_FACTOR * (x + 0.044715 * x ** 3)));
}

/** Its derivative. */
export function geluSlope(x: number): number {
  const t = Math.tanh(GELU_FACTOR * (x + 0.044715 * x ** 3));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t ** 2) * GELU_FACTOR * (1 + 3 * 0.044715 * x ** 2);
}

/** Softmax of `[query, key, head]` over keys. */
export function softmaxOverKeys(scores: Float64Array, n: number, heads: number): Float64Array {
  return pairs(n, heads, (query, key, head) => {
    const score = (other: number) => at(scores, (query * n + other) * heads + head);
    let largest = -Infinity;
    for (let other = 0; other < n; other++) largest = Math.max(largest, score(other));
    return Math.exp(score(key) - largest) / sum(n, (other) => Math.exp(score(other) - largest));
  });
}

/** P · (gP − Σ over keys of P · gP), with P taken from the scores: the recorded pattern may hold overwritten entries. */
export function softmaxBackward(gPattern: Float64Array, scores: Float64Array, heads: number): Float64Array {
  const n = Math.sqrt(scores.length / heads);
  const pattern = softmaxOverKeys(scores, n, heads);
  return pairs(n, heads, (query, key, head) => {
    const offset = (other: number) => (query * n + other) * heads + head;
    const mean = sum(n, (other) => at(pattern, offset(other)) * at(gPattern, offset(other)));
    return at(pattern, offset(key)) * (at(gPattern, offset(key)) - mean);
  });
}

/** Sizes of a matrix. */
export type Widths = readonly [inWidth: number, outWidth: number];

/** `[row, in]` times `[in, out]`. */
export function times(x: Float64Array, matrix: ArrayLike<number>, [inWidth, outWidth]: Widths): Float64Array {
  return table(
    x.length / inWidth,
    outWidth,
    (row, column) => sum(inWidth, (i) => at(x, row * inWidth + i) * at(matrix, i * outWidth + column)),
  );
}

/** `[row, out]` times the transpose of `[in, out]`. */
export function timesTransposed(
  x: Float64Array,
  matrix: ArrayLike<number>,
  [inWidth, outWidth]: Widths,
): Float64Array {
  return table(
    x.length / outWidth,
    inWidth,
    (row, column) => sum(outWidth, (i) => at(x, row * outWidth + i) * at(matrix, column * outWidth + i)),
  );
}

/** Each row minus its mean; its own transpose, so the backward pass uses it too. */
export function centre(x: Float64Array, rows: number, width: number): Float64Array {
  return table(
    rows,
    width,
    (row, column) => at(x, row * width + column) - sum(width, (i) => at(x, row * width + i)) / width,
  );
}

/** Entry by entry. */
export function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + at(b, i));
}

/** `[row, column]` from a function of both. */
export function table(rows: number, columns: number, entry: (row: number, column: number) => number): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, i) => entry(Math.floor(i / columns), i % columns));
}

/** `[query, key, head]` from a function of the three. */
export function pairs(
  n: number,
  heads: number,
  entry: (query: number, key: number, head: number) => number,
): Float64Array {
  return table(n * n, heads, (pair, head) => entry(Math.floor(pair / n), pair % n, head));
}

/** Σ term(index) for 0 ≤ index < count. */
export function sum(count: number, term: (index: number) => number): number {
  let total = 0;
  for (let index = 0; index < count; index++) total += term(index);
  return total;
}

/** The entry at an index. @throws {RangeError} if there is none. */
export function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`Expected an index below ${values.length} but found ${index}`);
  return value;
}

/** The entry of that name. @throws {RangeError} if there is none. */
export function found<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new RangeError(`Expected "${name}" among ${[...map.keys()].join(", ")}`);
  return value;
}

/**
 * How components are related by their weights, in float64 and by the definitions: whole matrices of d_model × d_model are multiplied out,
 * centring is a matrix too. It shares no code with the engine.
 */
import type { RefConfig, RefWeights } from "./reference_transformer.ts";

/** Rows of numbers. */
export type Matrix = readonly (readonly number[])[];

/** What a head does, as matrices that a row vector is multiplied with. */
export interface HeadMatrices {
  readonly ov: Matrix;
  readonly qk: Matrix;
}

export class ReferenceRelations {
  readonly #weights: RefWeights;
  readonly #config: RefConfig;
  /** x − mean(x) as a matrix. */
  readonly #centring: Matrix;

  constructor(weights: RefWeights, config: RefConfig) {
    this.#weights = weights;
    this.#config = config;
    const d = config.n_embd;
    this.#centring = range(d).map((i) => range(d).map((j) => (i === j ? 1 : 0) - 1 / d));
  }

  /** What a neuron reads, as a column, and what it writes, as a row. */
  neuron(layer: number, index: number): { readonly input: Matrix; readonly output: Matrix } {
    const gain = diagonal(this.#vector(`h.${layer}.ln_2.weight`));
    const column = this.#matrix(`h.${layer}.mlp.c_fc.weight`).map((row) => [row[index] ?? NaN]);
    const row = [this.#matrix(`h.${layer}.mlp.c_proj.weight`)[index] ?? []];
    return { input: product(this.#centring, product(gain, column)), output: product(row, this.#centring) };
  }

  head(layer: number, index: number): HeadMatrices {
    const { n_embd: d, n_head: heads } = this.#config;
    const r = d / heads;
    const gain = diagonal(this.#vector(`h.${layer}.ln_1.weight`));
    const joint = this.#matrix(`h.${layer}.attn.c_attn.weight`);
    const columns = (part: number) => {
      const start = part * d + index * r;
      return product(this.#centring, product(gain, joint.map((row) => row.slice(start, start + r))));
    };
    const [query, key, value] = [columns(0), columns(1), columns(2)];
    const output = product(
      this.#matrix(`h.${layer}.attn.c_proj.weight`).slice(index * r, (index + 1) * r),
      this.#centring,
    );
    return { ov: product(value, output), qk: product(query, transposed(key)) };
  }

  #vector(name: string): readonly number[] {
    const found = this.#weights.get(name) ?? this.#weights.get(`transformer.${name}`);
    if (found === undefined) throw new RangeError(`No weights ${name}`);
    return Array.from(found.data);
  }

  #matrix(name: string): Matrix {
    const found = this.#weights.get(name) ?? this.#weights.get(`transformer.${name}`);
    const [rows = 0, columns = 0] = found?.shape ?? [];
    const data = this.#vector(name);
    return range(rows).map((row) => data.slice(row * columns, (row + 1) * columns));
  }
}

export function product(a: Matrix, b: Matrix): Matrix {
  const columns = transposed(b);
  return a.map((row) => columns.map((column) => row.reduce((sum, x, i) => sum + x * (column[i] ?? NaN), 0)));
}

export function transposed(a: Matrix): Matrix {
  return range(a[0]?.length ?? 0).map((column) => a.map((row) => row[column] ?? NaN));
}

/** Frobenius norm. */
export function frobenius(a: Matrix): number {
  return Math.hypot(...a.flat());
}

/** ⟨a, b⟩ / (‖a‖ ‖b‖), entry by entry. */
export function cosine(a: Matrix, b: Matrix): number {
  const [x, y] = [a.flat(), b.flat()];
  return x.reduce((sum, value, i) => sum + value * (y[i] ?? NaN), 0) / (frobenius(a) * frobenius(b));
}

/** ‖a b‖ / (‖a‖ ‖b‖). */
export function composition(a: Matrix, b: Matrix): number {
  return frobenius(product(a, b)) / (frobenius(a) * frobenius(b));
}

function diagonal(values: readonly number[]): Matrix {
  return values.map((value, i) => values.map((_, j) => i === j ? value : 0));
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}

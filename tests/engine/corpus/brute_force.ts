/** A sweep as one would do it by hand: every value of every sequence from the reference transformer, in float64, all at once. */
import { BIN_EDGES } from "../../../engine/corpus/histogram.ts";
import { type RefConfig, referenceRun, type RefWeights } from "../../support/reference_transformer.ts";

/** All values of one component on one sequence, and where the largest is. */
export interface SequenceValues {
  readonly sequence: number;
  readonly values: readonly number[];
  readonly max: number;
  readonly at: readonly number[];
}

/** Values of every component over all sequences, by `mlp/0/3` or `head/1/0`. */
export type AllValues = ReadonlyMap<string, readonly SequenceValues[]>;

export interface BruteForce {
  readonly values: AllValues;
  /** Attention `[query][key]` of each sequence, by head. */
  readonly patterns: ReadonlyMap<string, readonly (readonly (readonly number[])[])[]>;
}

interface Model {
  readonly weights: RefWeights;
  readonly config: RefConfig;
}

/** Runs every sequence by itself. */
export function bruteForce({ weights, config }: Model, sequences: readonly (readonly number[])[]): BruteForce {
  const values = new Map<string, SequenceValues[]>();
  const patterns = new Map<string, (readonly (readonly number[])[])[]>();
  const push = <T>(lists: Map<string, T[]>, key: string, item: T) => lists.set(key, [...lists.get(key) ?? [], item]);
  sequences.forEach((tokens, sequence) => {
    const run = referenceRun(weights, config, { tokens, objective: { kind: "logit", targets: [1], distractors: [] } });
    const n = tokens.length;
    for (let layer = 0; layer < config.n_layer; layer++) {
      const post = run.hooks.get(`blocks.${layer}.mlp.hook_post`)?.data ?? new Float64Array();
      const inner = post.length / n;
      for (let neuron = 0; neuron < inner; neuron++) {
        const own = tokens.map((_, token) => post[token * inner + neuron] ?? NaN);
        const max = Math.max(...own);
        push(values, `mlp/${layer}/${neuron}`, { sequence, values: own, max, at: [own.indexOf(max)] });
      }
      const norms = run.scalars.get(`scalar:write_norm:head:${layer}`)?.data ?? new Float64Array();
      const pattern = run.hooks.get(`blocks.${layer}.attn.hook_pattern`)?.data ?? new Float64Array();
      const heads = config.n_head;
      for (let head = 0; head < heads; head++) {
        const pairs = tokens.flatMap((_, query) =>
          Array.from({ length: query + 1 }, (_, key) => ({
            at: [query, key],
            value: norms[(query * n + key) * heads + head] ?? NaN,
          }))
        );
        const best = pairs.reduce((a, b) => b.value > a.value ? b : a);
        push(values, `head/${layer}/${head}`, {
          sequence,
          values: pairs.map(({ value }) => value),
          max: best.value,
          at: best.at,
        });
        push(
          patterns,
          `head/${layer}/${head}`,
          tokens.map((_, query) =>
            Array.from({ length: query + 1 }, (_, key) => pattern[(query * n + key) * heads + head] ?? NaN)
          ),
        );
      }
    }
  });
  return { values, patterns };
}

/** Moments by their definitions, in two passes. */
export function momentsByHand(values: readonly number[]): Readonly<Record<string, number>> {
  const average = (term: (value: number) => number) => values.reduce((sum, x) => sum + term(x), 0) / values.length;
  const mean = average((x) => x);
  const variance = average((x) => (x - mean) ** 2);
  return {
    mean,
    variance,
    skewness: average((x) => (x - mean) ** 3) / variance ** 1.5,
    kurtosis: average((x) => (x - mean) ** 4) / variance ** 2,
    min: Math.min(...values),
    max: Math.max(...values),
  };
}

/** Counts by comparing with every edge. */
export function histogramByHand(values: readonly number[]): number[] {
  const counts = new Array<number>(BIN_EDGES.length - 1).fill(0);
  for (const value of values) {
    const bin = BIN_EDGES.findLastIndex((edge) => edge <= value);
    const at = Math.min(Math.max(bin, 0), counts.length - 1);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}

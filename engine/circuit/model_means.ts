/** The mean value of every node over a model's reference texts: the baseline of interventions by `"method": "mean"`. */
import { MAX_MEAN_TOKENS, type MeanSums } from "./means_graph.ts";

/** Means as they are kept: plain numbers. */
export interface ModelMeans {
  /** Over how many texts and tokens. */
  readonly textCount: number;
  readonly tokenCount: number;
  /** By layer: `[neuron]` */
  readonly neurons: readonly (readonly number[])[];
  /** `[d_model]` */
  readonly embedding: readonly number[];
  /** By layer, probability of the first token: `[head, query]`; null where no text is so long. */
  readonly firstKey: readonly (readonly (number | null)[])[];
  /** By layer, probability of another token: `[head, distance]`; null where no text is so long. */
  readonly byDistance: readonly (readonly (number | null)[])[];
}

export function meansOf(sums: MeanSums, textCount: number): ModelMeans {
  const perToken = (values: Float64Array) => Array.from(values, (value) => value / sums.tokenCount);
  const perPlace = (values: Float64Array, counts: Float64Array) =>
    Array.from(values, (value, i) => {
      const count = counts[i % MAX_MEAN_TOKENS] ?? 0;
      return count === 0 ? null : value / count;
    });
  return {
    textCount,
    tokenCount: sums.tokenCount,
    neurons: sums.neurons.map(perToken),
    embedding: perToken(sums.embedding),
    firstKey: sums.firstKey.map((values) => perPlace(values, sums.queries)),
    byDistance: sums.byDistance.map((values) => perPlace(values, sums.pairs)),
  };
}

/** The mean probability of a pair; null where no reference text is long enough. */
export function meanProbability(
  means: ModelMeans,
  { layer, head, query, key }: {
    readonly layer: number;
    readonly head: number;
    readonly query: number;
    readonly key: number;
  },
): number | null {
  const [table, at] = key === 0 ? [means.firstKey, query] : [means.byDistance, query - key];
  return at < MAX_MEAN_TOKENS ? table[layer]?.[head * MAX_MEAN_TOKENS + at] ?? null : null;
}

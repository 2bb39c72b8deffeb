/**
 * What a head, neuron or latent does over a text set: examples and statistics, as pages and the API show them. Values of a neuron or latent
 * are its activations after the nonlinearity, at tokens; of a head the write norms of its token pairs, ‖P v W_O‖.
 */
import type { Token } from "../model/summary.ts";

/** One sequence of a text set with a component's values on it. */
export interface Example {
  /** Its number in the text set; null for text from elsewhere. */
  readonly sequence: number | null;
  readonly tokens: readonly Token[];
  /** Neurons and latents: `[token]`. Heads: `[query][key]`, keys up to the query. */
  readonly values: readonly number[] | readonly (readonly number[])[];
  readonly max: number;
  /** Where the maximum is: `[token]`, or `[query, key]`. */
  readonly at: readonly number[];
}

/** Values between two edges: `counts[i]` of them lie in `edges[i] ≤ value < edges[i + 1]`; the first and last bin are open outwards. */
export interface Histogram {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

/** Of published records, moments are the publisher's; the rest is of the few records in their file (`published_statistics.ts`). */
export interface ValueStatistics {
  /** Values that were seen: tokens, or pairs. */
  readonly count: number;
  readonly mean: number;
  /** Of the values seen, not of a sample. */
  readonly variance: number;
  /** Third and fourth standardised moment; kurtosis of a normal distribution is 3. NaN where the variance is 0. */
  readonly skewness: number;
  readonly kurtosis: number;
  /** Share of values above 0 (heads: of pairs that write more than a hundredth of the head's largest write). */
  readonly fractionActive: number;
  readonly min: number;
  readonly max: number;
  readonly histogram: Histogram;
  /** Read from the histogram, linear within a bin. */
  readonly quantiles: readonly { readonly share: number; readonly value: number }[];
}

/** What a head is known for (Olsson et al. 2022; Elhage et al. 2021). Shares of attention, unless said otherwise. */
export interface HeadScores {
  /** On a random sequence given twice: attention to the token after the same token's first occurrence. */
  readonly induction: number;
  /** On the same: attention to the same token's first occurrence. */
  readonly duplicateToken: number;
  readonly previousToken: number;
  readonly self: number;
  readonly firstToken: number;
  /** Mean entropy of its attention, in nats, over queries that have a choice. */
  readonly entropy: number;
  /** Share of sampled tokens that are among the ten that the head promotes most when it reads them (its OV circuit). */
  readonly copying: number;
}

export const HEAD_SCORES = [
  "induction",
  "duplicateToken",
  "previousToken",
  "self",
  "firstToken",
  "entropy",
  "copying",
] as const satisfies readonly (keyof HeadScores)[];

export interface ComponentRecords {
  /** `mlp/5/1234`, `head/9/8` or `mlp-latent/5/88`. */
  readonly component: string;
  /** Of a latent: id of its dictionary; else null. */
  readonly dictionary: string | null;
  /** Id of the text set, or of the published records. */
  readonly source: string;
  /** Of published records: those in their file. */
  readonly sequenceCount: number;
  readonly tokenCount: number;
  /** Null where published records do not say. */
  readonly statistics: ValueStatistics | null;
  /** Null for all but heads, and for records from elsewhere. */
  readonly scores: HeadScores | null;
  /** By falling maximum; of a latent only those on which it is active. */
  readonly top: readonly Example[];
  /** The same sequences for every component. */
  readonly random: readonly Example[];
  /** Random sequences by how high their maximum is among all; shares from 0 to 1, highest first. */
  readonly byQuantile: readonly {
    readonly from: number;
    readonly to: number;
    readonly examples: readonly Example[];
  }[];
}

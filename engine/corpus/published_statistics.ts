/** Statistics of a component as far as a published file tells them. */
import type { ComponentKind } from "./component.ts";
import type { Example, ValueStatistics } from "./component_records.ts";
import { BIN_COUNT, BIN_EDGES, binOf, quantile } from "./histogram.ts";
import type { Moments } from "./published_file.ts";

const QUANTILE_SHARES = [0.01, 0.1, 0.5, 0.9, 0.99, 0.999];

/** Share of a head's largest write from which a pair counts as active. */
const ACTIVE_PAIR = 0.01;

/** What of a file tells statistics. */
export interface PublishedValues {
  /** Over all texts of the publisher. */
  readonly moments: Moments;
  readonly random: readonly Example[];
  /** Every example of the file, the random ones too. */
  readonly all: readonly Example[];
}

/**
 * The file tells moments over all texts, but neither their number nor how values are spread: count, share of active values, histogram and
 * quantiles are those of its random sample. The least and the largest value are those of all its examples. Null without a random sample.
 */
export function publishedStatistics(
  kind: ComponentKind,
  { moments, random, all }: PublishedValues,
): ValueStatistics | null {
  if (random.length === 0) return null;
  const sample = Float32Array.from(random.flatMap(valuesOf));
  const bits = new Int32Array(sample.buffer);
  const counts = new Array<number>(BIN_COUNT).fill(0);
  for (const each of bits) {
    const bin = binOf(each);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const max = all.reduce((most, example) => Math.max(most, example.max), -Infinity);
  const bound = kind === "mlp" ? 0 : ACTIVE_PAIR * max;
  const spread = {
    counts,
    min: least(random),
    max: random.reduce((most, example) => Math.max(most, example.max), -Infinity),
  };
  return {
    count: sample.length,
    ...moments,
    fractionActive: sample.reduce((active, value) => active + (value > bound ? 1 : 0), 0) / sample.length,
    min: least(all),
    max,
    histogram: { edges: BIN_EDGES, counts },
    quantiles: QUANTILE_SHARES.map((share) => ({ share, value: quantile(share, spread) })),
  };
}

function valuesOf({ values }: Example): readonly number[] {
  return values.flat();
}

function least(examples: readonly Example[]): number {
  return examples.reduce((min, example) => valuesOf(example).reduce((a, b) => Math.min(a, b), min), Infinity);
}

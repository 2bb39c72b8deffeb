/** Statistics of one component, from what was collected of its group. */
import type { ValueStatistics } from "./component_records.ts";
import type { ComponentKind } from "./component.ts";
import type { GroupStatistics } from "./group_statistics.ts";
import { BIN_COUNT, BIN_EDGES, type Counts, quantile, shareAbove } from "./histogram.ts";

/** Shares of the quantiles that are told. */
const QUANTILES = [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999];

/** A pair of a head counts as active if it writes more than this share of the head's largest write. */
const ACTIVE_SHARE = 0.01;

/** Below this share of the mean square, a variance is the rounding of sums. */
const ROUNDING = 1e-13;

/** What can be read without the histogram's counts, of all but a head's active share. */
export type Moments = Pick<
  ValueStatistics,
  "count" | "mean" | "variance" | "skewness" | "kurtosis" | "fractionActive" | "min" | "max"
>;

/** Moments of one component; all 0 before anything was seen, so that no number is missing. */
export function momentsOf(group: GroupStatistics, kind: ComponentKind, index: number): Moments {
  const { size, sums } = group;
  const count = group.count[0] ?? 0;
  if (count === 0) {
    return { count, mean: 0, variance: 0, skewness: NaN, kurtosis: NaN, fractionActive: 0, min: 0, max: 0 };
  }
  const [m1 = 0, m2 = 0, m3 = 0, m4 = 0] = [0, 1, 2, 3].map((power) => (sums[power * size + index] ?? 0) / count);
  const spread = m2 - m1 * m1;
  const variance = spread > ROUNDING * m2 ? spread : 0;
  const third = m3 - 3 * m1 * m2 + 2 * m1 ** 3;
  const fourth = m4 - 4 * m1 * m3 + 6 * m1 * m1 * m2 - 3 * m1 ** 4;
  const [min, max] = [group.minima[index] ?? 0, group.maxima[index] ?? 0];
  return {
    count,
    mean: m1,
    variance,
    skewness: variance === 0 ? NaN : third / variance ** 1.5,
    kurtosis: variance === 0 ? NaN : fourth / variance ** 2,
    fractionActive: kind === "head"
      ? shareAbove(ACTIVE_SHARE * max, countsOf(group, index))
      : (group.positive[index] ?? 0) / count,
    min,
    max,
  };
}

/** Everything that is told of one component. */
export function statisticsOf(group: GroupStatistics, kind: ComponentKind, index: number): ValueStatistics {
  const counts = countsOf(group, index);
  const moments = momentsOf(group, kind, index);
  // What is never below 0 is 0 where it is not active; within the histogram's middle bin that cannot be told.
  const zeros = kind !== "head" && moments.min === 0 ? 1 - moments.fractionActive : 0;
  const valueAt = (share: number) => share <= zeros ? 0 : quantile(share, counts);
  return {
    ...moments,
    histogram: { edges: BIN_EDGES, counts: [...group.histograms.subarray(index * BIN_COUNT, (index + 1) * BIN_COUNT)] },
    quantiles: (group.count[0] ?? 0) === 0 ? [] : QUANTILES.map((share) => ({ share, value: valueAt(share) })),
  };
}

function countsOf(group: GroupStatistics, index: number): Counts {
  return {
    counts: group.histograms.subarray(index * BIN_COUNT, (index + 1) * BIN_COUNT),
    min: group.minima[index] ?? 0,
    max: group.maxima[index] ?? 0,
  };
}

/** Where the bins, counts and values of a histogram are drawn: bins side by side and equally wide, counts on a log scale. */
import type { Histogram } from "../../engine/mod.ts";

export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly hasZero: boolean;
}

/** A histogram without the empty bins at both ends. */
export interface BinRow {
  readonly bins: readonly Bin[];
  /** Whether the first bin also counts what is below it, and the last what is above. */
  readonly isOpenBelow: boolean;
  readonly isOpenAbove: boolean;
}

/** The baseline of counts: one value still has a bar. */
const LOWEST_COUNT = 0.5;

export function shownBins({ edges, counts }: Histogram): BinRow {
  const all = counts.map((count, index): Bin => {
    const [from, to] = [edges[index] ?? NaN, edges[index + 1] ?? NaN];
    return { from, to, count, hasZero: from <= 0 && to > 0 };
  });
  const first = all.findIndex(({ count }) => count > 0);
  const last = all.findLastIndex(({ count }) => count > 0);
  return {
    bins: first < 0 ? [] : all.slice(first, last + 1),
    isOpenBelow: first === 0,
    isOpenAbove: last === all.length - 1,
  };
}

/** Where a value is, in bins from the left; at an end if it is outside. */
export function placeOf(value: number, bins: readonly Bin[]): number {
  const [first] = bins;
  if (first === undefined || !(value > first.from)) return 0;
  const index = bins.findIndex(({ to }) => value < to);
  const bin = bins[index];
  if (bin === undefined) return bins.length;
  const share = (value - bin.from) / (bin.to - bin.from);
  return index + (Number.isFinite(share) ? share : 0.5);
}

/** The height of a count as a share of that of the largest. */
export function heightOf(count: number, largest: number): number {
  if (!(count > 0) || !(largest > 0)) return 0;
  return Math.log(count / LOWEST_COUNT) / Math.log(largest / LOWEST_COUNT);
}

/** Powers of ten up to the largest count, some left out where there are many. */
export function countTicks(largest: number): readonly number[] {
  const powers = largest >= 1 ? Math.floor(Math.log10(largest) + 1e-9) : -1;
  const stride = Math.ceil((powers + 1) / 5);
  return Array.from({ length: powers + 1 }, (_, power) => power).filter((power) => power % stride === 0)
    .map((power) => 10 ** power);
}

/** Edges that have a label, as places in bins: zero, and of the others whole octaves from ±1, none closer than so many bins. */
export function labelledEdges(bins: readonly Bin[], gap: number): readonly { place: number; value: number }[] {
  const zero = bins.findIndex(({ hasZero }) => hasZero);
  const origin = zero < 0 ? [] : [{ place: zero + 0.5, value: 0 }];
  // Two bins are an octave.
  const stride = 2 * Math.ceil(gap / 2);
  const others = [...bins.map(({ from }) => from), bins.at(-1)?.to ?? NaN].map((value, place) => ({ value, place }))
    .filter(({ value, place }) =>
      Number.isFinite(value) && value !== 0 && Math.round(2 * Math.log2(Math.abs(value))) % stride === 0 &&
      origin.every((label) => Math.abs(label.place - place) >= gap)
    );
  return [...origin, ...others].toSorted((a, b) => a.place - b.place);
}

/** Labels with the row in which each has room beside those before it; those without room are left out. */
export function inRows<T extends { readonly x: number; readonly width: number }>(
  labels: readonly T[],
  rowCount: number,
): readonly (T & { readonly row: number })[] {
  const ends = new Array<number>(rowCount).fill(-Infinity);
  return labels.toSorted((a, b) => a.x - b.x).flatMap((label) => {
    const row = ends.findIndex((end) => end <= label.x - label.width / 2);
    if (row < 0) return [];
    ends[row] = label.x + label.width / 2;
    return [{ ...label, row }];
  });
}

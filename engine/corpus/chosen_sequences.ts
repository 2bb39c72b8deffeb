/** Which sequences of a component are shown: its top ones, some random ones, and random ones by how high they are. */
import { RANDOM_SEQUENCES, TOP_SEQUENCES } from "./corpus_requests.ts";
import { type GroupStatistics, NO_SEQUENCE } from "./group_statistics.ts";

/** Parts of the random sample, by falling maximum. */
const STRATA = 4;
/** Sequences that are shown of each part. */
const MAX_PER_STRATUM = 3;

export interface ChosenSequences {
  readonly top: readonly number[];
  readonly random: readonly number[];
  readonly byQuantile: readonly { readonly from: number; readonly to: number; readonly sequences: readonly number[] }[];
}

/** @param sample Numbers of the random sample's sequences, by slot */
export function chooseSequences(
  group: GroupStatistics,
  index: number,
  { top, random, sample }: { readonly top: number; readonly random: number; readonly sample: readonly number[] },
): ChosenSequences {
  const maxima = group.sampleMaxima.subarray(index * RANDOM_SEQUENCES, (index + 1) * RANDOM_SEQUENCES);
  const read = sample.map((sequence, slot) => ({ sequence, max: maxima[slot] ?? -Infinity }))
    .filter(({ max }) => max > -Infinity);
  const byMaximum = read.toSorted((a, b) => b.max - a.max || a.sequence - b.sequence);
  const perStratum = Math.min(random, MAX_PER_STRATUM);
  return {
    top: Array.from({ length: Math.min(top, TOP_SEQUENCES) }, (_, rank) => group.topAt(index, rank).sequence)
      .filter((sequence) => sequence !== NO_SEQUENCE),
    random: read.slice(0, random).map(({ sequence }) => sequence),
    byQuantile: Array.from({ length: STRATA }, (_, stratum) => {
      const part = byMaximum.slice(stratumStart(stratum, read.length), stratumStart(stratum + 1, read.length));
      return {
        from: (STRATA - 1 - stratum) / STRATA,
        to: (STRATA - stratum) / STRATA,
        sequences: evenly(part, perStratum).map(({ sequence }) => sequence),
      };
    }),
  };
}

function stratumStart(stratum: number, count: number): number {
  return Math.round(stratum * count / STRATA);
}

/** Some items, evenly from first to last. */
function evenly<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items;
  return items.filter((_, i) => Math.floor((i + 1) * count / items.length) > Math.floor(i * count / items.length));
}

/** Components in the order of what was found of them. */
import { EngineError } from "../errors.ts";
import { type Component, formatComponent, type Group } from "./component.ts";
import { TOP_SEQUENCES } from "./corpus_requests.ts";
import { FirstOf } from "./first_of.ts";
import type { StrongestPlaces } from "./firing_graph.ts";
import { type GroupStatistics, NO_SEQUENCE, PLACE_KEYS } from "./group_statistics.ts";
import {
  type FiringRow,
  type FiringSort,
  type FoundComponent,
  type FoundSort,
  MAX_FOUND_COMPONENTS,
} from "./search_requests.ts";
import { groupName } from "./sweeper.ts";
import type { PhraseMatches } from "./text_search.ts";

/** Of the median of the largest values. */
const QUIET_SHARE = 0.01;

/** The components that fire on a text. */
export class FiringRanking {
  considered = 0;
  total = 0;
  readonly #strongest: ReadonlyMap<string, StrongestPlaces>;
  readonly #first: FirstOf<FiringRow>;

  /** @param strongest By group */
  constructor(strongest: ReadonlyMap<string, StrongestPlaces>, sort: FiringSort) {
    this.#strongest = strongest;
    this.#first = new FirstOf(MAX_FOUND_COMPONENTS, (a, b) => {
      const byValue = b.value - a.value;
      return sort === "value" ? byValue : compareRelative(a, b) || byValue;
    });
  }

  /** @param statistics What the values are compared with; null without records @throws {EngineError} if one is not finite */
  add(group: Group, statistics: Pick<GroupStatistics, "maxima"> | null): void {
    const name = groupName(group.kind, group.layer);
    const strongest = this.#strongest.get(name);
    if (strongest === undefined) throw new Error(`Internal: nothing was computed of ${name}`);
    const { values, places } = strongest;
    if (!values.every(Number.isFinite)) {
      throw new EngineError("The activations are not finite on this text: the weights are damaged or overflow");
    }
    const least = statistics === null ? 0 : quietLevel(statistics.maxima);
    this.considered += values.length;
    values.forEach((value, index) => {
      if (value <= 0) return;
      this.total++;
      // A sweep that has read no text yet has no largest value.
      const largest = statistics?.maxima[index] ?? -Infinity;
      this.#first.add({
        component: formatComponent({ ...group, index }),
        value: sevenDigits(value),
        largest: Number.isFinite(largest) ? sevenDigits(largest) : null,
        relative: relativeTo({ largest, least }, value),
        at: placeOf(group, places[index] ?? 0),
      });
    });
  }

  rows(): readonly FiringRow[] {
    return this.#first.items();
  }
}

/** The components that are strongest on a phrase. */
export class PhraseRanking {
  considered = 0;
  total = 0;
  readonly #matches: PhraseMatches;
  readonly #first: FirstOf<FoundComponent>;

  constructor(matches: PhraseMatches, sort: FoundSort) {
    this.#matches = matches;
    this.#first = new FirstOf(MAX_FOUND_COMPONENTS, (a, b) => {
      const byMatches = b.matches - a.matches;
      switch (sort) {
        case "matches":
          return byMatches || compareRelative(a, b) || b.value - a.value;
        case "relative":
          return compareRelative(a, b) || byMatches || b.value - a.value;
        case "value":
          return b.value - a.value || byMatches;
      }
    });
  }

  add(group: Group, statistics: GroupStatistics): void {
    const least = quietLevel(statistics.maxima);
    this.considered += statistics.size;
    for (let index = 0; index < statistics.size; index++) {
      const found = this.#foundOf({ ...group, index }, statistics, least);
      if (found === null) continue;
      this.total++;
      this.#first.add(found);
    }
  }

  rows(): readonly FoundComponent[] {
    return this.#first.items();
  }

  /** Null where no top sequence has its maximum on the phrase. */
  #foundOf(component: Component, statistics: GroupStatistics, least: number): FoundComponent | null {
    const { index } = component;
    let [matches, containing, listed] = [0, 0, 0];
    let best: Pick<FoundComponent, "value" | "sequence" | "at" | "on"> | null = null;
    for (let rank = 0; rank < TOP_SEQUENCES; rank++) {
      // Most sequences do not have the phrase: nothing is made for them.
      const sequence = statistics.topSequences[index * TOP_SEQUENCES + rank] ?? NO_SEQUENCE;
      if (sequence === NO_SEQUENCE) break;
      listed++;
      if ((this.#matches.counts[sequence] ?? 0) === 0) continue;
      containing++;
      const { value, place } = statistics.topAt(index, rank);
      const at = placeOf(component, place);
      const on = this.#end(sequence, at);
      if (on === null) continue;
      matches++;
      // The list is by falling maximum: the first is the largest.
      best ??= { value, sequence, at, on };
    }
    if (best === null) return null;
    const largest = statistics.maxima[index] ?? 0;
    return {
      component: formatComponent(component),
      matches,
      containing,
      listed,
      ...best,
      value: sevenDigits(best.value),
      largest: sevenDigits(largest),
      relative: relativeTo({ largest, least }, best.value),
    };
  }

  /** Which end of a place is on the phrase; null if none is. */
  #end(sequence: number, [first = 0, key]: readonly number[]): FoundComponent["on"] | null {
    const isFirst = this.#matches.isOn(sequence, first);
    if (key === undefined) return isFirst ? "token" : null;
    const isKey = this.#matches.isOn(sequence, key);
    if (isFirst && isKey) return "both";
    return isFirst ? "query" : isKey ? "key" : null;
  }
}

/** `[token]`, or `[query, key]`. */
function placeOf({ kind }: Group, place: number): readonly number[] {
  return kind === "head" ? [Math.floor(place / PLACE_KEYS), place % PLACE_KEYS] : [place];
}

/**
 * Below this, a component has hardly ever been active: a hundredth of the median of its group's largest values. What it does there is the
 * tail of the nonlinearity, and a share of it says nothing.
 */
function quietLevel(maxima: Float32Array): number {
  return QUIET_SHARE * Math.max(0, maxima.toSorted()[maxima.length >> 1] ?? 0);
}

function relativeTo(
  { largest, least }: { readonly largest: number; readonly least: number },
  value: number,
): number | null {
  return largest > 0 && largest >= least ? sevenDigits(value / largest) : null;
}

/** By falling share; those without one come last. */
function compareRelative(
  { relative: a }: { readonly relative: number | null },
  { relative: b }: { readonly relative: number | null },
): number {
  return (b ?? -Infinity) === (a ?? -Infinity) ? 0 : (b ?? -Infinity) - (a ?? -Infinity);
}

/** As many digits as a float32 has. */
function sevenDigits(value: number): number {
  return Number(value.toPrecision(7));
}

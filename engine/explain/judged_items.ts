/** What is judged by an explanation: whole texts (detection), marked tokens (fuzzing), marked pairs (of heads). The truth is the component's own values. */
import { hashOf } from "../tensor/random.ts";
import { type Evidence, type ExplainedText, placeAt, type PlaceKind, strongestPlace } from "./texts.ts";

/**
 * - `detection`: does the component fire anywhere in this text?
 * - `fuzzing`: does it fire on the marked token?
 * - `pairs`: does it move something between the marked tokens?
 */
export const JUDGEMENT_KINDS = ["detection", "fuzzing", "pairs"] as const;
export type JudgementKind = typeof JUDGEMENT_KINDS[number];

export interface JudgedItem {
  readonly tokens: readonly string[];
  /** `[token]`, or `[query, key]`; null where the whole text is judged. */
  readonly place: readonly number[] | null;
  readonly isActive: boolean;
}

/** A random text counts as quiet if it stays below this share of the weakest of the strongest texts. */
const QUIET_TEXT = 0.5;
/** A place counts as quiet below this share of the largest value. */
const QUIET_PLACE = 0.1;
const SEED = 9101;

/** Kinds of judgement that a component can be judged by. */
export function judgementKinds(places: PlaceKind): readonly JudgementKind[] {
  return places === "tokens" ? ["detection", "fuzzing"] : ["pairs"];
}

/** Items of a kind, made of the test texts; those in which nothing is to be told apart have only one sort. */
export function judgedItems(kind: JudgementKind, evidence: Pick<Evidence, "kind" | "splits">): readonly JudgedItem[] {
  const { test } = evidence.splits;
  return kind === "detection" ? textItems(test) : placeItems(evidence.kind, test);
}

function textItems(texts: readonly ExplainedText[]): readonly JudgedItem[] {
  const top = texts.filter(({ isTop, max }) => isTop && max > 0);
  const weakest = Math.min(...top.map(({ max }) => max));
  const quiet = texts.filter(({ isTop, max }) => !isTop && max < QUIET_TEXT * weakest);
  return [...top, ...quiet].map(({ tokens, isTop }) => ({ tokens, place: null, isActive: isTop }));
}

/** The strongest place of each top text, and a quiet place of every text. */
function placeItems(kind: PlaceKind, texts: readonly ExplainedText[]): readonly JudgedItem[] {
  const largest = Math.max(0, ...texts.map(({ max }) => max));
  return texts.flatMap((text, number) => {
    const { tokens, values, max } = text;
    // A component that is rarely active has none but quiet places even in some of its strongest texts.
    const isTop = text.isTop && max >= QUIET_PLACE * largest && max > 0;
    const quiet = values.flatMap((value, place) => value < QUIET_PLACE * largest ? [place] : []);
    const chosen = quiet[hashOf(SEED, number) % Math.max(1, quiet.length)];
    return [
      ...isTop ? [{ tokens, place: placeAt(kind, strongestPlace(text)), isActive: true }] : [],
      ...chosen === undefined ? [] : [{ tokens, place: placeAt(kind, chosen), isActive: false }],
    ];
  });
}

/** Index of a place among a text's values. */
export function indexOfPlace([first = 0, key]: readonly number[]): number {
  return key === undefined ? first : first * (first + 1) / 2 + key;
}

/**
 * A head's values on the token pairs of an example: what of them travels to the browser, and how tokens are marked by them. The
 * script `static/js/pairs.js` reads and marks in the same way.
 */
import { tokenLabel } from "../format.ts";
import { formatShort } from "./numbers.ts";

/** `outgoing`: which later tokens read this one. `incoming`: which earlier tokens this one reads. */
export type PairMode = "outgoing" | "incoming";

/** `[query][key]`, keys up to the query; 0 where there is hardly anything. */
export type Pairs = readonly (readonly number[])[];

/** What a token shows: bars for how strongly it reads and is read, and a shade. */
export interface Mark {
  readonly reads: number;
  readonly isRead: number;
  readonly shade: number;
}

/** What is smaller than this share of the example's largest value is left out. */
const LEAST_SHARE = 0.01;

/** A value travels as two letters: its three digits, and by how many powers of ten it is below the largest. */
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const MANTISSAS = 900;

/** Steps of the bars and of the shade. */
const STEPS = 10;

/** The values that are shown, of so many tokens: those of some size, with three digits. */
export function keptPairs(values: Pairs, count: number): Pairs {
  const rows = Array.from({ length: count }, (_, query) =>
    Array.from({ length: query + 1 }, (_, key) => {
      const value = values[query]?.[key] ?? 0;
      return Number.isFinite(value) && value > 0 ? value : 0;
    }));
  const least = LEAST_SHARE * largestOf(rows.flat());
  return rows.map((row) => row.map((value) => value < least ? 0 : Number(value.toPrecision(3))));
}

/**
 * Pairs in few letters: rows with `;` between them; in a row, its keys in order, two letters for a value and a number for so many
 * without one. `exponent` is that of the largest value.
 */
export function encodePairs(pairs: Pairs): { readonly text: string; readonly exponent: number } {
  const [, exponent] = digitsOf(largestOf(pairs.flat()));
  const rows = pairs.map((row) => {
    let text = "";
    let skipped = 0;
    for (const value of row) {
      const letters = lettersOf(value, exponent);
      if (letters === "") skipped++;
      else {
        text += skipped > 0 ? skipped + letters : letters;
        skipped = 0;
      }
    }
    return text;
  });
  return { text: rows.join(";"), exponent };
}

/** How strongly each token reads and is read at most. */
export function restMarks(pairs: Pairs): readonly Mark[] {
  return pairs.map((row, token) => ({
    reads: largestOf(row),
    isRead: largestOf(pairs.map((other) => other[token] ?? 0)),
    shade: 0,
  }));
}

/** What the tokens show while one of them is pinned. */
export function pinnedMarks(pairs: Pairs, at: number, mode: PairMode): readonly Mark[] {
  const values = pairValues(pairs, at, mode);
  return values.map((shade, token) => {
    const own = token === at ? largestOf(values) : 0;
    return mode === "outgoing" ? { reads: shade, isRead: own, shade } : { reads: own, isRead: shade, shade };
  });
}

/** The classes of a mark: `in-3 out-10 seq-3`; none where there is nothing to see. */
export function markClass({ reads, isRead, shade }: Mark, largest: number): string {
  const parts = [["in", reads], ["out", isRead], ["seq", shade]] as const;
  return parts.flatMap(([name, value]) => {
    const step = largest > 0 ? Math.min(STEPS, Math.round(value / largest * STEPS)) : 0;
    return step > 0 ? [`${name}-${step}`] : [];
  }).join(" ");
}

/** Who reads a token, or whom it reads, strongest first: “4 ␣Mary is read by: 12 ␣gave 1.23 · 7 ␣and 0.4”. */
export function pairSentence(values: readonly number[], nameOf: (token: number) => string, about: PairSubject): string {
  const listed = values.map((value, token) => ({ value, token })).filter(({ value }) => value > 0)
    .toSorted((a, b) => b.value - a.value);
  const begin = `${nameOf(about.at)} ${about.mode === "outgoing" ? "is read by" : "reads"}: `;
  if (listed.length === 0) return `${begin}hardly any token`;
  const rest = listed.length - about.listed;
  const told = listed.slice(0, about.listed).map(({ value, token }) => `${nameOf(token)} ${formatShort(value)}`);
  return `${begin}${told.join(" · ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

export interface PairSubject {
  readonly at: number;
  readonly mode: PairMode;
  /** How many tokens are named before the rest is only counted. */
  readonly listed: number;
}

/** By token, what it reads from `at`, or `at` from it. */
export function pairValues(pairs: Pairs, at: number, mode: PairMode): readonly number[] {
  return pairs.map((row, token) => (mode === "outgoing" ? row[at] : pairs[at]?.[token]) ?? 0);
}

/** Index and text of a token. */
export function tokenName(tokens: readonly { readonly text: string }[], token: number): string {
  return `${token} ${tokenLabel(tokens[token]?.text ?? "")}`;
}

/** Also of more values than a function has arguments. */
function largestOf(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}

/** A value as three digits, 100 to 999, and the power of ten of the first of them. */
function digitsOf(value: number): readonly [number, number] {
  const [digits = "0", power = "0"] = value.toExponential(2).split("e");
  return [Math.round(Number(digits) * 100), Number(power)];
}

function lettersOf(value: number, exponent: number): string {
  if (value === 0) return "";
  const [digits, power] = digitsOf(value);
  const code = (exponent - power) * MANTISSAS + digits - 100;
  return `${LETTERS[Math.floor(code / LETTERS.length)] ?? ""}${LETTERS[code % LETTERS.length] ?? ""}`;
}

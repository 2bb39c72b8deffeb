/**
 * Explanations that a program can check: what a component fires on, as a few rules about tokens, each with the value that it predicts, 1 to
 * 10. Where several rules hold, the largest value counts; where none does, 0.
 */
import { FULL_SCALE } from "./calibration.ts";
import type { PlaceKind } from "./texts.ts";

/** Rules about single tokens. */
export const TOKEN_RULES = [
  "token",
  "after",
  "token-after",
  "near",
  "position",
  "seen-before",
  "after-seen-before",
  "repeat-goes-on",
] as const;

/** Rules about pairs of a query and a key. */
export const PAIR_RULES = [
  "key",
  "query",
  "query-key",
  "previous",
  "self",
  "first",
  "same-token",
  "after-same-token",
] as const;

export type RuleKind = typeof TOKEN_RULES[number] | typeof PAIR_RULES[number];

export interface Rule {
  readonly kind: RuleKind;
  /** Tokens or the position that it names, in the order of reading aloud: the token and what it follows; the query and the key. */
  readonly names: readonly string[];
  /** 1 to 10. */
  readonly value: number;
}

export interface Predicate {
  readonly places: PlaceKind;
  readonly rules: readonly Rule[];
}

/** Tokens before one that count as near. */
const NEAR_TOKENS = 8;
/** Positions below this can be named. */
const NAMED_POSITIONS = 4;

/** A rule without its value, as a key: rules that say the same have the same. */
export function ruleKey(kind: RuleKind, names: readonly string[]): string {
  return JSON.stringify([kind, ...names]);
}

/** Everything that can be said of a token at its place, as keys. */
export function tokenFacts(tokens: readonly string[], at: number): readonly string[] {
  const [token = "", before] = [tokens[at], tokens[at - 1]];
  const facts = [ruleKey("token", [token])];
  if (at < NAMED_POSITIONS) facts.push(ruleKey("position", [String(at)]));
  const earlier = tokens.slice(0, at);
  if (earlier.includes(token)) facts.push(ruleKey("seen-before", []));
  if (before === undefined) return facts;
  facts.push(ruleKey("after", [before]), ruleKey("token-after", [token, before]));
  for (const near of new Set(tokens.slice(Math.max(0, at - NEAR_TOKENS), at))) facts.push(ruleKey("near", [near]));
  const seen = earlier.lastIndexOf(before, at - 2);
  if (at >= 2 && seen !== -1) {
    facts.push(ruleKey("after-seen-before", []));
    const isGoingOn = tokens.some((other, i) => i + 1 < at && other === before && tokens[i + 1] === token);
    if (isGoingOn) facts.push(ruleKey("repeat-goes-on", []));
  }
  return facts;
}

/** Everything that can be said of a pair, as keys. */
export function pairFacts(tokens: readonly string[], query: number, key: number): readonly string[] {
  const [from = "", to = ""] = [tokens[query], tokens[key]];
  const facts = [ruleKey("key", [to]), ruleKey("query", [from]), ruleKey("query-key", [from, to])];
  if (key === query - 1) facts.push(ruleKey("previous", []));
  if (key === query) facts.push(ruleKey("self", []));
  if (key === 0) facts.push(ruleKey("first", []));
  if (key < query && from === to) facts.push(ruleKey("same-token", []));
  if (key >= 1 && key <= query && tokens[key - 1] === from) facts.push(ruleKey("after-same-token", []));
  return facts;
}

/** Facts of texts that have been looked at, as long as somebody holds those. */
const KNOWN_FACTS: Readonly<Record<PlaceKind, WeakMap<readonly string[], readonly (readonly string[])[]>>> = {
  tokens: new WeakMap(),
  pairs: new WeakMap(),
};

/** Facts of every place of a text, in the order of its values. The same text is read once. */
export function factsOf(places: PlaceKind, tokens: readonly string[]): readonly (readonly string[])[] {
  const known = KNOWN_FACTS[places].get(tokens);
  if (known !== undefined) return known;
  const facts = tokens.flatMap((_, at) =>
    places === "tokens"
      ? [tokenFacts(tokens, at)]
      : Array.from({ length: at + 1 }, (_, key) => pairFacts(tokens, at, key))
  );
  KNOWN_FACTS[places].set(tokens, facts);
  return facts;
}

/** Values, 0 to 10, that a predicate predicts at every place of a text. */
export function predicted({ places, rules }: Predicate, tokens: readonly string[]): readonly number[] {
  const valueOf = new Map<string, number>();
  for (const { kind, names, value } of rules) {
    const key = ruleKey(kind, names);
    valueOf.set(key, Math.max(valueOf.get(key) ?? 0, Math.min(FULL_SCALE, value)));
  }
  return factsOf(places, tokens).map((facts) => {
    let most = 0;
    for (const fact of facts) most = Math.max(most, valueOf.get(fact) ?? 0);
    return most;
  });
}

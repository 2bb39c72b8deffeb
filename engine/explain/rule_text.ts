/**
 * Predicates as plain sentences, and back: `Fires on “ capital” (9), “ city” (4); after “ of” (3)`. Whoever writes such a sentence by hand
 * gets a score without an assistant; without a number, 10 is meant.
 */
import { FULL_SCALE } from "./calibration.ts";
import { type Predicate, type Rule, type RuleKind, TOKEN_RULES } from "./rules.ts";
import type { PlaceKind } from "./texts.ts";

/** Longest sentence that is read, and most rules in one. */
const MAX_CHARACTERS = 4000;
const MAX_RULES = 64;

/** How a kind of rule reads: words, with %0 and %1 where its names stand. Names that are lists share the words in front of the first %. */
const WORDS: Readonly<Record<RuleKind, string>> = {
  "token": "on %0",
  "after": "after %0",
  "token-after": "on %0 after %1",
  "near": "near %0",
  "position": "at token %0",
  "seen-before": "on a token that stood there before",
  "after-seen-before": "after a token that stood there before",
  "repeat-goes-on": "where a repeat goes on",
  "key": "at %0",
  "query": "from %0",
  "query-key": "from %0 at %1",
  "previous": "at the token before",
  "self": "at itself",
  "first": "at the first token",
  "same-token": "at the same token before",
  "after-same-token": "at what followed the same token before",
};

const VERBS: Readonly<Record<PlaceKind, string>> = { tokens: "Fires", pairs: "Looks" };

/** Kinds with more names first: one that begins alike must not be read for half of it. */
const KINDS = (Object.keys(WORDS) as RuleKind[]).toSorted((a, b) => WORDS[b].length - WORDS[a].length);

export function formatPredicate({ places, rules }: Predicate): string {
  const groups = Map.groupBy(rules, ({ kind }) => kind);
  const clauses = [...groups].map(([kind, ofKind]) =>
    ofKind.map(({ names, value }, i) => {
      const words = i === 0 ? WORDS[kind] : itemWords(kind);
      const filled = words.replace(/%([01])/g, (_, place) => nameText(kind, names[Number(place)] ?? ""));
      return `${filled} (${value})`;
    }).join(", ")
  );
  return `${VERBS[places]} ${clauses.join("; ")}`;
}

/** The predicate of a sentence; null if it is anything else than such a sentence. */
export function parsePredicate(text: string): Predicate | null {
  const [, verb, body] = /^(Fires|Looks) (.+?)\.?$/s.exec(text.trim().slice(0, MAX_CHARACTERS + 1)) ?? [];
  if (body === undefined || text.length > MAX_CHARACTERS) return null;
  const places: PlaceKind = verb === VERBS.tokens ? "tokens" : "pairs";
  const kinds = KINDS.filter((kind) => isTokenRule(kind) === (places === "tokens"));
  const rules: Rule[] = [];
  let rest = body;
  let current: RuleKind | null = null;
  while (rules.length < MAX_RULES) {
    const found = readRule(rest, current === null ? kinds : [current], current !== null);
    if (found === null) return null;
    rules.push(found.rule);
    const [, separator, next] = /^(, |; )(.*)$/s.exec(found.rest) ?? [];
    if (found.rest === "") return { places, rules };
    if (next === undefined) return null;
    current = separator === ", " ? found.rule.kind : null;
    rest = next;
  }
  return null;
}

function isTokenRule(kind: RuleKind): boolean {
  return (TOKEN_RULES as readonly RuleKind[]).includes(kind);
}

/** The words of an item that follows another of its kind. */
function itemWords(kind: RuleKind): string {
  const words = WORDS[kind];
  const first = words.indexOf("%");
  return first === -1 ? words : words.slice(first);
}

function readRule(
  text: string,
  kinds: readonly RuleKind[],
  isFollowing: boolean,
): { readonly rule: Rule; readonly rest: string } | null {
  for (const kind of kinds) {
    const words = isFollowing ? itemWords(kind) : WORDS[kind];
    const name = kind === "position" ? "(\\d{1,2})" : "“((?:[^”\\\\]|\\\\.)*)”";
    // A lone pair of names must not be read as the first of two: nothing but a number, a separator or the end may follow.
    const pattern = new RegExp(`^${words.replace(/%[01]/g, name)}(?: \\((10|[1-9])\\))?(?=, |; |$)`, "s");
    const found = pattern.exec(text);
    if (found === null) continue;
    const groups = found.slice(1);
    const value = groups.pop();
    const rule: Rule = {
      kind,
      names: groups.map((group) => kind === "position" ? String(Number(group)) : unquoted(group ?? "")),
      value: value === undefined ? FULL_SCALE : Number(value),
    };
    return { rule, rest: text.slice(found[0].length) };
  }
  return null;
}

const ESCAPES: readonly (readonly [string, string])[] = [["\\", "\\\\"], ["”", "\\”"], ["\n", "\\n"], ["\r", "\\r"], [
  "\t",
  "\\t",
]];

function nameText(kind: RuleKind, name: string): string {
  if (kind === "position") return name;
  return `“${ESCAPES.reduce((text, [raw, escaped]) => text.replaceAll(raw, escaped), name)}”`;
}

function unquoted(text: string): string {
  return text.replace(/\\(.)/gs, (escaped) => ESCAPES.find(([, known]) => known === escaped)?.[0] ?? escaped.slice(1));
}

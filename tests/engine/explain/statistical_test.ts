/** Rules, their sentences, and the statistical explainer on components that are made up: what it should find is known. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Example } from "../../../engine/corpus/component_records.ts";
import { hashOf } from "../../../engine/tensor/random.ts";
import { judgedItems } from "../../../engine/explain/judged_items.ts";
import {
  PAIR_RULES,
  pairFacts,
  predicted,
  type Rule,
  ruleKey,
  TOKEN_RULES,
  tokenFacts,
} from "../../../engine/explain/rules.ts";
import { formatPredicate, parsePredicate } from "../../../engine/explain/rule_text.ts";
import { headline, scoreExplanation } from "../../../engine/explain/score.ts";
import { explainStatistically } from "../../../engine/explain/statistical.ts";
import { isScorable, STATISTICAL_SCORER } from "../../../engine/explain/statistical_scorer.ts";
import { type Evidence, evidenceOf, placeAt } from "../../../engine/explain/texts.ts";

const ALL_TEXTS = { top: 100, random: 100 };
const WORDS = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"];

/** Words of a text that are the same for the same number. */
function wordsOf(text: number): string[] {
  return Array.from({ length: 20 }, (_, t) => ` ${WORDS[hashOf(70 + text, t) % WORDS.length]}`);
}

/** Records of a component that is made up; its texts are numbered. */
function recordsOf(valueAt: (tokens: readonly string[], at: number, key: number) => number, isHead = false) {
  const examples = Array.from({ length: 120 }, (_, sequence): Example => {
    const words = wordsOf(sequence);
    const rows = words.map((_, at) => Array.from({ length: at + 1 }, (_, key) => valueAt(words, at, key)));
    const values = isHead ? rows : words.map((_, at) => valueAt(words, at, at));
    const tokens = words.map((text, id) => ({ id, text }));
    return { sequence, tokens, values, max: Math.max(...values.flat()), at: [] };
  });
  const top = examples.toSorted((a, b) => b.max - a.max).slice(0, 20);
  const random = examples.slice(0, 64);
  return {
    component: isHead ? "head/0/0" : "mlp/0/0",
    dictionary: null,
    source: "made up",
    sequenceCount: 120,
    tokenCount: 2400,
    statistics: null,
    scores: null,
    top,
    random,
    byQuantile: [],
  };
}

async function scoreOf(text: string, evidence: Evidence) {
  return await scoreExplanation(text, evidence, { scorer: STATISTICAL_SCORER, limits: ALL_TEXTS });
}

Deno.test("tokenFacts() and pairFacts() of a text, by hand", () => {
  const tokens = ["x", "a", "b", "c", "a", "b"];
  const facts = new Set(tokenFacts(tokens, 5));
  for (
    const expected of [
      ruleKey("token", ["b"]),
      ruleKey("after", ["a"]),
      ruleKey("token-after", ["b", "a"]),
      ruleKey("near", ["x"]),
      ruleKey("near", ["c"]),
      ruleKey("seen-before", []),
      ruleKey("after-seen-before", []),
      ruleKey("repeat-goes-on", []),
    ]
  ) assert.ok(facts.has(expected), expected);
  assert.deepEqual(tokenFacts(tokens, 0), [ruleKey("token", ["x"]), ruleKey("position", ["0"])]);
  assert.ok(!tokenFacts(tokens, 3).includes(ruleKey("after-seen-before", [])));
  assert.deepEqual(
    pairFacts(tokens, 4, 2).slice(3),
    [ruleKey("after-same-token", [])],
    "a looks at b, which followed the first a",
  );
  assert.deepEqual(pairFacts(tokens, 4, 1).slice(3), [ruleKey("same-token", [])]);
  assert.deepEqual(pairFacts(tokens, 1, 0).slice(3), [ruleKey("previous", []), ruleKey("first", [])]);
  assert.equal(pairFacts(tokens, 3, 3)[3], ruleKey("self", []));
});

Deno.test("predicted() takes the largest value of the rules that hold, else 0", () => {
  const rules: Rule[] = [
    { kind: "token", names: ["b"], value: 4 },
    { kind: "after", names: ["a"], value: 7 },
    { kind: "position", names: ["0"], value: 10 },
  ];
  assert.deepEqual(predicted({ places: "tokens", rules }, ["x", "b", "a", "b", "c"]), [10, 4, 0, 7, 0]);
  const looks: Rule[] = [{ kind: "previous", names: [], value: 5 }, { kind: "key", names: ["a"], value: 2 }];
  // (0,0) (1,0) (1,1) (2,0) (2,1) (2,2)
  assert.deepEqual(predicted({ places: "pairs", rules: looks }, ["a", "b", "c"]), [2, 5, 0, 2, 5, 0]);
});

Deno.test("placeAt() counts pairs row by row", () => {
  const places = Array.from({ length: 128 * 129 / 2 }, (_, i) => placeAt("pairs", i));
  let index = 0;
  for (let query = 0; query < 128; query++) {
    for (let key = 0; key <= query; key++) assert.deepEqual(places[index++], [query, key]);
  }
});

Deno.test("parsePredicate() reads what formatPredicate() wrote, whatever the tokens are", () => {
  const name = fc.oneof(
    fc.string(),
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("”", "\\", "\\n", "” (9), “", "\n"),
  );
  const ruleOf = (kinds: readonly Rule["kind"][]) =>
    fc.record({
      kind: fc.constantFrom(...kinds),
      a: name,
      b: name,
      at: fc.nat(3),
      value: fc.integer({ min: 1, max: 10 }),
    })
      .map(({ kind, a, b, at, value }): Rule => ({
        kind,
        names: kind === "position"
          ? [String(at)]
          : kind === "token-after" || kind === "query-key"
          ? [a, b]
          : ["token", "after", "near", "key", "query"].includes(kind)
          ? [a]
          : [],
        value,
      }));
  for (const places of ["tokens", "pairs"] as const) {
    const rules = fc.array(ruleOf(places === "tokens" ? TOKEN_RULES : PAIR_RULES), { minLength: 1, maxLength: 8 });
    fc.assert(fc.property(rules, (found) => {
      const text = formatPredicate({ places, rules: found });
      const read = parsePredicate(text);
      const sorted = (all: readonly Rule[] | undefined) => all?.map((rule) => JSON.stringify(rule)).sort();
      assert.equal(read?.places, places, text);
      assert.deepEqual(sorted(read?.rules), sorted(found), text);
    }));
  }
});

Deno.test("sentences by hand: numbers may lack; anything else is no predicate", () => {
  assert.deepEqual(parsePredicate("Fires on “ city”, “ town” (4); after “ of”.")?.rules, [
    { kind: "token", names: [" city"], value: 10 },
    { kind: "token", names: [" town"], value: 4 },
    { kind: "after", names: [" of"], value: 10 },
  ]);
  assert.deepEqual(parsePredicate("Looks at the token before")?.rules, [{ kind: "previous", names: [], value: 10 }]);
  for (
    const text of [
      "",
      "Fires",
      "Fires on cities",
      "Fires on “a” (11)",
      "Fires on “a” (0)",
      "Fires at itself",
      "fires on “a”",
      `Fires ${"on “a”, ".repeat(2000)}on “a”`,
    ]
  ) assert.equal(parsePredicate(text), null, text.slice(0, 40));
  assert.equal(isScorable("Fires on “a”", "pairs"), false);
});

Deno.test("evidenceOf() deals every text into one split only", () => {
  const records = recordsOf((tokens, at) => tokens[at] === " a" ? at : 0);
  const evidence = evidenceOf(records);
  const texts = Object.values(evidence.splits).flat().map(({ tokens }) => tokens.join());
  assert.equal(new Set(texts).size, texts.length);
  for (const split of Object.values(evidence.splits)) {
    assert.equal(split.filter(({ isTop }) => isTop).length, 5);
    assert.ok(split.filter(({ isTop }) => !isTop).length >= 11);
  }
});

const NEURONS: readonly (readonly [string, (tokens: readonly string[], at: number) => number])[] = [
  ["Fires on “ c” (10)", (tokens, at) => tokens[at] === " c" ? 3 : -0.1],
  ["Fires after “ d” (10)", (tokens, at) => tokens[at - 1] === " d" ? 2 : 0],
  ["Fires on “ e” after “ f” (10)", (tokens, at) => tokens[at] === " e" && tokens[at - 1] === " f" ? 5 : 0],
  ["Fires at token 2 (10)", (_, at) => at === 2 ? 1 : 0],
  ["Fires on a token that stood there before (10)", (tokens, at) => tokens.indexOf(tokens[at] ?? "") < at ? 1 : 0],
];

for (const [expected, valueAt] of NEURONS) {
  Deno.test(`a neuron that ${expected.replace(" (10)", "").toLowerCase()} is found out, and scores about 1`, async () => {
    const evidence = evidenceOf(recordsOf(valueAt));
    const found = await explainStatistically(evidence) ?? assert.fail();
    assert.ok(Math.abs((found.predicate.rules[0]?.value ?? 0) - 10) <= 1);
    assert.equal(found.text.replace(/ \(\d+\)/, " (10)"), expected);
    const score = await scoreOf(found.text, evidence);
    assert.ok((headline(score, "tokens")?.value ?? 0) > 0.999);
    assert.ok((score.simulation?.byCalibration.linear.rSquared.value ?? 0) > 0.999);
    for (const { kind, area } of score.judgements) assert.equal(area.value, 1, kind);
  });
}

const HEADS: readonly (readonly [string, (tokens: readonly string[], at: number, key: number) => number])[] = [
  ["Looks at the token before (10)", (_, at, key) => key === at - 1 ? 1 : 0.01],
  ["Looks at the same token before (10)", (tokens, at, key) => key < at && tokens[key] === tokens[at] ? 1 : 0],
  [
    "Looks at what followed the same token before (10)",
    (tokens, at, key) => key > 0 && tokens[key - 1] === tokens[at] ? 1 : 0,
  ],
  ["Looks from “ b” at “ c” (10)", (tokens, at, key) => tokens[at] === " b" && tokens[key] === " c" ? 2 : 0],
];

for (const [expected, valueAt] of HEADS) {
  Deno.test(`a head that ${expected.replace(" (10)", "").toLowerCase()} is found out`, async () => {
    const evidence = evidenceOf(recordsOf(valueAt, true));
    const found = await explainStatistically(evidence) ?? assert.fail();
    assert.equal(found.text.replace(/ \(\d+\)/, " (10)"), expected);
    const score = await scoreOf(found.text, evidence);
    assert.equal(headline(score, "pairs")?.value, 1);
    assert.ok((score.simulation?.byCalibration.none.correlation.value ?? 0) > 0.999);
  });
}

Deno.test("an explanation of another component scores about 0; one that always says the same scores 0", async () => {
  const evidence = evidenceOf(recordsOf((tokens, at) => tokens[at] === " c" ? 3 : 0));
  const wrong = await scoreOf("Fires on “ h”", evidence);
  assert.ok(Math.abs(headline(wrong, "tokens")?.value ?? 1) < 0.2);
  const never = await scoreOf("Fires on “ never seen”", evidence);
  assert.equal(headline(never, "tokens")?.value, 0);
  assert.deepEqual(never.judgements.map(({ area }) => area.value), [0.5, 0.5]);
});

Deno.test("where nothing can be found, nothing is made up", async () => {
  assert.equal(await explainStatistically(evidenceOf(recordsOf(() => 0))), null, "never active");
  assert.equal(
    await explainStatistically(evidenceOf({ ...recordsOf(() => 1), top: [], random: [] })),
    null,
    "no records",
  );
  const same = evidenceOf(recordsOf(() => 1));
  assert.equal(await explainStatistically(same), null, "always the same");
  const score = await scoreOf("Fires on “ a”", same);
  assert.equal(score.simulation, null);
  assert.equal(headline(score, "tokens"), null);
  await assert.rejects(scoreOf("cities of Europe", same), /Without an assistant, only sentences of rules/);
});

Deno.test("judgedItems(): the truth is the component's own values", () => {
  const evidence = evidenceOf(recordsOf((tokens, at) => tokens[at] === " c" ? 3 : tokens[at] === " b" ? 0.1 : 0));
  for (const { tokens, place, isActive } of judgedItems("fuzzing", evidence)) {
    assert.equal(tokens[place?.[0] ?? -1] === " c", isActive);
  }
  for (const { tokens, isActive } of judgedItems("detection", evidence)) assert.equal(tokens.includes(" c"), isActive);
});

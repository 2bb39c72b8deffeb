/** Texts of a sweep that hold a phrase, and components that are strongest on it, by comparing texts and lists one by one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { SequenceTexts } from "../../../engine/corpus/sequence_texts.ts";
import { Sequences } from "../../../engine/corpus/sequences.ts";
import { findText } from "../../../engine/corpus/text_search.ts";
import { Turns } from "../../../engine/corpus/turns.ts";
import { openLanguageModel } from "../../../engine/model/language_model.ts";
import {
  CancelledError,
  type Engine,
  type LayerRecord,
  NotFoundError,
  openEngine,
  type SearchRequest,
} from "../../../engine/mod.ts";
import { collected, sweepToTheEnd } from "../../support/swept_model.ts";
import { writeTinyModel } from "../../support/tiny_model.ts";
import { END_OF_TEXT_ID } from "../../support/tiny_tokenizer.ts";

const NAMES = ["Mary", "John", "mary", "Aaron"];
const WORDS = ["the", "to", "a", "hat", "theatre", "and", "gave"];

/** Short texts of a few words, and one that is longer than a sequence. */
const DOCUMENTS = [
  ...Array.from(
    { length: 24 },
    (_, i) => `${NAMES[i % 4]} ${WORDS[i % 7]} ${WORDS[(3 * i) % 7]} ${NAMES[(i >> 1) % 4]} ${WORDS[(5 * i) % 7]}`,
  ),
  "Mary gave John the hat and John gave Mary a hat to a theatre",
];

interface Swept {
  readonly engine: Engine;
  /** Token ids of every sequence, BOS included. */
  readonly sequences: readonly (readonly number[])[];
  readonly textOf: (ids: readonly number[]) => string;
}

async function withTexts(use: (swept: Swept) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const tiny = await writeTinyModel(join(folder, "tiny"), { tokenizer: true, positions: 32, seed: 3 });
    await Deno.writeTextFile(join(tiny.folder, "corpus.txt"), DOCUMENTS.join("\n<|endoftext|>\n"));
    const { tokenizer } = await openLanguageModel({ id: "tiny", folder: tiny.folder });
    const sequences = DOCUMENTS.flatMap((text) => {
      const ids = tokenizer.encode(text);
      const parts = Array.from({ length: Math.ceil(ids.length / 31) }, (_, i) => ids.slice(i * 31, (i + 1) * 31));
      return parts.map((part) => [END_OF_TEXT_ID, ...part]);
    });
    const options = {
      modelFolders: [tiny.folder],
      dataFolder: join(folder, "data"),
      device: "cpu",
      version: "x",
    } as const;
    const engine = await openEngine(options);
    try {
      await use({ engine, sequences, textOf: (ids) => ids.length === 0 ? "" : tokenizer.decode(ids) });
    } finally {
      await engine.close();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Tokens of a sequence that are on a phrase, from the lengths of the texts of its beginnings; the texts here are ASCII. */
function tokensOn(phrase: string, ids: readonly number[], textOf: Swept["textOf"]): ReadonlySet<number> {
  const text = textOf(ids.slice(1)).toLowerCase();
  const on = new Set<number>();
  for (let at = text.indexOf(phrase); at !== -1; at = text.indexOf(phrase, at + phrase.length)) {
    ids.forEach((_, token) => {
      if (token === 0) return;
      const [from, end] = [textOf(ids.slice(1, token)).length, textOf(ids.slice(1, token + 1)).length];
      if (from < at + phrase.length && end > at) on.add(token);
    });
  }
  return on;
}

function checkComponents(
  rows: NonNullable<Awaited<ReturnType<Engine["search"]>>["components"]>["rows"],
  records: readonly LayerRecord[],
  on: readonly ReadonlySet<number>[],
): void {
  const expected = records.flatMap(({ component, top, statistics }) => {
    const matching = top.filter(({ sequence, at }) => at.some((token) => on[sequence]?.has(token)));
    const [first] = matching;
    if (first === undefined) return [];
    const containing = top.filter(({ sequence }) => (on[sequence]?.size ?? 0) > 0).length;
    const [sequence, at] = [first.sequence, first.at];
    const largest = Number(statistics.max.toPrecision(7));
    const value = Number(first.max.toPrecision(7));
    return [{ component, matches: matching.length, containing, listed: top.length, value, largest, sequence, at }];
  });
  assert.ok(expected.length > 5, "the phrase matters to some components");
  const found = rows.map(({ relative: _relative, on: _on, ...row }) => row);
  const byName = (a: { component: string }, b: { component: string }) => a.component < b.component ? -1 : 1;
  assert.deepEqual(found.toSorted(byName), expected.toSorted(byName));
  for (const { at, on: end, sequence, value, largest, relative } of rows) {
    const isOn = at.map((token) => on[sequence]?.has(token) ?? false);
    const name = isOn.length === 1 ? "token" : isOn[0] ? (isOn[1] ? "both" : "query") : "key";
    assert.equal(end, name);
    if (relative !== null) assert.ok(Math.abs(relative - value / largest) < 1e-6);
  }
}

Deno.test("search() finds what comparing every text and every top list finds", () =>
  withTexts(async ({ engine, sequences, textOf }) => {
    await assert.rejects(engine.search({ q: "Mary" }), /Nothing has been collected .* POST \/api\/v1\/jobs/);
    await sweepToTheEnd(engine);
    const records = await collected(engine) as readonly LayerRecord[];
    for (const q of ["Mary", " MARY", "the", "gave", "a", "r"]) {
      const phrase = q.toLowerCase();
      const found = await engine.search({ q, pageSize: 200 });
      const on = sequences.map((ids) => tokensOn(phrase, ids, textOf));
      const counts = sequences.map((ids) => textOf(ids.slice(1)).toLowerCase().split(phrase).length - 1);
      assert.equal(found.sequenceCount, sequences.length);
      assert.equal(found.texts?.occurrences, counts.reduce((a, b) => a + b), q);
      assert.deepEqual(
        found.texts.rows.map(({ sequence, occurrences }) => [sequence, occurrences]),
        counts.flatMap((count, sequence) => count === 0 ? [] : [[sequence, count]]),
        q,
      );
      for (const { sequence, tokens: [from = 0, end = 0], before, match, after } of found.texts.rows) {
        const ids = sequences[sequence] ?? [];
        assert.equal(from, Math.min(...on[sequence] ?? []));
        assert.equal(match, textOf(ids.slice(from, end)));
        assert.ok(match.toLowerCase().includes(phrase));
        assert.ok(textOf(ids.slice(1)).includes(before + match + after));
        assert.doesNotMatch(before, /endoftext/);
      }
      assert.equal(found.components?.total, found.components?.kept);
      assert.equal(found.components?.considered, records.length);
      checkComponents(found.components?.rows ?? [], records, on);
    }
  }));

Deno.test("search() takes exact tokens, one list alone, kinds, layers, orders and pages", () =>
  withTexts(async ({ engine, sequences }) => {
    await sweepToTheEnd(engine);
    const search = async (request: Partial<SearchRequest>) =>
      await engine.search({ q: " Mary", pageSize: 200, ...request });
    const [mary] = engine.tokenize("tiny", " Mary", false);
    const tokens = await search({ match: "tokens" });
    const having = sequences.flatMap((ids, sequence) => ids.includes(mary?.id ?? -1) ? [sequence] : []);
    assert.deepEqual(tokens.texts?.rows.map(({ sequence }) => sequence), having);
    assert.ok(tokens.texts.rows.every(({ match }) => match === " Mary"));
    assert.equal((await search({ match: "tokens", q: "MARY MARY" })).texts?.total, 0);

    const whole = await search({});
    assert.equal((await search({ in: "texts" })).components, null);
    const alone = await search({ in: "components" });
    assert.deepEqual([alone.texts, alone.components], [null, whole.components]);
    const heads = await search({ kind: "head", layers: [1] });
    const isIn = ({ component }: { component: string }) => component.startsWith("head/1/");
    assert.deepEqual(heads.components?.rows, whole.components?.rows.filter(isIn));
    assert.equal(heads.components?.considered, 2);
    for (const sort of ["matches", "relative", "value"] as const) {
      const numbers = (await search({ sort })).components?.rows.map((row) => row[sort] ?? -Infinity) ?? [];
      assert.deepEqual(numbers, numbers.toSorted((a, b) => b - a), sort);
    }
    const second = await search({ pageSize: 3, page: 2, textsPage: 2 });
    assert.deepEqual(second.components?.rows, whole.components?.rows.slice(3, 6));
    assert.deepEqual(second.texts?.rows, whole.texts?.rows.slice(3, 6));
    assert.deepEqual((await search({ page: 99 })).components?.rows, []);
  }));

Deno.test("search() says what is wrong, and stops when its caller gives up", () =>
  withTexts(async ({ engine }) => {
    await sweepToTheEnd(engine);
    await assert.rejects(engine.search({ q: "" }), /q: Expected a word or phrase/);
    await assert.rejects(engine.search({ q: "a".repeat(201) }), /q: /);
    await assert.rejects(engine.search({ q: "a", layers: [2] }), /layers\.0: There is no layer 2: expected 0\.\.1/);
    await assert.rejects(engine.search({ q: "a", textSet: "other" }), NotFoundError);
    await assert.rejects(engine.search({ q: "a" }, { signal: AbortSignal.abort() }), CancelledError);
    const nothing = await engine.search({ q: "qqq" });
    assert.deepEqual([nothing.texts?.total, nothing.components?.total, nothing.components?.rows], [0, 0, []]);
  }));

Deno.test("a phrase is found in any case, in characters of several tokens, and never in a BOS or across sequences", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const tiny = await writeTinyModel(join(folder, "tiny"), { tokenizer: true });
    const { tokenizer } = await openLanguageModel({ id: "tiny", folder: tiny.folder });
    const texts = ["ΟΔΟΣ café’s", "İstanbul É é", "end of", "text"];
    const ids = texts.map((text) => [END_OF_TEXT_ID, ...tokenizer.encode(text)]);
    const starts = [0, ...ids.map((_, i) => ids.slice(0, i + 1).flat().length)];
    const sequences = new Sequences(Int32Array.from(ids.flat()), Uint32Array.from(starts));
    const read = await SequenceTexts.read(sequences, { tokenizer, bosId: END_OF_TEXT_ID }, new Turns());
    const find = async (phrase: string) => {
      const matches = await findText(sequences, read, { phrase, turns: new Turns() });
      return matches.numbers().map((sequence) => {
        const [from, end] = matches.firstIn(sequence);
        return [sequence, matches.counts[sequence], tokenizer.decode(ids[sequence]?.slice(from, end) ?? [])];
      });
    };
    assert.deepEqual(await find("οδος"), [[0, 1, "ΟΔΟΣ"]]);
    assert.deepEqual(await find("Σ C"), [[0, 1, "Σ c"]]);
    // Two tokens, one character: both are on the phrase.
    assert.deepEqual(await find("É"), [[0, 1, "é"], [1, 2, "É"]]);
    assert.deepEqual(await find("fé’S"), [[0, 1, "fé’s"]]);
    assert.deepEqual(await find("istanbul"), [], "İ in lower case is an i with a dot above");
    assert.deepEqual(await find("stanbul"), [[1, 1, "stanbul"]]);
    assert.deepEqual(await find("endoftext"), []);
    assert.deepEqual(await find("of text"), []);
    assert.deepEqual(await find("t"), [[1, 1, "t"], [3, 2, "t"]]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Published files come from outside: what they say is read, whatever they hold they parse or are refused by name and place. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import fc from "fast-check";
import type { Component } from "../../../engine/corpus/component.ts";
import type { ComponentRecords } from "../../../engine/corpus/component_records.ts";
import { MAX_FILE_BYTES, parsePublishedFile } from "../../../engine/corpus/published_file.ts";
import { openPublishedRecords } from "../../../engine/corpus/published_records.ts";
import { FileFormatError, NotFoundError, StartError } from "../../../engine/errors.ts";
import { readTokenizer, type Tokenizer } from "../../../engine/model/tokenizer.ts";
import { headFile, neuronFile, oldNeuronFile, pythonJson, record } from "../../support/published_fixture.ts";
import { byteLevelTokenizer } from "../../support/tiny_tokenizer.ts";

const NEURON: Component = { kind: "mlp", layer: 1, index: 7 };
const HEAD: Component = { kind: "head", layer: 0, index: 1 };

function bytesOf(file: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(typeof file === "string" ? file : pythonJson(file));
}

/** The records of a component in folders with one file each. */
async function recordsIn(
  files: readonly unknown[],
  component: Component,
  tokenizer: Tokenizer | null = null,
): Promise<ComponentRecords> {
  const folder = await Deno.makeTempDir();
  try {
    const locations = files.map((_, i) => join(folder, `set${i}`));
    for (const [i, file] of files.entries()) {
      const path = join(locations[i] ?? "", `${component.layer}`, `${component.index}.json`);
      await Deno.mkdir(dirname(path), { recursive: true });
      if (file !== null) await Deno.writeFile(path, file instanceof Uint8Array ? file : bytesOf(file));
    }
    const sources = locations.map((location) => ({ model: "demo", location }));
    const published = openPublishedRecords(sources, { models: ["demo"], dataFolder: join(folder, "data") }).get("demo");
    assert.ok(published);
    return await published.records(component, tokenizer);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function tokenizer(): Promise<Tokenizer> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, JSON.stringify(byteLevelTokenizer()));
  const found = await readTokenizer(path);
  await Deno.remove(path);
  return found ?? assert.fail();
}

Deno.test("records() of a neuron: examples by falling maximum, with its place", async () => {
  const records = await recordsIn([neuronFile()], NEURON);
  assert.equal(records.component, "mlp/1/7");
  assert.equal(records.source, "published");
  assert.equal(records.scores, null);
  assert.deepEqual(records.top.map(({ max, at, sequence }) => [max, at, sequence]), [[8, [1], null], [3, [2], null]]);
  assert.deepEqual(records.top[0]?.values, [0, 8, -1, 2]);
  assert.deepEqual(records.top[0]?.tokens.map(({ text }) => text), [" the", " Mary", "NaN", " unknown word"]);
  assert.deepEqual([records.sequenceCount, records.tokenCount], [7, 3 + 4 + 6 + 6]);
});

Deno.test("records() looks tokens up by their text; without a tokenizer none has an id", async () => {
  const found = await tokenizer();
  const idOf = (text: string) => found.encode(text)[0];
  const ids = (records: ComponentRecords) => records.top[0]?.tokens.map(({ id }) => id);
  assert.deepEqual(ids(await recordsIn([neuronFile()], NEURON, found)), [idOf(" the"), idOf(" Mary"), -1, -1]);
  assert.deepEqual(ids(await recordsIn([neuronFile()], NEURON)), [-1, -1, -1, -1]);
  const torn = {
    ...neuronFile(),
    "random_sample": [],
    "most_positive_activation_records": [
      { tokens: ["\ufffd", ""], activations: [1, 2] },
    ],
  };
  assert.deepEqual(ids(await recordsIn([torn], NEURON, found)), [-1, -1]);
});

Deno.test("records() tells the publisher's moments, and what else follows from the records", async () => {
  const { statistics } = await recordsIn([neuronFile()], NEURON);
  assert.ok(statistics);
  const { count, mean, variance, skewness, kurtosis, fractionActive, min, max, histogram, quantiles } = statistics;
  assert.deepEqual([mean, variance, skewness, kurtosis], [0.25, 4, NaN, NaN]);
  assert.deepEqual([count, fractionActive, min, max], [6, 1 / 6, -1, 8]);
  assert.equal(histogram.edges.length, histogram.counts.length + 1);
  assert.equal(histogram.counts.reduce((sum, n) => sum + n), 6);
  assert.ok(quantiles.every(({ value }) => value >= -0.25 && value <= 0.5));
  const { "random_sample": _random, ...withoutSample } = neuronFile();
  assert.equal((await recordsIn([withoutSample], NEURON)).statistics, null);
});

Deno.test("records() gives quantiles highest first, between their boundaries", async () => {
  const quantiles = async (boundaries: unknown) =>
    (await recordsIn([{ ...neuronFile(), "quantile_boundaries": boundaries }], NEURON)).byQuantile
      .map(({ from, to, examples }) => [from, to, examples.length]);
  const expected = [[0.9, 1, 2], [0.5, 0.9, 0], [0, 0.5, 1]];
  for (const boundaries of [[0.5, 0.9], [0, 0.5, 0.9], [0.5, 0.9, 1], [0, 0.5, 0.9, 1]]) {
    assert.deepEqual(await quantiles(boundaries), expected, String(boundaries));
  }
  assert.deepEqual(await quantiles([0.9, 0.5]), [[0.9, 1, 1], [0.5, 0.9, 0], [0, 0.5, 2]]);
  for (const boundaries of [null, [], [0.5], [0.5, 0.5], [0.5, 3], [-1, 0.5], [0.1, 0.2, 0.3]]) {
    assert.deepEqual(await quantiles(boundaries), [], String(boundaries));
  }
});

Deno.test("records() reads files without class names, with fields under their old names", async () => {
  const records = await recordsIn([oldNeuronFile()], NEURON);
  assert.deepEqual(records.top.map(({ values }) => values), [[1, 3]]);
  assert.deepEqual(records.byQuantile, []);
  assert.ok(Number.isNaN(records.statistics?.mean));
});

Deno.test("records() leaves out fields that a named class does not have any more", async () => {
  const file = { ...neuronFile(), "most_negative_activation_records": "gone" };
  assert.equal((await recordsIn([file], NEURON)).top.length, 2);
});

Deno.test("records() of a head: rows of pairs, whole or capped", async () => {
  const { top, statistics, component } = await recordsIn([headFile()], HEAD);
  assert.equal(component, "head/0/1");
  assert.deepEqual(top.map(({ values }) => values), [[[0], [1, 2], [3, 4], [5, 10]], [[0], [1, 2], [3, 9, 5]]]);
  assert.deepEqual(top.map(({ max, at }) => [max, at]), [[10, [3, 1]], [9, [2, 1]]]);
  assert.equal(statistics?.count, 6);
  // More than a hundredth of 10: 0.5 and 0.2.
  assert.equal(statistics?.fractionActive, 2 / 6);
});

Deno.test("records() asks the places in order and takes the first that has the component", async () => {
  const other = { ...neuronFile(), "most_positive_activation_records": [record([5, 6])] };
  assert.equal((await recordsIn([null, neuronFile(), other], NEURON)).top[0]?.max, 8);
  await assert.rejects(recordsIn([null, null], NEURON), (error: unknown) => {
    return error instanceof NotFoundError && error.message === "There are no published records of mlp/1/7";
  });
});

Deno.test("records() takes neurons for neurons and heads for heads", async () => {
  const neuron = { ...neuronFile(), "neuron_id": { "layer_index": 0, "neuron_index": 1 } };
  assert.equal((await recordsIn([neuron, headFile()], HEAD)).top[0]?.max, 10);
  assert.equal((await recordsIn([headFile(), neuron], { ...HEAD, kind: "mlp" })).top[0]?.max, 8);
  await assert.rejects(recordsIn([neuron], HEAD), NotFoundError);
  const single = { ...neuron, "random_sample": [record([2])], "most_positive_activation_records": [record([3])] };
  assert.deepEqual((await recordsIn([single], HEAD)).top[0]?.values, [[3]]);
  assert.deepEqual((await recordsIn([single], { ...HEAD, kind: "mlp" })).top[0]?.values, [3]);
});

Deno.test("openPublishedRecords() refuses a model that is not there", () => {
  assert.throws(
    () => openPublishedRecords([{ model: "gpt3", location: "." }], { models: ["demo"], dataFolder: "data" }),
    (error: unknown) => error instanceof StartError && /no model "gpt3".*expected one of demo/.test(error.message),
  );
});

function withTop(entry: unknown): unknown {
  return { ...neuronFile(), "most_positive_activation_records": [record([1, 2]), entry] };
}

const TOP = "most_positive_activation_records\\.1";
const DAMAGED: Readonly<Record<string, readonly [unknown, RegExp]>> = {
  "no content": ["", /expected JSON in UTF-8/],
  "HTML": ["<!doctype html><title>Not here</title>", /expected JSON in UTF-8/],
  "a cut end": [pythonJson(neuronFile()).slice(0, -10), /expected JSON in UTF-8/],
  "bytes that are no UTF-8": [Uint8Array.of(0x22, 0xff, 0x22), /expected JSON in UTF-8/],
  "a list": [[neuronFile()], /set0\/1\/7\.json: expected an object of class NeuronRecord/],
  "another class": [
    { ...neuronFile(), "dataclass_name": "NeuronSimulationResults" },
    /"NeuronSimulationResults", expected/,
  ],
  "a class name that is no text": [{ ...neuronFile(), "dataclass_name": 5 }, /is no text, expected "NeuronRecord"/],
  "fields of no class": [{ error: "no such blob" }, /a field "error" and names no class, expected neuron_id, random/],
  "no id": [{ "dataclass_name": "NeuronRecord" }, /neuron_id: expected an object of class NeuronId/],
  "a negative layer": [{ "neuron_id": { layer: -1, idx: 7 } }, /neuron_id\.layer_index: expected a whole number/],
  "the id of another neuron": [
    { ...neuronFile(), "neuron_id": { layer: 1, idx: 8 } },
    /neuron_id: it is of layer 1, index 8, expected layer 1, index 7/,
  ],
  "a mean in words": [{ ...neuronFile(), mean: "low" }, /mean: expected a number/],
  "records that are no list": [{ ...neuronFile(), "random_sample": {} }, /random_sample: expected a list/],
  "too many records": [
    { ...neuronFile(), "random_sample": new Array(1025).fill(0) },
    /random_sample: it has 1025 entries, expected at most 1024/,
  ],
  "too many quantiles": [
    { ...neuronFile(), "random_sample_by_quantile": new Array(129).fill([]) },
    /random_sample_by_quantile: it has 129 entries, expected at most 128/,
  ],
  "a boundary that is no number": [
    { ...neuronFile(), "quantile_boundaries": [0.5, NaN] },
    /quantile_boundaries\.1: expe/,
  ],
  "a record in a quantile that is none": [
    { ...neuronFile(), "random_sample_by_quantile": [[], [], [1]] },
    /random_sample_by_quantile\.2\.0: expected an object of class ActivationRecord/,
  ],
  "a record without tokens": [withTop({ activations: [1] }), RegExp(`${TOP}\\.tokens: expected a list`)],
  "a record of no tokens": [withTop({ tokens: [], activations: [] }), RegExp(`${TOP}\\.tokens: expected at least one`)],
  "a token that is no text": [
    withTop({ tokens: ["a", 5], activations: [1, 2] }),
    RegExp(`${TOP}\\.tokens\\.1: expected`),
  ],
  "a token that is too long": [
    withTop({ tokens: ["a".repeat(1025)], activations: [1] }),
    RegExp(`${TOP}\\.tokens\\.0: expected text of at most 1024`),
  ],
  "too many tokens": [
    withTop({ tokens: new Array(4097).fill(""), activations: [] }),
    RegExp(`${TOP}\\.tokens: it has 4097`),
  ],
  "an activation that is not finite": [
    withTop({ tokens: ["a", "b"], activations: [1, NaN] }),
    RegExp(`${TOP}\\.activations\\.1: expected a finite number`),
  ],
  "an activation that overflows": [
    '{"neuron_id":{"layer":1,"idx":7},"random_sample":[{"tokens":["a"],"activations":[1e999]}]}',
    /random_sample\.0\.activations\.0: expected a finite number/,
  ],
  "more values than pairs": [
    withTop({ tokens: ["a", "b"], activations: [1, 2, 3, 4] }),
    RegExp(`${TOP}\\.activations: it`),
  ],
  "too few activations": [
    withTop({ tokens: ["a", "b"], activations: [1] }),
    RegExp(`${TOP}\\.activations: it has 1 values, expected one for each of 2 tokens`),
  ],
  "more bytes than accepted": [new Uint8Array(MAX_FILE_BYTES + 1).fill(0x20), /it has more than 16777216 bytes/],
  "lists in lists without end": ["[".repeat(1 << 20), /expected JSON in UTF-8/],
};

for (const [what, [file, message]] of Object.entries(DAMAGED)) {
  Deno.test(`a published file with ${what} is refused by name and place`, async () => {
    await assert.rejects(recordsIn([file], NEURON), (error: unknown) => {
      assert.ok(error instanceof FileFormatError, String(error));
      assert.match(error.message, message);
      assert.match(error.message, /^Cannot read set0\/1\/7\.json/);
      return true;
    });
  });
}

Deno.test("a head's values that are no rows of pairs are refused by place", async () => {
  const file = headFile();
  const tokens = ["a", "b", "c"];
  const damaged = { ...file, "random_sample": [{ tokens, activations: [1, 2, 3, 4] }] };
  await assert.rejects(
    recordsIn([damaged], HEAD),
    /random_sample\.0\.activations: its 4 values are no rows of pairs of 3 tokens/,
  );
});

Deno.test("parsePublishedFile() parses mutated files or refuses them", () => {
  const files = [neuronFile(), oldNeuronFile(), headFile()].map(bytesOf);
  const longest = Math.max(...files.map(({ length }) => length));
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.array(fc.tuple(fc.nat(longest - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.oneof(fc.constant(longest), fc.nat(longest)),
      (file, edits, cut) => {
        const bytes = file.slice(0, cut);
        for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte;
        try {
          const { top, random } = parsePublishedFile(bytes, "file");
          assert.ok([...top, ...random].every(({ values }) => values.every(Number.isFinite)));
        } catch (error) {
          assert.ok(error instanceof FileFormatError, String(error));
        }
      },
    ),
    { numRuns: 3000 },
  );
});

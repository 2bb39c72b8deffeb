/** Files of texts, and the sequences that they become. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { planBatches, Sequences } from "../../../engine/corpus/sequences.ts";
import { findTextSets, readSequences } from "../../../engine/corpus/text_sets.ts";
import { type LanguageModel, openLanguageModel } from "../../../engine/model/language_model.ts";
import { END_OF_TEXT_ID } from "../../support/tiny_tokenizer.ts";
import { writeTinyModel } from "../../support/tiny_model.ts";

/** A model with a tokenizer, a BOS and a context of 8 tokens, and one file beside it. */
async function withFile(name: string, content: string, use: (model: LanguageModel, path: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await writeTinyModel(join(folder, "m"), { tokenizer: true, positions: 8 });
    await Deno.writeTextFile(join(folder, name), content);
    await use(await openLanguageModel({ id: "m", folder: join(folder, "m") }), join(folder, name));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function sequencesIn(model: LanguageModel, path: string): Promise<string[]> {
  const [set] = await findTextSets(model, [path]);
  assert.ok(set !== undefined);
  const sequences = await readSequences(set, model);
  return Array.from({ length: sequences.count }, (_, i) => {
    const [bos, ...rest] = sequences.at(i);
    assert.equal(bos, END_OF_TEXT_ID, "every sequence begins with BOS");
    return model.tokenizer.decode(rest);
  });
}

Deno.test("documents are cut into sequences of BOS and what the context leaves, in their order", () =>
  withFile("t.txt", "abcdefghij\n<|endoftext|>\n\n<|endoftext|>\nxyz\n", async (model, path) => {
    assert.deepEqual(await sequencesIn(model, path), ["abcdefg", "hij", "xyz"]);
  }));

Deno.test("a text without separators is one document, and lines of JSON are one each", async () => {
  await withFile("t.txt", "ab\n\ncd", async (model, path) => {
    assert.deepEqual(await sequencesIn(model, path), ["ab\n\ncd"]);
  });
  await withFile("t.jsonl", '{"text":"ab","more":1}\n\n{"text":"cd"}\n', async (model, path) => {
    assert.deepEqual(await sequencesIn(model, path), ["ab", "cd"]);
  });
});

Deno.test("a long text is read in pieces and gives the same tokens as in one", () => {
  const text = Array.from({ length: 9000 }, (_, i) => i % 3 === 0 ? "Mary" : i % 7 === 0 ? " \n the" : "gave to").join(
    " ",
  );
  return withFile("t.txt", text, async (model, path) => {
    const [set] = await findTextSets(model, [path]);
    assert.ok(set !== undefined);
    const sequences = await readSequences(set, model);
    const found = [...sequences.tokens].filter((id) => id !== END_OF_TEXT_ID);
    assert.deepEqual(found, model.tokenizer.encode(text));
  });
});

Deno.test("a file that is wrong is told by its line", async () => {
  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ["t.jsonl", '{"text":"a"}\n{"text":\n', /Cannot read text set "t": line 2 is not JSON/],
    ["t.jsonl", '{"text":"a"}\n\n{"text":1}\n', /line 3: expected an object with a field "text"/],
    ["t.jsonl", "[]", /line 1: expected an object/],
    ["t.txt", " \n<|endoftext|>\n", /it holds no text/],
  ];
  for (const [name, content, message] of wrong) {
    await withFile(name, content, async (model, path) => {
      await assert.rejects(sequencesIn(model, path), message);
    });
  }
});

Deno.test("text sets of one name are told apart, and what is not there is left out", () =>
  withFile("corpus.txt", "ab", async (model, path) => {
    await Deno.writeTextFile(join(model.folder, "corpus.txt"), "cd");
    const sets = await findTextSets(model, [path, `${path}.gone`]);
    assert.deepEqual(sets.map(({ id, origin, sizeBytes }) => [id, origin, sizeBytes]), [
      ["corpus", "the model’s folder", 2],
      ["corpus~2", "--corpus", 2],
    ]);
  }));

Deno.test("planBatches() reads every sequence once, in batches that are not too large", () => {
  const lengths = Array.from({ length: 1300 }, (_, i) => 1 + (i * 7919) % 97);
  const starts = [0];
  for (const length of lengths) starts.push((starts.at(-1) ?? 0) + length);
  const sequences = new Sequences(new Int32Array(starts.at(-1) ?? 0), Uint32Array.from(starts));
  for (const maxTokens of [1, 100, 512, 5000]) {
    const batches = planBatches(sequences, maxTokens);
    assert.deepEqual(batches.flat().toSorted((a, b) => a - b), lengths.map((_, i) => i));
    for (const batch of batches) {
      const longest = Math.max(...batch.map((number) => lengths[number] ?? NaN));
      assert.ok(batch.length === 1 || batch.length * longest <= maxTokens, `${batch.length} × ${longest}`);
    }
  }
});

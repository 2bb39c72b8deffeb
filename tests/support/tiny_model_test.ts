import assert from "node:assert/strict";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { referenceRun } from "./reference_transformer.ts";
import { readSafetensors } from "./safetensors_fixture.ts";
import { type TinyModel, type TinyModelOptions, writeTinyModel } from "./tiny_model.ts";
import { byteLevelTokenizer, END_OF_TEXT_ID, TOKENIZER_VOCABULARY_SIZE } from "./tiny_tokenizer.ts";

Deno.test("writeTinyModel() writes what it returns, in every type", async () => {
  for (const dtype of ["F32", "F16", "BF16"] as const) {
    await withTinyModel({ dtype, layers: 1, width: 8 }, async ({ folder, weights, parameterCount }) => {
      const { tensors } = readSafetensors(await Deno.readFile(join(folder, "model.safetensors")));
      assert.deepEqual([...tensors.keys()].sort(), [...weights.keys()].sort());
      let count = 0;
      for (const [name, { shape, data }] of weights) {
        assert.equal(tensors.get(name)?.dtype, dtype);
        assert.deepEqual(tensors.get(name)?.shape, shape);
        assert.deepEqual(Float64Array.from(tensors.get(name)?.data ?? []), data);
        count += data.length;
      }
      assert.equal(parameterCount, count);
    });
  }
});

Deno.test("writeTinyModel() gives the same bytes for the same seed and others for another", async () => {
  const bytesOf = (seed: number) =>
    withTinyModel({ seed }, ({ folder }) => Deno.readFile(join(folder, "model.safetensors")));
  assert.deepEqual(await bytesOf(5), await bytesOf(5));
  assert.notDeepEqual(await bytesOf(5), await bytesOf(6));
});

Deno.test("writeTinyModel() gives weights of the intended mean and deviation", async () => {
  await withTinyModel({ width: 64, layers: 1 }, ({ weights }) => {
    const [meanOfFc, deviationOfFc] = moments(weights.get("transformer.h.0.mlp.c_fc.weight")?.data);
    assert.ok(Math.abs(meanOfFc) < 0.005, `${meanOfFc}`);
    assert.ok(Math.abs(deviationOfFc - 1.2 / 8) < 0.003, `${deviationOfFc}`);
    const [meanOfGain] = moments(weights.get("transformer.ln_f.weight")?.data);
    assert.ok(Math.abs(meanOfGain - 1) < 0.1, `${meanOfGain}`);
    return Promise.resolve();
  });
});

Deno.test("writeTinyModel() makes a model whose attention and neurons do something", async () => {
  await withTinyModel({}, ({ weights, config }) => {
    const question = {
      tokens: [1, 5, 9, 13, 1, 5],
      objective: { kind: "logit-diff", targets: [2], distractors: [3] },
    } as const;
    const { hooks, objective } = referenceRun(weights, config, question);
    assert.ok(Math.abs(objective) > 0.01 && Math.abs(objective) < 100, `${objective}`);
    const pattern = hooks.get("blocks.1.attn.hook_pattern")?.data.slice(-12) ?? [];
    assert.ok(Math.max(...pattern) > 0.2 && Math.max(...pattern) < 0.99, `${pattern}`);
    return Promise.resolve();
  });
});

Deno.test("writeTinyModel() follows its options for names, output matrix, masks and configuration", async () => {
  const options: TinyModelOptions = {
    prefix: "",
    tied: false,
    maskBuffers: true,
    layers: 1,
    config: { "n_ctx": 7, extra: "yes" },
  };
  await withTinyModel(options, async ({ folder, weights, config, parameterCount }) => {
    assert.deepEqual(weights.get("lm_head.weight")?.shape, [67, 16]);
    assert.notDeepEqual(weights.get("lm_head.weight")?.data, weights.get("wte.weight")?.data);
    assert.deepEqual(weights.get("h.0.attn.bias")?.shape, [1, 1, 24, 24]);
    assert.deepEqual([...weights.get("h.0.attn.bias")?.data.subarray(24, 28) ?? []], [1, 1, 0, 0]);
    const [all] = [[...weights.values()].reduce((sum, { data }) => sum + data.length, 0)];
    assert.equal(parameterCount, all - 24 * 24);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(join(folder, "config.json"))), config);
    assert.equal(config["tie_word_embeddings"], false);
    assert.equal(config["n_ctx"], 7);
    assert.equal(config["extra"], "yes");
  });
});

Deno.test("writeTinyModel() splits the weights over files that the index names", async () => {
  await withTinyModel({ shards: 3 }, async ({ folder, weights, parameterCount }) => {
    const index = JSON.parse(await Deno.readTextFile(join(folder, "model.safetensors.index.json")));
    assert.equal(index.metadata["total_size"], 4 * parameterCount);
    assert.deepEqual(Object.keys(index["weight_map"]).sort(), [...weights.keys()].sort());
    assert.deepEqual(
      [...new Set(Object.values(index["weight_map"]))].sort(),
      [1, 2, 3].map((n) => `model-0000${n}-of-00003.safetensors`),
    );
    for (const [name, fileName] of Object.entries<string>(index["weight_map"])) {
      const { tensors } = readSafetensors(await Deno.readFile(join(folder, fileName)));
      assert.deepEqual(Float64Array.from(tensors.get(name)?.data ?? []), weights.get(name)?.data);
    }
  });
});

Deno.test("writeTinyModel() writes a tokenizer that encodes and decodes any text", async () => {
  await withTinyModel({ tokenizer: true }, async ({ folder, config }) => {
    assert.equal(config["vocab_size"], TOKENIZER_VOCABULARY_SIZE);
    assert.equal(config["bos_token_id"], END_OF_TEXT_ID);
    const tokenizer = new Tokenizer(JSON.parse(await Deno.readTextFile(join(folder, "tokenizer.json"))), {});
    for (const text of ["Then Mary and John went to the store.", "naïve — 日本語 🦕\n\ttab"]) {
      assert.equal(tokenizer.decode(tokenizer.encode(text).ids, { skip_special_tokens: false }), text);
    }
    for (const word of [" the", " to", " a", " Mary", " John", "<|endoftext|>"]) {
      assert.equal(tokenizer.encode(word).ids.length, 1, word);
    }
    assert.deepEqual(tokenizer.encode("<|endoftext|>").ids, [END_OF_TEXT_ID]);
  });
});

Deno.test("byteLevelTokenizer() gives every token an id of its own, without gaps", () => {
  const { model } = byteLevelTokenizer() as { model: { vocab: Record<string, number> } };
  const ids = Object.values(model.vocab).sort((a, b) => a - b);
  assert.deepEqual(ids, Array.from({ length: TOKENIZER_VOCABULARY_SIZE }, (_, id) => id));
});

Deno.test("writeTinyModel() refuses sizes that do not fit together", async () => {
  const folder = await Deno.makeTempDir();
  await assert.rejects(writeTinyModel(folder, { width: 10, heads: 3 }), {
    name: "RangeError",
    message: "Expected a width that 3 heads divide but found 10",
  });
  await assert.rejects(
    writeTinyModel(folder, { tokenizer: true, vocab: 100 }),
    /Expected a vocabulary of at least \d+ but found 100/,
  );
  await Deno.remove(folder, { recursive: true });
});

async function withTinyModel<T>(options: TinyModelOptions, check: (model: TinyModel) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "tiny_model_" });
  try {
    return await check(await writeTinyModel(folder, options));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function moments(values: Float64Array = new Float64Array()): [mean: number, deviation: number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [mean, Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)];
}

/** The golden autoencoders: the torch files and the safetensors files hold the same dictionaries. */
import assert from "node:assert/strict";
import { findDictionaries } from "../../../engine/dictionaries/find_dictionaries.ts";
import { openDictionary } from "../../../engine/dictionaries/open_dictionary.ts";
import type { Dictionary } from "../../../engine/model/dictionary.ts";
import type { HookName } from "../../../engine/model/hook_points.ts";
import { Asker, type TestQuestion } from "../../support/asker.ts";
import { goldenModelFolder } from "../../support/golden.ts";
import { goldenAutoencoderPath, goldenDictionaries } from "../../support/golden_dictionaries.ts";
import { readMatrix, readValue } from "../../support/read_value.ts";

const NAMES = ["mlp_post_act", "resid_delta_mlp", "resid_delta_attn"].flatMap((place) =>
  ["relu", "topk"].map((activation) => `tiny.${place}.${activation}`)
);

async function numbersOf({ weights }: Dictionary) {
  return {
    encoder: await readMatrix(weights.encoder),
    decoder: await readMatrix(weights.decoder),
    encoderBias: await readValue(weights.encoderBias),
    outputBias: await readValue(weights.outputBias),
    inputBias: weights.inputBias === null ? null : await readValue(weights.inputBias),
  };
}

Deno.test("findDictionaries() finds the torch files of the golden autoencoders", async () => {
  const found = await findDictionaries(goldenAutoencoderPath("."));
  assert.deepEqual(found.map(({ id }) => id), NAMES.map((name) => `${name}.pt/0.pt`).sort());
});

for (const name of NAMES) {
  Deno.test(`${name}: the torch file holds the tensors of the safetensors file`, async () => {
    const [golden] = await goldenDictionaries(name);
    assert.ok(golden);
    const path = goldenAutoencoderPath(`${name}.pt/0.pt`);
    const torch = await openDictionary({ id: "0.pt", path }, null);
    assert.deepEqual(await numbersOf(torch), await numbersOf(golden));
    const { id: _, sizeBytes, modelName: __, ...understood } = torch.detail;
    const { id: ___, sizeBytes: ____, modelName: _____, ...expected } = golden.detail;
    assert.deepEqual(understood, expected);
    assert.equal(sizeBytes, (await Deno.stat(path)).size);
    assert.deepEqual(torch.normalization, { kind: "none" });
    assert.equal(torch.activation.kind, name.endsWith("topk") ? "topk" : "relu");
  });
}

/** Everything that a run has, of one side as it is and one with a latent set to another value; and some tensors. */
async function answersOf(dictionary: Dictionary) {
  const asker = await Asker.open(goldenModelFolder("tiny"), [dictionary]);
  const { id, writeHook } = dictionary.detail;
  const isAttention = writeHook.endsWith(".hook_attn_out");
  const clean: TestQuestion = {
    tokens: [100, 65, 92, 95, 92, 67, 65],
    targets: [54],
    distractors: [76],
    dictionaries: [id],
    basis: { mlp: isAttention ? "neuron" : "latent", attention: isAttention ? "latent" : "head" },
  };
  const latents = `${writeHook}.hook_sae_acts_post` as HookName;
  const edits = [{ hook: latents, row: 1, index: [6, 7], keep: 0, patch: null, added: 2.5 }];
  const { compileMs: _, computeMs: __, ...run } = await asker.run([clean, { ...clean, edits }]);
  const part = isAttention ? "attn" : "mlp";
  const names = [latents, `${writeHook}.hook_sae_error`, `grad:${latents}`, `scalar:total_effect:${part}-latent:0`];
  return { run, tensors: [...await asker.tensors(names, { ...clean, edits })] };
}

for (const name of NAMES) {
  Deno.test(`${name}: a question has the same numbers from the torch file and from the safetensors file`, async () => {
    const [golden] = await goldenDictionaries(name);
    assert.ok(golden);
    const torch = await openDictionary({ id: golden.detail.id, path: goldenAutoencoderPath(`${name}.pt/0.pt`) }, null);
    const [fromTorch, fromSafetensors] = [await answersOf(torch), await answersOf(golden)];
    assert.deepEqual(fromTorch, fromSafetensors);
    const { run: { objective: [clean, edited], dictionaries: [found] }, tensors } = fromTorch;
    assert.ok(found !== undefined && found.latents.length > 10, "latents are shown");
    assert.ok(Math.abs((clean ?? NaN) - (edited ?? NaN)) > 1e-3, "the latent matters");
    assert.equal(tensors.length, 5);
    for (const [, { data }] of tensors) assert.ok(data.some((value) => value !== 0));
  });
}

Deno.test("small4.resid_delta_mlp.topk has one dictionary a layer", async () => {
  const dictionaries = await goldenDictionaries("small4.resid_delta_mlp.topk");
  assert.deepEqual(
    dictionaries.map(({ detail }) => detail.writeHook),
    [0, 1, 2, 3].map((l) => `blocks.${l}.hook_mlp_out`),
  );
  for (const { detail } of dictionaries) {
    assert.deepEqual([detail.inputWidth, detail.latentCount, detail.outputWidth, detail.k], [128, 64, 128, 8]);
  }
});

/** The golden autoencoders: the torch files and the safetensors files hold the same dictionaries. */
import assert from "node:assert/strict";
import { findDictionaries } from "../../../engine/dictionaries/find_dictionaries.ts";
import { openDictionary } from "../../../engine/dictionaries/open_dictionary.ts";
import type { Dictionary } from "../../../engine/model/dictionary.ts";
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

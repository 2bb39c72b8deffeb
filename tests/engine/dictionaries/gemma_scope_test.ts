/** Gemma Scope: what the arrays and the path say. */
import assert from "node:assert/strict";
import { assertComputes, assertRefused, withDictionary } from "../../support/check_dictionary.ts";
import { plus, type RandomTensors, randomTensors, relu, times } from "../../support/dictionary_files.ts";
import { npzFile } from "../../support/npz_file.ts";

const [WIDTH, LATENTS] = [6, 10];
const TENSORS = randomTensors({
  "W_enc": [WIDTH, LATENTS],
  "W_dec": [LATENTS, WIDTH],
  "b_enc": [LATENTS],
  "b_dec": [WIDTH],
  "threshold": [LATENTS],
});
const PATH = "layer_12/width_16k/average_l0_82/params.npz";

function get(tensors: RandomTensors, name: string) {
  return tensors[name] ?? assert.fail(name);
}

const PLACES = {
  "gemma-scope-2b-pt-res": ["blocks.12.hook_resid_post", "gemma-2-2b"],
  "models--google--gemma-scope-9b-it-res": ["blocks.12.hook_resid_post", "gemma-2-9b-it"],
  "gemma-scope-2b-pt-mlp": ["blocks.12.hook_mlp_out", "gemma-2-2b"],
};

for (const [folder, [hook, model]] of Object.entries(PLACES)) {
  Deno.test(`${folder} is read and computes what its tutorial does`, async () => {
    await withDictionary({ [`${folder}/${PATH}`]: npzFile(TENSORS) }, async (dictionary) => {
      const { detail } = dictionary;
      assert.deepEqual([detail.id, detail.format, detail.architecture], [
        `${folder}/${PATH}`,
        "gemma-scope",
        "jumprelu",
      ]);
      assert.deepEqual([detail.readHook, detail.writeHook, detail.modelName], [hook, hook, model]);
      assert.deepEqual([detail.inputWidth, detail.latentCount, detail.centring], [WIDTH, LATENTS, "none"]);
      await assertComputes(dictionary, (x) => {
        const pre = plus(times(x, get(TENSORS, "W_enc")), get(TENSORS, "b_enc").data);
        const latents = relu(pre).map((value, j) =>
          (pre[j] ?? NaN) > (get(TENSORS, "threshold").data[j] ?? NaN) ? value : 0
        );
        return { latents, reconstruction: plus(times(latents, get(TENSORS, "W_dec")), get(TENSORS, "b_dec").data) };
      });
    });
  });
}

Deno.test("a sidecar says where arrays belong whose path does not", async () => {
  const files = { "mine/params.npz": npzFile(TENSORS), "mine/dictionary.json": { site: "hook_resid_pre", layer: 1 } };
  await withDictionary(files, ({ detail }) => assert.equal(detail.readHook, "blocks.1.hook_resid_pre"));
});

const { "threshold": _, ...WITHOUT_THRESHOLD } = TENSORS;
const NEGATIVE = {
  ...TENSORS,
  threshold: { ...get(TENSORS, "threshold"), data: get(TENSORS, "threshold").data.map((value) => value - 1) },
};

Deno.test("a threshold below 0 lets nothing negative through", async () => {
  await withDictionary({ [`gemma-scope-2b-pt-res/${PATH}`]: npzFile(NEGATIVE) }, async (dictionary) => {
    await assertComputes(dictionary, (x) => {
      const pre = plus(times(x, get(NEGATIVE, "W_enc")), get(NEGATIVE, "b_enc").data);
      const latents = relu(pre.map((value, j) => value > (get(NEGATIVE, "threshold").data[j] ?? NaN) ? value : 0));
      return { latents, reconstruction: plus(times(latents, get(NEGATIVE, "W_dec")), get(NEGATIVE, "b_dec").data) };
    });
  });
});

const REFUSED: Readonly<Record<string, readonly [string, RandomTensors, RegExp]>> = {
  "without thresholds": [`gemma-scope-2b-pt-res/${PATH}`, WITHOUT_THRESHOLD, /has no tensor "threshold"/],
  "with an array too many": [
    `gemma-scope-2b-pt-res/${PATH}`,
    { ...TENSORS, ...randomTensors({ "scaling_factor": [LATENTS] }) },
    /has a tensor "scaling_factor"/,
  ],
  "of attention": [`gemma-scope-2b-pt-att/${PATH}`, TENSORS, /heads side by side, which are not read/],
  "of a transcoder": [`gemma-scope-2b-pt-transcoders/${PATH}`, TENSORS, /reads behind the norm's gain/],
  "of the embedding": ["gemma-scope-2b-pt-res/embedding/width_4k/params.npz", TENSORS, /does not say where it belongs/],
  "at no place": ["somewhere/params.npz", TENSORS, /does not say where it belongs.*dictionary\.json/],
};

for (const [what, [path, tensors, message]] of Object.entries(REFUSED)) {
  Deno.test(`arrays ${what} are refused`, () => assertRefused({ [path]: npzFile(tensors) }, message));
}

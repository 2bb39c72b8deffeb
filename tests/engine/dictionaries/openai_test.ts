/** OpenAI's state dicts: what the file says, what its path says, what a sidecar says, and what nobody says. */
import assert from "node:assert/strict";
import { assertComputes, assertRefused, type FormatResult, withDictionary } from "../../support/check_dictionary.ts";
import {
  type FolderFiles,
  linear,
  minus,
  plus,
  type RandomTensors,
  randomTensors,
  relu,
} from "../../support/dictionary_files.ts";
import { pDict, type Pickled, pInt, pText, torchFile } from "../../support/torch_file.ts";

const [WIDTH, LATENTS] = [6, 10];
const SHAPES = {
  "pre_bias": [WIDTH],
  "encoder.weight": [LATENTS, WIDTH],
  "latent_bias": [LATENTS],
  "decoder.weight": [WIDTH, LATENTS],
};
const TENSORS = randomTensors(SHAPES);
const FOLDER = "sparse-autoencoder/gpt2-small/resid_delta_mlp_v4/autoencoders";

function topK(k: Pickled, after = "ReLU"): Readonly<Record<string, Pickled>> {
  return { "activation": pText("TopK"), "activation_state_dict": pDict({ k, "postact_fn": pText(after) }) };
}

function data(tensors: RandomTensors, name: string): Float64Array {
  return tensors[name]?.data ?? new Float64Array();
}

/** What their `Autoencoder.forward` computes; `activation` works on one token. */
function forward(
  activation: (pre: Float64Array) => Float64Array,
  isNormalised = false,
): (x: Float64Array) => FormatResult {
  return (x) => {
    const mean = x.reduce((sum, value) => sum + value, 0) / WIDTH;
    const deviation = Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (WIDTH - 1));
    const seen = isNormalised ? x.map((value) => (value - mean) / (deviation + 1e-5)) : x;
    const bias = data(TENSORS, "pre_bias");
    const encoder = TENSORS["encoder.weight"] ?? assert.fail();
    const decoder = TENSORS["decoder.weight"] ?? assert.fail();
    const latents = activation(plus(linear(encoder, minus(seen, bias)), data(TENSORS, "latent_bias")));
    const decoded = plus(linear(decoder, latents), bias);
    return { latents, reconstruction: isNormalised ? decoded.map((value) => value * deviation + mean) : decoded };
  };
}

function largest(k: number): (pre: Float64Array) => Float64Array {
  return (pre) => {
    const smallest = pre.toSorted().at(-k) ?? NaN;
    return relu(pre.map((value) => value >= smallest ? value : 0));
  };
}

Deno.test("a state dict without an activation is ReLU; its path says where it belongs", async () => {
  await withDictionary({ [`${FOLDER}/7.pt`]: torchFile(TENSORS, { isPlainDict: true }) }, async (dictionary) => {
    const { sizeBytes, ...detail } = dictionary.detail;
    assert.ok(sizeBytes > 4 * (2 * WIDTH * LATENTS));
    assert.deepEqual(detail, {
      id: `${FOLDER}/7.pt`,
      format: "openai",
      architecture: "standard",
      layer: 7,
      readHook: "blocks.7.hook_mlp_out",
      writeHook: "blocks.7.hook_mlp_out",
      inputWidth: WIDTH,
      latentCount: LATENTS,
      outputWidth: WIDTH,
      activation: "relu",
      k: null,
      normalization: "none",
      centring: "output-bias",
      trainedWithBos: null,
      modelName: "gpt2-small",
    });
    await assertComputes(dictionary, forward(relu));
  });
});

Deno.test("a state dict may be Identity, hold statistics, parameters and a transposed decoder", async () => {
  const { "decoder.weight": decoder = assert.fail(), ...others } = TENSORS;
  const columns = Float64Array.from({ length: WIDTH * LATENTS }, (_, at) => {
    const [column, row] = [Math.floor(at / WIDTH), at % WIDTH];
    return decoder.data[row * LATENTS + column] ?? NaN;
  });
  const file = torchFile({
    ...Object.fromEntries(Object.entries(others).map(([name, tensor]) => [name, { ...tensor, isParameter: true }])),
    "decoder.weight": { shape: [WIDTH, LATENTS], strides: [1, WIDTH], data: columns },
    "stats_last_nonzero": { shape: [LATENTS], data: new Float64Array(LATENTS), dtype: "I64" },
    "latents_activation_frequency": { shape: [LATENTS], data: new Float64Array(LATENTS) },
    "latents_mean_square": { shape: [LATENTS], data: new Float64Array(LATENTS) },
  }, { plain: { activation: pText("Identity"), "activation_state_dict": pDict({}) } });
  await withDictionary({ [`${FOLDER}/0.pt`]: file }, async (dictionary) => {
    assert.equal(dictionary.detail.activation, "identity");
    await assertComputes(dictionary, forward((pre) => pre));
  });
});

Deno.test("a decoder that is tied to the encoder is read", async () => {
  const { "decoder.weight": _, "encoder.weight": encoder = assert.fail(), ...others } = TENSORS;
  const file = torchFile({ ...others, "encoder.weight": encoder, "decoder.linear.weight": encoder });
  await withDictionary({ [`${FOLDER}/0.pt`]: file }, async (dictionary) => {
    await assertComputes(dictionary, (x) => {
      const { latents } = forward(relu)(x);
      const decoded = Array.from(
        { length: WIDTH },
        (_, i) => latents.reduce((sum, latent, j) => sum + latent * (encoder.data[j * WIDTH + i] ?? NaN), 0),
      );
      return { latents, reconstruction: plus(Float64Array.from(decoded), data(TENSORS, "pre_bias")) };
    });
  });
});

const NORMALISED_PLACES = {
  "resid_post_attn_v5_32k/autoencoders": "blocks.3.hook_resid_mid",
  "resid-post-mlp-v5-128k/autoencoders": "blocks.3.hook_resid_post",
  "resid_delta_attn_v5_32k": "blocks.3.hook_attn_out",
  "ae-resid-delta-mlp-v6": "blocks.3.hook_mlp_out",
  "mlp_post_act_v5/x/y": "blocks.3.mlp.hook_post",
};

for (const [folder, hook] of Object.entries(NORMALISED_PLACES)) {
  Deno.test(`TopK in ${folder} normalises its input as their code does`, async () => {
    await withDictionary({ [`${folder}/3.pt`]: torchFile(TENSORS, { plain: topK(pInt(4)) }) }, async (dictionary) => {
      assert.deepEqual([dictionary.detail.readHook, dictionary.detail.writeHook], [hook, hook]);
      assert.deepEqual([dictionary.detail.normalization, dictionary.detail.k], ["layer-norm", 4]);
      await assertComputes(dictionary, forward(largest(4), true));
    });
  });
}

Deno.test("TopK elsewhere needs a sidecar that says whether its input is normalised", async () => {
  const weights = { [`${FOLDER}/3.pt`]: torchFile(TENSORS, { plain: topK(pInt(4)) }) };
  await assertRefused(
    weights,
    /neither it nor its path \(…_v5…\) says whether its input is normalised.*dictionary\.json/,
  );
  const none = { ...weights, [`${FOLDER}/dictionary.json`]: { normalization: "none" } };
  await withDictionary(none, (dictionary) => assertComputes(dictionary, forward(largest(4))));
  const layerNorm = { ...weights, [`${FOLDER}/dictionary.json`]: { normalization: "layer-norm" } };
  await withDictionary(layerNorm, (dictionary) => assertComputes(dictionary, forward(largest(4), true)));
});

Deno.test("a sidecar wins over the path", async () => {
  const sidecar = {
    site: "mlp.hook_post",
    layer: 2,
    normalization: "mean-removed",
    factor: 2,
    trainedWithBos: true,
    model: "mine",
  };
  const files = { [`${FOLDER}/3.pt`]: torchFile(TENSORS), [`${FOLDER}/dictionary.json`]: sidecar };
  await withDictionary(files, ({ detail, normalization }) => {
    assert.equal(detail.readHook, "blocks.2.mlp.hook_post");
    assert.deepEqual([detail.trainedWithBos, detail.modelName], [true, "mine"]);
    assert.deepEqual(normalization, { kind: "mean-removed", factor: 2 });
  });
});

const PLACE = `${FOLDER}/3.pt`;
const { "decoder.weight": _, ...WITHOUT_DECODER } = TENSORS;
const SIDECAR = (sidecar: unknown) => ({
  [PLACE]: torchFile(TENSORS),
  [`${FOLDER}/dictionary.json`]: JSON.stringify(sidecar),
});

const REFUSED: Readonly<Record<string, readonly [FolderFiles, RegExp]>> = {
  "without a decoder": [{ [PLACE]: torchFile(WITHOUT_DECODER) }, /has no tensor "decoder\.weight"; it has "pre_bias"/],
  "with a misshapen bias": [
    { [PLACE]: torchFile({ ...TENSORS, ...randomTensors({ "pre_bias": [WIDTH + 1] }) }) },
    /tensor "pre_bias": it has shape \[7\], expected \[6\]/,
  ],
  "with whole numbers as weights": [
    { [PLACE]: torchFile({ ...TENSORS, "pre_bias": { shape: [WIDTH], data: new Float64Array(WIDTH), dtype: "I64" } }) },
    /tensor "pre_bias": its type is int64, expected a float type/,
  ],
  "with a tensor too many": [
    { [PLACE]: torchFile({ ...TENSORS, ...randomTensors({ gate: [2] }) }) },
    /has a tensor "gate", which is not known for this kind/,
  ],
  "with an entry too many": [{ [PLACE]: torchFile(TENSORS, { plain: { scale: pInt(2) } }) }, /has an entry "scale"/],
  "with an unknown activation": [
    { [PLACE]: torchFile(TENSORS, { plain: { activation: pText("GELU") } }) },
    /its activation is "GELU", expected ReLU, Identity or TopK/,
  ],
  "with TopK of no k": [
    { [PLACE]: torchFile(TENSORS, { plain: { activation: pText("TopK") } }) },
    /activation_state_dict has no k/,
  ],
  "with TopK before something else": [
    { [PLACE]: torchFile(TENSORS, { plain: topK(pInt(4), "Identity") }) },
    /its TopK is followed by "Identity", expected ReLU/,
  ],
  "with TopK of none": [
    { "resid_post_attn_v5_32k/3.pt": torchFile(TENSORS, { plain: topK(pInt(0)) }) },
    /its k is 0, expected a whole number from 1/,
  ],
  "at no place": [{ "somewhere/3.pt": torchFile(TENSORS) }, /its path does not say where it belongs.*mlp_post_act/],
  "of no layer": [{ [`${FOLDER}/best.pt`]: torchFile(TENSORS) }, /name it LAYER\.pt/],
  "with a sidecar that is no object": [SIDECAR([]), /dictionary\.json beside it: expected a JSON object/],
  "with a sidecar of an unknown field": [SIDECAR({ hook: "x" }), /dictionary\.json beside it: .*hook/],
  "with a sidecar of an unknown site": [SIDECAR({ site: "attn.hook_z" }), /dictionary\.json beside it: site: /],
  "with a sidecar of a factor alone": [SIDECAR({ factor: 2 }), /has a factor, which needs "normalization"/],
  "with a sidecar of no factor": [SIDECAR({ normalization: "constant" }), /has no factor/],
  "with a sidecar of a factor 0": [SIDECAR({ normalization: "constant", factor: 0 }), /factor: /],
  "with a sidecar that writes no place": [SIDECAR({ writeSite: "ln2.hook_normalized" }), /writeSite: /],
};

for (const [what, [files, message]] of Object.entries(REFUSED)) {
  Deno.test(`a state dict ${what} is refused`, () => assertRefused(files, message));
}

/** dictionary_learning: every class that it saves, and where the configuration says that it belongs. */
import assert from "node:assert/strict";
import type { DictionaryDetail } from "../../../engine/model/dictionary.ts";
import { assertComputes, assertRefused, type FormatResult, withDictionary } from "../../support/check_dictionary.ts";
import {
  type FolderFiles,
  linear,
  minus,
  plus,
  type RandomTensor,
  type RandomTensors,
  randomTensors,
  relu,
  times,
} from "../../support/dictionary_files.ts";
import { torchFile, type TorchTensor } from "../../support/torch_file.ts";

const [WIDTH, LATENTS, K] = [6, 10, 3];
const LINEAR = { "encoder.weight": [LATENTS, WIDTH], "encoder.bias": [LATENTS], "decoder.weight": [WIDTH, LATENTS] };
const PLAIN = { "W_enc": [WIDTH, LATENTS], "b_enc": [LATENTS], "W_dec": [LATENTS, WIDTH], "b_dec": [WIDTH] };
const K_TENSOR: TorchTensor = { shape: [], data: [K], dtype: "I32" };

function config(dictClass: string, trainer: object = {}, buffer: object = { io: "out", d_submodule: WIDTH }): object {
  return {
    trainer: {
      "trainer_class": "SomeTrainer",
      "dict_class": dictClass,
      "activation_dim": WIDTH,
      "dict_size": LATENTS,
      layer: 5,
      "lm_name": "openai-community/gpt2",
      "submodule_name": "resid_post_layer_5",
      ...trainer,
    },
    buffer,
  };
}

function get(tensors: RandomTensors, name: string): RandomTensor {
  return tensors[name] ?? assert.fail(name);
}

/** `encode` and `decode` of their class. */
type Code = (tensors: RandomTensors, x: Float64Array) => FormatResult;

function linearPre(tensors: RandomTensors, x: Float64Array, bias: string): Float64Array {
  return plus(linear(get(tensors, "encoder.weight"), x), get(tensors, bias).data);
}

function linearResult(tensors: RandomTensors, latents: Float64Array, bias: string): FormatResult {
  return { latents, reconstruction: plus(linear(get(tensors, "decoder.weight"), latents), get(tensors, bias).data) };
}

function centred(tensors: RandomTensors, x: Float64Array, bias: string): Float64Array {
  return minus(x, get(tensors, bias).data);
}

function above(values: Float64Array, threshold: (j: number) => number): Float64Array {
  return values.map((value, j) => value > threshold(j) ? value : 0);
}

function only(threshold: RandomTensor): (j: number) => number {
  return () => threshold.data[0] ?? NaN;
}

interface Case {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly others?: Readonly<Record<string, TorchTensor>>;
  readonly code: Code;
  readonly detail: Partial<DictionaryDetail>;
}

const CASES: Readonly<Record<string, Case>> = {
  AutoEncoder: {
    shapes: { ...LINEAR, bias: [WIDTH] },
    code: (t, x) => linearResult(t, relu(linearPre(t, centred(t, x, "bias"), "encoder.bias")), "bias"),
    detail: { architecture: "standard", activation: "relu", centring: "output-bias", k: null },
  },
  AutoEncoderNew: {
    shapes: { ...LINEAR, "decoder.bias": [WIDTH] },
    code: (t, x) => linearResult(t, relu(linearPre(t, x, "encoder.bias")), "decoder.bias"),
    detail: { architecture: "standard", centring: "none" },
  },
  GatedAutoEncoder: {
    shapes: {
      "encoder.weight": [LATENTS, WIDTH],
      "decoder.weight": [WIDTH, LATENTS],
      "decoder_bias": [WIDTH],
      "r_mag": [LATENTS],
      "gate_bias": [LATENTS],
      "mag_bias": [LATENTS],
    },
    code: (t, x) => {
      const encoded = linear(get(t, "encoder.weight"), centred(t, x, "decoder_bias"));
      const gate = plus(encoded, get(t, "gate_bias").data);
      const scaled = encoded.map((value, j) => value * Math.exp(get(t, "r_mag").data[j] ?? NaN));
      const magnitude = relu(plus(scaled, get(t, "mag_bias").data));
      return linearResult(t, magnitude.map((value, j) => (gate[j] ?? NaN) > 0 ? value : 0), "decoder_bias");
    },
    detail: { architecture: "gated", activation: "gated" },
  },
  AutoEncoderTopK: {
    shapes: { ...LINEAR, "b_dec": [WIDTH], threshold: [] },
    others: { k: K_TENSOR },
    code: (t, x) => {
      const active = relu(linearPre(t, centred(t, x, "b_dec"), "encoder.bias"));
      const smallest = active.toSorted().at(-K) ?? NaN;
      return linearResult(t, active.map((value) => value >= smallest ? value : 0), "b_dec");
    },
    detail: { architecture: "topk", activation: "topk", k: K },
  },
  BatchTopKSAE: {
    shapes: { ...LINEAR, "b_dec": [WIDTH], threshold: [] },
    others: { k: K_TENSOR },
    code: (t, x) => {
      const active = relu(linearPre(t, centred(t, x, "b_dec"), "encoder.bias"));
      return linearResult(t, above(active, only(get(t, "threshold"))), "b_dec");
    },
    detail: { architecture: "batchtopk", activation: "jumprelu", k: K },
  },
  MatryoshkaBatchTopKSAE: {
    shapes: { ...PLAIN, threshold: [] },
    others: { k: K_TENSOR, "group_sizes": { shape: [2], data: [4, 6], dtype: "I64" } },
    code: (t, x) => {
      const active = relu(plus(times(centred(t, x, "b_dec"), get(t, "W_enc")), get(t, "b_enc").data));
      const latents = above(active, only(get(t, "threshold")));
      return { latents, reconstruction: plus(times(latents, get(t, "W_dec")), get(t, "b_dec").data) };
    },
    detail: { architecture: "matryoshka-batchtopk", activation: "jumprelu", k: K },
  },
  JumpReluAutoEncoder: {
    shapes: { ...PLAIN, threshold: [LATENTS] },
    code: (t, x) => {
      const pre = plus(times(x, get(t, "W_enc")), get(t, "b_enc").data);
      const latents = relu(above(pre, (j) => get(t, "threshold").data[j] ?? NaN));
      return { latents, reconstruction: plus(times(latents, get(t, "W_dec")), get(t, "b_dec").data) };
    },
    detail: { architecture: "jumprelu", activation: "jumprelu", centring: "none" },
  },
};

for (const [dictClass, { shapes, others = {}, code, detail }] of Object.entries(CASES)) {
  Deno.test(`${dictClass} is read and computes what its class does`, async () => {
    const tensors = randomTensors(shapes);
    const files = {
      "trainer_0/ae.pt": torchFile({ ...tensors, ...others }, { isPlainDict: true }),
      "trainer_0/config.json": config(dictClass, { k: K }),
    };
    await withDictionary(files, async (dictionary) => {
      const { id, format, readHook, writeHook, modelName, inputWidth, latentCount } = dictionary.detail;
      assert.deepEqual([id, format, modelName], ["trainer_0/ae.pt", "dictionary-learning", "openai-community/gpt2"]);
      assert.deepEqual([readHook, writeHook], ["blocks.5.hook_resid_post", "blocks.5.hook_resid_post"]);
      assert.deepEqual([inputWidth, latentCount], [WIDTH, LATENTS]);
      for (const [field, value] of Object.entries(detail)) {
        assert.deepEqual(dictionary.detail[field as keyof DictionaryDetail], value, field);
      }
      await assertComputes(dictionary, (x) => code(tensors, x));
    });
  });
}

const TENSORS = randomTensors({ ...LINEAR, bias: [WIDTH] });
const FILE = torchFile(TENSORS);

interface Choice {
  readonly dictClass: string;
  readonly buffer: object;
}

function files(trainer: object = {}, { dictClass = "AutoEncoder", buffer }: Partial<Choice> = {}): FolderFiles {
  return { "ae.pt": FILE, "config.json": config(dictClass, trainer, buffer) };
}

const SUBMODULES: Readonly<Record<string, string>> = {
  "resid_pre_layer_5": "blocks.5.hook_resid_pre",
  "mlp_out_layer_5": "blocks.5.hook_mlp_out",
  "attn_out_layer_5": "blocks.5.hook_attn_out",
  "transformer.h.5": "blocks.5.hook_resid_post",
  "transformer.h.5.mlp": "blocks.5.hook_mlp_out",
  "transformer.h.5.attn": "blocks.5.hook_attn_out",
  "transformer.h.5.mlp.act": "blocks.5.mlp.hook_post",
  "gpt_neox.layers.5.attention": "blocks.5.hook_attn_out",
};

for (const [submodule, hook] of Object.entries(SUBMODULES)) {
  Deno.test(`what was trained at ${submodule} belongs to ${hook}`, async () => {
    await withDictionary(files({ "submodule_name": submodule }), ({ detail }) => assert.equal(detail.readHook, hook));
  });
}

Deno.test("a checkpoint finds the configuration one folder up; texts without BOS are told", async () => {
  const checkpoint = {
    "run/checkpoints/ae_1000.pt": FILE,
    "run/config.json": config("AutoEncoder", {}, { io: "out", "remove_bos": true }),
  };
  await withDictionary(checkpoint, ({ detail }) => {
    assert.deepEqual([detail.id, detail.trainedWithBos], ["run/checkpoints/ae_1000.pt", false]);
  });
});

Deno.test("a sidecar says where a dictionary belongs whose configuration does not", async () => {
  const unknown = files({ "submodule_name": null });
  await assertRefused(unknown, /trainer\.submodule_name is null, expected as resid_post_layer_8/);
  await withDictionary({ ...unknown, "dictionary.json": { site: "hook_resid_mid" } }, ({ detail }) => {
    assert.equal(detail.readHook, "blocks.5.hook_resid_mid");
  });
});

const { "encoder.bias": _, ...WITHOUT_BIAS } = TENSORS;
const TOP_K = randomTensors({ ...LINEAR, "b_dec": [WIDTH] });

const REFUSED: Readonly<Record<string, readonly [FolderFiles, RegExp]>> = {
  "without a configuration": [{ "ae.pt": FILE }, /there is no config\.json beside it as dictionary_learning has/],
  "with a configuration of something else": [
    { "ae.pt": FILE, "config.json": { "model_type": "gpt2" } },
    /config\.json: trainer: /,
  ],
  "of an unknown class": [
    files({}, { dictClass: "IdentityDict" }),
    /its class is "IdentityDict", expected one of AutoEncoder/,
  ],
  "of a class from the prototype": [files({}, { dictClass: "constructor" }), /its class is "constructor"/],
  "of another class": [files({}, { dictClass: "AutoEncoderNew" }), /has a tensor "bias", which is not known/],
  "without a tensor": [{ ...files(), "ae.pt": torchFile(WITHOUT_BIAS) }, /has no tensor "encoder\.bias"/],
  "at an unknown submodule": [
    files({ "submodule_name": "transformer.h.5.ln_1" }),
    /trainer\.submodule_name is "transformer\.h\.5\.ln_1"/,
  ],
  "of two layers": [
    files({ "submodule_name": "resid_post_layer_6" }),
    /trainer\.layer is 5, but trainer\.submodule_name is resid_post_layer_6/,
  ],
  "of a submodule's input": [files({}, { buffer: { io: "in" } }), /trained on what goes in of a submodule/],
  "with two k": [
    { "ae.pt": torchFile({ ...TOP_K, k: K_TENSOR }), "config.json": config("AutoEncoderTopK", { k: 4 }) },
    /its k is 3, but trainer\.k in config\.json is 4/,
  ],
  "with no k": [{ "ae.pt": torchFile(TOP_K), "config.json": config("AutoEncoderTopK") }, /neither it nor config\.json/],
};

for (const [what, [given, message]] of Object.entries(REFUSED)) {
  Deno.test(`a dictionary of dictionary_learning ${what} is refused`, () => assertRefused(given, message));
}

/** SAELens folders: what is understood, and what is computed. */
import assert from "node:assert/strict";
import { assertComputes, assertRefused, type FormatResult, withDictionary } from "../../support/check_dictionary.ts";
import {
  type FolderFiles,
  minus,
  plus,
  type RandomTensor,
  type RandomTensors,
  randomTensors,
  relu,
  times,
} from "../../support/dictionary_files.ts";
import {
  config,
  files,
  HOOK,
  LATENTS,
  OUT,
  STANDARD,
  TRANSCODER,
  TRANSCODER_FIELDS,
  WIDTH,
} from "../../support/saelens_files.ts";
import type { DictionaryDetail } from "../../../engine/model/dictionary.ts";

/** What SAELens computes, in its own order of steps. */
type SaeLensMath = (tensors: RandomTensors, x: Float64Array) => FormatResult;

interface Case {
  readonly what: string;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly cfg: object;
  readonly math: SaeLensMath;
  readonly detail: Partial<DictionaryDetail>;
  readonly others?: FolderFiles;
}

function get(tensors: RandomTensors, name: string): RandomTensor {
  const tensor = tensors[name];
  assert.ok(tensor);
  return tensor;
}

function hiddenPre(tensors: RandomTensors, saeIn: Float64Array, bias = "b_enc"): Float64Array {
  return plus(times(saeIn, get(tensors, "W_enc")), get(tensors, bias).data);
}

function decoded(tensors: RandomTensors, latents: Float64Array): Float64Array {
  return plus(times(latents, get(tensors, "W_dec")), get(tensors, "b_dec").data);
}

function centred(tensors: RandomTensors, x: Float64Array): Float64Array {
  return minus(x, get(tensors, "b_dec").data);
}

/** A ReLU dictionary whose input goes through `before` and whose output through `after`. */
function standard(
  before: (x: Float64Array) => Float64Array = (x) => x,
  after: (x: Float64Array, y: Float64Array) => Float64Array = (_, y) => y,
): SaeLensMath {
  return (tensors, x) => {
    const latents = relu(hiddenPre(tensors, centred(tensors, before(x))));
    return { latents, reconstruction: after(x, decoded(tensors, latents)) };
  };
}

function topK(k: number, doesRescale: boolean): SaeLensMath {
  return (tensors, x) => {
    const norms = decoderNorms(tensors);
    const pre = hiddenPre(tensors, centred(tensors, x)).map((value, j) => value * (doesRescale ? norms[j] ?? NaN : 1));
    const smallest = pre.toSorted().at(-k) ?? NaN;
    const latents = relu(pre.map((value) => value >= smallest ? value : 0));
    const scaled = latents.map((value, j) => value / (doesRescale ? norms[j] ?? NaN : 1));
    return { latents, reconstruction: decoded(tensors, scaled) };
  };
}

function jumpRelu(threshold: (tensors: RandomTensors, j: number) => number, isCentred: boolean): SaeLensMath {
  return (tensors, x) => {
    const pre = hiddenPre(tensors, isCentred ? centred(tensors, x) : x);
    const latents = relu(pre).map((value, j) => (pre[j] ?? NaN) > threshold(tensors, j) ? value : 0);
    return { latents, reconstruction: decoded(tensors, latents) };
  };
}

function gated(tensors: RandomTensors, x: Float64Array): FormatResult {
  const saeIn = centred(tensors, x);
  const gate = hiddenPre(tensors, saeIn, "b_gate");
  const encoder = get(tensors, "W_enc");
  const scale = get(tensors, "r_mag").data.map(Math.exp);
  const scaled = { ...encoder, data: encoder.data.map((value, at) => value * (scale[at % LATENTS] ?? NaN)) };
  const magnitude = relu(plus(times(saeIn, scaled), get(tensors, "b_mag").data));
  const latents = magnitude.map((value, j) => (gate[j] ?? NaN) > 0 ? value : 0);
  return { latents, reconstruction: decoded(tensors, latents) };
}

function transcoder(tensors: RandomTensors, x: Float64Array): FormatResult {
  const latents = relu(hiddenPre(tensors, x));
  return { latents, reconstruction: decoded(tensors, latents) };
}

/** `x @ W_skip.T` of the untouched input. */
function withSkip(math: SaeLensMath): SaeLensMath {
  return (tensors, x) => {
    const { latents, reconstruction } = math(tensors, x);
    const { data } = get(tensors, "W_skip");
    const skipped = reconstruction.map((_, o) =>
      x.reduce((sum, value, i) => sum + value * (data[o * WIDTH + i] ?? NaN), 0)
    );
    return { latents, reconstruction: plus(reconstruction, skipped) };
  };
}

function decoderNorms(tensors: RandomTensors): readonly number[] {
  const { data } = get(tensors, "W_dec");
  return Array.from({ length: LATENTS }, (_, j) => Math.hypot(...data.slice(j * WIDTH, (j + 1) * WIDTH)));
}

function mean(x: Float64Array): number {
  return x.reduce((sum, value) => sum + value, 0) / x.length;
}

/** torch.std */
function deviation(x: Float64Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + (value - mean(x)) ** 2, 0) / (x.length - 1));
}

function norm(x: Float64Array): number {
  return Math.hypot(...x);
}

const LAYER_NORM = standard(
  (x) => x.map((value) => (value - mean(x)) / (deviation(x) + 1e-5)),
  (x, y) => y.map((value) => value * deviation(x) + mean(x)),
);
const THRESHOLD = (tensors: RandomTensors, j: number) => get(tensors, "threshold").data[j] ?? NaN;
const TOPK_THRESHOLD = (tensors: RandomTensors) => get(tensors, "topk_threshold").data[0] ?? NaN;

const CASES: readonly Case[] = [
  {
    what: "standard",
    shapes: STANDARD,
    cfg: config("standard"),
    math: standard(),
    detail: { architecture: "standard", activation: "relu", normalization: "none", centring: "output-bias", k: null },
  },
  {
    what: "standard, without apply_b_dec_to_input",
    shapes: STANDARD,
    cfg: config("standard", { "apply_b_dec_to_input": false }),
    math: (tensors, x) => transcoder(tensors, x),
    detail: { centring: "none" },
  },
  {
    what: "standard with layer_norm",
    shapes: STANDARD,
    cfg: config("standard", { "normalize_activations": "layer_norm" }),
    math: LAYER_NORM,
    detail: { normalization: "layer-norm" },
  },
  {
    what: "standard with constant_norm_rescale",
    shapes: STANDARD,
    cfg: config("standard", { "normalize_activations": "constant_norm_rescale" }),
    math: standard(
      (x) => x.map((value) => value * Math.sqrt(WIDTH) / norm(x)),
      (x, y) => y.map((value) => value * norm(x) / Math.sqrt(WIDTH)),
    ),
    detail: { normalization: "unit-norm" },
  },
  {
    what: "standard with a factor that is not folded yet",
    shapes: STANDARD,
    cfg: config("standard", { "normalize_activations": "expected_average_only_in" }),
    others: { "sae/activation_scaler.json": { "scaling_factor": 0.75, "has_whitening": false } },
    math: standard((x) => x.map((value) => value * 0.75), (_, y) => y.map((value) => value / 0.75)),
    detail: { normalization: "constant" },
  },
  {
    what: "standard of a model whose writing weights were centred",
    shapes: STANDARD,
    cfg: config("standard", {}, { "model_from_pretrained_kwargs": { "center_writing_weights": true } }),
    math: standard((x) => x.map((value) => value - mean(x)), (x, y) => y.map((value) => value + mean(x))),
    detail: { normalization: "mean-removed" },
  },
  {
    what: "gated",
    shapes: {
      "W_enc": [WIDTH, LATENTS],
      "b_gate": [LATENTS],
      "b_mag": [LATENTS],
      "r_mag": [LATENTS],
      "W_dec": [LATENTS, WIDTH],
      "b_dec": [WIDTH],
    },
    cfg: config("gated"),
    math: gated,
    detail: { architecture: "gated", activation: "gated" },
  },
  {
    what: "jumprelu",
    shapes: { ...STANDARD, threshold: [LATENTS] },
    cfg: config("jumprelu"),
    math: jumpRelu(THRESHOLD, true),
    detail: { architecture: "jumprelu", activation: "jumprelu" },
  },
  {
    what: "topk",
    shapes: STANDARD,
    cfg: config("topk", { k: 3 }),
    math: topK(3, false),
    detail: { architecture: "topk", activation: "topk", k: 3 },
  },
  {
    what: "topk that selects by decoder norm",
    shapes: STANDARD,
    cfg: config("topk", { k: 4, "rescale_acts_by_decoder_norm": true }),
    math: topK(4, true),
    detail: { architecture: "topk", k: 4 },
  },
  {
    what: "batchtopk",
    shapes: { ...STANDARD, "topk_threshold": [] },
    cfg: config("batchtopk", { k: 2.5, "rescale_acts_by_decoder_norm": false, "topk_threshold_lr": 0.01 }),
    math: jumpRelu(TOPK_THRESHOLD, true),
    detail: { architecture: "batchtopk", activation: "jumprelu", k: 2.5 },
  },
  {
    what: "transcoder",
    shapes: TRANSCODER,
    cfg: config("transcoder", ...TRANSCODER_FIELDS),
    math: transcoder,
    detail: {
      architecture: "transcoder",
      outputWidth: OUT,
      readHook: "blocks.2.hook_resid_mid",
      writeHook: "blocks.2.hook_mlp_out",
      centring: "none",
    },
  },
  {
    what: "skip_transcoder",
    shapes: { ...TRANSCODER, "W_skip": [OUT, WIDTH] },
    cfg: config("skip_transcoder", ...TRANSCODER_FIELDS),
    math: withSkip(transcoder),
    detail: { architecture: "skip-transcoder" },
  },
  {
    what: "jumprelu_transcoder",
    shapes: { ...TRANSCODER, threshold: [LATENTS] },
    cfg: config("jumprelu_transcoder", ...TRANSCODER_FIELDS),
    math: jumpRelu(THRESHOLD, false),
    detail: { architecture: "jumprelu-transcoder", activation: "jumprelu" },
  },
  {
    what: "jumprelu_skip_transcoder",
    shapes: { ...TRANSCODER, "W_skip": [OUT, WIDTH], threshold: [LATENTS] },
    cfg: config("jumprelu_skip_transcoder", ...TRANSCODER_FIELDS),
    math: withSkip(jumpRelu(THRESHOLD, false)),
    detail: { architecture: "jumprelu-skip-transcoder" },
  },
  {
    what: "old flat configuration",
    shapes: STANDARD,
    cfg: {
      "d_in": WIDTH,
      "d_sae": LATENTS,
      "hook_point": HOOK,
      "hook_point_layer": 2,
      "hook_point_head_index": null,
      "model_name": "gpt2-small",
      l1_coefficient: 8e-5,
      dtype: "torch.float32",
    },
    math: standard(),
    detail: { architecture: "standard", centring: "output-bias", trainedWithBos: null, modelName: "gpt2-small" },
  },
  {
    what: "old flat configuration of a TopK dictionary of OpenAI's",
    shapes: { ...STANDARD, "scaling_factor": [LATENTS] },
    cfg: {
      architecture: "standard",
      "d_in": WIDTH,
      "d_sae": LATENTS,
      "activation_fn_str": "topk",
      "activation_fn_kwargs": { k: LATENTS },
      "apply_b_dec_to_input": true,
      "finetuning_scaling_factor": false,
      "hook_name": HOOK,
      "hook_layer": 2,
      "normalize_activations": "layer_norm",
      "prepend_bos": false,
      "sae_lens_training_version": null,
    },
    math: LAYER_NORM,
    detail: { architecture: "topk", k: LATENTS, normalization: "layer-norm", trainedWithBos: false, modelName: null },
  },
];

function tensorsOf({ shapes }: Pick<Case, "shapes">): RandomTensors {
  const { scaling_factor: factor, ...others } = randomTensors(shapes);
  return { ...others, ...(factor === undefined ? {} : { "scaling_factor": { ...factor, data: factor.data.fill(1) } }) };
}

for (const { what, shapes, cfg, math, detail, others } of CASES) {
  Deno.test(`a SAELens folder is read and computes what SAELens does: ${what}`, async () => {
    const tensors = tensorsOf({ shapes });
    await withDictionary(files(cfg, tensors, others), async (dictionary) => {
      const { id, format, layer, inputWidth, latentCount } = dictionary.detail;
      assert.deepEqual([id, format, layer, inputWidth, latentCount], ["sae", "saelens", 2, WIDTH, LATENTS]);
      for (const [field, value] of Object.entries(detail)) {
        assert.deepEqual(dictionary.detail[field as keyof DictionaryDetail], value, field);
      }
      await assertComputes(dictionary, (x) => math(tensors, x));
    });
  });
}

Deno.test("a SAELens folder says what model and start token it was trained with", async () => {
  await withDictionary(files(config("standard"), randomTensors(STANDARD)), ({ detail }) => {
    assert.deepEqual([detail.readHook, detail.writeHook], [HOOK, HOOK]);
    assert.deepEqual([detail.modelName, detail.trainedWithBos], ["gpt2-small", true]);
  });
});

Deno.test("a SAELens transcoder reads the norm only where gain and bias come after it", async () => {
  const [fields, metadata] = TRANSCODER_FIELDS;
  const reading = { ...metadata, "hook_name": "blocks.2.ln2.hook_normalized" };
  const tensors = randomTensors(TRANSCODER);
  const folded = { ...reading, "model_from_pretrained_kwargs": { "fold_ln": true } };
  await withDictionary(files(config("transcoder", fields, folded), tensors), ({ detail }) => {
    assert.equal(detail.readHook, "blocks.2.ln2.hook_normalized");
  });
  const unfolded = config("transcoder", fields, reading);
  await assertRefused(files(unfolded, tensors), /norms were not folded.*after gain and bias.*dictionary\.json/);
  const sidecar = { "sae/dictionary.json": { site: "ln2.hook_normalized" } };
  await withDictionary(files(unfolded, tensors, sidecar), ({ detail }) => {
    assert.deepEqual([detail.readHook, detail.writeHook], ["blocks.2.ln2.hook_normalized", "blocks.2.hook_mlp_out"]);
  });
});

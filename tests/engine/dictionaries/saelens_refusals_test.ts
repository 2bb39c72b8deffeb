/** SAELens folders that are refused: whatever cannot be honoured exactly, and what is said about it. */
import { assertRefused } from "../../support/check_dictionary.ts";
import { type RandomTensors, randomTensors, safetensors } from "../../support/dictionary_files.ts";
import { config, files, HOOK, LATENTS, STANDARD, WIDTH } from "../../support/saelens_files.ts";

const GOOD = randomTensors(STANDARD);
const { "b_enc": _, ...WITHOUT_BIAS } = GOOD;
const MISSHAPEN = { ...GOOD, ...randomTensors({ "W_dec": [WIDTH, LATENTS] }) };
const FACTORS = randomTensors({ ...STANDARD, "finetuning_scaling_factor": [LATENTS] });

const REFUSED: Readonly<Record<string, readonly [object, RandomTensors, RegExp]>> = {
  "a missing tensor": [config("standard"), WITHOUT_BIAS, /has no tensor "b_enc"; it has "W_enc", "W_dec", "b_dec"/],
  "a misshapen tensor": [config("standard"), MISSHAPEN, /tensor "W_dec": it has shape \[6, 10\], expected \[10, 6\]/],
  "a width that the tensors do not have": [config("standard", { "d_in": 8 }), GOOD, /shape \[6\], expected \[8\]/],
  "a tensor too many": [
    config("standard"),
    randomTensors({ ...STANDARD, "W_skip": [6, 6] }),
    /has a tensor "W_skip", which is not known/,
  ],
  "learned factors": [config("standard"), FACTORS, /scaled by "finetuning_scaling_factor"/],
  "an unknown architecture": [config("temporal"), GOOD, /architecture is "temporal", expected one of standard, gated/],
  "an unknown field": [config("standard", { "use_tanh": true }), GOOD, /"use_tanh" is not known, and might change/],
  "heads side by side": [
    config("standard", { "reshape_activations": "hook_z" }),
    GOOD,
    /reshape_activations is "hook_z"/,
  ],
  "one head": [config("standard", {}, { "hook_head_index": 3 }), GOOD, /hook_head_index is 3/],
  "whitening": [
    config("standard", { "normalize_activations": "covariance_whitening" }),
    GOOD,
    /"covariance_whitening", expected one of none/,
  ],
  "a factor that is nowhere": [
    config("standard", { "normalize_activations": "expected_average_only_in" }),
    GOOD,
    /whose factor is in no file; put a dictionary\.json/,
  ],
  "a centred model scaled to one norm": [
    config("standard", { "normalize_activations": "constant_norm_rescale" }, {
      "model_from_pretrained_kwargs": { "center_writing_weights": true },
    }),
    GOOD,
    /after its mean was removed/,
  ],
  "TopK without k": [config("topk"), GOOD, /no k, which TopK needs/],
  "TopK of more latents than it has": [
    config("topk", { k: 11 }),
    GOOD,
    /its k is 11, expected a whole number from 1 to its 10/,
  ],
  "TopK of half a latent": [config("topk", { k: 2.5 }), GOOD, /its k is 2\.5/],
  "decoder norms where there are none": [
    config("standard", { "rescale_acts_by_decoder_norm": true }),
    GOOD,
    /rescale_acts_by_decoder_norm is true, which architecture standard/,
  ],
  "a hook point that we do not have": [
    config("standard", {}, { "hook_name": "blocks.2.mlp.hook_in" }),
    GOOD,
    /"blocks\.2\.mlp\.hook_in", expected blocks\.LAYER\. and one of hook_resid_pre/,
  ],
  "a hook point of attention": [
    config("standard", {}, { "hook_name": "blocks.2.attn.hook_z" }),
    GOOD,
    /activations of all heads side by side are not read/,
  ],
  "a place that cannot be written": [
    config("standard", {}, {
      "hook_name": "blocks.2.ln2.hook_normalized",
      "model_from_pretrained_kwargs": { "fold_ln": true },
    }),
    GOOD,
    /it writes ln2\.hook_normalized/,
  ],
  "another hook point to write, but no transcoder": [
    config("standard", {}, { "hook_name_out": "blocks.2.hook_mlp_out" }),
    GOOD,
    /the architecture is no transcoder/,
  ],
  "a transcoder without a place to write": [config("transcoder", { "d_out": WIDTH }), GOOD, /hook_name_out is missing/],
  "a transcoder without a width": [
    config("transcoder", {}, { "hook_name_out": "blocks.2.hook_mlp_out" }),
    GOOD,
    /d_out is missing/,
  ],
  "a transcoder that centres": [
    config("transcoder", { "d_out": WIDTH, "apply_b_dec_to_input": true }, {
      "hook_name_out": "blocks.2.hook_mlp_out",
    }),
    GOOD,
    /apply_b_dec_to_input is true/,
  ],
  "a transcoder across layers": [
    config("transcoder", { "d_out": WIDTH }, { "hook_name_out": "blocks.3.hook_mlp_out" }),
    GOOD,
    /reads layer 2 and writes layer 3/,
  ],
  "a transcoder of what attention writes": [
    config("transcoder", { "d_out": WIDTH }, {
      "hook_name": "blocks.2.hook_attn_out",
      "hook_name_out": "blocks.2.hook_mlp_out",
    }),
    GOOD,
    /reads hook_attn_out and writes hook_mlp_out/,
  ],
  "a transcoder backwards": [
    config("transcoder", { "d_out": WIDTH }, {
      "hook_name": "blocks.2.hook_mlp_out",
      "hook_name_out": "blocks.2.hook_attn_out",
    }),
    GOOD,
    /reads hook_mlp_out, which comes after hook_attn_out/,
  ],
  "a transcoder with normalisation": [
    config("transcoder", { "d_out": WIDTH, "normalize_activations": "layer_norm" }, {
      "hook_name_out": "blocks.2.hook_mlp_out",
    }),
    GOOD,
    /a transcoder with normalisation layer-norm/,
  ],
  "an old configuration with tanh": [
    { "d_in": WIDTH, "d_sae": LATENTS, "hook_name": HOOK, "activation_fn_str": "tanh-relu" },
    GOOD,
    /activation_fn is "tanh-relu", expected/,
  ],
  "an old transcoder": [
    { "d_in": WIDTH, "d_sae": LATENTS, "hook_point": HOOK, "is_transcoder": true },
    GOOD,
    /is_transcoder is true/,
  ],
  "an old TopK with further options": [
    {
      "d_in": WIDTH,
      "d_sae": LATENTS,
      "hook_name": HOOK,
      "activation_fn": "topk",
      "activation_fn_kwargs": { k: 2, "postact_fn": "id" },
    },
    GOOD,
    /activation_fn_kwargs\.postact_fn/,
  ],
  "an old configuration at hook_z": [
    { "d_in": WIDTH, "d_sae": LATENTS, "hook_name": "blocks.2.attn.hook_z" },
    GOOD,
    /reshape_activations is "hook_z"/,
  ],
  "no hook point": [{ "d_in": WIDTH, "d_sae": LATENTS }, GOOD, /hook_name: /],
  "a width of 1e300": [config("standard", { "d_in": 1e300 }), GOOD, /d_in: /],
  "a negative width": [config("standard", { "d_sae": -1 }), GOOD, /d_sae: /],
  "a layer of a million": [
    config("standard", {}, { "hook_name": "blocks.1000000.hook_resid_pre" }),
    GOOD,
    /it belongs to "blocks\.1000000/,
  ],
};

for (const [what, [cfg, tensors, message]] of Object.entries(REFUSED)) {
  Deno.test(`a SAELens folder with ${what} is refused`, async () => {
    await assertRefused(files(cfg, tensors), message);
  });
}

Deno.test("a SAELens folder whose configuration is missing, no JSON, a list or too large is refused", async () => {
  const weights = { "sae/sae_weights.safetensors": safetensors(GOOD) };
  await assertRefused(weights, /there is no cfg\.json beside its weights/);
  await assertRefused({ ...weights, "sae/cfg.json": "{" }, /sae, cfg\.json: expected a JSON object/);
  await assertRefused({ ...weights, "sae/cfg.json": "[]" }, /expected a JSON object/);
  await assertRefused({ ...weights, "sae/cfg.json": " ".repeat(2 ** 20 + 1) }, /at most 1048576 are accepted/);
});

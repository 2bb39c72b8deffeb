/** SAELens folders for tests: configurations of version 6, and the files of one dictionary. */
import { type FolderFiles, type RandomTensors, safetensors } from "./dictionary_files.ts";

export const WIDTH = 6;
export const LATENTS = 10;
/** Width where a transcoder writes. */
export const OUT = 4;
export const HOOK = "blocks.2.hook_resid_pre";

/** Shapes of the tensors of a standard dictionary. */
export const STANDARD = { "W_enc": [WIDTH, LATENTS], "b_enc": [LATENTS], "W_dec": [LATENTS, WIDTH], "b_dec": [WIDTH] };
export const TRANSCODER = { ...STANDARD, "W_dec": [LATENTS, OUT], "b_dec": [OUT] };

/** A configuration of version 6. */
export function config(architecture: string, fields: object = {}, metadata: object = {}): object {
  return {
    "d_in": WIDTH,
    "d_sae": LATENTS,
    dtype: "float32",
    device: "cpu",
    "apply_b_dec_to_input": !architecture.endsWith("transcoder"),
    "normalize_activations": "none",
    "reshape_activations": "none",
    architecture,
    ...fields,
    metadata: {
      "sae_lens_version": "6.5.0",
      "hook_name": HOOK,
      "hook_head_index": null,
      "prepend_bos": true,
      "model_name": "gpt2-small",
      ...metadata,
    },
  };
}

/** What a transcoder has in its configuration and in its metadata. */
export const TRANSCODER_FIELDS = [{ "d_out": OUT }, {
  "hook_name": "blocks.2.hook_resid_mid",
  "hook_name_out": "blocks.2.hook_mlp_out",
}] as const;

/** A folder `sae` with a dictionary, and further files. */
export function files(cfg: object, tensors: RandomTensors, others: FolderFiles = {}): FolderFiles {
  return { "sae/cfg.json": cfg, "sae/sae_weights.safetensors": safetensors(tensors), ...others };
}

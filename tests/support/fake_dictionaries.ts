/** Dictionaries of the fake engine's model. */
import type { DictionaryDetail } from "../../engine/mod.ts";

const WIDTH = 8;

function dictionary(id: string, layer: number, site: "hook_mlp_out" | "hook_attn_out" | "hook_resid_post") {
  const hook = `blocks.${layer}.${site}` as const;
  return {
    id,
    format: "saelens",
    architecture: "topk",
    layer,
    readHook: hook,
    writeHook: hook,
    inputWidth: WIDTH,
    latentCount: 64,
    outputWidth: WIDTH,
    activation: "topk",
    k: 4,
    normalization: "none",
    centring: "output-bias",
    trainedWithBos: true,
    modelName: "demo",
    sizeBytes: 4_500,
  } satisfies DictionaryDetail;
}

/** Two of the MLP of layer 1, one of each other kind. */
export const FAKE_DICTIONARIES: readonly DictionaryDetail[] = [
  dictionary("mlp/0", 0, "hook_mlp_out"),
  dictionary("mlp/1", 1, "hook_mlp_out"),
  { ...dictionary("wide/mlp/1", 1, "hook_mlp_out"), latentCount: 256, activation: "relu", k: null },
  dictionary("attn/1", 1, "hook_attn_out"),
  dictionary("resid/0", 0, "hook_resid_post"),
];

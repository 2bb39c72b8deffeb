/** The golden autoencoders, opened as dictionaries: one file holds all layers, so each layer is a table of tensors of its own. */
import { fileURLToPath } from "node:url";
import { openAiDictionary } from "../../engine/dictionaries/openai.ts";
import type { PickleValue } from "../../engine/dictionaries/pickle.ts";
import { TensorTable } from "../../engine/dictionaries/tensor_table.ts";
import type { Dictionary } from "../../engine/model/dictionary.ts";
import { readSafetensorsHeader } from "../../engine/tensor/safetensors.ts";

const FOLDER = new URL("../fixtures/golden/autoencoders/", import.meta.url);

/** Where the golden autoencoders sit within a block, by the other implementation's names. */
export const SITES = {
  "mlp_post_act": "mlp.hook_post",
  "resid_delta_mlp": "hook_mlp_out",
  "resid_delta_attn": "hook_attn_out",
} as const;

interface GoldenDescription {
  readonly model: string;
  readonly location: keyof typeof SITES;
  readonly activation: "ReLU" | "TopK";
  readonly k: number | null;
  readonly layers: number;
}

/** Path of a file or folder among the golden autoencoders. */
export function goldenAutoencoderPath(name: string): string {
  return fileURLToPath(new URL(name, FOLDER));
}

/** The dictionaries of a golden autoencoder, as `tiny.resid_delta_mlp.topk`, one a layer; ids end with the layer. */
export async function goldenDictionaries(name: string): Promise<readonly Dictionary[]> {
  const path = goldenAutoencoderPath(`${name}.safetensors`);
  const { location, activation, k, layers, model }: GoldenDescription = JSON.parse(
    await Deno.readTextFile(goldenAutoencoderPath(`${name}.json`)),
  );
  const choice = new Map<PickleValue, PickleValue>([["k", k], ["postact_fn", "ReLU"]]);
  const plain = new Map<string, PickleValue>([["activation", activation], ["activation_state_dict", choice]]);
  const { tensors } = await readSafetensorsHeader(path, name);
  const { size } = await Deno.stat(path);
  return Array.from({ length: layers }, (_, layer) => {
    const prefix = `layer.${layer}.`;
    const own = [...tensors].filter(([tensor]) => tensor.startsWith(prefix))
      .map(([tensor, entry]) => [tensor.slice(prefix.length), { ...entry, isTransposed: false }] as const);
    return openAiDictionary({
      id: `${name}.${layer}`,
      tensors: new TensorTable(path, `${name}, layer ${layer}`, new Map(own)),
      // The other implementation never normalises.
      sidecar: { layer, normalization: "none", site: SITES[location], model },
      sizeBytes: Math.round(size / layers),
    }, plain);
  });
}

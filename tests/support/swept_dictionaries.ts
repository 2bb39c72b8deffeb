/** Dictionaries in the folder of a tiny model that is swept: several kinds, two of one kind and layer. */
import { dirname, join } from "node:path";
import { findDictionaries } from "../../engine/dictionaries/find_dictionaries.ts";
import { openDictionary } from "../../engine/dictionaries/open_dictionary.ts";
import type { Dictionary } from "../../engine/model/dictionary.ts";
import { randomTensors, safetensors } from "./dictionary_files.ts";
import { readReferenceDictionary, type ReferenceDictionary } from "./reference_dictionary.ts";
import { config } from "./saelens_files.ts";
import { type SweptModel, withSweptModel } from "./swept_model.ts";

interface Plan {
  readonly architecture: string;
  readonly hook: string;
  readonly width: number;
  readonly latents: number;
  readonly fields?: object;
  /** Tensors beside those of a standard dictionary, less the encoder's bias where there is none. */
  readonly others?: Readonly<Record<string, readonly number[]>>;
}

/** By id, in their order. Widths are those of `swept_model.ts`. */
const PLANS: Readonly<Record<string, Plan>> = {
  "attn-jump": {
    architecture: "jumprelu",
    hook: "blocks.0.hook_attn_out",
    width: 16,
    latents: 18,
    others: { threshold: [18] },
  },
  "mlp-relu": { architecture: "standard", hook: "blocks.1.hook_mlp_out", width: 16, latents: 24 },
  "mlp-topk": {
    architecture: "topk",
    hook: "blocks.1.hook_mlp_out",
    width: 16,
    latents: 20,
    fields: { k: 4, "rescale_acts_by_decoder_norm": true },
  },
  "neurons": { architecture: "standard", hook: "blocks.0.mlp.hook_post", width: 64, latents: 12 },
  "resid-gated": {
    architecture: "gated",
    hook: "blocks.1.hook_resid_pre",
    width: 16,
    latents: 10,
    others: { "b_gate": [10], "r_mag": [10], "b_mag": [10] },
  },
};

/** Ids of all of them. */
export const DICTIONARIES: readonly string[] = Object.keys(PLANS);

/** As `withSweptModel`, with the dictionaries in the model's folder. */
export function withSweptDictionaries(documentCount: number, use: (model: SweptModel) => Promise<void>): Promise<void> {
  return withSweptModel(documentCount, async (model) => {
    await writeDictionaries(model);
    await use(model);
  });
}

async function writeDictionaries({ modelFolder }: Pick<SweptModel, "modelFolder">): Promise<void> {
  for (const [index, [id, plan]] of Object.entries(PLANS).entries()) {
    const { architecture, hook, width, latents, fields = {}, others = {} } = plan;
    const bias = architecture === "gated" ? {} : { "b_enc": [latents] };
    const shapes = { "W_enc": [width, latents], ...bias, "W_dec": [latents, width], "b_dec": [width], ...others };
    const cfg = config(architecture, { "d_in": width, "d_sae": latents, ...fields }, { "hook_name": hook });
    const path = join(modelFolder, "dictionaries", id, "sae_weights.safetensors");
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeFile(path, safetensors(randomTensors(shapes, 40 + index)));
    await Deno.writeTextFile(join(dirname(path), "cfg.json"), JSON.stringify(cfg));
  }
}

/** One of them, opened, and its numbers. */
export interface KnownDictionary {
  readonly dictionary: Dictionary;
  readonly reference: ReferenceDictionary;
}

/** Reads what was written, by id. */
export async function readDictionaries(
  { modelFolder }: Pick<SweptModel, "modelFolder">,
): Promise<ReadonlyMap<string, KnownDictionary>> {
  const locations = await findDictionaries(join(modelFolder, "dictionaries"));
  const opened = locations.map(async (location): Promise<[string, KnownDictionary]> => {
    const dictionary = await openDictionary(location, null);
    return [location.id, { dictionary, reference: await readReferenceDictionary(dictionary) }];
  });
  return new Map(await Promise.all(opened));
}

/**
 * Random dictionaries of the demo model's shapes, in SAELens's format: what a test needs of latents that does not depend on training. Encoder and
 * decoder are each other's transpose, so that reconstructions are no noise: with k of `LATENTS` random directions, some of each activation is kept.
 */
import { join } from "node:path";
import { safetensors } from "./dictionary_files.ts";
import { randomNumbers } from "./random_numbers.ts";
import { config } from "./saelens_files.ts";

const WIDTH = 128;
const LATENTS = 256;
const LAYERS = 4;

/** Folders, by the id that each dictionary then has, and what they stand for. */
const SITES = [["random/mlp", "hook_mlp_out"], ["random/attn", "hook_attn_out"], [
  "random/resid",
  "hook_resid_post",
]] as const;

/** A second dictionary of the MLP of one layer. */
export const SECOND_DICTIONARY = "random/second-mlp/2";
/** The one of the residual stream after the second layer. */
export const RESIDUAL_DICTIONARY = "random/resid/1";

export interface DemoDictionaries extends AsyncDisposable {
  /** As `--dictionaries` takes it. */
  readonly folder: string;
}

/** Writes MLP, attention and residual dictionaries of every layer, and a second one of the MLP of layer 2. */
export async function writeDemoDictionaries(): Promise<DemoDictionaries> {
  const folder = await Deno.makeTempDir();
  let seed = 1;
  for (const [path, site] of SITES) {
    for (let layer = 0; layer < LAYERS; layer++) {
      await writeDictionary(join(folder, path, String(layer)), {
        hook: `blocks.${layer}.${site}`,
        k: 16,
        seed: seed++,
      });
    }
  }
  await writeDictionary(join(folder, SECOND_DICTIONARY), { hook: "blocks.2.hook_mlp_out", k: 4, seed });
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

async function writeDictionary(
  folder: string,
  { hook, k, seed }: { readonly hook: string; readonly k: number; readonly seed: number },
): Promise<void> {
  const decoder = unitRows(seed);
  const encoder = decoder.map((_, i) => decoder[(i % LATENTS) * WIDTH + Math.floor(i / LATENTS)] ?? NaN);
  await Deno.mkdir(folder, { recursive: true });
  const cfg = config("topk", { "d_in": WIDTH, "d_sae": LATENTS, k }, { "hook_name": hook, "model_name": "demo" });
  await Deno.writeTextFile(join(folder, "cfg.json"), JSON.stringify(cfg));
  await Deno.writeFile(
    join(folder, "sae_weights.safetensors"),
    safetensors({
      "W_enc": { shape: [WIDTH, LATENTS], data: encoder },
      "b_enc": { shape: [LATENTS], data: new Float64Array(LATENTS) },
      "W_dec": { shape: [LATENTS, WIDTH], data: decoder },
      "b_dec": { shape: [WIDTH], data: Float64Array.from(randomNumbers(WIDTH, seed + 500), (x) => 0.05 * x) },
    }),
  );
}

/** `[latent, channel]`, every row of length 1. */
function unitRows(seed: number): Float64Array {
  const rows = Float64Array.from(randomNumbers(LATENTS * WIDTH, seed));
  for (let latent = 0; latent < LATENTS; latent++) {
    const row = rows.subarray(latent * WIDTH, (latent + 1) * WIDTH);
    const norm = Math.hypot(...row);
    row.forEach((value, channel) => row[channel] = value / norm);
  }
  return rows;
}

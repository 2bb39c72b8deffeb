/**
 * Writes a dictionary as a SAELens folder of version 6 (`cfg.json`, `sae_weights.safetensors`), which SAELens loads with `SAE.load_from_disk`. A
 * dictionary of BatchTopK is a JumpReLU there, with one threshold for all latents; so SAELens saves its own.
 */
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { writeSafetensors } from "../tensor/safetensors.ts";
import { SAELENS_CONFIG, SAELENS_WEIGHTS } from "./find_dictionaries.ts";
import { WRITTEN_ARCHITECTURES } from "./training/dictionary_inputs.ts";
import type { DictionaryNumbers } from "./training/fold.ts";

/** What is told beside the numbers; SAELens keeps what it does not know. */
export interface DictionaryMetadata {
  readonly modelName: string;
  /** Longest sequence that it was trained on, in tokens. */
  readonly contextSize: number;
  /** Whether sequences began with BOS. */
  readonly prependsBos: boolean;
}

/** The file with how a training went, beside those of SAELens. */
const TRAINING_FILE = "training.json";

/** Version of SAELens whose layout it is. */
const LAYOUT_VERSION = "6.0.0";

/**
 * Writes a folder with everything in it under another name, and renames it: it is there as a whole or not at all.
 *
 * @param training Plain data for `TRAINING_FILE`
 */
export async function writeSaeLensFolder(
  folder: string,
  numbers: DictionaryNumbers,
  { metadata, training }: { readonly metadata: DictionaryMetadata; readonly training: unknown },
): Promise<void> {
  const partial = join(dirname(folder), `.${basename(folder)}.partial`);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  await writeSafetensors(join(partial, SAELENS_WEIGHTS), tensorsOf(numbers), {});
  await writeText(join(partial, TRAINING_FILE), JSON.stringify(training));
  await writeText(join(partial, SAELENS_CONFIG), JSON.stringify(configOf(numbers, metadata), null, 2));
  // What has come to lie there meanwhile is left alone: this then fails.
  await rename(partial, folder);
}

/** What was written about a dictionary's training; null if there is nothing, or no JSON. */
export async function readTrainingFile(folder: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, TRAINING_FILE), "utf8"));
  } catch {
    return null;
  }
}

export function isThere(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}

function tensorsOf({ kind: { width, latents }, ...numbers }: DictionaryNumbers) {
  return [
    { name: "W_dec", shape: [latents, width], data: numbers.decoder },
    { name: "W_enc", shape: [width, latents], data: numbers.encoder },
    { name: "b_dec", shape: [width], data: numbers.outputBias },
    { name: "b_enc", shape: [latents], data: numbers.encoderBias },
    ...numbers.threshold === null ? [] : [{ name: "threshold", shape: [latents], data: numbers.threshold }],
  ];
}

function configOf({ kind }: DictionaryNumbers, { modelName, contextSize, prependsBos }: DictionaryMetadata): unknown {
  const architecture = WRITTEN_ARCHITECTURES[kind.architecture];
  return {
    "d_in": kind.width,
    "d_sae": kind.latents,
    dtype: "float32",
    device: "cpu",
    "apply_b_dec_to_input": true,
    "normalize_activations": "none",
    "reshape_activations": "none",
    ...architecture === "topk" ? { k: kind.k, "rescale_acts_by_decoder_norm": false } : {},
    architecture,
    metadata: {
      "sae_lens_version": LAYOUT_VERSION,
      "hook_name": kind.site,
      "hook_head_index": null,
      "model_name": modelName,
      "context_size": contextSize,
      "prepend_bos": prependsBos,
      "trained_as": kind.architecture,
    },
  };
}

async function writeText(path: string, text: string): Promise<void> {
  await using file = await open(path, "w");
  await file.writeFile(`${text}\n`);
  await file.sync();
}

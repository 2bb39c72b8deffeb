/**
 * Opens a dictionary: tells its format by what is in the file, checks every tensor, and describes it in the one canonical way. Only headers are
 * read, so that every thread can do it for itself.
 */
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FileFormatError } from "../errors.ts";
import type { Architecture } from "../model/architecture.ts";
import type { Dictionary } from "../model/dictionary.ts";
import { readSafetensorsHeader } from "../tensor/safetensors.ts";
import type { DictionarySource } from "./assemble.ts";
import { OpenFile, refuse } from "./byte_source.ts";
import { dictionaryLearningDictionary, readDictionaryLearningConfig } from "./dictionary_learning.ts";
import { type DictionaryLocation, SAELENS_CONFIG } from "./find_dictionaries.ts";
import { gemmaScopeDictionary } from "./gemma_scope.ts";
import { requireFits } from "./hook_sites.ts";
import { readJsonObject } from "./json_file.ts";
import { readNpzTensors } from "./npz_tensors.ts";
import { isOpenAi, openAiDictionary } from "./openai.ts";
import { saeLensDictionary } from "./saelens.ts";
import { parseSaeLensConfig } from "./saelens_config.ts";
import { readSidecar } from "./sidecar.ts";
import { TensorTable } from "./tensor_table.ts";
import { readTorchState } from "./torch_state.ts";

/**
 * @param architecture Of the model that it must fit; null: any
 * @throws {FileFormatError} if it is damaged, of a format that is not read, does not fit, or cannot be honoured exactly
 */
export async function openDictionary(
  location: DictionaryLocation,
  architecture: Architecture | null,
): Promise<Dictionary> {
  try {
    const dictionary = await openAny(location);
    if (architecture !== null) requireFits(dictionary.detail, architecture, location.id);
    return dictionary;
  } catch (cause) {
    if (cause instanceof FileFormatError || !(cause instanceof Error && "code" in cause)) throw cause;
    throw new FileFormatError(`Cannot read ${location.id}: ${cause.message}`, { cause });
  }
}

async function openAny(location: DictionaryLocation): Promise<Dictionary> {
  if (location.path.endsWith(".safetensors")) return await openSaeLens(location);
  await using file = await OpenFile.open(location.path, location.id);
  return location.path.endsWith(".npz") ? await openNpz(location, file) : await openTorch(location, file);
}

async function openSaeLens({ id, path }: DictionaryLocation): Promise<Dictionary> {
  const configName = `${id}, ${SAELENS_CONFIG}`;
  const config = await readJsonObject(join(dirname(path), SAELENS_CONFIG), configName);
  if (config === null) return refuse(id, `there is no ${SAELENS_CONFIG} beside its weights`);
  const { tensors } = await readSafetensorsHeader(path, id);
  const stored = new Map([...tensors].map(([name, entry]) => [name, { ...entry, isTransposed: false }]));
  const source = await sourceOf({ id, path }, new TensorTable(path, id, stored));
  return await saeLensDictionary(source, parseSaeLensConfig(config, configName));
}

async function openTorch({ id, path }: DictionaryLocation, file: OpenFile): Promise<Dictionary> {
  const { tensors, plain } = await readTorchState(file);
  const source = await sourceOf({ id, path }, new TensorTable(path, id, tensors));
  if (isOpenAi(source.tensors)) return openAiDictionary(source, plain);
  const config = await readDictionaryLearningConfig(path, id);
  if (config !== null) return await dictionaryLearningDictionary(source, config);
  return refuse(
    id,
    "its tensors are not those of OpenAI's dictionaries, and there is no config.json beside it as dictionary_learning has",
  );
}

async function openNpz({ id, path }: DictionaryLocation, file: OpenFile): Promise<Dictionary> {
  const source = await sourceOf({ id, path }, new TensorTable(path, id, await readNpzTensors(file)));
  return gemmaScopeDictionary(source);
}

async function sourceOf({ id, path }: DictionaryLocation, tensors: TensorTable): Promise<DictionarySource> {
  const { size } = await stat(path);
  return { id, tensors, sidecar: await readSidecar(path, id), sizeBytes: size };
}

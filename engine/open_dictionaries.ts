/**
 * The dictionaries of a start: those in a model's own folder, those that were trained for it here, and those of `--dictionaries`, each with the
 * models that it fits.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type DictionaryLocation, findDictionaries } from "./dictionaries/find_dictionaries.ts";
import { requireFits } from "./dictionaries/hook_sites.ts";
import { openDictionary } from "./dictionaries/open_dictionary.ts";
import { FileFormatError } from "./errors.ts";
import type { Architecture } from "./model/architecture.ts";
import type { Dictionary } from "./model/dictionary.ts";
import type { LanguageModel } from "./model/language_model.ts";

/** Where a model folder keeps dictionaries of its own. */
const OWN_FOLDER = "dictionaries";

/** Where dictionaries are searched, beside models' own folders. */
export interface DictionaryFolders {
  /** Of `--dictionaries`. */
  readonly folders: readonly string[];
  /** Holds one folder a model with those that were trained for it; need not be there. */
  readonly trained: string;
}

export interface OpenedDictionaries {
  /** By model, in the order of their ids. */
  readonly byModel: ReadonlyMap<string, readonly Dictionary[]>;
  /** By model, what its thread opens. */
  readonly locations: ReadonlyMap<string, readonly DictionaryLocation[]>;
  /** Path of its weights, by id. */
  readonly paths: ReadonlyMap<string, string>;
}

interface Opened {
  readonly location: DictionaryLocation;
  readonly dictionary: Dictionary;
  /** The one model in whose folder it lies; null for those of all. */
  readonly owner: string | null;
}

/**
 * Opens them. A damaged one, one that fits no model, and one whose id is taken are left out and told.
 *
 * @throws {StartError} if a folder cannot be searched
 */
export async function openDictionaries(
  { folders, trained }: DictionaryFolders,
  models: ReadonlyMap<string, LanguageModel>,
  log: (line: string) => void,
): Promise<OpenedDictionaries> {
  const opened = new Map<string, Opened>();
  const add = async (location: DictionaryLocation, owner: string | null) => {
    if (opened.has(location.id)) {
      return log(`Cannot load dictionary "${location.id}": another one has that id; rename one of the folders`);
    }
    const dictionary = await openOrTell(location, log);
    if (dictionary !== null) opened.set(location.id, { location, dictionary, owner });
  };
  for (const { id, folder } of models.values()) {
    const own = join(folder, OWN_FOLDER);
    for (const location of await foundIn(own)) await add(location, id);
  }
  for (const { id } of models.values()) {
    // Another id than one of the same name in the model's own folder has.
    const found = await foundIn(join(trained, id));
    for (const location of found) await add({ ...location, id: `trained/${id}/${location.id}` }, id);
  }
  for (const folder of folders) {
    for (const location of await findDictionaries(folder)) await add(location, null);
  }
  const fitting = [...models.values()].map((model) =>
    [model.id, [...opened.values()].filter((entry) => fits(entry, model))] as const
  );
  for (const entry of opened.values()) {
    if (!fitting.some(([, entries]) => entries.includes(entry))) tellMisfit(entry, models, log);
  }
  return {
    byModel: new Map(fitting.map(([id, entries]) => [id, entries.map(({ dictionary }) => dictionary)])),
    locations: new Map(fitting.map(([id, entries]) => [id, entries.map(({ location }) => location)])),
    paths: new Map([...opened.values()].map(({ location }) => [location.id, location.path])),
  };
}

async function foundIn(folder: string): Promise<readonly DictionaryLocation[]> {
  return await isFolder(folder) ? await findDictionaries(folder) : [];
}

async function openOrTell(location: DictionaryLocation, log: (line: string) => void): Promise<Dictionary | null> {
  try {
    return await openDictionary(location, null);
  } catch (error) {
    if (!(error instanceof FileFormatError)) throw error;
    log(`Cannot load dictionary "${location.id}": ${error.message}`);
    return null;
  }
}

function fits({ dictionary, owner }: Opened, { id, architecture }: LanguageModel): boolean {
  return (owner === null || owner === id) && misfit(dictionary, architecture) === null;
}

/** Why a dictionary does not fit a model; null if it does. */
function misfit({ detail }: Dictionary, architecture: Architecture): string | null {
  try {
    requireFits(detail, architecture, detail.id);
    return null;
  } catch (error) {
    if (!(error instanceof FileFormatError)) throw error;
    return error.message;
  }
}

function tellMisfit(
  { dictionary, owner }: Opened,
  models: ReadonlyMap<string, LanguageModel>,
  log: (line: string) => void,
): void {
  const candidates = [...models.values()].filter(({ id }) => owner === null || owner === id);
  const reasons = candidates.map(({ id, architecture }) => `${id}: ${misfit(dictionary, architecture)}`);
  log(`Dictionary "${dictionary.detail.id}" is not used, it fits no model. ${reasons.join("; ")}`);
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then((found) => found.isDirectory(), () => false);
}

/** The models, each with the dictionaries that fit it. */
export function withDictionaries(
  models: ReadonlyMap<string, LanguageModel>,
  { byModel }: OpenedDictionaries,
): ReadonlyMap<string, LanguageModel> {
  return new Map([...models].map(([id, model]) => {
    const dictionaries = byModel.get(id) ?? [];
    const detail = { ...model.detail, dictionaries: dictionaries.map((dictionary) => dictionary.detail) };
    return [id, { ...model, dictionaries, detail }];
  }));
}

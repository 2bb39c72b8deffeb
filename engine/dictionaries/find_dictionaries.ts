/** The dictionaries of a folder, found by name at any depth; whether they can be read is known when they are opened. */
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { StartError } from "../errors.ts";

/** SAELens's name for weights. */
export const SAELENS_WEIGHTS = "sae_weights.safetensors";
/** SAELens's name for a configuration. */
export const SAELENS_CONFIG = "cfg.json";

/** How deep below the folder is searched. */
const MAX_DEPTH = 12;
/** Most files and folders that are looked at. */
const MAX_ENTRIES = 100_000;
/** Files that torch saves beside dictionaries and that are none. */
const OTHER_TORCH_FILES = new Set(["trainer_state.pt", "optimizer.pt", "scheduler.pt"]);

/** Where a dictionary lies: plain data that can cross threads. */
export interface DictionaryLocation {
  /** The path below the folder that was searched, with `/`; unique in that folder. */
  readonly id: string;
  /** Of its weights file. */
  readonly path: string;
}

/**
 * Finds SAELens folders (named by their folder), `.pt` and `.npz` files (named by their path), sorted by id. Links are followed, but no folder
 * is searched twice.
 *
 * @throws {StartError} if the folder cannot be read, or holds too much to be searched
 */
export async function findDictionaries(folder: string): Promise<readonly DictionaryLocation[]> {
  const root = resolve(folder);
  const found: DictionaryLocation[] = [];
  const seen = new Set<string>();
  let left = MAX_ENTRIES;
  async function search(path: string, depth: number): Promise<void> {
    const real = await realpath(path);
    if (seen.has(real)) return;
    seen.add(real);
    for (const name of (await readdir(path)).sort()) {
      if (left-- === 0) {
        throw new StartError(`Cannot search ${folder}: it holds more than ${MAX_ENTRIES} files; name a smaller folder`);
      }
      // What a training has not finished writing.
      if (name.endsWith(".partial")) continue;
      const child = join(path, name);
      const kind = await stat(child).catch(() => null);
      if (kind?.isDirectory() && depth < MAX_DEPTH) await search(child, depth + 1);
      if (kind?.isFile() && isWeights(name)) found.push({ id: idOf(root, path, name), path: child });
    }
  }
  try {
    await search(root, 0);
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(`Cannot search ${folder} for dictionaries: ${reason}`, { cause });
  }
  return found.sort((a, b) => a.id < b.id ? -1 : 1);
}

function isWeights(name: string): boolean {
  return name === SAELENS_WEIGHTS || (/\.(pt|npz)$/.test(name) && !OTHER_TORCH_FILES.has(name));
}

/** A SAELens folder has one dictionary, so the folder names it; of a file, its own name is part of the id. */
function idOf(root: string, folder: string, name: string): string {
  const path = name === SAELENS_WEIGHTS ? folder : join(folder, name);
  const below = relative(root, path).replaceAll("\\", "/");
  return below === "" ? basename(root) : below;
}

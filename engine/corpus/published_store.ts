/** Where published files lie: in a folder, or on a server whose answers are kept on disk. Either way their size is bounded. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { EngineError, NotFoundError } from "../errors.ts";
import { fetchBounded } from "./bounded_fetch.ts";
import type { Component } from "./component.ts";
import { MAX_FILE_BYTES } from "./published_file.ts";

/** Makes something of a file's bytes. @param name What errors call the file */
export type ParseFile<T> = (bytes: Uint8Array, name: string) => T;

export interface PublishedStore {
  /**
   * Reads the file of a component.
   *
   * @throws {NotFoundError} if there is none
   * @throws {EngineError} if it cannot be read; and what `parse` throws
   */
  read<T>(component: Pick<Component, "layer" | "index">, parse: ParseFile<T>): Promise<T>;
}

/** Whether a place is named by a URL; otherwise it is a folder. */
export function isUrl(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

/** The store at a folder or an http(s) URL. @param cacheFolder Where answers are kept; made when there is one */
export function openPublishedStore(location: string, cacheFolder: string): PublishedStore {
  return isUrl(location) ? new RemoteStore(location, cacheFolder) : new FolderStore(location);
}

class FolderStore implements PublishedStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = resolve(folder);
  }

  async read<T>(component: Pick<Component, "layer" | "index">, parse: ParseFile<T>): Promise<T> {
    const file = fileOf(component);
    const name = `${basename(this.#folder)}/${file}`;
    const bytes = await readBounded(join(this.#folder, file)).catch((cause: NodeJS.ErrnoException) => {
      throw new EngineError(`Cannot read ${name} (${cause.code ?? cause.message})`, { cause });
    });
    if (bytes === null) throw new NotFoundError(`There are no published records ${name}`);
    return parse(bytes, name);
  }
}

class RemoteStore implements PublishedStore {
  readonly #baseUrl: string;
  readonly #cacheFolder: string;

  constructor(baseUrl: string, cacheFolder: string) {
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#cacheFolder = cacheFolder;
  }

  async read<T>(component: Pick<Component, "layer" | "index">, parse: ParseFile<T>): Promise<T> {
    const url = `${this.#baseUrl}/${fileOf(component)}`;
    const kept = join(this.#cacheFolder, `${createHash("sha256").update(url).digest("hex")}.json`);
    const copy = await readBounded(kept).catch(() => null);
    if (copy !== null) {
      try {
        return parse(copy, url);
      } catch {
        // Only what parsed is kept, so the copy has been damaged since: it is fetched again.
      }
    }
    const bytes = await fetchBounded(url, { maxBytes: MAX_FILE_BYTES });
    const parsed = parse(bytes, url);
    // A disk that is full costs the next reader a request and nobody an answer.
    await writeAtomically(kept, bytes).catch(() => {});
    return parsed;
  }
}

/** Made of whole numbers only: nothing that anybody asks for leads elsewhere. */
function fileOf({ layer, index }: Pick<Component, "layer" | "index">): string {
  for (const number of [layer, index]) {
    if (!Number.isSafeInteger(number) || number < 0) {
      throw new EngineError(`Internal: ${number} is no layer and no index`);
    }
  }
  return `${layer}/${index}.json`;
}

/** A file's bytes, one more than are accepted if there are too many; null if there is no such file. */
async function readBounded(path: string): Promise<Uint8Array | null> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
    throw error;
  });
  if (found === null || !found.isFile()) return null;
  const bytes = new Uint8Array(Math.min(found.size, MAX_FILE_BYTES + 1));
  await using handle = await open(path);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** Writes a file that is either whole or not there, whoever else writes it and whenever the process dies. */
async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(draft, bytes, { flag: "wx" });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

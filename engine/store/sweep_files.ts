/**
 * States of sweeps in files: of GPT-2 small one has 29 MB, which a database takes ten times as long to store (measured). A file holds an
 * index and all groups, each with a checksum: what a power cut left half written is found, and is no state.
 */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, rmSync, statSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";

/** A state among those of a sweep. */
export interface StateName {
  /** The sweep's. */
  readonly key: string;
  readonly generation: number;
}

/** What a sweep has collected: a buffer a group. */
export type SweepGroups = ReadonlyMap<string, ArrayBuffer>;

/** Where states are kept. */
export interface SweepStates {
  /** @param spare A state that nobody needs any more, written over if it is there */
  write(name: StateName, groups: SweepGroups, spare: number | null): Promise<void>;
  /** A group of a state; null if there is no such state. @throws {Error} if it is damaged */
  read(name: StateName, group: string): ArrayBuffer | null;
  remove(name: StateName): Promise<void>;
}

/** Where a group lies in its file: first byte, bytes, checksum. */
type Place = readonly [offset: number, length: number, checksum: number];

/** Bytes of the index's length, before it. */
const LENGTH_BYTES = 4;
/** The index is padded, so that groups begin at a whole page. */
const PAGE = 4096;
/** Files that no sweep refers to are dropped at the start when they are so old: younger ones may be another process's, not yet referred to. */
const ABANDONED_MS = 60 * 60 * 1000;

export class SweepFiles implements SweepStates {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async write(name: StateName, groups: SweepGroups, spare: number | null): Promise<void> {
    const path = this.#path(name);
    await mkdir(dirname(path), { recursive: true });
    const isReused = spare !== null && await renamed(this.#path({ ...name, generation: spare }), path);
    await using file = await open(path, isReused ? "r+" : "w");
    const bytes = [...groups.values()].map((group) => new Uint8Array(group));
    const index = indexOf([...groups.keys()], bytes);
    let offset = 0;
    for (const part of [index, ...bytes]) {
      await written(file, part, offset);
      offset += part.byteLength;
    }
    await file.truncate(offset);
  }

  read(name: StateName, group: string): ArrayBuffer | null {
    const file = opened(this.#path(name));
    if (file === null) return null;
    try {
      const length = new DataView(readAt(file, 0, LENGTH_BYTES).buffer).getUint32(0, true);
      const index = JSON.parse(new TextDecoder().decode(readAt(file, LENGTH_BYTES, length)));
      const place: Place | undefined = index[group];
      if (place === undefined) return null;
      const [offset, bytes, checksum] = place;
      const found = readAt(file, offset, bytes);
      if (crc32(found) !== checksum) throw new Error(`The state of the sweep is damaged at "${group}"`);
      return found.buffer;
    } finally {
      closeSync(file);
    }
  }

  async remove(name: StateName): Promise<void> {
    await rm(this.#path(name), { force: true });
  }

  /** Drops files that a process left behind which did not come to an end. @param known States that are referred to */
  tidy(known: readonly StateName[], now = Date.now()): void {
    if (!existsSync(this.#folder)) return;
    const kept = new Set(known.map((name) => this.#path(name)));
    for (const entry of readdirSync(this.#folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || kept.has(path)) continue;
      const found = statSync(path, { throwIfNoEntry: false });
      if (found !== undefined && now - found.mtimeMs > ABANDONED_MS) rmSync(path, { force: true });
    }
  }

  #path({ key, generation }: StateName): string {
    return join(this.#folder, key, String(generation));
  }
}

/** States of a store that has no folder. */
export class SweepMemory implements SweepStates {
  readonly #states = new Map<string, SweepGroups>();

  write(name: StateName, groups: SweepGroups): Promise<void> {
    this.#states.set(memoryKey(name), new Map([...groups].map(([group, buffer]) => [group, buffer.slice()])));
    return Promise.resolve();
  }

  read(name: StateName, group: string): ArrayBuffer | null {
    return this.#states.get(memoryKey(name))?.get(group)?.slice() ?? null;
  }

  remove(name: StateName): Promise<void> {
    this.#states.delete(memoryKey(name));
    return Promise.resolve();
  }
}

function memoryKey({ key, generation }: StateName): string {
  return `${key} ${generation}`;
}

/** The index with its length before it. */
function indexOf(names: readonly string[], groups: readonly Uint8Array[]): Uint8Array {
  const sums = groups.map((group) => crc32(group));
  // Offsets are counted from the index's end first: its length depends on how long they are written.
  const roomFor = JSON.stringify(placesOf(names, groups, { sums, start: Number.MAX_SAFE_INTEGER })).length;
  const start = Math.ceil((LENGTH_BYTES + roomFor) / PAGE) * PAGE;
  const text = new TextEncoder().encode(JSON.stringify(placesOf(names, groups, { sums, start })));
  const index = new Uint8Array(start);
  new DataView(index.buffer).setUint32(0, text.byteLength, true);
  index.set(text, LENGTH_BYTES);
  return index;
}

function placesOf(
  names: readonly string[],
  groups: readonly Uint8Array[],
  { sums, start }: { readonly sums: readonly number[]; readonly start: number },
): Readonly<Record<string, Place>> {
  let offset = start;
  return Object.fromEntries(groups.map((group, i) => {
    const place: Place = [offset, group.byteLength, sums[i] ?? 0];
    offset += group.byteLength;
    return [names[i] ?? "", place];
  }));
}

async function written(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    done += (await file.write(bytes, done, bytes.byteLength - done, offset + done)).bytesWritten;
  }
}

/** Whether a file was there to be renamed. */
async function renamed(from: string, to: string): Promise<boolean> {
  return await rename(from, to).then(() => true, (error: unknown) => {
    if (isMissing(error)) return false;
    throw error;
  });
}

function opened(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** @throws {Error} if the file ends before; nothing is then allocated */
function readAt(file: number, offset: number, length: number): Uint8Array<ArrayBuffer> {
  if (offset + length > fstatSync(file).size) throw new Error("The state of the sweep ends too early");
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const read = readSync(file, bytes, done, length - done, offset + done);
    if (read === 0) throw new Error("The state of the sweep was cut short while it was read");
    done += read;
  }
  return bytes;
}

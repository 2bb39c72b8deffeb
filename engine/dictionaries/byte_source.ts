/** Reading parts of a file that comes from outside: nothing is read that does not lie in it, and never more than is asked for. */
import { type FileHandle, open } from "node:fs/promises";
import { FileFormatError } from "../errors.ts";

/** A file whose parts can be read. */
export interface ByteSource {
  /** What errors call it. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** @throws {FileFormatError} if a part of the range lies outside the file. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A file on disk, open. */
export class OpenFile implements ByteSource, AsyncDisposable {
  readonly name: string;
  readonly size: number;
  readonly #handle: FileHandle;

  private constructor(name: string, size: number, handle: FileHandle) {
    this.name = name;
    this.size = size;
    this.#handle = handle;
  }

  /** @throws {FileFormatError} if there is no such file, or it cannot be read. */
  static async open(path: string, name: string): Promise<OpenFile> {
    const handle = await open(path).catch((cause: unknown) => refuse(name, reasonOf(cause)));
    const found = await handle.stat();
    if (found.isFile()) return new OpenFile(name, found.size, handle);
    await handle.close();
    return refuse(name, "it is not a file");
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    requireInside(this, offset, length);
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) refuse(this.name, `it ended at byte ${offset + done} while it was read`);
      done += bytesRead;
    }
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/** @throws {FileFormatError} unless the range is one of whole bytes inside the file. */
export function requireInside({ name, size }: Pick<ByteSource, "name" | "size">, offset: number, length: number): void {
  const isRange = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!isRange || offset + length > size) {
    refuse(name, `it has ${size} bytes, but ${length} bytes from byte ${offset} are needed`);
  }
}

/** @throws {FileFormatError} always: with what could not be read and why. */
export function refuse(name: string, reason: string, options?: ErrorOptions): never {
  throw new FileFormatError(`Cannot read ${name}: ${reason}`, options);
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

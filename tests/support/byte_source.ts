/** Bytes in memory as the readers of dictionaries see a file. */
import { type ByteSource, requireInside } from "../../engine/dictionaries/byte_source.ts";

export class MemorySource implements ByteSource {
  readonly name = "evil";
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    requireInside(this, offset, length);
    return Promise.resolve(new Uint8Array(this.#bytes.subarray(offset, offset + length)));
  }
}

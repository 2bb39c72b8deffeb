/**
 * Where the members of a zip file lie (PKWARE's APPNOTE, §4.3). Torch and NumPy put their tensors into zip files without compressing them, so
 * they can be read in place; nothing is unpacked here. Every offset and size is checked before it is used.
 */
import { type ByteSource, refuse } from "./byte_source.ts";

/** A member's bytes. */
export interface ZipEntry {
  /** In bytes from the start of the zip file. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
}

const MAX_ENTRIES = 10_000;
const MAX_DIRECTORY_BYTES = 16 * 1024 * 1024;

const LOCAL = { signature: 0x04034b50, bytes: 30 } as const;
const CENTRAL = { signature: 0x02014b50, bytes: 46 } as const;
const END = { signature: 0x06054b50, bytes: 22 } as const;
const END64_LOCATOR = { signature: 0x07064b50, bytes: 20 } as const;
const END64 = { signature: 0x06064b50, bytes: 56 } as const;
/** Stands where a field needs 64 bits and is found in an extra field. */
const IN_EXTRA_32 = 0xffffffff;
const IN_EXTRA_16 = 0xffff;
const ZIP64_EXTRA = 1;
const MAX_COMMENT_BYTES = 0xffff;
const STORED = 0;
const ENCRYPTED_FLAG = 1;

/** Whether a file begins as a zip file with members does. */
export async function isZip(source: ByteSource): Promise<boolean> {
  if (source.size < END.bytes) return false;
  return viewOf(await source.read(0, 4)).getUint32(0, true) === LOCAL.signature;
}

/**
 * The members of a zip file by name.
 *
 * @throws {FileFormatError} if it is no zip file, contradicts itself, or has a member that is compressed or encrypted.
 */
export async function readZipEntries(source: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const directory = await findDirectory(source);
  if (directory.count > MAX_ENTRIES || directory.length > MAX_DIRECTORY_BYTES) {
    refuse(source.name, `it has ${directory.count} members, at most ${MAX_ENTRIES} are accepted`);
  }
  const bytes = await source.read(directory.offset, directory.length);
  const entries = new Map<string, LocatedEntry>();
  let at = 0;
  for (let index = 0; index < directory.count; index++) {
    const { name, headerOffset, length, nextAt } = parseCentral(bytes, at, source.name);
    if (entries.has(name)) refuse(source.name, `it has two members named "${name}"`);
    entries.set(name, await locate(source, { name, headerOffset, length, limit: directory.offset }));
    at = nextAt;
  }
  requireApart(entries, source.name);
  return entries;
}

interface Directory {
  readonly offset: number;
  readonly length: number;
  readonly count: number;
}

async function findDirectory(source: ByteSource): Promise<Directory> {
  const { name, size } = source;
  const tailOffset = Math.max(0, size - END.bytes - MAX_COMMENT_BYTES);
  const tail = viewOf(await source.read(tailOffset, size - tailOffset));
  let at = tail.byteLength - END.bytes;
  while (at >= 0 && !isEnd(tail, at)) at--;
  if (at < 0) return refuse(name, "it is no zip file, or it is cut off: its directory is missing");
  const short: Directory = {
    count: tail.getUint16(at + 10, true),
    length: tail.getUint32(at + 12, true),
    offset: tail.getUint32(at + 16, true),
  };
  const endOffset = tailOffset + at;
  const isLong = short.count === IN_EXTRA_16 || short.length === IN_EXTRA_32 || short.offset === IN_EXTRA_32;
  const directory = isLong ? await findDirectory64(source, endOffset) : short;
  if (directory.offset + directory.length > endOffset) {
    return refuse(name, `its directory is said to end at byte ${directory.offset + directory.length} of ${endOffset}`);
  }
  return directory;
}

/** Whether an end record starts here: its comment must reach to the end of the file. */
function isEnd(tail: DataView, at: number): boolean {
  return tail.getUint32(at, true) === END.signature &&
    at + END.bytes + tail.getUint16(at + 20, true) === tail.byteLength;
}

async function findDirectory64(source: ByteSource, endOffset: number): Promise<Directory> {
  const locatorOffset = endOffset - END64_LOCATOR.bytes;
  const locator = viewOf(await source.read(locatorOffset, END64_LOCATOR.bytes));
  if (locator.getUint32(0, true) !== END64_LOCATOR.signature) {
    return refuse(source.name, `byte ${locatorOffset} should locate a 64-bit directory and does not`);
  }
  const offset = readUint64(locator, 8, source.name);
  const record = viewOf(await source.read(offset, END64.bytes));
  if (record.getUint32(0, true) !== END64.signature) {
    return refuse(source.name, `byte ${offset} should describe a 64-bit directory and does not`);
  }
  return {
    count: readUint64(record, 32, source.name),
    length: readUint64(record, 40, source.name),
    offset: readUint64(record, 48, source.name),
  };
}

interface CentralEntry {
  readonly name: string;
  /** Of its local header. */
  readonly headerOffset: number;
  readonly length: number;
  /** Where the next one begins in the directory. */
  readonly nextAt: number;
}

function parseCentral(bytes: Uint8Array<ArrayBuffer>, at: number, file: string): CentralEntry {
  const view = viewOf(bytes);
  if (at + CENTRAL.bytes > bytes.length || view.getUint32(at, true) !== CENTRAL.signature) {
    return refuse(file, `byte ${at} of its directory should describe a member and does not`);
  }
  const [nameBytes, extraBytes, commentBytes] = [at + 28, at + 30, at + 32].map((place) => view.getUint16(place, true));
  const extraAt = at + CENTRAL.bytes + (nameBytes ?? 0);
  const nextAt = extraAt + (extraBytes ?? 0) + (commentBytes ?? 0);
  if (nextAt > bytes.length) return refuse(file, `the member at byte ${at} of its directory is cut off`);
  const name = new TextDecoder().decode(bytes.subarray(at + CENTRAL.bytes, extraAt));
  if ((view.getUint16(at + 8, true) & ENCRYPTED_FLAG) !== 0) return refuse(file, `its member "${name}" is encrypted`);
  const method = view.getUint16(at + 10, true);
  if (method !== STORED) {
    return refuse(
      file,
      `its member "${name}" is compressed (method ${method}), but tensors are read in place; save it again without ` +
        `compression, as torch.save and numpy.savez do`,
    );
  }
  const extra = new DataView(bytes.buffer, bytes.byteOffset + extraAt, extraBytes ?? 0);
  const [length, packedLength, headerOffset] = longFields(
    [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)],
    extra,
    file,
  );
  if (length !== packedLength) return refuse(file, `its member "${name}" has two sizes: ${length} and ${packedLength}`);
  return { name, headerOffset, length, nextAt };
}

/** Size, packed size and offset, those that do not fit into 32 bits from the extra field, where they stand in this order. */
function longFields(
  fields: readonly [number, number, number],
  extra: DataView,
  file: string,
): readonly [number, number, number] {
  let at = zip64Extra(extra);
  const [length, packedLength, headerOffset] = fields.map((field) => {
    if (field !== IN_EXTRA_32) return field;
    if (at === null || at + 8 > extra.byteLength) return refuse(file, "a 64-bit field of its directory is missing");
    at += 8;
    return readUint64(extra, at - 8, file);
  });
  return [length ?? 0, packedLength ?? 0, headerOffset ?? 0];
}

function zip64Extra(extra: DataView): number | null {
  let at = 0;
  while (at + 4 <= extra.byteLength) {
    if (extra.getUint16(at, true) === ZIP64_EXTRA) return at + 4;
    at += 4 + extra.getUint16(at + 2, true);
  }
  return null;
}

interface Member {
  readonly name: string;
  readonly headerOffset: number;
  readonly length: number;
  /** Where the directory begins, before which it must end. */
  readonly limit: number;
}

interface LocatedEntry extends ZipEntry {
  readonly headerOffset: number;
}

/** Follows a member to its bytes: only its local header knows where they begin. */
async function locate(source: ByteSource, { name, headerOffset, length, limit }: Member): Promise<LocatedEntry> {
  const header = viewOf(await source.read(headerOffset, LOCAL.bytes));
  if (header.getUint32(0, true) !== LOCAL.signature) {
    return refuse(source.name, `its member "${name}" should begin at byte ${headerOffset} and does not`);
  }
  const offset = headerOffset + LOCAL.bytes + header.getUint16(26, true) + header.getUint16(28, true);
  if (offset + length > limit) {
    return refuse(source.name, `its member "${name}" ends at byte ${offset + length}, members end at byte ${limit}`);
  }
  return { headerOffset, offset, length };
}

function requireApart(entries: ReadonlyMap<string, LocatedEntry>, file: string): void {
  const sorted = [...entries].sort(([, a], [, b]) => a.headerOffset - b.headerOffset);
  sorted.reduce((end, [name, { headerOffset, offset, length }]) => {
    if (headerOffset < end) refuse(file, `its member "${name}" shares bytes with another`);
    return offset + length;
  }, 0);
}

function readUint64(view: DataView, at: number, file: string): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) return refuse(file, `a size or offset of its directory is ${value}`);
  return Number(value);
}

function viewOf(bytes: Uint8Array<ArrayBuffer>): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

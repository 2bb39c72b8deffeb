/**
 * Safetensors files (https://github.com/huggingface/safetensors, "Format"): eight bytes with the length of the header, a JSON
 * header, the tensors' bytes. Files come from outside: every number of the header is checked before it is used.
 */
import { open } from "node:fs/promises";
import { z } from "zod";
import { FileFormatError } from "../errors.ts";
import { ELEMENT_BYTES, type ElementType } from "./dtype.ts";
import { type ConcreteShape, elementCount, formatShape } from "./shape.ts";

/** Largest header accepted, in bytes: the limit of the format's own implementation. */
const MAX_HEADER_BYTES = 100_000_000;

/** Where a tensor's bytes lie. */
export interface TensorEntry {
  readonly type: ElementType;
  readonly shape: ConcreteShape;
  /** In bytes from the start of the file. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

const ELEMENT_TYPES: Readonly<Record<string, ElementType>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  BOOL: "bool",
};

const count = z.int().min(0);
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(count).max(16),
  data_offsets: z.tuple([count, count]),
});
const headerSchema = z.record(z.string(), z.unknown());
const metadataSchema = z.record(z.string(), z.string());

/**
 * Reads and checks the header of a file.
 *
 * @throws {FileFormatError} if the file is no safetensors file or its header contradicts itself or the file's size.
 */
export async function readSafetensorsHeader(path: string, name: string): Promise<SafetensorsHeader> {
  await using file = await open(path);
  const { size } = await file.stat();
  const prefix = new Uint8Array(8);
  await file.read(prefix, 0, 8, 0);
  const headerBytes = checkedHeaderLength(prefix, size, name);
  const header = new Uint8Array(headerBytes);
  await file.read(header, 0, headerBytes, 8);
  return parseHeader(header, size, name);
}

/** As `readSafetensorsHeader`, of a file that is in memory. */
export function parseSafetensorsHeader(bytes: Uint8Array, name: string): SafetensorsHeader {
  const headerBytes = checkedHeaderLength(bytes, bytes.length, name);
  return parseHeader(bytes.subarray(8, 8 + headerBytes), bytes.length, name);
}

/** A float32 tensor to be written. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: ConcreteShape;
  readonly data: Float32Array;
}

/** The bytes of a safetensors file with these tensors, in this order. */
export function encodeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const header = encodeHeader(tensors, metadata);
  const file = new Uint8Array(header.length + tensors.reduce((sum, { data }) => sum + data.byteLength, 0));
  file.set(header);
  let offset = header.length;
  for (const { data } of tensors) {
    file.set(bytesOf(data), offset);
    offset += data.byteLength;
  }
  return file;
}

/** Writes a safetensors file, tensor by tensor, to the disk itself: when it is renamed afterwards, all of it is there. */
export async function writeSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await using file = await open(path, "w");
  await file.writeFile(encodeHeader(tensors, metadata));
  for (const { data } of tensors) await file.writeFile(bytesOf(data));
  await file.sync();
}

function encodeHeader(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  let end = 0;
  const entries = tensors.map(({ name, shape, data }) => {
    const begin = end;
    end += data.byteLength;
    return [name, { dtype: "F32", shape, data_offsets: [begin, end] }];
  });
  const json = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) });
  const content = new TextEncoder().encode(json);
  // The format pads its header with spaces so that the data is aligned to eight bytes.
  const length = Math.ceil(content.length / 8) * 8;
  const header = new Uint8Array(8 + length);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.fill(0x20, 8).set(content, 8);
  return header;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function checkedHeaderLength(prefix: Uint8Array, fileBytes: number, name: string): number {
  if (fileBytes < 8) {
    throw new FileFormatError(`Cannot read ${name}: ${fileBytes} bytes are too few for a safetensors file`);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, fileBytes - 8))) {
    throw new FileFormatError(
      `Cannot read ${name}: its header claims ${length} bytes but the file has ${fileBytes} and at most ${MAX_HEADER_BYTES} are accepted`,
    );
  }
  return Number(length);
}

function parseHeader(bytes: Uint8Array, fileBytes: number, name: string): SafetensorsHeader {
  const { __metadata__: metadata = {}, ...entries } = parseJson(bytes, name);
  const checkedMetadata = metadataSchema.safeParse(metadata);
  if (!checkedMetadata.success) {
    throw new FileFormatError(`Cannot read ${name}: __metadata__ is not a map from text to text`);
  }
  const dataOffset = 8 + bytes.length;
  const tensors = new Map<string, TensorEntry>();
  for (const [tensorName, entry] of Object.entries(entries)) {
    tensors.set(tensorName, checkedEntry(entry, { what: `${name}, tensor "${tensorName}"`, dataOffset, fileBytes }));
  }
  return { tensors, metadata: checkedMetadata.data };
}

function parseJson(bytes: Uint8Array, name: string): Record<string, unknown> {
  try {
    return headerSchema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw new FileFormatError(`Cannot read ${name}: its header is not a JSON object`, { cause });
  }
}

interface EntryLimits {
  readonly what: string;
  readonly dataOffset: number;
  readonly fileBytes: number;
}

function checkedEntry(entry: unknown, { what, dataOffset, fileBytes }: EntryLimits): TensorEntry {
  const parsed = entrySchema.safeParse(entry);
  if (!parsed.success) throw new FileFormatError(`Cannot read ${what}: expected dtype, shape and two data_offsets`);
  const { dtype, shape, data_offsets: [begin, end] } = parsed.data;
  const type = Object.hasOwn(ELEMENT_TYPES, dtype) ? ELEMENT_TYPES[dtype] : undefined;
  if (type === undefined) {
    throw new FileFormatError(
      `Cannot read ${what}: dtype ${dtype} is not one of ${Object.keys(ELEMENT_TYPES).join(", ")}`,
    );
  }
  const length = elementCount(shape) * ELEMENT_BYTES[type];
  if (end - begin !== length) {
    throw new FileFormatError(
      `Cannot read ${what}: ${dtype} ${formatShape(shape)} takes ${length} bytes but ${end - begin} are given`,
    );
  }
  if (dataOffset + end > fileBytes) {
    throw new FileFormatError(`Cannot read ${what}: it ends at byte ${dataOffset + end} but the file has ${fileBytes}`);
  }
  return { type, shape, offset: dataOffset + begin, length };
}

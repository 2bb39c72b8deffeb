/**
 * A second reader and writer of safetensors, for tests only: it shares no code with the engine's, so that the two check each
 * other. Format: u64 length of the header, JSON header `{name: {dtype, shape, data_offsets}}`, then the data.
 */

/** Element types that model files use. */
export type FixtureDtype = "F64" | "F32" | "F16" | "BF16" | "U8";

/** A tensor widened to numbers: float32 for types that fit, else float64. */
export interface FixtureTensor {
  readonly dtype: FixtureDtype;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** Name, type and shape of a tensor whose data follows later. */
export interface FixtureEntry {
  readonly name: string;
  readonly dtype: FixtureDtype;
  readonly shape: readonly number[];
}

export interface FixtureFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, FixtureTensor>;
}

const BYTES_PER_ELEMENT: Readonly<Record<FixtureDtype, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, U8: 1 };

/** Number of elements of a shape; 1 for `[]`. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Reads a whole file. */
export function readSafetensors(bytes: Uint8Array): FixtureFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  const header: Record<string, unknown> = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)));
  const tensors = new Map<string, FixtureTensor>();
  for (const [name, row] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, data_offsets: [start, end] } = row as HeaderRow;
    const data = bytes.slice(8 + headerLength + start, 8 + headerLength + end);
    if (data.length !== elementCount(shape) * BYTES_PER_ELEMENT[dtype]) {
      throw new RangeError(`Tensor "${name}" of shape [${shape}] and type ${dtype} has ${data.length} bytes`);
    }
    tensors.set(name, { dtype, shape, data: decode(dtype, data.buffer) });
  }
  return { metadata: (header["__metadata__"] ?? {}) as Record<string, string>, tensors };
}

interface HeaderRow {
  readonly dtype: FixtureDtype;
  readonly shape: readonly number[];
  readonly "data_offsets": readonly [number, number];
}

/** Writes a whole file; values are rounded to each tensor's type. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Omit<FixtureTensor, "data"> & { readonly data: ArrayLike<number> }>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header = safetensorsHeader([...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape })), metadata);
  const parts = [header, ...[...tensors.values()].map(({ dtype, data }) => encode(dtype, data))];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** The length and the header, padded with spaces to a multiple of 8 bytes; the data must follow in the same order. */
export function safetensorsHeader(
  entries: readonly FixtureEntry[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = Object.keys(metadata).length === 0 ? {} : { "__metadata__": metadata };
  let offset = 0;
  for (const { name, dtype, shape } of entries) {
    const end = offset + elementCount(shape) * BYTES_PER_ELEMENT[dtype];
    header[name] = { dtype, shape, "data_offsets": [offset, end] } satisfies HeaderRow;
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  bytes.set(json, 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - 8), true);
  return bytes;
}

/** Little-endian bytes of values rounded to the type (to nearest, ties to even). */
export function encode(dtype: FixtureDtype, values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  switch (dtype) {
    case "F64":
      return new Uint8Array(new Float64Array(values).buffer);
    case "F32":
      return new Uint8Array(new Float32Array(values).buffer);
    case "F16":
      return new Uint8Array(new Float16Array(values).buffer);
    case "BF16":
      return new Uint8Array(bfloat16Bits(new Float32Array(values)).buffer);
    case "U8":
      return Uint8Array.from(values);
  }
}

/** The numbers that little-endian bytes stand for. */
export function decode(dtype: FixtureDtype, bytes: ArrayBuffer): Float32Array | Float64Array {
  switch (dtype) {
    case "F64":
      return new Float64Array(bytes);
    case "F32":
      return new Float32Array(bytes);
    case "F16":
      return new Float32Array(new Float16Array(bytes));
    case "BF16":
      return new Float32Array(new Uint32Array(new Uint16Array(bytes)).map((bits) => bits << 16).buffer);
    case "U8":
      return new Float32Array(new Uint8Array(bytes));
  }
}

/** The upper half of each float32, rounded to nearest, ties to even. Finite values only. */
function bfloat16Bits(values: Float32Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  return new Uint16Array(new Uint32Array(values.buffer).map((bits) => (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16));
}

/**
 * NumPy's `.npz`: a zip file with one `.npy` a tensor (numpy/lib/format.py, "Format Specification"). Tensors stay in the file; so members must
 * be stored, as numpy.savez does and numpy.savez_compressed does not.
 */
import { ELEMENT_BYTES, type ElementType } from "../tensor/dtype.ts";
import { elementCount, formatShape } from "../tensor/shape.ts";
import { type ByteSource, refuse } from "./byte_source.ts";
import { ownOf } from "./json_file.ts";
import type { StoredTensor } from "./tensor_table.ts";
import { readZipEntries, type ZipEntry } from "./zip_entries.ts";

/** `\x93NUMPY` */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Magic and version. */
const PREFIX_BYTES = 8;
const MAX_HEADER_BYTES = 4096;
const MAX_RANK = 16;

const TYPES: Readonly<Record<string, ElementType>> = {
  "<f4": "float32",
  "<f8": "float64",
  "<f2": "float16",
  "<i8": "int64",
  "<i4": "int32",
  "|b1": "bool",
};

/** The header as NumPy writes it: a Python dictionary with its three keys in this order. */
const HEADER = /^\{'descr': '([^']{1,16})', 'fortran_order': (True|False), 'shape': \(([\d, ]{0,400})\), \} *\n?$/;

/** Where the tensors of an `.npz` lie, by their names. @throws {FileFormatError} if it is damaged or has other members */
export async function readNpzTensors(source: ByteSource): Promise<ReadonlyMap<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  for (const [member, entry] of await readZipEntries(source)) {
    if (!member.endsWith(".npy")) refuse(source.name, `its member ${JSON.stringify(member.slice(0, 200))} is no .npy`);
    tensors.set(member.slice(0, -".npy".length), await readNpy(source, member, entry));
  }
  return tensors;
}

async function readNpy(source: ByteSource, member: string, entry: ZipEntry): Promise<StoredTensor> {
  const what = `${source.name}, ${member.slice(0, 200)}`;
  const { text, headerBytes } = await readHeader(source, entry, what);
  const [, description = "", order, sizes = ""] = HEADER.exec(text) ?? [];
  if (order === undefined) {
    return refuse(what, `its header is ${JSON.stringify(text.slice(0, 200))}, not as NumPy writes it`);
  }
  const type = ownOf(TYPES, description);
  if (type === undefined) {
    return refuse(what, `its type is ${JSON.stringify(description)}, expected one of ${Object.keys(TYPES).join(", ")}`);
  }
  const shape = sizes.split(",").map((size) => size.trim()).filter((size) => size !== "").map(Number);
  if (shape.length > MAX_RANK || !shape.every(Number.isSafeInteger)) return refuse(what, `its shape is (${sizes})`);
  const length = elementCount(shape) * ELEMENT_BYTES[type];
  if (headerBytes + length !== entry.length) {
    return refuse(
      what,
      `${type} ${formatShape(shape)} takes ${length} bytes but ${entry.length - headerBytes} are there`,
    );
  }
  const isTransposed = order === "True" && shape.length > 1;
  if (isTransposed && shape.length > 2) return refuse(what, `it is in Fortran's order, which only matrices may be`);
  return { type, shape, offset: entry.offset + headerBytes, length, isTransposed };
}

/** Version 1 has two bytes with the length of the header, versions 2 and 3 four. */
async function readHeader(source: ByteSource, { offset, length }: ZipEntry, what: string) {
  if (length < PREFIX_BYTES + 4) return refuse(what, `${length} bytes are too few for an array`);
  const prefix = await source.read(offset, PREFIX_BYTES + 4);
  if (!MAGIC.every((byte, at) => prefix[at] === byte)) return refuse(what, "it does not begin as an array of NumPy");
  const view = new DataView(prefix.buffer, prefix.byteOffset);
  const version = view.getUint8(6);
  if (version < 1 || version > 3) return refuse(what, `its version is ${version}, expected 1 to 3`);
  const textBytes = version === 1 ? view.getUint16(PREFIX_BYTES, true) : view.getUint32(PREFIX_BYTES, true);
  const textAt = PREFIX_BYTES + (version === 1 ? 2 : 4);
  if (textBytes > Math.min(MAX_HEADER_BYTES, length - textAt)) {
    return refuse(what, `its header claims ${textBytes} bytes, of ${length} at most ${MAX_HEADER_BYTES} are accepted`);
  }
  const text = new TextDecoder().decode(await source.read(offset + textAt, textBytes));
  return { text, headerBytes: textAt + textBytes };
}

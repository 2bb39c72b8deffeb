/** Writes files as torch.save does: a pickle that names tensors, and their storages, in a zip file. */
import { encode, type FixtureDtype } from "./safetensors_fixture.ts";
import { u16, u32, zipFile } from "./zip_file.ts";

/** Instructions of a pickle that leave one value. */
export type Pickled = readonly number[];

const OPCODES = { mark: 0x28, tuple: 0x74, reduce: 0x52, persistent: 0x51, setItems: 0x75, build: 0x62, stop: 0x2e };

/** A whole pickle of protocol 2. */
export function pickle(value: Pickled): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0x80, 2, ...value, OPCODES.stop]);
}

export function pText(text: string): Pickled {
  const bytes = new TextEncoder().encode(text);
  return [0x58, ...u32(bytes.length), ...bytes];
}

export function pInt(value: number): Pickled {
  if (value >= 0 && value < 256) return [0x4b, value];
  if (value >= 0 && value < 65536) return [0x4d, ...u16(value)];
  return [0x4a, ...u32(value >>> 0)];
}

export function pFloat(value: number): Pickled {
  return [0x47, ...new Uint8Array(new Float64Array([value]).buffer).reverse()];
}

export function pBool(value: boolean): Pickled {
  return [value ? 0x88 : 0x89];
}

export const P_NONE: Pickled = [0x4e];

export function pTuple(...items: readonly Pickled[]): Pickled {
  return [OPCODES.mark, ...items.flat(), OPCODES.tuple];
}

export function pDict(entries: Readonly<Record<string, Pickled>>): Pickled {
  return [
    0x7d,
    OPCODES.mark,
    ...Object.entries(entries).flatMap(([key, value]) => [...pText(key), ...value]),
    OPCODES.setItems,
  ];
}

/** `module name`, as protocol 2 names things. */
export function pGlobal(module: string, name: string): Pickled {
  return [0x63, ...new TextEncoder().encode(`${module}\n${name}\n`)];
}

export function pCall(callee: Pickled, ...args: readonly Pickled[]): Pickled {
  return [...callee, ...pTuple(...args), OPCODES.reduce];
}

/** An ordered dictionary with metadata, as `state_dict()` returns it. */
export function pStateDict(entries: Readonly<Record<string, Pickled>>): Pickled {
  const made = pCall(pGlobal("collections", "OrderedDict"));
  const items = Object.entries(entries).flatMap(([key, value]) => [...pText(key), ...value]);
  return [...made, OPCODES.mark, ...items, OPCODES.setItems, ...pDict({ "_metadata": pDict({}) }), OPCODES.build];
}

/** A tensor to be written. */
export interface TorchTensor {
  readonly shape: readonly number[];
  /** In the order of the storage. */
  readonly data: ArrayLike<number>;
  readonly dtype?: FixtureDtype | "I64" | "I32";
  /** In elements; default: row-major. */
  readonly strides?: readonly number[];
  /** In elements. */
  readonly offset?: number;
  readonly isParameter?: boolean;
}

const STORAGES = {
  F64: "DoubleStorage",
  F32: "FloatStorage",
  F16: "HalfStorage",
  BF16: "BFloat16Storage",
  U8: "ByteStorage",
  I64: "LongStorage",
  I32: "IntStorage",
} as const;

export function rowMajor(shape: readonly number[]): readonly number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
}

/** What the pickle says of a tensor whose storage is the member `data/<key>`. */
export function pTensor(key: string, tensor: TorchTensor): Pickled {
  const { shape, data, dtype = "F32", strides = rowMajor(shape), offset = 0 } = tensor;
  const id = pTuple(pText("storage"), pGlobal("torch", STORAGES[dtype]), pText(key), pText("cpu"), pInt(data.length));
  const hooks = pCall(pGlobal("collections", "OrderedDict"));
  const view = pCall(
    pGlobal("torch._utils", "_rebuild_tensor_v2"),
    [...id, OPCODES.persistent],
    pInt(offset),
    pTuple(...shape.map(pInt)),
    pTuple(...strides.map(pInt)),
    pBool(false),
    hooks,
  );
  return tensor.isParameter ? pCall(pGlobal("torch._utils", "_rebuild_parameter"), view, pBool(true), hooks) : view;
}

function storageBytes({ data, dtype = "F32" }: TorchTensor): Uint8Array<ArrayBuffer> {
  if (dtype === "I64") return new Uint8Array(BigInt64Array.from(Array.from(data), BigInt).buffer);
  if (dtype === "I32") return new Uint8Array(Int32Array.from(Array.from(data)).buffer);
  return encode(dtype, data);
}

export interface TorchFileOptions {
  /** Entries that are no tensors. */
  readonly plain?: Readonly<Record<string, Pickled>>;
  /** Whether it is a plain dictionary instead of an ordered one. */
  readonly isPlainDict?: boolean;
  readonly byteOrder?: string;
}

/** The bytes of a `.pt` file. */
export function torchFile(
  tensors: Readonly<Record<string, TorchTensor>>,
  { plain = {}, isPlainDict = false, byteOrder = "little" }: TorchFileOptions = {},
): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(tensors);
  const state = {
    ...Object.fromEntries(entries.map(([name, tensor], index) => [name, pTensor(String(index), tensor)])),
    ...plain,
  };
  return torchZip(
    pickle(isPlainDict ? pDict(state) : pStateDict(state)),
    entries.map(([, tensor]) => storageBytes(tensor)),
    byteOrder,
  );
}

/** A `.pt` file around any pickle. */
export function torchZip(
  pickled: Uint8Array,
  storages: readonly Uint8Array[] = [],
  byteOrder = "little",
): Uint8Array<ArrayBuffer> {
  return zipFile([
    { name: "archive/data.pkl", bytes: pickled },
    { name: "archive/byteorder", bytes: new TextEncoder().encode(byteOrder) },
    ...storages.map((bytes, index) => ({ name: `archive/data/${index}`, bytes })),
    { name: "archive/version", bytes: new TextEncoder().encode("3\n") },
  ], { align: 64 });
}

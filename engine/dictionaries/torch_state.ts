/**
 * State dicts that torch.save wrote: a zip file with `data.pkl`, a pickle that names tensors, and `data/0`, `data/1`, … with their storages
 * (torch/csrc/jit/serialization, "Serialization format"; torch/_utils.py for what the pickle calls). Tensors stay in the file.
 */
import { ELEMENT_BYTES, type ElementType } from "../tensor/dtype.ts";
import { elementCount, formatShape } from "../tensor/shape.ts";
import { type ByteSource, refuse } from "./byte_source.ts";
import {
  MAX_PICKLE_BYTES,
  PickleGlobal,
  PickleObject,
  type PickleRules,
  type PickleValue,
  readPickle,
} from "./pickle.ts";
import type { StoredTensor } from "./tensor_table.ts";
import { isZip, readZipEntries, type ZipEntry } from "./zip_entries.ts";

/** What a state dict holds. */
export interface TorchState {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Entries that are no tensors. */
  readonly plain: ReadonlyMap<string, PickleValue>;
}

const STORAGE_TYPES: Readonly<Record<string, ElementType>> = {
  "torch.FloatStorage": "float32",
  "torch.DoubleStorage": "float64",
  "torch.HalfStorage": "float16",
  "torch.BFloat16Storage": "bfloat16",
  "torch.LongStorage": "int64",
  "torch.IntStorage": "int32",
  "torch.BoolStorage": "bool",
};
const ORDERED_DICT = "collections.OrderedDict";
const REBUILD_TENSOR = "torch._utils._rebuild_tensor_v2";
const REBUILD_PARAMETER = "torch._utils._rebuild_parameter";
const MAX_RANK = 16;

class Storage extends PickleObject {
  readonly kind = "storage";
  readonly type: ElementType;
  /** Of its member in the zip file. */
  readonly key: string;
  readonly elements: number;

  constructor(type: ElementType, key: string, elements: number) {
    super();
    this.type = type;
    this.key = key;
    this.elements = elements;
  }
}

class TensorView extends PickleObject {
  readonly kind = "tensor";
  readonly storage: Storage;
  /** In elements of the storage. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** In elements. */
  readonly strides: readonly number[];

  constructor(storage: Storage, view: Pick<TensorView, "offset" | "shape" | "strides">) {
    super();
    this.storage = storage;
    this.offset = view.offset;
    this.shape = view.shape;
    this.strides = view.strides;
  }
}

const RULES: PickleRules = {
  globals: new Set([ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, ...Object.keys(STORAGE_TYPES)]),
  call: (name, args, refused) => {
    if (name === ORDERED_DICT && args.length === 0) return new Map();
    if (name === REBUILD_TENSOR) {
      return tensorView(args) ?? refused("a tensor of its pickle is not described as torch does");
    }
    const [tensor] = args;
    if (name === REBUILD_PARAMETER && tensor instanceof TensorView) return tensor;
    return refused(`its pickle calls ${name} in a way that torch does not`);
  },
  persistent: (id, refused) => storage(id) ?? refused("a storage of its pickle is not described as torch does"),
};

/**
 * Reads what a state dict holds; tensors are only located.
 *
 * @throws {FileFormatError} if it is no such file, damaged, or names anything but tensors and plain data.
 */
export async function readTorchState(source: ByteSource): Promise<TorchState> {
  if (!(await isZip(source))) {
    return refuse(
      source.name,
      "it does not begin as a zip file; if it is in the form torch wrote before 1.6, load it and save it again with torch.save",
    );
  }
  const entries = await readZipEntries(source);
  const [prefix, pickle] = findPickle(entries, source.name);
  if (pickle.length > MAX_PICKLE_BYTES) {
    return refuse(source.name, `its pickle has ${pickle.length} bytes, at most ${MAX_PICKLE_BYTES} are accepted`);
  }
  await requireLittleEndian(source, entries.get(`${prefix}byteorder`));
  const state = readPickle(await source.read(pickle.offset, pickle.length), source.name, RULES);
  if (!(state instanceof Map)) return refuse(source.name, "it holds no dictionary of tensors");
  const tensors = new Map<string, StoredTensor>();
  const plain = new Map<string, PickleValue>();
  for (const [key, value] of state) {
    if (typeof key !== "string") return refuse(source.name, "it has an entry whose key is no text");
    if (value instanceof TensorView) {
      const what = `${source.name}, tensor "${key}"`;
      tensors.set(key, locateTensor(value, { what, entry: entries.get(`${prefix}data/${value.storage.key}`) }));
    } else plain.set(key, value);
  }
  return { tensors, plain };
}

/** The pickle lies in the only folder at the top of the zip file, under any name. */
function findPickle(entries: ReadonlyMap<string, ZipEntry>, file: string): readonly [prefix: string, entry: ZipEntry] {
  const found = [...entries].filter(([name]) => /^[^/]+\/data\.pkl$/.test(name));
  const [first] = found;
  if (first === undefined || found.length > 1) {
    return refuse(file, "it is a zip file, but not one that torch.save wrote");
  }
  const [name, entry] = first;
  return [name.slice(0, -"data.pkl".length), entry];
}

async function requireLittleEndian(source: ByteSource, entry: ZipEntry | undefined): Promise<void> {
  if (entry === undefined) return;
  const order = new TextDecoder().decode(await source.read(entry.offset, Math.min(entry.length, 16)));
  if (order !== "little") refuse(source.name, `its byte order is ${JSON.stringify(order)}, expected "little"`);
}

/** `("storage", class, key, device, number of elements)` */
function storage(id: PickleValue): Storage | null {
  if (!Array.isArray(id)) return null;
  const [word, type, key, , elements] = id;
  if (word !== "storage" || !(type instanceof PickleGlobal) || typeof key !== "string" || !isCount(elements)) {
    return null;
  }
  const elementType = STORAGE_TYPES[type.name];
  return elementType === undefined ? null : new Storage(elementType, key, elements);
}

/** `(storage, offset, shape, strides, …)`; what follows is about gradients. */
function tensorView([storage, offset, shape, strides]: readonly PickleValue[]): TensorView | null {
  if (!(storage instanceof Storage) || !isCount(offset) || !areCounts(shape) || !areCounts(strides)) return null;
  if (shape.length !== strides.length || shape.length > MAX_RANK) return null;
  return new TensorView(storage, { offset, shape, strides });
}

interface TensorPlace {
  readonly what: string;
  /** Its storage's member. */
  readonly entry: ZipEntry | undefined;
}

function locateTensor({ storage, offset, shape, strides }: TensorView, { what, entry }: TensorPlace): StoredTensor {
  if (entry === undefined) return refuse(what, `its storage "${storage.key}" is missing`);
  const elementBytes = ELEMENT_BYTES[storage.type];
  const length = elementCount(shape) * elementBytes;
  const storageBytes = Math.min(entry.length, storage.elements * elementBytes);
  if (offset * elementBytes + length > storageBytes) {
    return refuse(what, `${storage.type} ${formatShape(shape)} does not fit into its storage of ${storageBytes} bytes`);
  }
  const place = { type: storage.type, shape, offset: entry.offset + offset * elementBytes, length };
  if (isRowMajor(shape, strides)) return { ...place, isTransposed: false };
  const isTransposed = shape.length === 2 && isRowMajor(shape.toReversed(), strides.toReversed());
  if (isTransposed) return { ...place, isTransposed };
  return refuse(
    what,
    `its elements do not follow each other (shape ${formatShape(shape)}, strides ${
      formatShape(strides)
    }); save it with .contiguous()`,
  );
}

/** Whether elements lie one after the other; along an axis of one element, any stride does. */
function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  const { fits } = shape.reduceRight(
    ({ fits, expected }, size, axis) => ({
      fits: fits && (size === 1 || strides[axis] === expected),
      expected: expected * size,
    }),
    { fits: true, expected: 1 },
  );
  return fits || elementCount(shape) === 0;
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function areCounts(value: PickleValue | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every(isCount);
}

/** The tensors of a weights file, taken by name and shape and left in the file; every tensor of the file has to be accounted for. */
import { cast } from "../onnx/elementwise.ts";
import { type Value, weight } from "../onnx/value.ts";
import type { StoredMatrix } from "../model/dictionary.ts";
import { type ElementType, isFloat, widenHalf } from "../tensor/dtype.ts";
import { pathFromRoot } from "../tensor/file_root.ts";
import { type ConcreteShape, elementCount, formatShape } from "../tensor/shape.ts";
import { OpenFile, refuse } from "./byte_source.ts";

/** Where a tensor's bytes lie in its file. */
export interface StoredTensor {
  readonly type: ElementType;
  readonly shape: ConcreteShape;
  /** In bytes from the start of the file. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
  /** Whether the elements follow each other column by column; only matrices may. */
  readonly isTransposed: boolean;
}

/** Most numbers that are ever read from a tensor to understand a dictionary. */
const MAX_READ_ELEMENTS = 4 * 1024 * 1024;

export class TensorTable {
  /** Of the file. */
  readonly path: string;
  /** What errors call the file. */
  readonly name: string;
  readonly #tensors: ReadonlyMap<string, StoredTensor>;

  constructor(path: string, name: string, tensors: ReadonlyMap<string, StoredTensor>) {
    this.path = path;
    this.name = name;
    this.#tensors = tensors;
  }

  has(tensor: string): boolean {
    return this.#tensors.has(tensor);
  }

  /** @throws {FileFormatError} if the file has tensors beside these: they might change what the dictionary computes. */
  requireOnly(known: readonly string[]): void {
    const others = [...this.#tensors.keys()].filter((tensor) => !known.includes(tensor));
    if (others.length > 0) {
      refuse(
        this.name,
        `it has a tensor "${others[0]?.slice(0, 200)}", which is not known for this kind; expected ${known.join(", ")}`,
      );
    }
  }

  /** The two sizes of a matrix. @throws {FileFormatError} if it is missing, no matrix, or empty. */
  matrixSizes(tensor: string): readonly [rows: number, columns: number] {
    const [rows, columns, ...more] = this.#get(tensor).shape;
    if (rows === undefined || columns === undefined || more.length > 0 || rows === 0 || columns === 0) {
      return this.#refuse(tensor, `it has shape ${formatShape(this.#get(tensor).shape)}, expected a matrix`);
    }
    return [rows, columns];
  }

  /** A matrix as the file has it. @throws {FileFormatError} if it is missing, or of another shape or type. */
  matrix(tensor: string, [rows, columns]: readonly [number, number]): StoredMatrix {
    const { isTransposed } = this.#get(tensor);
    const value = this.#value(tensor, [rows, columns], isTransposed ? [columns, rows] : [rows, columns]);
    return { value, isTransposed };
  }

  /** A vector of floats. @throws as `matrix` */
  vector(tensor: string, size: number): Value {
    return this.#value(tensor, [size], [size]);
  }

  /** A single number, left in the file. @throws as `matrix` */
  scalar(tensor: string): Value {
    return this.#value(tensor, [], []);
  }

  /** The numbers of a small tensor of any shape, read. @throws {FileFormatError} if it is missing, or too large for that. */
  async numbers(tensor: string): Promise<readonly number[]> {
    const { type, offset, length, shape } = this.#get(tensor);
    if (elementCount(shape) > MAX_READ_ELEMENTS) {
      return this.#refuse(tensor, `it has shape ${formatShape(shape)}, at most ${MAX_READ_ELEMENTS} numbers are read`);
    }
    await using file = await OpenFile.open(this.path, this.name);
    return decode(type, (await file.read(offset, length)).buffer);
  }

  #value(tensor: string, shape: ConcreteShape, storedShape: ConcreteShape): Value {
    const { type, shape: found, offset, length } = this.#get(tensor);
    if (formatShape(found) !== formatShape(shape)) {
      return this.#refuse(tensor, `it has shape ${formatShape(found)}, expected ${formatShape(shape)}`);
    }
    if (!isFloat(type)) return this.#refuse(tensor, `its type is ${type}, expected a float type`);
    const region = { file: pathFromRoot(this.path), offset, length };
    return cast(weight(tensor, { type, shape: storedShape }, region), "float32");
  }

  #get(tensor: string): StoredTensor {
    const found = this.#tensors.get(tensor);
    if (found !== undefined) return found;
    const names = [...this.#tensors.keys()].slice(0, 20).map((name) => `"${name.slice(0, 100)}"`).join(", ");
    return refuse(this.name, `it has no tensor "${tensor}"; it has ${names === "" ? "none at all" : names}`);
  }

  #refuse(tensor: string, reason: string): never {
    return refuse(`${this.name}, tensor "${tensor}"`, reason);
  }
}

/** The matrix, read the other way round. */
export function transposed({ value, isTransposed }: StoredMatrix): StoredMatrix {
  return { value, isTransposed: !isTransposed };
}

function decode(type: ElementType, bytes: ArrayBuffer): readonly number[] {
  switch (type) {
    case "float32":
      return [...new Float32Array(bytes)];
    case "float64":
      return [...new Float64Array(bytes)];
    case "float16":
    case "bfloat16":
      return [...widenHalf(type, new Uint16Array(bytes))];
    case "int64":
      return Array.from(new BigInt64Array(bytes), Number);
    case "int32":
      return [...new Int32Array(bytes)];
    case "bool":
      return [...new Uint8Array(bytes)];
  }
}

/**
 * The weights of a model folder in Hugging Face's layout: `model.safetensors`, or shards listed in `model.safetensors.index.json`.
 * Tensors become values whose bytes stay in the file; only headers and single rows are ever read here.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { FileFormatError } from "../errors.ts";
import { cast } from "../onnx/elementwise.ts";
import { type Value, weight } from "../onnx/value.ts";
import { isFloat, widenHalf } from "../tensor/dtype.ts";
import { pathFromRoot } from "../tensor/file_root.ts";
import { readSafetensorsHeader, type TensorEntry } from "../tensor/safetensors.ts";
import { type ConcreteShape, elementCount, formatShape } from "../tensor/shape.ts";

const SINGLE_FILE = "model.safetensors";
const INDEX_FILE = "model.safetensors.index.json";

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** A weights file with what tells whether it has changed. */
export interface WeightsFile {
  readonly file: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

interface LocatedTensor extends TensorEntry {
  readonly file: string;
}

export class Checkpoint {
  readonly folder: string;
  readonly files: readonly WeightsFile[];
  readonly #tensors: ReadonlyMap<string, LocatedTensor>;

  private constructor(folder: string, files: readonly WeightsFile[], tensors: ReadonlyMap<string, LocatedTensor>) {
    this.folder = folder;
    this.files = files;
    this.#tensors = tensors;
  }

  /** @throws {FileFormatError} if the weights are missing or damaged. */
  static async open(folder: string): Promise<Checkpoint> {
    const names = await weightsFileNames(folder);
    const tensors = new Map<string, LocatedTensor>();
    for (const file of names) {
      const header = await readSafetensorsHeader(join(folder, file), file).catch((cause: unknown) => {
        throw cause instanceof FileFormatError
          ? cause
          : new FileFormatError(`Cannot read ${file}: ${reasonOf(cause)}`, { cause });
      });
      for (const [name, entry] of header.tensors) tensors.set(name, { ...entry, file });
    }
    const files = await Promise.all(names.map(async (file) => {
      const path = join(folder, file);
      const { size, mtimeMs } = await stat(path);
      return { file, path, sizeBytes: size, modifiedMs: mtimeMs };
    }));
    return new Checkpoint(folder, files, tensors);
  }

  get sizeBytes(): number {
    return this.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** The number of weights among the named tensors. */
  parameterCount(names: readonly string[]): number {
    return names.reduce((sum, name) => sum + elementCount(this.#tensor(name).shape), 0);
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /**
   * A tensor as a float32 value: in place, or cast in the graph if it is stored in 16 bits.
   *
   * @param shape The shape it must have.
   * @throws {FileFormatError} if it is missing or of another shape.
   */
  value(name: string, shape: ConcreteShape): Value {
    const { type, file, offset, length, shape: found } = this.#tensor(name);
    if (formatShape(found) !== formatShape(shape)) {
      throw new FileFormatError(
        `Cannot use tensor "${name}": it has shape ${formatShape(found)}, expected ${formatShape(shape)}`,
      );
    }
    if (!isFloat(type)) {
      throw new FileFormatError(`Cannot use tensor "${name}": its type is ${type}, expected a float type`);
    }
    return cast(
      weight(name, { type, shape }, { file: pathFromRoot(join(this.folder, file)), offset, length }),
      "float32",
    );
  }

  /** One row of a matrix (or a whole vector, as row 0), read from the file and widened. */
  async row(name: string, index: number): Promise<Float64Array> {
    const { type, file, offset, shape, length } = this.#tensor(name);
    const rows = shape.length > 1 ? shape[0] ?? 1 : 1;
    const rowBytes = length / rows;
    const bytes = new Uint8Array(rowBytes);
    await using handle = await open(join(this.folder, file));
    await handle.read(bytes, 0, rowBytes, offset + index * rowBytes);
    if (type === "float32") return Float64Array.from(new Float32Array(bytes.buffer));
    if (type === "float64") return new Float64Array(bytes.buffer);
    if (type === "float16" || type === "bfloat16") {
      return Float64Array.from(widenHalf(type, new Uint16Array(bytes.buffer)));
    }
    throw new FileFormatError(`Cannot read tensor "${name}": its type is ${type}, expected a float type`);
  }

  #tensor(name: string): LocatedTensor {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) {
      throw new FileFormatError(`Cannot find tensor "${name}" in ${this.files.map(({ file }) => file).join(", ")}`);
    }
    return tensor;
  }
}

/** `sha256:` and the digest of a file's bytes, in hexadecimal. */
export async function digestFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

/** One digest for several files, in their order; that of the file itself if there is only one. */
export function combineDigests(digests: readonly string[]): string {
  const [first, ...rest] = digests;
  if (first !== undefined && rest.length === 0) return first;
  return `sha256:${createHash("sha256").update(digests.join("\n")).digest("hex")}`;
}

async function weightsFileNames(folder: string): Promise<readonly string[]> {
  const index = await readFile(join(folder, INDEX_FILE), "utf8").catch(() => null);
  if (index === null) return [SINGLE_FILE];
  const parsed = indexSchema.safeParse(parseJson(index));
  if (!parsed.success) {
    throw new FileFormatError(`Cannot read ${INDEX_FILE}: expected a JSON object with a "weight_map"`);
  }
  const names = [...new Set(Object.values(parsed.data.weight_map))].sort();
  const outside = names.find((name) => basename(name) !== name || !name.endsWith(".safetensors"));
  if (outside !== undefined) {
    throw new FileFormatError(`Cannot read ${INDEX_FILE}: "${outside}" is no .safetensors file of its folder`);
  }
  return names;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

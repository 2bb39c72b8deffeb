/** Folders with dictionaries in every format, made by hand for tests. */
import { dirname, join } from "node:path";
import { randomNumbers } from "./random_numbers.ts";
import { writeSafetensors } from "./safetensors_fixture.ts";

/** A tensor of random numbers that float32 holds exactly. */
export interface RandomTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export type RandomTensors = Readonly<Record<string, RandomTensor>>;

/** Random tensors of these shapes, in [−1, 1), or [0, 1) where the name says threshold. */
export function randomTensors(shapes: Readonly<Record<string, readonly number[]>>, seed = 1): RandomTensors {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], index) => {
      const count = shape.reduce((product, size) => product * size, 1);
      const numbers = randomNumbers(count, seed * 1000 + index);
      const isPositive = name.includes("threshold");
      return [name, { shape, data: Float64Array.from(numbers, (x) => Math.fround(isPositive ? Math.abs(x) / 2 : x)) }];
    }),
  );
}

/** `x W` for a matrix `[in, out]`. */
export function times(x: Float64Array, { shape: [rows = 0, columns = 0], data }: RandomTensor): Float64Array {
  return Float64Array.from({ length: columns }, (_, column) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += (x[row] ?? NaN) * (data[row * columns + column] ?? NaN);
    return sum;
  });
}

/** `W x` for a matrix `[out, in]`, as torch's Linear has it. */
export function linear({ shape: [rows = 0, columns = 0], data }: RandomTensor, x: Float64Array): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += (data[row * columns + column] ?? NaN) * (x[column] ?? NaN);
    return sum;
  });
}

export function plus(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, index) => value + (b[index] ?? NaN));
}

export function minus(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, index) => value - (b[index] ?? NaN));
}

export function relu(x: Float64Array): Float64Array {
  return x.map((value) => Math.max(value, 0));
}

/** The bytes of a safetensors file. */
export function safetensors(tensors: RandomTensors, dtype: "F32" | "F64" = "F32"): Uint8Array<ArrayBuffer> {
  return writeSafetensors(new Map(Object.entries(tensors).map(([name, tensor]) => [name, { ...tensor, dtype }])));
}

/** Files by their path below a folder; objects become JSON. */
export type FolderFiles = Readonly<Record<string, Uint8Array | string | object>>;

/** Writes files below a new folder, which is gone after `use`. */
export async function withFolder<T>(
  files: FolderFiles,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, name);
      await Deno.mkdir(dirname(path), { recursive: true });
      if (content instanceof Uint8Array) await Deno.writeFile(path, content);
      else await Deno.writeTextFile(path, typeof content === "string" ? content : JSON.stringify(content));
    }
    return await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Dictionaries of random numbers, from a seed, or of the activations themselves, written to a file and opened as any other. */
import { join } from "node:path";
import {
  type Dictionary,
  type InputNormalization,
  type LatentActivation,
  type StoredMatrix,
} from "../../engine/model/dictionary.ts";
import type { HookName, SpliceHook } from "../../engine/model/hook_points.ts";
import { type Value, weight } from "../../engine/onnx/value.ts";
import { pathFromRoot } from "../../engine/tensor/file_root.ts";
import { randomNumbers } from "./random_numbers.ts";

export interface TinyDictionaryOptions {
  readonly writeHook: SpliceHook;
  /** Default: the same. */
  readonly readHook?: HookName;
  /** Widths of what is read and written. */
  readonly widths: readonly [number, number];
  /** Default: 24. */
  readonly latentCount?: number;
  /** Of TopK; default: 5. */
  readonly k?: number;
  /** Default: ReLU. */
  readonly activation?: LatentActivation["kind"];
  /** Default: none. */
  readonly normalization?: InputNormalization;
  readonly scalesByDecoderNorm?: boolean;
  /** Subtract a bias before reading; default: true. */
  readonly isCentred?: boolean;
  readonly hasSkip?: boolean;
  /** Store matrices the other way round. */
  readonly isTransposed?: boolean;
  /** Every latent is one channel: encoder and decoder are the identity, biases 0. */
  readonly isIdentity?: boolean;
  readonly seed?: number;
}

/** Writes a dictionary into a folder. */
export async function tinyDictionary(folder: string, options: TinyDictionaryOptions): Promise<Dictionary> {
  const { writeHook, readHook = writeHook, widths: [inputWidth, outputWidth], isIdentity = false, seed = 1 } = options;
  const latentCount = isIdentity ? inputWidth : options.latentCount ?? 24;
  const id = `tiny-${writeHook}-${seed}`;
  const layer = Number(writeHook.split(".")[1]);
  const file = new WeightFile(join(folder, `${id}.bin`), seed);
  const { isTransposed = false, hasSkip = false, isCentred = true, normalization = { kind: "none" } } = options;
  const matrix = (rows: number, columns: number): StoredMatrix => ({
    value: isIdentity
      ? file.add([rows, columns], (i) => Number(Math.floor(i / columns) === i % columns))
      : file.random(isTransposed ? [columns, rows] : [rows, columns], 0.4),
    isTransposed: isTransposed && !isIdentity,
  });
  const vector = (size: number, spread: number, shift = 0) =>
    isIdentity ? file.add([size], () => 0) : file.random([size], spread, shift);
  const weights = {
    encoder: matrix(inputWidth, latentCount),
    encoderBias: vector(latentCount, 0.2),
    decoder: matrix(latentCount, outputWidth),
    outputBias: vector(outputWidth, 0.2),
    inputBias: isCentred ? vector(inputWidth, 0.2) : null,
    skip: hasSkip ? matrix(inputWidth, outputWidth) : null,
  };
  const kind = isIdentity ? "identity" : options.activation ?? "relu";
  const activation = activationOf(kind, { file, latentCount, k: options.k ?? 5 });
  await file.write();
  return {
    detail: {
      id,
      format: "saelens",
      architecture: "standard",
      layer,
      readHook,
      writeHook,
      inputWidth,
      latentCount,
      outputWidth,
      activation: kind,
      k: activation.kind === "topk" ? activation.k : null,
      normalization: normalization.kind,
      centring: isCentred ? "own-bias" : "none",
      trainedWithBos: null,
      modelName: null,
      sizeBytes: file.sizeBytes,
    },
    activation,
    normalization,
    scalesByDecoderNorm: options.scalesByDecoderNorm ?? false,
    weights,
  };
}

function activationOf(
  kind: LatentActivation["kind"],
  { file, latentCount, k }: { readonly file: WeightFile; readonly latentCount: number; readonly k: number },
): LatentActivation {
  switch (kind) {
    case "topk":
      return { kind, k: Math.min(k, latentCount) };
    case "jumprelu":
      return { kind, threshold: file.random([latentCount], 0.1, 0.3) };
    case "gated":
      return { kind, magnitudeScale: file.random([latentCount], 0.3), gateBias: file.random([latentCount], 0.3) };
    default:
      return { kind };
  }
}

/** Tensors one after another in a file, as float32. */
class WeightFile {
  readonly #path: string;
  readonly #parts: Float32Array<ArrayBuffer>[] = [];
  #seed: number;

  constructor(path: string, seed: number) {
    this.#path = path;
    this.#seed = 1000 * seed;
  }

  get sizeBytes(): number {
    return this.#parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  add(shape: readonly number[], entry: (index: number) => number): Value {
    const count = shape.reduce((product, size) => product * size, 1);
    const region = { file: pathFromRoot(this.#path), offset: this.sizeBytes, length: 4 * count };
    const numbers = new Float32Array(count);
    for (let i = 0; i < count; i++) numbers[i] = entry(i);
    this.#parts.push(numbers);
    return weight(`tensor ${region.offset}`, { type: "float32", shape }, region);
  }

  random(shape: readonly number[], spread: number, shift = 0): Value {
    const seed = this.#seed++;
    const count = shape.reduce((product, size) => product * size, 1);
    // Large tensors repeat themselves: it is their size that counts.
    const numbers = randomNumbers(Math.min(count, 999_983), seed);
    return this.add(shape, (i) => shift + spread * (numbers[i % numbers.length] ?? NaN));
  }

  async write(): Promise<void> {
    await Deno.writeFile(this.#path, new Uint8Array());
    for (const { buffer } of this.#parts) await Deno.writeFile(this.#path, new Uint8Array(buffer), { append: true });
  }
}

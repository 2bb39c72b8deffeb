/** What a training has learned so far: everything that the next step depends on, as plain data that can cross threads. */
import { hashOf, normalNumbers } from "../../tensor/random.ts";
import { elementCount } from "../../tensor/shape.ts";
import { type ParameterName, parameterShapes } from "./training_graph.ts";
import type { TrainingSpec } from "./training_spec.ts";

/** Tensors that are no parameters: the first and second moments of Adam, and further ones. */
export type StateName =
  | ParameterName
  | `${"first" | "second"}.${ParameterName}`
  /** Subtracted from activations: `[channel]` */
  | "mean"
  /** Activations are multiplied by it: `[]` */
  | "scale"
  /** Steps since each latent was last active: `[latent]` */
  | "idle"
  /** Of batchtopk: a running mean of the least active latent, NaN before the first step: `[]` */
  | "threshold";

export interface TrainingState {
  /** Steps done. */
  readonly step: number;
  readonly tensors: ReadonlyMap<StateName, Float32Array<ArrayBuffer>>;
}

/** First threshold of jumprelu, in units of x′: SAELens's. */
export const FIRST_THRESHOLD = 0.01;

/** Names and shapes of the tensors of a state, in the order in which they are stored. */
export function stateShapes(spec: TrainingSpec): ReadonlyMap<StateName, readonly number[]> {
  const parameters = [...parameterShapes(spec)];
  return new Map<StateName, readonly number[]>([
    ...parameters,
    ...parameters.map(([name, shape]) => [`first.${name}`, shape] as const),
    ...parameters.map(([name, shape]) => [`second.${name}`, shape] as const),
    ["mean", [spec.width]],
    ["scale", []],
    ["idle", [spec.latents]],
    ...spec.architecture === "batchtopk" ? [["threshold", []] as const] : [],
  ]);
}

/** A tensor of a state. @throws {Error} if it has none such */
export function tensorOf({ tensors }: Pick<TrainingState, "tensors">, name: StateName): Float32Array<ArrayBuffer> {
  const found = tensors.get(name);
  if (found === undefined) throw new Error(`Internal: the training has no ${name}`);
  return found;
}

/** Mean of activations, and what makes their mean square around it 1 a channel. */
export interface Normalization {
  readonly mean: Float64Array;
  readonly scale: number;
}

/**
 * Measures activations before the first step.
 *
 * @param rows `[token, channel]`
 * @throws {RangeError} if they are all the same, or not finite
 */
export function measureNormalization(rows: Float32Array, width: number): Normalization {
  const count = rows.length / width;
  const mean = new Float64Array(width);
  for (let at = 0; at < rows.length; at += width) {
    for (let c = 0; c < width; c++) mean[c] = (mean[c] ?? 0) + (rows[at + c] ?? 0);
  }
  for (let c = 0; c < width; c++) mean[c] = (mean[c] ?? 0) / count;
  let squares = 0;
  for (let at = 0; at < rows.length; at += width) {
    for (let c = 0; c < width; c++) squares += ((rows[at + c] ?? 0) - (mean[c] ?? 0)) ** 2;
  }
  const scale = Math.sqrt(rows.length / squares);
  if (Number.isFinite(scale) && scale > 0) return { mean, scale };
  throw new RangeError("Cannot train on these activations: expected finite numbers that are not all the same");
}

/** A state before the first step: decoder rows of norm 1 in random directions, the encoder its transpose, biases 0. */
export function firstState(spec: TrainingSpec, { mean, scale }: Normalization): TrainingState {
  const { width, latents, seed, architecture } = spec;
  const tensors = new Map<StateName, Float32Array<ArrayBuffer>>(
    [...stateShapes(spec)].map(([name, shape]) => [name, new Float32Array(elementCount(shape))]),
  );
  const [encoder, decoder] = [tensorOf({ tensors }, "W_enc"), tensorOf({ tensors }, "W_dec")];
  decoder.set(normalNumbers(latents * width, hashOf(seed, 1)));
  for (let j = 0; j < latents; j++) {
    const norm = normOf(decoder.subarray(j * width, (j + 1) * width));
    for (let c = 0; c < width; c++) {
      const entry = (decoder[j * width + c] ?? 0) / norm;
      decoder[j * width + c] = entry;
      encoder[c * latents + j] = entry;
    }
  }
  tensorOf({ tensors }, "mean").set(mean);
  tensorOf({ tensors }, "scale").fill(scale);
  if (architecture === "jumprelu") tensorOf({ tensors }, "log_threshold").fill(Math.log(FIRST_THRESHOLD));
  if (architecture === "batchtopk") tensorOf({ tensors }, "threshold").fill(NaN);
  return { step: 0, tensors };
}

export function normOf(row: Float32Array): number {
  let squares = 0;
  for (const entry of row) squares += entry * entry;
  return Math.sqrt(squares);
}

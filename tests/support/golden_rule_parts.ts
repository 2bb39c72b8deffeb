/** What the rules of golden tensors are made of: tensors of ours by name, the weights, and arithmetic on plain arrays. */

/** A tensor that a run was asked for. */
export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** Answers the tensor of a name: a hook point, `grad:…` or `scalar:…`. */
export type TensorLookup = (name: string) => NamedTensor;

export interface GoldenAutoencoder {
  /** Within its block, as in `mlp.hook_post`. */
  readonly site: string;
  /** `layer.0.encoder.weight` and so on. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  /** Of TopK; null for ReLU. */
  readonly k: number | null;
  /** The one latent that some tensors of the case are about. */
  readonly latent: number | null;
}

/** What the rules need to know of a model. */
export class GoldenModel {
  readonly layerCount: number;
  readonly headCount: number;
  /** Autoencoders of the case, by what they stand for. */
  readonly autoencoders: ReadonlyMap<"mlp" | "attn", GoldenAutoencoder>;
  /** The layer whose neuron, or latent of the MLP, is traced; null without such a trace. */
  readonly tracedMlp: number | null;
  readonly #weights: ReadonlyMap<string, NamedTensor>;

  constructor(
    weights: ReadonlyMap<string, NamedTensor>,
    { layerCount, headCount, autoencoders = new Map(), tracedMlp = null }:
      & Pick<GoldenModel, "layerCount" | "headCount">
      & Partial<Pick<GoldenModel, "autoencoders" | "tracedMlp">>,
  ) {
    this.#weights = weights;
    this.tracedMlp = tracedMlp;
    this.layerCount = layerCount;
    this.headCount = headCount;
    this.autoencoders = autoencoders;
  }

  /** The autoencoder of the MLP, or of the attention. */
  autoencoder(part: "mlp" | "attn"): GoldenAutoencoder {
    const found = this.autoencoders.get(part);
    if (found === undefined) throw new RangeError(`Expected an autoencoder of ${part}`);
    return found;
  }

  weight(name: string): NamedTensor {
    const weight = this.#weights.get(name);
    if (weight === undefined) throw new RangeError(`Expected a weight "${name}"`);
    return weight;
  }
}

/** How one layer of a golden tensor (or the whole, where it has no layers) follows from ours. */
export interface Rule {
  readonly needs: (layer: number, model: GoldenModel) => readonly string[];
  /** `tensors` are those of `needs`, in order. */
  readonly compute: (tensors: readonly NamedTensor[], layer: number, model: GoldenModel) => ArrayLike<number>;
}

/** Our tensor itself, optionally multiplied by a constant. */
export function same(name: string, factor: (model: GoldenModel, layer: number) => number = () => 1): Rule {
  return {
    needs: (layer) => [inLayer(name, layer)],
    compute: ([tensor], layer, model) => dataOf(tensor).map((value) => value * factor(model, layer)),
  };
}

/** Our tensor, dotted with the gradient at the end of the residual stream, per token. */
export function alongDirection(name: string): Rule {
  return {
    needs: (layer, model) => [inLayer(name, layer), directionName(model)],
    compute: ([tensor, direction]) => {
      const directions = rowsOf(direction);
      return rowsOf(tensor).map((row, token) => dot(row, directions[token] ?? []));
    },
  };
}

export const POST = "blocks.#.mlp.hook_post";
export const PATTERN = "blocks.#.attn.hook_pattern";
export const VALUES = "blocks.#.attn.hook_v";
export const EMBEDDING = "blocks.0.hook_resid_pre";

/** Σ over channels of W_O: what head `head` writes into channel `channel` for per-head values, `[d_head]` at `offset`. */
export function throughOutput(values: Float64Array, offset: number, place: WritePlace): number {
  const { model, layer, head, channel } = place;
  const { data, shape: [, width = 0] } = model.weight(`h.${layer}.attn.c_proj.weight`);
  const headWidth = width / model.headCount;
  return total(headWidth, (i) => (values[offset + i] ?? NaN) * (data[(head * headWidth + i) * width + channel] ?? NaN));
}

export interface WritePlace {
  readonly model: GoldenModel;
  readonly layer: number;
  readonly head: number;
  readonly channel: number;
}

export function inLayer(name: string, layer: number): string {
  return name.replace("#", `${layer}`);
}

export function directionName(model: GoldenModel): string {
  return `grad:blocks.${model.layerCount - 1}.hook_resid_post`;
}

export function shapeOf(tensor: NamedTensor | undefined): readonly number[] {
  return tensor?.shape ?? [];
}

export function dataOf(tensor: NamedTensor | undefined): Float64Array {
  return Float64Array.from(tensor?.data ?? []);
}

/** The rows along the last axis. */
export function rowsOf(tensor: NamedTensor | undefined): Float64Array[] {
  const data = dataOf(tensor);
  const width = shapeOf(tensor).at(-1) ?? 1;
  return Array.from({ length: data.length / width }, (_, row) => data.subarray(row * width, (row + 1) * width));
}

export function dot(a: Float64Array, b: ArrayLike<number>): number {
  return total(a.length, (i) => (a[i] ?? NaN) * (b[i] ?? NaN));
}

export function total(count: number, term: (index: number) => number | undefined): number {
  let result = 0;
  for (let index = 0; index < count; index++) result += term(index) ?? NaN;
  return result;
}

/** Row-major entries of a shape of one to three axes, from a function of the indices. */
export function grid(shape: readonly number[], entry: (a: number, b: number, c: number) => number): Float64Array {
  const [a = 1, b = 1, c = 1] = shape;
  return Float64Array.from(
    { length: a * b * c },
    (_, i) => entry(Math.floor(i / (b * c)), Math.floor(i / c) % b, i % c),
  );
}

/**
 * Weights as they act between the norms, as values of a graph. What a norm does to a direction before a component reads it is folded into
 * the weights that read: its gain multiplies them, and its centring takes their mean away. Every reader centres, so that the mean of what
 * is written acts on nothing: it is taken away from the weights that write too. The norms' scales depend on the text and are left out, as
 * are all biases. These are the weights that TransformerLens computes with by default (`fold_ln`, `center_writing_weights`).
 */
import { mul, sub } from "../onnx/elementwise.ts";
import { matMul, reduceMean } from "../onnx/linear.ts";
import { concat, gather, reshape, split, transpose, unsqueeze } from "../onnx/shaping.ts";
import type { Value } from "../onnx/value.ts";
import { blockOf } from "../model/architecture.ts";
import type { ModelWeights } from "../model/language_model.ts";

/** Some neurons. */
export interface FoldedNeurons {
  /** What they read: `[d_model, neuron]` */
  readonly input: Value;
  /** What they write: `[neuron, d_model]` */
  readonly output: Value;
}

/** Matrices Lᵀ R of d_model × d_model, one a head: a row vector x becomes x Lᵀ R. Never multiplied out. */
export interface Factored {
  /** `[head, d_head, d_model]` */
  readonly left: Value;
  /** `[head, d_head, d_model]` */
  readonly right: Value;
}

/** Some heads. */
export interface FoldedHeads {
  /** From the token that is read to what is written there: W_V W_O. */
  readonly ov: Factored;
  /** From the query's side of the score to the key's: W_Q W_Kᵀ. */
  readonly qk: Factored;
  /** From the key's side to the query's. */
  readonly kq: Factored;
}

/** All neurons of a layer. */
export function foldedNeurons({ weights }: ModelWeights, layer: number): FoldedNeurons {
  const { norm2, mlpIn, mlpOut } = blockOf(weights, layer);
  return {
    input: centred(mul(mlpIn.weight, unsqueeze(norm2.gain, 1)), 0),
    output: centred(mlpOut.weight, 1),
  };
}

/** All heads of a layer. */
export function foldedHeads({ architecture, weights }: ModelWeights, layer: number): FoldedHeads {
  const { modelWidth, headCount, headWidth } = architecture;
  const { norm1, qkv, attentionOut } = blockOf(weights, layer);
  const byHead = transpose(reshape(qkv.weight, [modelWidth, 3 * headCount, headWidth]), [1, 2, 0]);
  const read = centred(mul(byHead, norm1.gain), 2);
  const [query, key, value] = split(read, 0, [headCount, headCount, headCount]);
  if (query === undefined || key === undefined || value === undefined) throw new Error("Internal: no three parts");
  const output = centred(reshape(attentionOut.weight, [headCount, headWidth, modelWidth]), 2);
  return {
    ov: { left: value, right: output },
    qk: { left: query, right: key },
    kq: { left: key, right: query },
  };
}

/** Which neuron or head of which layer: int64 `[1]` each. */
export interface ChosenComponent {
  readonly layer: Value;
  readonly index: Value;
}

/** One neuron. @param layers All neurons of each layer */
export function oneNeuron(layers: readonly FoldedNeurons[], at: ChosenComponent): FoldedNeurons {
  const input = oneOf(layers.map((neurons) => neurons.input), at, 1);
  const output = oneOf(layers.map((neurons) => neurons.output), at, 0);
  return { input, output };
}

/** One head. @param layers All heads of each layer */
export function oneHead(layers: readonly FoldedHeads[], at: ChosenComponent): FoldedHeads {
  const side = (circuit: keyof FoldedHeads, name: keyof Factored) =>
    oneOf(layers.map((heads) => heads[circuit][name]), at, 0);
  const one = (circuit: keyof FoldedHeads): Factored => ({
    left: side(circuit, "left"),
    right: side(circuit, "right"),
  });
  return { ov: one("ov"), qk: one("qk"), kq: one("kq") };
}

/** One slice along an axis, which stays as 1: that of each layer first, so that little is copied. */
function oneOf(layers: readonly Value[], { layer, index }: ChosenComponent, axis: number): Value {
  const slices = layers.map((all) => gather(all, index, axis));
  const [first] = slices;
  if (first === undefined) throw new RangeError("Internal: a model without layers");
  return reshape(gather(concat(slices.map((slice) => unsqueeze(slice, 0)), 0), layer), first.shape);
}

/** All inner products of the rows of one side: `[head, d_head, d_head]`. */
export function gram(side: Value): Value {
  return matMul(side, side, { transB: true });
}

function centred(a: Value, axis: number): Value {
  return sub(a, reduceMean(a, { axes: [axis], keepDims: true }));
}

/**
 * Scores of two components by their folded weights (`folded_weights.ts`). Each function compares some with one, or one with some, and
 * answers one score for each of them: `[count]`.
 *
 * Compositions are those of Elhage et al. 2021 (“A Mathematical Framework for Transformer Circuits”): ‖A B‖ / (‖A‖ ‖B‖) in Frobenius norms,
 * where A is what the writer writes and B what the reader makes of it: A is W_V W_O of a head or the row W_out[i] of a neuron, B is W_Q W_Kᵀ
 * (Q), W_K W_Qᵀ (K) or W_V W_O (V) of a head or the column W_in[j] of a neuron. Between two neurons it is a cosine and keeps its sign.
 *
 * Products of d_model × d_model are never made: with A = Lᵀ R and B = Sᵀ U, and T = R Sᵀ of d_head × d_head,
 * ‖A B‖² = Σ (L Lᵀ T) ⊙ (T U Uᵀ), and ⟨A, B⟩ = Σ (L Sᵀ) ⊙ (R Uᵀ).
 */
import { abs, div, mul, shift, sqrt } from "../onnx/elementwise.ts";
import { matMul, reduceL2, reduceSum } from "../onnx/linear.ts";
import { reshape } from "../onnx/shaping.ts";
import type { Value } from "../onnx/value.ts";
import { type Factored, type FoldedNeurons, gram } from "./folded_weights.ts";

/** The smallest normal number keeps 0 / 0 from being no number: what has no weights has nothing in common with anything. */
const SMALLEST = 2 ** -126;

/** Cosines of what neurons write. */
export function outputSimilarity(a: FoldedNeurons, b: FoldedNeurons, count: number): Value {
  const norms = mul(outputNorms(a), reshape(outputNorms(b), [1, b.output.shape[0] ?? 1]));
  return ratio(matMul(a.output, b.output, { transB: true }), norms, count);
}

/** Cosines of what neurons read. */
export function inputSimilarity(a: FoldedNeurons, b: FoldedNeurons, count: number): Value {
  const norms = mul(reshape(inputNorms(a), [a.input.shape[1] ?? 1, 1]), inputNorms(b));
  return ratio(matMul(a.input, b.input, { transA: true }), norms, count);
}

/** Cosines of heads' matrices: ⟨A, B⟩ / (‖A‖ ‖B‖). */
export function circuitSimilarity(a: Factored, b: Factored, count: number): Value {
  const terms = mul(matMul(a.left, b.left, { transB: true }), matMul(a.right, b.right, { transB: true }));
  return ratio(reduceSum(terms, { axes: [1, 2] }), mul(norm(a), norm(b)), count);
}

/** From a neuron to a neuron: ⟨W_out[i], W_in[j]⟩ / (‖W_out[i]‖ ‖W_in[j]‖). */
export function neuronToNeuron(writer: FoldedNeurons, reader: FoldedNeurons, count: number): Value {
  return ratio(matMul(writer.output, reader.input), mul(outputNorms(writer), inputNorms(reader)), count);
}

/** From a neuron to a head's way: ‖W_out[i] B‖ / (‖W_out[i]‖ ‖B‖). */
export function neuronToHead(writer: FoldedNeurons, reader: Factored, count: number): Value {
  // [head, neuron, d_head]
  const read = matMul(writer.output, reader.left, { transB: true });
  const squares = reduceSum(mul(matMul(read, gram(reader.right)), read), { axes: [2] });
  const writes = reshape(outputNorms(writer), [1, writer.output.shape[0] ?? 1]);
  return ratio(root(squares), mul(writes, reshape(norm(reader), [reader.left.shape[0] ?? 1, 1])), count);
}

/** From a head to a neuron: ‖A W_in[j]‖ / (‖A‖ ‖W_in[j]‖). */
export function headToNeuron(writer: Factored, reader: FoldedNeurons, count: number): Value {
  // [head, d_head, neuron]
  const read = matMul(writer.right, reader.input);
  const squares = reduceSum(mul(matMul(gram(writer.left), read), read), { axes: [1] });
  return ratio(root(squares), mul(reshape(norm(writer), [writer.left.shape[0] ?? 1, 1]), inputNorms(reader)), count);
}

/** From a head to a head's way: ‖A B‖ / (‖A‖ ‖B‖). */
export function headToHead(writer: Factored, reader: Factored, count: number): Value {
  const between = matMul(writer.right, reader.left, { transB: true });
  const terms = mul(matMul(gram(writer.left), between), matMul(between, gram(reader.right)));
  return ratio(root(reduceSum(terms, { axes: [1, 2] })), mul(norm(writer), norm(reader)), count);
}

/** `[neuron, 1]` */
function outputNorms({ output }: FoldedNeurons): Value {
  return reduceL2(output, { axes: [1], keepDims: true });
}

/** `[1, neuron]` */
function inputNorms({ input }: FoldedNeurons): Value {
  return reduceL2(input, { axes: [0], keepDims: true });
}

/** Frobenius norms: `[head]`. */
function norm({ left, right }: Factored): Value {
  return root(reduceSum(mul(gram(left), gram(right)), { axes: [1, 2] }));
}

/** Of sums of squares, which rounding may leave a little below 0. */
function root(squares: Value): Value {
  return sqrt(abs(squares));
}

function ratio(product: Value, norms: Value, count: number): Value {
  return reshape(div(product, shift(norms, SMALLEST)), [count]);
}

/**
 * All derivatives, in one total table: for each operator, how a cotangent of its output becomes cotangents of its inputs
 * (the vector-Jacobian product), or that there is none. Rules are made of operators, so gradients can be differentiated again.
 *
 * Notation: for y = f(a, b) with cotangent ct = ∂J/∂y, a rule returns [∂J/∂a, ∂J/∂b]; `null` says "no gradient".
 * Source: any text on reverse-mode differentiation, e.g. Griewank and Walther, Evaluating Derivatives, 2008, ch. 3;
 * each rule is checked against central finite differences in float64 (`tests/engine/autodiff`).
 */
import { isFloat } from "../tensor/dtype.ts";
import { broadcastAxes, dimAt, elementCount, type Shape } from "../tensor/shape.ts";
import { add, addAll, cast, div, exp, mul, neg, scale, shift, sign, sub, tanh, where } from "../onnx/elementwise.ts";
import { matMul, reduceMean, reduceSum } from "../onnx/linear.ts";
import { concat, expand, gatherNd, reshape, scatterNd, split, transpose, unsqueeze } from "../onnx/shaping.ts";
import { type OpCall, type OpSignatures, type OpType, scalar, type Value } from "../onnx/value.ts";

/** Operators whose outputs have no useful derivative: building a gradient through one of them throws. */
export const NOT_DIFFERENTIABLE = Symbol("not differentiable");

/** One entry an input: its cotangent, or null. The compiler counts them. */
type CotangentsOf<Inputs extends readonly Value[]> = { readonly [I in keyof Inputs]: Value | null };

/** Differentiable operators with several outputs. Their rules get one cotangent each, null where nothing flows back. */
const SEVERAL_OUTPUTS = ["Split", "LayerNorm"] as const;
type SeveralOutputs = typeof SEVERAL_OUTPUTS[number];

/** Whether the rule of an operator takes the cotangents of all outputs. */
export function hasSeveralOutputs(op: OpType): boolean {
  return (SEVERAL_OUTPUTS as readonly OpType[]).includes(op);
}

type Incoming<K extends OpType> = K extends SeveralOutputs ? readonly (Value | null)[] : Value;

type VjpRule<K extends OpType> = (ct: Incoming<K>, call: OpCall<K>) => CotangentsOf<OpSignatures[K]["inputs"]>;

type VjpRules = { readonly [K in OpType]: VjpRule<K> | typeof NOT_DIFFERENTIABLE };

export const VJP_RULES: VjpRules = {
  Add: (ct, { inputs: [a, b] }) => [unbroadcastTo(ct, a.shape), unbroadcastTo(ct, b.shape)],
  Sub: (ct, { inputs: [a, b] }) => [unbroadcastTo(ct, a.shape), neg(unbroadcastTo(ct, b.shape))],
  // A square needs half the calls.
  Mul: (ct, { inputs: [a, b] }) =>
    a === b ? [mul(ct, scale(a, 2)), null] : [unbroadcastTo(mul(ct, b), a.shape), unbroadcastTo(mul(ct, a), b.shape)],
  // ∂(a/b)/∂b = −a/b² = −y/b
  Div: (ct, { inputs: [a, b], outputs }) => {
    const quotient = div(ct, b);
    return [unbroadcastTo(quotient, a.shape), neg(unbroadcastTo(mul(quotient, only(outputs)), b.shape))];
  },
  Equal: NOT_DIFFERENTIABLE,
  GreaterOrEqual: NOT_DIFFERENTIABLE,
  Neg: (ct) => [neg(ct)],
  // At 0, where the derivative does not exist, the cotangent is 0.
  Abs: (ct, { inputs: [a] }) => [mul(ct, sign(a))],
  // Piecewise constant.
  Sign: () => [null],
  Sqrt: (ct, { outputs }) => [div(scale(ct, 0.5), only(outputs))],
  Exp: (ct, { outputs }) => [mul(ct, only(outputs))],
  Log: (ct, { inputs: [a] }) => [div(ct, a)],
  // 1 − tanh²
  Tanh: (ct, { outputs }) => [mul(ct, shift(neg(mul(only(outputs), only(outputs))), 1))],
  Gelu: (ct, { inputs: [a] }) => [mul(ct, geluSlope(a))],
  StopGradient: () => [null],
  Cast: (ct, { inputs: [a] }) => [isFloat(a.type) ? cast(ct, a.type) : null],
  Where: (ct, { inputs: [condition, a, b] }) => [
    null,
    unbroadcastTo(where(condition, ct, scalar(0, ct.type)), a.shape),
    unbroadcastTo(where(condition, scalar(0, ct.type), ct), b.shape),
  ],
  // For y = AB: ∂A = ct Bᵀ and ∂B = Aᵀ ct; the transposed forms follow by transposing both sides.
  MatMul: (ct, { inputs: [a, b], attrs: { transA, transB } }) => [
    unbroadcastTo(
      transA ? matMul(b, ct, { transA: transB, transB: true }) : matMul(ct, b, { transB: !transB }),
      a.shape,
    ),
    unbroadcastTo(
      transB ? matMul(ct, a, { transA: true, transB: transA }) : matMul(a, ct, { transA: !transA }),
      b.shape,
    ),
  ],
  LayerNorm: layerNormVjp,
  // y (ct − Σ ct y)
  Softmax: (ct, { attrs: { axis }, outputs }) => {
    const y = only(outputs);
    return [mul(y, sub(ct, reduceSum(mul(ct, y), { axes: [axis], keepDims: true })))];
  },
  // ct − exp(y) Σ ct
  LogSoftmax: (ct, { attrs: { axis }, outputs }) => [
    sub(ct, mul(exp(only(outputs)), reduceSum(ct, { axes: [axis], keepDims: true }))),
  ],
  ReduceSum: (ct, { inputs: [a], attrs: { axes } }) => [unreduce(ct, a.shape, axes)],
  ReduceMean: (ct, { inputs: [a], attrs: { axes } }) => [unreduce(div(ct, countAlong(a, axes)), a.shape, axes)],
  // Only used to measure; where several elements are the maximum, no derivative exists.
  ReduceMax: NOT_DIFFERENTIABLE,
  // x / ‖x‖; at 0, where the derivative does not exist, it is not a number.
  ReduceL2: (ct, { inputs: [a], attrs: { axes }, outputs }) => [
    mul(a, unreduce(div(ct, only(outputs)), a.shape, axes)),
  ],
  Transpose: (
    ct,
    { attrs: { permutation } },
  ) => [transpose(ct, permutation.map((_, axis) => permutation.indexOf(axis)))],
  Reshape: (ct, { inputs: [a] }) => [reshape(ct, a.shape)],
  Expand: (ct, { inputs: [a] }) => [unbroadcastTo(ct, a.shape)],
  Concat: (ct, { inputs, attrs: { axis } }) => split(ct, axis, inputs.map((input) => countAt(input, axis))),
  Split: (cts, { attrs: { axis }, outputs }) => [
    concat(outputs.map((output, index) => cts[index] ?? zerosOf(output)), axis),
  ],
  Gather: (ct, { inputs: [table, indices], attrs: { axis } }) => [scatterAlong(ct, table, { indices, axis }), null],
  GatherND: (ct, { inputs: [a, indices] }) => [scatterNd(zerosOf(a), indices, { updates: ct, reduction: "add" }), null],
  ScatterND: (ct, { inputs: [, indices, updates], attrs: { reduction } }) => [
    reduction === "add" ? ct : scatterNd(ct, indices, { updates: zerosOf(updates), reduction: "none" }),
    null,
    gatherNd(ct, indices),
  ],
  // Piecewise constant, and only used to choose.
  NonZero: NOT_DIFFERENTIABLE,
  // Only used to choose; a top-k activation is a mask (constant almost everywhere) times its input.
  TopK: NOT_DIFFERENTIABLE,
};

/** With u = √(2/π) (x + 0.044715 x³) and t = tanh u: ½ (1 + t + x (1 − t²) u′), computed anew from x. */
function geluSlope(x: Value): Value {
  const factor = Math.sqrt(2 / Math.PI);
  const square = mul(x, x);
  const t = tanh(mul(x, shift(scale(square, factor * 0.044715), factor)));
  const slopeOfInner = shift(scale(square, 3 * factor * 0.044715), factor);
  const curved = mul(mul(x, slopeOfInner), sub(scalar(1, x.type), mul(t, t)));
  return scale(shift(add(t, curved), 1), 0.5);
}

/** Sums a cotangent over the axes along which a value of `shape` was broadcast. The only place that does. */
export function unbroadcastTo(ct: Value, shape: Shape): Value {
  const axes = broadcastAxes(shape, ct.shape);
  if (axes.length === 0) return ct;
  return reshape(reduceSum(ct, { axes, keepDims: shape.length === ct.shape.length }), shape);
}

/** Zeros of a value's type and shape. */
export function zerosOf({ type, shape }: Value): Value {
  return expand(scalar(0, type), shape);
}

/**
 * With n the normalised x, s = 1 / √(variance + ε) and c = ct · gain, along the last axis:
 * ∂x = s (c − mean(c) − n mean(c n)). The mean passes its cotangent on evenly; ∂s/∂x = −s² n / d.
 * Source: Ba et al. 2016; derived by differentiating n = (x − mean) s.
 */
function layerNormVjp(
  [ct, ctMean, ctScale]: readonly (Value | null)[],
  { inputs: [x, gain, bias], outputs: [, mean, inverse] }: OpCall<"LayerNorm">,
): readonly [Value | null, Value | null, Value | null] {
  if (mean === undefined || inverse === undefined) throw new Error("Internal: LayerNorm made fewer than three outputs");
  const normalized = mul(sub(x, mean), inverse);
  const meanOf = (value: Value) => reduceMean(value, { axes: [-1], keepDims: true });
  const parts: Value[] = [];
  if (ct) {
    const c = mul(ct, gain);
    parts.push(mul(sub(c, add(meanOf(c), mul(normalized, meanOf(mul(c, normalized))))), inverse));
  }
  const width = countAlong(x, [x.shape.length - 1]);
  if (ctMean) parts.push(expand(div(ctMean, width), x.shape));
  if (ctScale) parts.push(mul(neg(div(mul(ctScale, mul(inverse, inverse)), width)), normalized));
  return [
    addAll(parts),
    ct ? unbroadcastTo(mul(ct, normalized), gain.shape) : null,
    ct ? unbroadcastTo(ct, bias.shape) : null,
  ];
}

/** Adds slices `[…before, …indices, …after]` to zeros of the shape of `table`, `[…before, n, …after]`. */
function scatterAlong(
  ct: Value,
  table: Value,
  { indices, axis }: { readonly indices: Value; readonly axis: number },
): Value {
  const [before, chosen] = [ct.shape.slice(0, axis), ct.shape.slice(axis, axis + indices.shape.length)];
  const axes = ct.shape.map((_, at) => at);
  const chosenFirst = [
    ...axes.slice(axis, axis + chosen.length),
    ...axes.slice(0, axis),
    ...axes.slice(axis + chosen.length),
  ];
  const shape = [dimAt(table.shape, axis), ...before, ...table.shape.slice(axis + 1)];
  const zeros = expand(scalar(0, table.type), shape);
  const sums = scatterNd(zeros, unsqueeze(indices, -1), { updates: transpose(ct, chosenFirst), reduction: "add" });
  // Back from [n, …before, …after].
  return transpose(sums, shape.map((_, at) => at < axis ? at + 1 : at === axis ? 0 : at));
}

/** Repeats a reduced cotangent along the axes that were reduced. */
function unreduce(ct: Value, shape: Shape, axes: readonly number[]): Value {
  return expand(reshape(ct, shape.map((dim, axis) => axes.includes(axis) ? 1 : dim)), shape);
}

/** The number of elements along some axes, as a scalar of the value's type. */
function countAlong(a: Value, axes: readonly number[]): Value {
  const count = elementCount(axes.map((axis) => dimAt(a.shape, axis)));
  if (typeof count === "number") return scalar(count, a.type);
  return reduceSum(expand(scalar(1, a.type), axes.map((axis) => dimAt(a.shape, axis))));
}

function countAt(value: Value, axis: number): number {
  const dim = dimAt(value.shape, axis);
  if (typeof dim !== "number") {
    throw new RangeError(`Cannot differentiate Concat along an axis of symbolic size ${dim}`);
  }
  return dim;
}

function only(outputs: readonly Value[]): Value {
  const [output] = outputs;
  if (output === undefined) throw new Error("Internal: operator call without output");
  return output;
}

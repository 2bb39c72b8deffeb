/** Constructors of products, reductions and normalisations along axes. */
import { broadcastShapes, dimAt, formatShape, normalizeAxis, type Shape } from "../tensor/shape.ts";
import { requireFloat, sameType } from "./elementwise.ts";
import { callOne, type Value } from "./value.ts";

/**
 * Matrix product over the last two axes, leading axes broadcast.
 *
 * @param a `[…, m, k]`
 * @param b `[…, k, n]`
 * @returns `[…, m, n]`
 */
export function matMul(a: Value, b: Value): Value {
  sameType("MatMul", a, b);
  const what = `MatMul of ${formatShape(a.shape)} and ${formatShape(b.shape)}`;
  if (a.shape.length < 2 || b.shape.length < 2) throw new RangeError(`${what}: expected at least two axes each`);
  if (dimAt(a.shape, -1) !== dimAt(b.shape, -2)) throw new RangeError(`${what}: inner dims differ`);
  const leading = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), what);
  const shape = [...leading, dimAt(a.shape, -2), dimAt(b.shape, -1)];
  return callOne("MatMul", { inputs: [a, b], attrs: {} }, { type: a.type, shape });
}

/** Which operand of `gemm` is read transposed, in place: a stored weight never needs a transposed copy. */
export interface GemmOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
}

/** op(a) · op(b) of two matrices. */
export function gemm(a: Value, b: Value, { transA = false, transB = false }: GemmOptions = {}): Value {
  sameType("Gemm", a, b);
  const what = `Gemm of ${formatShape(a.shape)}${transA ? "ᵀ" : ""} and ${formatShape(b.shape)}${transB ? "ᵀ" : ""}`;
  if (a.shape.length !== 2 || b.shape.length !== 2) throw new RangeError(`${what}: expected two matrices`);
  const [m, innerA] = transA ? [dimAt(a.shape, 1), dimAt(a.shape, 0)] : [dimAt(a.shape, 0), dimAt(a.shape, 1)];
  const [innerB, n] = transB ? [dimAt(b.shape, 1), dimAt(b.shape, 0)] : [dimAt(b.shape, 0), dimAt(b.shape, 1)];
  if (innerA !== innerB) throw new RangeError(`${what}: inner dims differ`);
  return callOne("Gemm", { inputs: [a, b], attrs: { transA, transB } }, { type: a.type, shape: [m, n] });
}

/** Exponentials divided by their sum along `axis`. */
export function softmax(a: Value, axis = -1): Value {
  requireFloat("Softmax", a);
  const attrs = { axis: normalizeAxis(axis, a.shape.length, "Softmax") };
  return callOne("Softmax", { inputs: [a], attrs }, { type: a.type, shape: a.shape });
}

/** The logarithm of `softmax`, computed stably. */
export function logSoftmax(a: Value, axis = -1): Value {
  requireFloat("LogSoftmax", a);
  const attrs = { axis: normalizeAxis(axis, a.shape.length, "LogSoftmax") };
  return callOne("LogSoftmax", { inputs: [a], attrs }, { type: a.type, shape: a.shape });
}

/** Which axes a reduction removes (default: all) or keeps as 1. */
export interface ReduceOptions {
  readonly axes?: readonly number[];
  readonly keepDims?: boolean;
}

export function reduceSum(a: Value, options?: ReduceOptions): Value {
  return reduce("ReduceSum", a, options);
}

export function reduceMean(a: Value, options?: ReduceOptions): Value {
  return reduce("ReduceMean", a, options);
}

export function reduceMax(a: Value, options?: ReduceOptions): Value {
  return reduce("ReduceMax", a, options);
}

function reduce(op: "ReduceSum" | "ReduceMean" | "ReduceMax", a: Value, options: ReduceOptions = {}): Value {
  const rank = a.shape.length;
  const chosen = options.axes ?? a.shape.map((_, axis) => axis);
  const axes = [...new Set(chosen.map((axis) => normalizeAxis(axis, rank, op)))].sort((x, y) => x - y);
  if (axes.length === 0) return a;
  const keepDims = options.keepDims ?? false;
  const shape: Shape = a.shape.flatMap((dim, axis) => !axes.includes(axis) ? [dim] : keepDims ? [1] : []);
  return callOne(op, { inputs: [a], attrs: { axes, keepDims } }, { type: a.type, shape });
}

/** Constructors of products, reductions and normalisations along axes. */
import { broadcastShapes, dimAt, formatShape, normalizeAxis, sameShape, type Shape } from "../tensor/shape.ts";
import { requireFloat, sameType } from "./elementwise.ts";
import { callOne, callOp, type Value } from "./value.ts";

/** Which operand of `matMul` is read transposed, in place: a stored weight never needs a transposed copy. */
export interface MatMulOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
}

/**
 * Matrix product over the last two axes, leading axes broadcast.
 *
 * @param a `[…, m, k]`, or with `transA` `[…, k, m]`
 * @param b `[…, k, n]`, or with `transB` `[…, n, k]`
 * @returns `[…, m, n]`
 */
export function matMul(a: Value, b: Value, { transA = false, transB = false }: MatMulOptions = {}): Value {
  sameType("MatMul", a, b);
  const what = `MatMul of ${formatShape(a.shape)}${transA ? "ᵀ" : ""} and ${formatShape(b.shape)}${transB ? "ᵀ" : ""}`;
  if (a.shape.length < 2 || b.shape.length < 2) throw new RangeError(`${what}: expected at least two axes each`);
  const [m, innerA] = transA ? [dimAt(a.shape, -1), dimAt(a.shape, -2)] : [dimAt(a.shape, -2), dimAt(a.shape, -1)];
  const [innerB, n] = transB ? [dimAt(b.shape, -1), dimAt(b.shape, -2)] : [dimAt(b.shape, -2), dimAt(b.shape, -1)];
  if (innerA !== innerB) throw new RangeError(`${what}: inner dims differ`);
  const leading = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), what);
  return callOne("MatMul", { inputs: [a, b], attrs: { transA, transB } }, { type: a.type, shape: [...leading, m, n] });
}

/**
 * Normalisation along the last axis, then gain and bias (Ba et al. 2016).
 *
 * @param x `[…, d]`
 * @param weights `gain` and `bias`: `[d]` each
 */
export function layerNorm(
  x: Value,
  { gain, bias }: { readonly gain: Value; readonly bias: Value },
  epsilon: number,
): Value {
  if (x.type !== "float32") throw new TypeError(`LayerNorm: expected a float32 operand but found ${x.type}`);
  const width = [dimAt(x.shape, -1)];
  for (const operand of [gain, bias]) {
    sameType("LayerNorm", x, operand);
    if (!sameShape(operand.shape, width)) {
      throw new RangeError(
        `LayerNorm of ${formatShape(x.shape)}: expected gain and bias of shape ${formatShape(width)} but found ${
          formatShape(operand.shape)
        }`,
      );
    }
  }
  const perRow = { type: x.type, shape: x.shape.with(-1, 1) };
  const [output] = callOp("LayerNorm", { inputs: [x, gain, bias], attrs: { epsilon } }, [
    { type: x.type, shape: x.shape },
    perRow,
    perRow,
  ]);
  if (output === undefined) throw new Error("Internal: LayerNorm made no output");
  return output;
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

/** √ Σ x². */
export function reduceL2(a: Value, options?: ReduceOptions): Value {
  return reduce("ReduceL2", a, options);
}

function reduce(
  op: "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceL2",
  a: Value,
  options: ReduceOptions = {},
): Value {
  const rank = a.shape.length;
  const chosen = options.axes ?? a.shape.map((_, axis) => axis);
  const axes = [...new Set(chosen.map((axis) => normalizeAxis(axis, rank, op)))].sort((x, y) => x - y);
  if (axes.length === 0) return a;
  const keepDims = options.keepDims ?? false;
  const shape: Shape = a.shape.flatMap((dim, axis) => !axes.includes(axis) ? [dim] : keepDims ? [1] : []);
  return callOne(op, { inputs: [a], attrs: { axes, keepDims } }, { type: a.type, shape });
}

/** Constructors that move, repeat, choose and order elements. */
import { addDims, type Dim } from "../tensor/dim.ts";
import {
  broadcastShapes,
  dimAt,
  elementCount,
  formatShape,
  normalizeAxis,
  sameShape,
  type Shape,
} from "../tensor/shape.ts";
import { sameType } from "./elementwise.ts";
import { callOne, callOp, type Value } from "./value.ts";

/** Axis i of the result is axis `permutation[i]` of `a`. */
export function transpose(a: Value, permutation: readonly number[]): Value {
  const rank = a.shape.length;
  if (
    permutation.length !== rank || new Set(permutation).size !== rank ||
    permutation.some((axis) => axis < 0 || axis >= rank)
  ) {
    throw new RangeError(
      `Transpose of ${formatShape(a.shape)}: [${permutation.join(", ")}] is no permutation of its axes`,
    );
  }
  const shape = permutation.map((axis) => dimAt(a.shape, axis));
  return callOne("Transpose", { inputs: [a], attrs: { permutation } }, { type: a.type, shape });
}

/** The same elements, in the same order, under another shape of equal count. */
export function reshape(a: Value, shape: Shape): Value {
  if (elementCount(a.shape) !== elementCount(shape)) {
    throw new RangeError(`Reshape: ${formatShape(a.shape)} has not as many elements as ${formatShape(shape)}`);
  }
  if (sameShape(a.shape, shape)) return a;
  return callOne("Reshape", { inputs: [a], attrs: { shape } }, { type: a.type, shape });
}

/** Inserts an axis of 1 at each position, given as positions in the result. */
export function unsqueeze(a: Value, axis: number): Value {
  const at = normalizeAxis(axis, a.shape.length + 1, "unsqueeze");
  return reshape(a, [...a.shape.slice(0, at), 1, ...a.shape.slice(at)]);
}

/** Repeats `a` to exactly `shape`. */
export function expand(a: Value, shape: Shape): Value {
  if (!sameShape(broadcastShapes(a.shape, shape, "Expand"), shape)) {
    throw new RangeError(`Expand: cannot broadcast ${formatShape(a.shape)} to ${formatShape(shape)}`);
  }
  if (sameShape(a.shape, shape)) return a;
  return callOne("Expand", { inputs: [a], attrs: { shape } }, { type: a.type, shape });
}

/** Values one after another along `axis`; all other dims must agree. */
export function concat(values: readonly Value[], axis: number): Value {
  const [first, ...rest] = values;
  if (first === undefined) throw new RangeError("Concat: expected at least one value but found none");
  if (rest.length === 0) return first;
  const at = normalizeAxis(axis, first.shape.length, "Concat");
  let total: Dim = dimAt(first.shape, at);
  for (const value of rest) {
    sameType("Concat", first, value);
    if (value.shape.length !== first.shape.length || value.shape.some((dim, i) => i !== at && dim !== first.shape[i])) {
      throw new RangeError(
        `Concat along axis ${at}: ${formatShape(first.shape)} and ${formatShape(value.shape)} differ elsewhere`,
      );
    }
    total = addDims(total, dimAt(value.shape, at));
  }
  return callOne("Concat", { inputs: values, attrs: { axis: at } }, {
    type: first.type,
    shape: first.shape.with(at, total),
  });
}

/** Consecutive parts of the given sizes along `axis`. */
export function split(a: Value, axis: number, sizes: readonly number[]): readonly Value[] {
  const at = normalizeAxis(axis, a.shape.length, "Split");
  if (dimAt(a.shape, at) !== sizes.reduce((sum, size) => sum + size, 0)) {
    throw new RangeError(`Split of ${formatShape(a.shape)}: sizes [${sizes.join(", ")}] do not add up to axis ${at}`);
  }
  const types = sizes.map((size) => ({ type: a.type, shape: a.shape.with(at, size) }));
  return callOp("Split", { inputs: [a], attrs: { axis: at, sizes } }, types);
}

/**
 * Slices along one axis, by default rows of a table.
 *
 * @param a `[…before, n, …after]`
 * @param indices int64 of any shape, each in 0..n − 1
 * @returns `[…before, …indices, …after]`
 */
export function gather(a: Value, indices: Value, axis = 0): Value {
  if (indices.type !== "int64") throw new TypeError(`Gather: expected int64 indices but found ${indices.type}`);
  const at = normalizeAxis(axis, a.shape.length, "Gather");
  const shape = [...a.shape.slice(0, at), ...indices.shape, ...a.shape.slice(at + 1)];
  return callOne("Gather", { inputs: [a, indices], attrs: { axis: at } }, { type: a.type, shape });
}

/**
 * Elements or slices of `a` at `indices`.
 *
 * @param indices int64 `[…, depth]`: each row addresses the first `depth` axes of `a`
 * @returns `[…, …a.shape.slice(depth)]`
 */
export function gatherNd(a: Value, indices: Value): Value {
  const shape = addressedShape("GatherND", a, indices);
  return callOne("GatherND", { inputs: [a, indices], attrs: {} }, { type: a.type, shape });
}

/**
 * A copy of `a` in which the elements or slices at `indices` are replaced by `updates`, or have them added.
 *
 * @param indices int64 `[…, depth]`: each row addresses the first `depth` axes of `a`
 * @param updates `[…, …a.shape.slice(depth)]`
 */
export function scatterNd(a: Value, indices: Value, { updates, reduction }: {
  readonly updates: Value;
  readonly reduction: "none" | "add";
}): Value {
  sameType("ScatterND", a, updates);
  if (!sameShape(addressedShape("ScatterND", a, indices), updates.shape)) {
    throw new RangeError(
      `ScatterND into ${formatShape(a.shape)} at ${formatShape(indices.shape)}: updates have shape ${
        formatShape(updates.shape)
      }`,
    );
  }
  return callOne("ScatterND", { inputs: [a, indices, updates], attrs: { reduction } }, {
    type: a.type,
    shape: a.shape,
  });
}

/**
 * Where a vector is not 0, rising.
 *
 * @param a `[n]`
 * @param count The dim that stands for how many there are; no target shape can be made of it
 * @returns int64 `[count]`
 */
export function nonZero(a: Value, count: string): Value {
  if (a.shape.length !== 1) throw new RangeError(`NonZero: expected a vector but found ${formatShape(a.shape)}`);
  return reshape(callOne("NonZero", { inputs: [a], attrs: {} }, { type: "int64", shape: [1, count] }), [count]);
}

/** The k largest or smallest along the last axis, in order. */
export interface TopKValues {
  readonly values: Value;
  /** int64 positions along the last axis. */
  readonly indices: Value;
}

/**
 * @param a `[…, n]`
 * @param k A fed int64 vector of one element; at execution at most n.
 * @param options `kDim`: the dim that stands for k in the shapes of the results.
 */
export function topK(
  a: Value,
  k: Value,
  { kDim, largest }: { readonly kDim: Dim; readonly largest: boolean },
): TopKValues {
  if (k.type !== "int64" || !sameShape(k.shape, [1])) {
    throw new TypeError(`TopK: expected k as int64 [1] but found ${k.type} ${formatShape(k.shape)}`);
  }
  const shape = a.shape.with(-1, kDim);
  const [values, indices] = callOp("TopK", { inputs: [a, k], attrs: { largest } }, [
    { type: a.type, shape },
    { type: "int64", shape },
  ]);
  if (values === undefined || indices === undefined) throw new Error("Internal: TopK made fewer than two outputs");
  return { values, indices };
}

/** The shape of what `indices` `[…, depth]` address in `a`. */
function addressedShape(op: "GatherND" | "ScatterND", a: Value, indices: Value): Shape {
  if (indices.type !== "int64") throw new TypeError(`${op}: expected int64 indices but found ${indices.type}`);
  const depth = dimAt(indices.shape, -1);
  if (typeof depth !== "number" || depth > a.shape.length) {
    throw new RangeError(
      `${op}: indices of shape ${formatShape(indices.shape)} cannot address ${formatShape(a.shape)}`,
    );
  }
  return [...indices.shape.slice(0, -1), ...a.shape.slice(depth)];
}

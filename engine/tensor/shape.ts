/** Shapes and their algebra: broadcasting, axes, element counts. All of it works on symbolic dims. */
import { type Dim, evaluateDim, multiplyDims } from "./dim.ts";

export type Shape = readonly Dim[];

/** A shape in which every dim is a count. */
export type ConcreteShape = readonly number[];

export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** The number of elements of a tensor of this shape. */
export function elementCount(shape: ConcreteShape): number;
export function elementCount(shape: Shape): Dim;
export function elementCount(shape: Shape): Dim {
  return shape.reduce<Dim>(multiplyDims, 1);
}

/** A shape with every symbol replaced by its count. */
export function evaluateShape(shape: Shape, values: ReadonlyMap<string, number>): ConcreteShape {
  return shape.map((dim) => evaluateDim(dim, values));
}

/**
 * The shape of an elementwise operation on both, by NumPy's rule: align at the last axis; a dim of exactly 1 stretches.
 *
 * @throws {RangeError} if two dims differ and neither is 1; `what` opens the message.
 */
export function broadcastShapes(a: Shape, b: Shape, what: string): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const dimA = a[axis - rank + a.length] ?? 1;
    const dimB = b[axis - rank + b.length] ?? 1;
    if (dimA === dimB || dimB === 1) return dimA;
    if (dimA === 1) return dimB;
    throw new RangeError(`${what}: cannot broadcast ${formatShape(a)} with ${formatShape(b)}`);
  });
}

/**
 * The axes of `to` along which a tensor of shape `from` was repeated to get there: leading axes that `from` lacks, and
 * axes where `from` has 1 and `to` has not.
 */
export function broadcastAxes(from: Shape, to: Shape): readonly number[] {
  const missing = to.length - from.length;
  return to.flatMap((dim, axis) => axis < missing || (from[axis - missing] === 1 && dim !== 1) ? [axis] : []);
}

/**
 * An axis as a non-negative index; negative ones count from the end.
 *
 * @throws {RangeError} if there is no such axis.
 */
export function normalizeAxis(axis: number, rank: number, what: string): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new RangeError(`${what}: expected an axis in ${-rank}..${rank - 1} but found ${axis}`);
  }
  return axis < 0 ? axis + rank : axis;
}

/**
 * The dim at an axis (negative ones count from the end).
 *
 * @throws {RangeError} if there is no such axis.
 */
export function dimAt(shape: Shape, axis: number): Dim {
  const dim = shape.at(axis);
  if (dim === undefined) throw new RangeError(`Expected an axis of ${formatShape(shape)} but found ${axis}`);
  return dim;
}

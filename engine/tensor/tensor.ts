/** A tensor with data, as it goes into and comes out of ONNX Runtime. */
import type { ElementType, TensorData } from "./dtype.ts";
import { type ConcreteShape, elementCount, formatShape } from "./shape.ts";

/** C-order data with its type and shape. Immutable by convention: nobody writes into another's tensor. */
export interface Tensor<Data extends TensorData = TensorData> {
  readonly type: ElementType;
  readonly shape: ConcreteShape;
  readonly data: Data;
}

function tensor<Data extends TensorData>(type: ElementType, shape: ConcreteShape, data: Data): Tensor<Data> {
  if (data.length !== elementCount(shape)) {
    throw new RangeError(
      `Expected ${elementCount(shape)} elements for shape ${formatShape(shape)} but found ${data.length}`,
    );
  }
  return { type, shape, data };
}

/** A float32 tensor. @throws {RangeError} if shape and data differ in size. */
export function float32(shape: ConcreteShape, data: Iterable<number> | Float32Array): Tensor<Float32Array> {
  return tensor("float32", shape, data instanceof Float32Array ? data : Float32Array.from(data));
}

/** A float64 tensor. @throws {RangeError} if shape and data differ in size. */
export function float64(shape: ConcreteShape, data: Iterable<number> | Float64Array): Tensor<Float64Array> {
  return tensor("float64", shape, data instanceof Float64Array ? data : Float64Array.from(data));
}

/** An int64 tensor from integers. @throws {RangeError} if shape and data differ in size. */
export function int64(shape: ConcreteShape, data: Iterable<number>): Tensor<BigInt64Array> {
  return tensor("int64", shape, BigInt64Array.from(data, BigInt));
}

/** A boolean tensor. @throws {RangeError} if shape and data differ in size. */
export function bool(shape: ConcreteShape, data: Iterable<boolean>): Tensor<Uint8Array> {
  return tensor("bool", shape, Uint8Array.from(data, Number));
}

/** The data of a float32 tensor. @throws {TypeError} if it is of another type. */
export function float32Data({ type, data }: Tensor): Float32Array<ArrayBuffer> {
  if (!(data instanceof Float32Array)) throw new TypeError(`Expected a float32 tensor but found ${type}`);
  // No tensor of ours lies in shared memory.
  return data as Float32Array<ArrayBuffer>;
}

/** The data of an int64 tensor as numbers. @throws {TypeError} if it is of another type. */
export function int64Numbers({ type, data }: Tensor): readonly number[] {
  if (!(data instanceof BigInt64Array)) throw new TypeError(`Expected an int64 tensor but found ${type}`);
  return Array.from(data, Number);
}

/** Row-major strides, in elements. */
export function strides(shape: ConcreteShape): readonly number[] {
  const result = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    result[axis] = (result[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  }
  return result;
}

/**
 * Values: the only things a graph is made of. A `Value` is immutable and knows its element type, its symbolic shape and
 * what made it; a graph is whatever is reachable from its outputs. Names are invented when the graph is written
 * (`names.ts`), so that building is just calling functions. The idea is spox's.
 *
 * `OpSignatures` has one row for each operator that a graph may contain; every table about operators
 * (`autodiff/vjp_rules.ts`, `lower.ts`) is total over its keys, so a new row does not compile until each has decided.
 */
import type { ElementType, TensorData } from "../tensor/dtype.ts";
import type { ConcreteShape, Shape } from "../tensor/shape.ts";

/** Bytes of a file that hold an initializer, read in place by ONNX Runtime. */
export interface FileRegion {
  /** Path from the root of the file system (`tensor/file_root.ts`). */
  readonly file: string;
  /** In bytes from the start of the file. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
}

/** Where a value comes from. */
export type Origin =
  | { readonly kind: "input"; readonly name: string }
  | { readonly kind: "weight"; readonly name: string; readonly region: FileRegion }
  | { readonly kind: "constant"; readonly data: TensorData }
  | { readonly kind: "output"; readonly call: OpCall; readonly index: number };

/** A tensor of the graph. Values compare by identity. */
export class Value {
  readonly type: ElementType;
  readonly shape: Shape;
  readonly origin: Origin;

  constructor(type: ElementType, shape: Shape, origin: Origin) {
    this.type = type;
    this.shape = shape;
    this.origin = origin;
  }
}

/** A value that is fed at each execution, once for all inputs of its name. Symbols in its shape may be used by every other shape. */
export function graphInput(name: string, type: ElementType, shape: Shape): Value {
  return new Value(type, shape, { kind: "input", name });
}

/** A value whose bytes lie in a file and stay there. The same bytes may be seen under several shapes. */
export function weight(
  name: string,
  { type, shape }: { readonly type: ElementType; readonly shape: ConcreteShape },
  region: FileRegion,
): Value {
  return new Value(type, shape, { kind: "weight", name, region });
}

/** A small value written into the graph itself. */
export function constant(type: ElementType, shape: ConcreteShape, data: TensorData): Value {
  return new Value(type, shape, { kind: "constant", data });
}

/** A scalar constant of a float type. */
export function scalar(value: number, type: ElementType = "float32"): Value {
  return constant(type, [], type === "float64" ? Float64Array.of(value) : Float32Array.of(value));
}

/** A one-dimensional int64 constant. */
export function int64Vector(values: readonly number[]): Value {
  return constant("int64", [values.length], BigInt64Array.from(values, BigInt));
}

type NoAttrs = Readonly<Record<never, never>>;
type Unary = { inputs: readonly [Value]; attrs: NoAttrs };
type Binary = { inputs: readonly [Value, Value]; attrs: NoAttrs };
type Reduction = {
  inputs: readonly [Value];
  attrs: { readonly axes: readonly number[]; readonly keepDims: boolean };
};

/** Inputs and parameters of each operator. The meaning is ONNX's (opset 21) unless a comment says otherwise. */
export interface OpSignatures {
  Add: Binary;
  Sub: Binary;
  Mul: Binary;
  Div: Binary;
  Equal: Binary;
  GreaterOrEqual: Binary;
  Neg: Unary;
  Abs: Unary;
  Sign: Unary;
  Sqrt: Unary;
  Exp: Unary;
  Log: Unary;
  Tanh: Unary;
  /** 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))): ONNX's Gelu in its tanh form. */
  Gelu: Unary;
  /** The identity, through which no gradient flows. Leaves no trace in the written graph. */
  StopGradient: Unary;
  Cast: { inputs: readonly [Value]; attrs: { readonly to: ElementType } };
  Where: { inputs: readonly [Value, Value, Value]; attrs: NoAttrs };
  /** op(a) · op(b), where op swaps the last two axes if its flag says so. */
  MatMul: { inputs: readonly [Value, Value]; attrs: { readonly transA: boolean; readonly transB: boolean } };
  /** (x − mean) / √(variance + ε) · gain + bias along the last axis, as one call. Further outputs: the mean, and 1 / √(variance + ε). */
  LayerNorm: { inputs: readonly [Value, Value, Value]; attrs: { readonly epsilon: number } };
  Softmax: { inputs: readonly [Value]; attrs: { readonly axis: number } };
  LogSoftmax: { inputs: readonly [Value]; attrs: { readonly axis: number } };
  ReduceSum: Reduction;
  ReduceMean: Reduction;
  ReduceMax: Reduction;
  /** √ Σ x². */
  ReduceL2: Reduction;
  Transpose: { inputs: readonly [Value]; attrs: { readonly permutation: readonly number[] } };
  /** The target shape is symbolic; ONNX's shape vector is made when the graph is written. */
  Reshape: { inputs: readonly [Value]; attrs: { readonly shape: Shape } };
  /** Broadcasts to exactly this symbolic shape. */
  Expand: { inputs: readonly [Value]; attrs: { readonly shape: Shape } };
  Concat: { inputs: readonly Value[]; attrs: { readonly axis: number } };
  /** Consecutive parts of the given sizes, one output each. */
  Split: { inputs: readonly [Value]; attrs: { readonly axis: number; readonly sizes: readonly number[] } };
  /** Slices along one axis. */
  Gather: { inputs: readonly [Value, Value]; attrs: { readonly axis: number } };
  /** Elements or slices of the first input at indices that address its first axes. */
  GatherND: Binary;
  /** A copy of the first input with `updates` added (`add`) or written (`none`) at `indices`. */
  ScatterND: { inputs: readonly [Value, Value, Value]; attrs: { readonly reduction: "none" | "add" } };
  /** Where a vector is not 0: `[1, count]`, with a count that only execution tells. */
  NonZero: Unary;
  /** Values and indices of the k (second input, fed) largest or smallest along the last axis, in order. */
  TopK: { inputs: readonly [Value, Value]; attrs: { readonly largest: boolean } };
}

export type OpType = keyof OpSignatures;

/** One use of an operator. ONNX calls this a node; here a node belongs to a circuit. */
export interface OpCall<K extends OpType = OpType> {
  readonly op: K;
  readonly inputs: OpSignatures[K]["inputs"];
  readonly attrs: OpSignatures[K]["attrs"];
  readonly outputs: readonly Value[];
}

/** Type and shape of one output. */
export interface OutputType {
  readonly type: ElementType;
  readonly shape: Shape;
}

/** Makes a call with several outputs. Only the constructors in this folder use it: they check first. */
export function callOp<K extends OpType>(
  op: K,
  { inputs, attrs }: OpSignatures[K],
  outputTypes: readonly OutputType[],
): readonly Value[] {
  const outputs: Value[] = [];
  const call: OpCall = { op, inputs, attrs, outputs } as OpCall;
  outputTypes.forEach(({ type, shape }, index) =>
    outputs.push(new Value(type, shape, { kind: "output", call, index }))
  );
  return outputs;
}

/** Makes a call with one output. */
export function callOne<K extends OpType>(op: K, signature: OpSignatures[K], outputType: OutputType): Value {
  const [value] = callOp(op, signature, [outputType]);
  if (value === undefined) throw new Error(`Internal: ${op} made no output`);
  return value;
}

/**
 * From values to an `OnnxGraph`: finds what the outputs need, orders it, names it, and turns each call into ONNX's form.
 * Everything here depends only on the values and names given, so that equal questions give equal bytes.
 */
import { type Dim, productsOf } from "../tensor/dim.ts";
import { type ConcreteShape, formatShape, type Shape } from "../tensor/shape.ts";
import { int64 } from "../tensor/tensor.ts";
import {
  CONTRIB_DOMAIN,
  type Initializer,
  type NamedType,
  type OnnxCall,
  type OnnxGraph,
  type OpAttr,
} from "./onnx_graph.ts";
import { type GraphRequest, simplify } from "./simplify.ts";
import { topologicalOrder } from "./topological_order.ts";
import type { FileRegion, OpCall, OpType, Value } from "./value.ts";

/**
 * An input that graphs may have besides their own, always fed with this tensor. ONNX Runtime's memory planner compares every value
 * of known rank with every buffer that is free at that point; the session of a graph of 3,000 calls then takes ten times as long to
 * make (measured: 960 ms against 80 ms), and execution gains nothing. So graphs keep ranks from it: `proto.ts` writes no shapes
 * of inputs, and target shapes are passed through a reshape to this unknown shape.
 */
export const RANK_ERASER = { name: "unknown_rank", feed: int64([1], [-1]) } as const;

/**
 * Writes the graph that computes `outputs`.
 *
 * @throws {RangeError} if a symbolic dim is needed at execution but no input has it as an axis.
 */
export function lowerGraph(request: GraphRequest): OnnxGraph {
  const { outputs, names } = simplify(request);
  const order = topologicalOrder(Object.values(outputs));
  const writer = new GraphWriter(order, new Map([...names ?? [], ...outputNames(outputs)]));
  for (const value of order) writer.write(value);
  for (const [name, value] of Object.entries(outputs)) writer.writeOutput(name, value);
  return writer.finish();
}

/** Outputs' names for the values themselves, so that they need no copy. What is no call's output has its name already. */
function outputNames(outputs: GraphRequest["outputs"]): ReadonlyMap<Value, string> {
  const names = new Map<Value, string>();
  for (const [name, value] of Object.entries(outputs)) {
    if (value.origin.kind === "output" && !names.has(value)) names.set(value, name);
  }
  return names;
}

/** How each operator is written. Most are ONNX's own under the same name; the rest make their attributes or helper inputs. */
const LOWERINGS: { readonly [K in OpType]: (call: OpCall<K>, writer: GraphWriter) => Lowered } = {
  Add: plain,
  Sub: plain,
  Mul: plain,
  Div: plain,
  Equal: plain,
  GreaterOrEqual: plain,
  Neg: plain,
  Abs: plain,
  Sign: plain,
  Sqrt: plain,
  Exp: plain,
  Log: plain,
  Tanh: plain,
  Gelu: () => ({ attrs: { approximate: "tanh" } }),
  StopGradient: () => "alias",
  Cast: ({ attrs }) => ({ attrs: { to: CAST_TARGETS[attrs.to] } }),
  Where: plain,
  MatMul: matMulCall,
  LayerNorm: ({ attrs }) => ({ opType: "LayerNormalization", attrs: { axis: -1, epsilon: { float: attrs.epsilon } } }),
  Softmax: ({ attrs }) => ({ attrs: { axis: attrs.axis } }),
  LogSoftmax: ({ attrs }) => ({ attrs: { axis: attrs.axis } }),
  ReduceSum: reduction,
  ReduceMean: reduction,
  ReduceMax: reduction,
  ReduceL2: reduction,
  Transpose: ({ attrs }) => ({ attrs: { perm: attrs.permutation } }),
  Reshape: reshaping,
  Expand: ({ attrs }, writer) => ({ extra: [writer.shapeVector(attrs.shape)] }),
  Concat: ({ attrs }) => ({ attrs: { axis: attrs.axis } }),
  Split: ({ attrs }, writer) => ({ attrs: { axis: attrs.axis }, extra: [writer.int64Constant(attrs.sizes)] }),
  Gather: ({ attrs }) => ({ attrs: { axis: attrs.axis } }),
  GatherND: plain,
  NonZero: plain,
  ScatterND: ({ attrs }) => ({ attrs: { reduction: attrs.reduction } }),
  TopK: ({ attrs }) => ({ attrs: { axis: -1, largest: Number(attrs.largest), sorted: 1 } }),
};

/** ONNX's numbers for Cast's `to`. */
const CAST_TARGETS = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11, bfloat16: 16 } as const;

/** Attributes and extra inputs of a call, or the word that it is just another name of its input. */
type Lowered = "alias" | {
  /** ONNX's operator, where it has another name. */
  readonly opType?: string;
  readonly domain?: string;
  /** Names to take in place of the call's own inputs. */
  readonly inputs?: readonly string[];
  readonly attrs?: Readonly<Record<string, OpAttr>>;
  readonly extra?: readonly string[];
};

function plain(): Lowered {
  return {};
}

/** ONNX Runtime has a product that reads its operands transposed; for float64, which only tests use, they are transposed first. */
function matMulCall({ inputs: [a, b], attrs }: OpCall<"MatMul">, writer: GraphWriter): Lowered {
  if (!attrs.transA && !attrs.transB) return {};
  if (a.type === "float32") {
    const flags = { transA: Number(attrs.transA), transB: Number(attrs.transB) };
    return { opType: "FusedMatMul", domain: CONTRIB_DOMAIN, attrs: flags };
  }
  return {
    inputs: [
      attrs.transA ? writer.transposedLastTwo(a) : writer.nameOf(a),
      attrs.transB ? writer.transposedLastTwo(b) : writer.nameOf(b),
    ],
  };
}

function reduction(
  { attrs }: OpCall<"ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceL2">,
  writer: GraphWriter,
): Lowered {
  return { attrs: { keepdims: Number(attrs.keepDims) }, extra: [writer.int64Constant(attrs.axes)] };
}

/** Axes of 1 that come or go need no target shape, which may have several unknown dims. */
function reshaping(
  { inputs: [{ shape: from }], attrs: { shape: to } }: OpCall<"Reshape">,
  writer: GraphWriter,
): Lowered {
  const inserted = insertedOnes(from, to);
  if (inserted !== null) return { opType: "Unsqueeze", extra: [writer.int64Constant(inserted)] };
  const removed = insertedOnes(to, from);
  if (removed !== null) return { opType: "Squeeze", extra: [writer.int64Constant(removed)] };
  return { extra: [writer.reshapeTarget(from, to)] };
}

/** The axes of `long` that are 1 and without which it equals `short`; null if there are no such. */
function insertedOnes(short: Shape, long: Shape): readonly number[] | null {
  const axes: number[] = [];
  let matched = 0;
  long.forEach((dim, axis) => {
    if (matched < short.length && dim === short[matched]) matched++;
    else axes.push(axis);
  });
  return matched === short.length && axes.every((axis) => long[axis] === 1) ? axes : null;
}

class GraphWriter {
  readonly #givenNames: ReadonlyMap<Value, string>;
  readonly #names = new Map<Value, string>();
  readonly #inputs: NamedType[] = [];
  readonly #outputs: NamedType[] = [];
  readonly #initializers = new Map<string, Initializer>();
  readonly #calls: OnnxCall[] = [];
  readonly #inferred = new Map<string, NamedType>();
  readonly #counters = new Map<string, number>();
  readonly #written = new Set<OpCall>();
  readonly #dimVectors = new Map<string, string>();
  readonly #symbols = new Map<string, { readonly input: string; readonly axis: number }>();

  constructor(order: readonly Value[], givenNames: ReadonlyMap<Value, string>) {
    this.#givenNames = givenNames;
    for (const { origin, shape } of order) {
      if (origin.kind !== "input") continue;
      shape.forEach((dim, axis) => {
        if (typeof dim === "string" && !this.#symbols.has(dim)) this.#symbols.set(dim, { input: origin.name, axis });
      });
    }
  }

  /** Writes what makes `value`, if that is not written yet. Its inputs must be. */
  write(value: Value): void {
    const { origin, type, shape } = value;
    switch (origin.kind) {
      case "input":
        if (this.#inputs.some(({ name }) => name === origin.name)) {
          throw new RangeError(`Cannot write graph: two inputs are named "${origin.name}"`);
        }
        this.#names.set(value, origin.name);
        this.#inputs.push({ name: origin.name, type, shape });
        break;
      case "weight": {
        const name = this.#weightName(`${origin.name}${formatShape(shape)}`, origin.region);
        this.#names.set(value, name);
        this.#initializers.set(name, { name, type, shape: concrete(shape), region: origin.region });
        break;
      }
      case "constant":
        this.#names.set(value, this.#constant({ type, shape: concrete(shape), data: origin.data }));
        break;
      case "output":
        if (!this.#written.has(origin.call)) this.#writeCall(origin.call);
    }
  }

  /** Makes `value` available under an output's name. */
  writeOutput(name: string, value: Value): void {
    const internal = this.nameOf(value);
    if (internal !== name) this.#emit("Identity", [internal], { outputs: [name] });
    this.#outputs.push({ name, type: value.type, shape: value.shape });
    this.#inferred.set(name, { name, type: value.type, shape: value.shape });
  }

  finish(): OnnxGraph {
    return {
      inputs: this.#inputs.toSorted((a, b) => a.name < b.name ? -1 : 1),
      outputs: this.#outputs,
      initializers: [...this.#initializers.values()],
      calls: this.#calls,
      inferred: this.#inferred,
    };
  }

  /** The name of a value that is written already. */
  nameOf(value: Value): string {
    const name = this.#names.get(value);
    if (name === undefined) throw new Error("Internal: a value was used before it was written");
    return name;
  }

  /** The name of a value with its last two axes swapped. */
  transposedLastTwo(value: Value): string {
    const axes = value.shape.map((_, axis) => axis);
    const perm = [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
    return this.#emit("Transpose", [this.nameOf(value)], { attrs: { perm } });
  }

  /** The name of an int64 vector constant. */
  int64Constant(values: readonly number[]): string {
    return this.#constant({ type: "int64", shape: [values.length], data: BigInt64Array.from(values, BigInt) });
  }

  /** The name of an int64 vector that holds `shape` at execution. */
  shapeVector(shape: Shape): string {
    if (shape.every((dim) => typeof dim === "number")) return this.#withoutRank(this.int64Constant(shape));
    return this.#withoutRank(
      this.#memoized(formatShape(shape), () =>
        this.#emit(
          "Concat",
          shape.map((dim) => this.#dimVector(dim)),
          { attrs: { axis: 0 } },
        )),
    );
  }

  /** As `shapeVector`, but a constant wherever ONNX's shorthands (0: as in the input, −1: what is left) suffice. */
  reshapeTarget(from: Shape, to: Shape): string {
    const shorthand = to.map((dim, axis) => typeof dim === "number" ? dim : dim === from[axis] ? 0 : -1);
    if (shorthand.filter((dim) => dim === -1).length <= 1) return this.#withoutRank(this.int64Constant(shorthand));
    return this.shapeVector(to);
  }

  /** A shape vector from which ONNX Runtime cannot tell the rank of what is reshaped (see `RANK_ERASER`). */
  #withoutRank(vector: string): string {
    return this.#memoized(`without rank ${vector}`, () => {
      const { name } = RANK_ERASER;
      if (!this.#inputs.some((input) => input.name === name)) this.#inputs.push({ name, type: "int64", shape: [1] });
      return this.#emit("Reshape", [vector, name]);
    });
  }

  #writeCall<K extends OpType>(call: OpCall<K>): void {
    this.#written.add(call);
    const lowered = LOWERINGS[call.op](call, this);
    if (lowered === "alias") {
      const [input] = call.inputs;
      for (const output of call.outputs) if (input !== undefined) this.#names.set(output, this.nameOf(input));
      return;
    }
    const inputs = lowered.inputs ?? call.inputs.map((input) => this.nameOf(input));
    const outputs = call.outputs.map((output) => {
      const name = this.#givenNames.get(output) ?? this.#invent(call.op);
      this.#names.set(output, name);
      this.#inferred.set(name, { name, type: output.type, shape: output.shape });
      return name;
    });
    const { opType = call.op, domain, attrs = {}, extra = [] } = lowered;
    this.#emit(opType, [...inputs, ...extra], { attrs, outputs, ...domain === undefined ? {} : { domain } });
  }

  #emit(
    opType: string,
    inputs: readonly string[],
    { attrs = {}, outputs = [this.#invent(opType)], ...rest }: Partial<Omit<OnnxCall, "opType" | "inputs">> = {},
  ): string {
    this.#calls.push({ opType, inputs, outputs, attrs, ...rest });
    return outputs[0] ?? "";
  }

  /** The name of an int64 vector of one element that holds `dim` at execution. */
  #dimVector(dim: Dim): string {
    if (typeof dim === "number") return this.int64Constant([dim]);
    return this.#memoized(dim, () => {
      const products = productsOf(dim).map(({ coefficient, symbols }) => {
        const factors = symbols.map((symbol) => this.#symbolVector(symbol));
        if (coefficient !== 1 || factors.length === 0) factors.push(this.int64Constant([coefficient]));
        return factors.reduce((a, b) => this.#emit("Mul", [a, b]));
      });
      return products.reduce((a, b) => this.#emit("Add", [a, b]));
    });
  }

  #symbolVector(symbol: string): string {
    const source = this.#symbols.get(symbol);
    if (source === undefined) throw new RangeError(`Cannot write graph: no input has "${symbol}" as an axis`);
    return this.#memoized(
      `symbol ${symbol}`,
      () => this.#emit("Shape", [source.input], { attrs: { start: source.axis, end: source.axis + 1 } }),
    );
  }

  /** Weights of several files may have the same name. */
  #weightName(name: string, { file, offset }: FileRegion): string {
    for (let count = 1;; count++) {
      const candidate = count === 1 ? name : `${name} ${count}`;
      const taken = this.#initializers.get(candidate)?.region;
      if (taken === undefined || (taken.file === file && taken.offset === offset)) return candidate;
    }
  }

  #memoized(key: string, make: () => string): string {
    const name = this.#dimVectors.get(key) ?? make();
    this.#dimVectors.set(key, name);
    return name;
  }

  #constant(
    initializer: { type: Value["type"]; shape: ConcreteShape; data: NonNullable<Initializer["data"]> },
  ): string {
    const { type, shape, data } = initializer;
    const content = data.length <= 64
      ? [...data].map((x) => Object.is(x, -0) ? "-0" : String(x)).join(",")
      : this.#invent("constant");
    const name = `${type}${formatShape(shape)}:${content}`;
    if (!this.#initializers.has(name)) this.#initializers.set(name, { name, type, shape, data });
    return name;
  }

  #invent(prefix: string): string {
    const count = (this.#counters.get(prefix) ?? 0) + 1;
    this.#counters.set(prefix, count);
    return `${prefix}_${count}`;
  }
}

/** Weights and constants have counts for dims by construction. */
function concrete(shape: Shape): ConcreteShape {
  return shape.map((dim) => {
    if (typeof dim !== "number") throw new Error(`Internal: stored tensor with symbolic dim ${dim}`);
    return dim;
  });
}

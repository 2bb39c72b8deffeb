/**
 * Makes a graph smaller without changing what it computes. Differentiation writes down much that is written twice or undone at
 * once; every call that is left costs time at compilation and at execution.
 *
 * - the same call on the same values is made once
 * - reshape of reshape, transpose of transpose and repeats of repeats are one; those that change nothing are none
 * - an elementwise operator broadcasts by itself, so its operands need not be repeated first
 *
 * It runs when a graph is written, after all gradients are taken, so that no rule can lead around a value that somebody
 * differentiates by. All other properties of values (types, shapes, names) stay.
 */
import { broadcastShapes, sameShape } from "../tensor/shape.ts";
import { topologicalOrder } from "./topological_order.ts";
import { callOp, type OpCall, type OpType, type Value } from "./value.ts";

/** What a graph is asked for. */
export interface GraphRequest {
  /** Outputs by name; at least one. */
  readonly outputs: Readonly<Record<string, Value>>;
  /** Names of values inside, such as hook names; values not listed get a name from their operator and a counter. */
  readonly names?: ReadonlyMap<Value, string>;
}

/** An equal request over a smaller graph. */
export function simplify({ outputs, names = new Map() }: GraphRequest): GraphRequest {
  const simplifier = new Simplifier();
  for (const value of topologicalOrder(Object.values(outputs))) simplifier.visit(value);
  const simplifiedNames = new Map<Value, string>();
  for (const [value, name] of names) {
    const simplified = simplifier.find(value);
    if (simplified !== undefined && !simplifiedNames.has(simplified)) simplifiedNames.set(simplified, name);
  }
  return {
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, simplifier.of(value)])),
    names: simplifiedNames,
  };
}

/** Operators that broadcast their operands, all of them. */
const BROADCASTING: ReadonlySet<OpType> = new Set<OpType>([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Equal",
  "GreaterOrEqual",
  "Where",
]);

/** Operators whose operands may change places without changing a bit of the result. */
const COMMUTATIVE: ReadonlySet<OpType> = new Set<OpType>(["Add", "Mul", "Equal"]);

class Simplifier {
  readonly #simplified = new Map<Value, Value>();
  /** Calls made so far, by operator, inputs and attributes. */
  readonly #calls = new Map<string, readonly Value[]>();
  readonly #ids = new Map<Value, number>();

  /** The simplified form of a value, undefined if the graph does not contain it. */
  find(value: Value): Value | undefined {
    return this.#simplified.get(value);
  }

  of(value: Value): Value {
    const simplified = this.#simplified.get(value);
    if (simplified === undefined) throw new Error("Internal: a value was used before it was simplified");
    return simplified;
  }

  visit(value: Value): void {
    if (this.#simplified.has(value)) return;
    if (value.origin.kind !== "output") {
      this.#simplified.set(value, this.#shared(value));
      return;
    }
    const { call } = value.origin;
    const replaced = this.#replace(call);
    call.outputs.forEach((output, index) => this.#simplified.set(output, replaced[index] ?? output));
  }

  #replace(call: OpCall): readonly Value[] {
    const inputs = call.inputs.map((input) => this.of(input));
    const [first] = inputs;
    if (first === undefined) throw new Error(`Internal: ${call.op} without inputs`);
    switch (call.op) {
      case "StopGradient":
        return [first];
      case "Reshape":
      case "Expand":
        return this.#reshaping(call, first);
      case "Transpose":
        return this.#transposing(call as OpCall<"Transpose">, first);
      default:
        return this.#call(call, BROADCASTING.has(call.op) ? unexpanded(inputs, shapeOf(call)) : inputs, call.attrs);
    }
  }

  /** Only the first source and the last shape matter. */
  #reshaping(call: OpCall, input: Value): readonly Value[] {
    const source = madeBy(input, call.op)?.inputs[0] ?? input;
    return sameShape(source.shape, shapeOf(call)) ? [source] : this.#call(call, [source], call.attrs);
  }

  #transposing(call: OpCall<"Transpose">, input: Value): readonly Value[] {
    const inner = madeBy(input, "Transpose") as OpCall<"Transpose"> | null;
    if (inner === null) return this.#call(call, [input], call.attrs);
    const permutation = call.attrs.permutation.map((axis) => inner.attrs.permutation[axis] ?? axis);
    const [source] = inner.inputs;
    return permutation.every((axis, index) => axis === index) ? [source] : this.#call(call, [source], { permutation });
  }

  /** The outputs of this call, made now or before. */
  #call(call: OpCall, inputs: readonly Value[], attrs: OpCall["attrs"]): readonly Value[] {
    const ids = inputs.map((input) => this.#id(input));
    if (COMMUTATIVE.has(call.op)) ids.sort((a, b) => a - b);
    const key = `${call.op} ${ids.join()} ${Object.values(attrs).join(" ")}`;
    const known = this.#calls.get(key);
    if (known !== undefined) return known;
    const outputs = callOp(call.op, { inputs, attrs } as Parameters<typeof callOp>[1], call.outputs);
    this.#calls.set(key, outputs);
    return outputs;
  }

  /** Constants of equal content are one value, and so are inputs of equal name, type and shape. */
  #shared(value: Value): Value {
    const { origin, type, shape } = value;
    const content = contentOf(origin);
    if (content === null) return value;
    const key = `${origin.kind} ${type} ${shape.join()} ${content}`;
    const [known] = this.#calls.get(key) ?? [];
    if (known === undefined) this.#calls.set(key, [value]);
    return known ?? value;
  }

  #id(value: Value): number {
    const id = this.#ids.get(value) ?? this.#ids.size;
    this.#ids.set(value, id);
    return id;
  }
}

/** What of a value's origin makes it the same as others; null where that is not to be known cheaply. */
function contentOf(origin: Value["origin"]): string | null {
  if (origin.kind === "input") return origin.name;
  if (origin.kind !== "constant" || origin.data.length > 64) return null;
  return [...origin.data].map((x) => Object.is(x, -0) ? "-0" : String(x)).join();
}

/** Operands without their repetition where the operator's own broadcasting gives the same shape. */
function unexpanded(inputs: readonly Value[], shape: Value["shape"]): readonly Value[] {
  const result = [...inputs];
  inputs.forEach((input, index) => {
    const source = madeBy(input, "Expand")?.inputs[0];
    if (source === undefined) return;
    const others = result.filter((_, other) => other !== index).map((other) => other.shape);
    const broadcast = [source.shape, ...others].reduce((a, b) => broadcastShapes(a, b, "simplify"));
    if (sameShape(broadcast, shape)) result[index] = source;
  });
  return result;
}

/** The call that made a value, if it is of this operator. */
function madeBy({ origin }: Value, op: OpType): OpCall | null {
  return origin.kind === "output" && origin.call.op === op ? origin.call : null;
}

function shapeOf({ outputs: [output], op }: OpCall): Value["shape"] {
  if (output === undefined) throw new Error(`Internal: ${op} without output`);
  return output.shape;
}

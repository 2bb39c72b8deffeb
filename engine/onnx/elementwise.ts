/** Constructors of elementwise operators. Each checks types, infers the shape at once and throws with both shapes. */
import { type ElementType, isFloat } from "../tensor/dtype.ts";
import { broadcastShapes } from "../tensor/shape.ts";
import { callOne, type OpSignatures, type OpType, scalar, type Value } from "./value.ts";

type BinaryOp = "Add" | "Sub" | "Mul" | "Div" | "Equal" | "GreaterOrEqual";
type UnaryOp = "Neg" | "Abs" | "Sign" | "Sqrt" | "Exp" | "Log" | "Tanh" | "Gelu" | "StopGradient";

/** a + b, broadcast. */
export function add(a: Value, b: Value): Value {
  return binary("Add", a, b);
}

/** a − b, broadcast. */
export function sub(a: Value, b: Value): Value {
  return binary("Sub", a, b);
}

/** a · b elementwise, broadcast. */
export function mul(a: Value, b: Value): Value {
  return binary("Mul", a, b);
}

/** a / b elementwise, broadcast. */
export function div(a: Value, b: Value): Value {
  return binary("Div", a, b);
}

/** a = b elementwise, broadcast; boolean. */
export function equal(a: Value, b: Value): Value {
  return binary("Equal", a, b, "bool");
}

/** a ≥ b elementwise, broadcast; boolean. */
export function greaterOrEqual(a: Value, b: Value): Value {
  return binary("GreaterOrEqual", a, b, "bool");
}

/** The sum of one or more values of one shape. @throws {RangeError} if there are none. */
export function addAll(values: readonly Value[]): Value {
  return values.reduce(add);
}

/** a · factor. */
export function scale(a: Value, factor: number): Value {
  return mul(a, scalar(factor, a.type));
}

/** a + term. */
export function shift(a: Value, term: number): Value {
  return add(a, scalar(term, a.type));
}

export function neg(a: Value): Value {
  return unary("Neg", a);
}

export function abs(a: Value): Value {
  return unary("Abs", a);
}

/** −1, 0 or 1. */
export function sign(a: Value): Value {
  return unary("Sign", a);
}

export function sqrt(a: Value): Value {
  return unary("Sqrt", a);
}

export function exp(a: Value): Value {
  return unary("Exp", a);
}

/** Natural logarithm. */
export function log(a: Value): Value {
  return unary("Log", a);
}

export function tanh(a: Value): Value {
  return unary("Tanh", a);
}

/** GELU in the tanh form of GPT-2 (Hendrycks and Gimpel 2016, section 2). One call, so that its inner values are not kept. */
export function gelu(a: Value): Value {
  if (a.type !== "float32") throw new TypeError(`Gelu: expected a float32 operand but found ${a.type}`);
  return unary("Gelu", a);
}

/** The same value, through which no gradient flows. */
export function stopGradient(a: Value): Value {
  return unary("StopGradient", a);
}

/** The same numbers in another element type. */
export function cast(a: Value, to: ElementType): Value {
  return a.type === to ? a : callOne("Cast", { inputs: [a], attrs: { to } }, { type: to, shape: a.shape });
}

/** `a` where `condition` holds, else `b`; all broadcast. */
export function where(condition: Value, a: Value, b: Value): Value {
  if (condition.type !== "bool") throw new TypeError(`Where: expected a bool condition but found ${condition.type}`);
  sameType("Where", a, b);
  const shape = broadcastShapes(condition.shape, broadcastShapes(a.shape, b.shape, "Where"), "Where");
  return callOne("Where", { inputs: [condition, a, b], attrs: {} }, { type: a.type, shape });
}

/** Throws unless both have one element type. */
export function sameType(op: OpType, a: Value, b: Value): void {
  if (a.type !== b.type) throw new TypeError(`${op}: expected operands of one type but found ${a.type} and ${b.type}`);
}

/** Throws unless the value is of a float type. */
export function requireFloat(op: OpType, a: Value): void {
  if (!isFloat(a.type)) throw new TypeError(`${op}: expected a float operand but found ${a.type}`);
}

function binary(op: BinaryOp, a: Value, b: Value, type = a.type): Value {
  sameType(op, a, b);
  const signature: OpSignatures[BinaryOp] = { inputs: [a, b], attrs: {} };
  return callOne(op, signature, { type, shape: broadcastShapes(a.shape, b.shape, op) });
}

function unary(op: UnaryOp, a: Value): Value {
  if (op !== "StopGradient") requireFloat(op, a);
  return callOne(op, { inputs: [a], attrs: {} }, { type: a.type, shape: a.shape });
}

/**
 * Reverse-mode differentiation of graphs, symbolically: `gradient()` returns values like any other.
 *
 * 1. Order what the output is made of; mark the values that lie on a path from a target (`wrt`) to the output. A path ends at
 *    `stopGradient` and at values that are not floats.
 * 2. Walk backwards over the marked calls only, asking `VJP_RULES` for the cotangents of their inputs and summing what arrives
 *    at the same value.
 */
import { isFloat } from "../tensor/dtype.ts";
import { formatShape, sameShape } from "../tensor/shape.ts";
import { add } from "../onnx/elementwise.ts";
import { topologicalOrder } from "../onnx/topological_order.ts";
import { type OpCall, scalar, type Value } from "../onnx/value.ts";
import { hasSeveralOutputs, NOT_DIFFERENTIABLE, VJP_RULES, zerosOf } from "./vjp_rules.ts";

/** The loosest form of a rule: what the table's rows have in common. */
type AnyRule = (ct: Value | readonly (Value | null)[], call: OpCall) => readonly (Value | null)[];

/**
 * ∂output/∂target for each target, of the target's type and shape; zeros where no path leads there.
 *
 * @param output A scalar, or with `seed` any value.
 * @param seed Cotangent of the output, of its shape; 1 by default.
 * @throws {RangeError} if the output is no scalar and has no seed, or a path leads through an operator without derivative.
 */
export function gradient(output: Value, wrt: readonly Value[], seed?: Value): readonly Value[] {
  if (seed === undefined ? output.shape.length !== 0 : !sameShape(seed.shape, output.shape)) {
    throw new RangeError(
      `Cannot differentiate a value of shape ${formatShape(output.shape)}: expected ${
        seed === undefined ? "a scalar" : `a seed of its shape but found ${formatShape(seed.shape)}`
      }`,
    );
  }
  const order = topologicalOrder([output]);
  const onPath = valuesFrom(new Set(wrt), order);
  const cotangents = new Map<Value, Value>([[output, seed ?? scalar(1, output.type)]]);
  const firstListed = firstListedOutputs(order);
  for (const value of order.toReversed()) {
    if (value.origin.kind !== "output" || !onPath.has(value)) continue;
    const { call } = value.origin;
    // Only now have the cotangents of all outputs of the call arrived.
    if (firstListed.get(call) !== value || !call.outputs.some((made) => cotangents.has(made))) continue;
    // A target's own inputs matter only if another target lies further up.
    if (!call.inputs.some((input) => onPath.has(input))) continue;
    cotangentsOfInputs(call, cotangents).forEach((ct, index) => {
      const input = call.inputs[index];
      if (ct === null || input === undefined || !onPath.has(input)) return;
      const sum = cotangents.get(input);
      cotangents.set(input, sum === undefined ? ct : add(sum, ct));
    });
  }
  return wrt.map((target) => cotangents.get(target) ?? zerosOf(target));
}

function cotangentsOfInputs(call: OpCall, cotangents: ReadonlyMap<Value, Value>): readonly (Value | null)[] {
  const rule = VJP_RULES[call.op];
  if (rule === NOT_DIFFERENTIABLE) {
    throw new RangeError(`Cannot differentiate through ${call.op}: it has no derivative`);
  }
  const incoming = call.outputs.map((output) => cotangents.get(output) ?? null);
  const ct = hasSeveralOutputs(call.op) ? incoming : incoming[0];
  if (ct === undefined || ct === null) throw new Error(`Internal: no cotangent reached ${call.op}`);
  // The table's types guarantee that each rule gets the cotangents and the call of its own operator.
  return (rule as AnyRule)(ct, call);
}

/** For each call, its output that comes first in the order. */
function firstListedOutputs(order: readonly Value[]): ReadonlyMap<OpCall, Value> {
  const first = new Map<OpCall, Value>();
  for (const value of order) {
    if (value.origin.kind === "output" && !first.has(value.origin.call)) first.set(value.origin.call, value);
  }
  return first;
}

/** The targets and every float value computed from them, as far as gradients can flow. */
function valuesFrom(targets: ReadonlySet<Value>, order: readonly Value[]): ReadonlySet<Value> {
  const reached = new Set<Value>(targets);
  for (const value of order) {
    const { origin } = value;
    if (origin.kind !== "output" || origin.call.op === "StopGradient" || !isFloat(value.type)) continue;
    if (origin.call.inputs.some((input) => reached.has(input))) reached.add(value);
  }
  return reached;
}

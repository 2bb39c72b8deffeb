/** The order in which values can be computed. */
import type { Value } from "./value.ts";

/** Every value that the outputs need, each after what it is made from. Depends only on the outputs' order. */
export function topologicalOrder(outputs: readonly Value[]): readonly Value[] {
  const done = new Set<Value>();
  const order: Value[] = [];
  const stack = outputs.toReversed().map((value) => ({ value, isExpanded: false }));
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { value, isExpanded } = entry;
    if (done.has(value)) continue;
    if (isExpanded || value.origin.kind !== "output") {
      done.add(value);
      order.push(value);
      continue;
    }
    stack.push({ value, isExpanded: true });
    for (const input of value.origin.call.inputs.toReversed()) stack.push({ value: input, isExpanded: false });
  }
  return order;
}

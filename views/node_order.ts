/** The rows of the node table in the order that the URL asks for. */
import type { NodeRow } from "../engine/mod.ts";
import type { RunViewState } from "./props.ts";

/** Metrics of a node, in the order of the columns, with their names for people. */
export const METRIC_COLUMNS = [
  {
    key: "activation",
    title: "Activation",
    help: "What the node computed: a neuron's output, or how much of its attention a head paid.",
  },
  {
    key: "writeNorm",
    title: "Write magnitude",
    help: "The length of the vector that the node adds to the residual stream.",
  },
  {
    key: "directEffect",
    title: "Direct effect",
    help: "What the node's write adds to the objective by itself, through the final norm, later layers left out.",
  },
  {
    key: "totalEffect",
    title: "Total effect",
    help: "Activation times gradient: an estimate of what the node adds to the objective through everything after it.",
  },
] as const;

export type MetricKey = typeof METRIC_COLUMNS[number]["key"];

/** A node's value on a side, or the difference of a pair of sides; NaN where a side has no such tokens. */
export function metricValue(
  node: NodeRow,
  metric: MetricKey,
  { side, pair: [first, second] }: Pick<RunViewState, "side" | "pair">,
): number {
  const values = node[metric];
  return side === "diff" ? (values[first] ?? NaN) - (values[second] ?? NaN) : values[side] ?? NaN;
}

/** Sorted copies; equal rows stay in the order of the result, and rows without a value come last. */
export function sortedNodes(nodes: readonly NodeRow[], view: RunViewState): readonly NodeRow[] {
  const { sort, direction } = view;
  const sign = direction === "asc" ? 1 : -1;
  if (sort === "ref") return sign === 1 ? nodes : nodes.toReversed();
  return nodes.toSorted((a, b) => {
    const [left, right] = [metricValue(a, sort, view), metricValue(b, sort, view)];
    if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
    return sign * (left - right);
  });
}

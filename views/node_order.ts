/** Which rows of the node table are shown, in which order: filter, sort, page, group. */
import type { NodeRow, Side } from "../engine/mod.ts";
import { METRIC_COLUMNS, type MetricKey } from "./metrics.ts";
import { componentOf, kindOf, layerOf, partOf, placesOf } from "./refs.ts";
import type { Grouping, NodeFilter, RunViewState } from "./view_state.ts";

/** A node's value on a side, or the difference of a pair of sides; NaN where a side has no such tokens. */
export function metricValue(
  node: Pick<NodeRow, MetricKey>,
  metric: MetricKey,
  { side, pair: [first, second] }: Pick<RunViewState, "side" | "pair">,
): number {
  const values = node[metric];
  return side === "diff" ? (values[first] ?? NaN) - (values[second] ?? NaN) : values[side] ?? NaN;
}

type Order = Pick<RunViewState, "sort" | "direction" | "side" | "pair">;

/** Sorted copies; equal rows stay in the order of the result, and rows without a value come last. */
export function sortedNodes<T extends NodeRow>(nodes: readonly T[], order: Order): readonly T[] {
  const { sort, direction } = order;
  if (sort === "ref") return direction === "desc" ? nodes.toReversed() : nodes;
  const key = (node: T) => {
    const value = metricValue(node, sort, order);
    return direction === "size" ? Math.abs(value) : value;
  };
  const sign = direction === "asc" ? 1 : -1;
  return nodes.toSorted((a, b) => {
    const [left, right] = [key(a), key(b)];
    if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
    return sign * (left - right);
  });
}

/** What the filter needs to know of a run. */
export interface FilterContext {
  readonly sides: readonly Side[];
  /** Layer of the first intervention, null without one. */
  readonly firstChangedLayer: number | null;
  readonly pair: RunViewState["pair"];
}

/** Rows that pass every part of the filter. */
export function filteredNodes<T extends NodeRow>(
  nodes: readonly T[],
  filter: NodeFilter,
  context: FilterContext,
): readonly T[] {
  const { kinds, layers, token, text, range, hidesEarly } = filter;
  const { firstChangedLayer, pair: [first] } = context;
  const wantedText = text.trim().toLowerCase();
  return nodes.filter((node) => {
    const layer = layerOf(node.ref);
    if (kinds.length > 0 && !kinds.includes(kindOf(node.ref))) return false;
    if (layers !== null && (layer === null || layer < layers[0] || layer > layers[1])) return false;
    if (!node.ref.toLowerCase().includes(wantedText)) return false;
    if (token !== "" && !isAtToken(node, token, context.sides)) return false;
    if (hidesEarly && firstChangedLayer !== null && (layer ?? -1) < firstChangedLayer) return false;
    if (range === null) return true;
    const value = metricValue(node, range.metric, { side: first, pair: context.pair });
    return value >= (range.min ?? -Infinity) && value <= (range.max ?? Infinity);
  });
}

/** Whether a node reads or writes at a token, given by its index or part of its text. */
function isAtToken({ ref, refs }: NodeRow, wanted: string, sides: readonly Side[]): boolean {
  const index = /^\s*\d{1,6}\s*$/.test(wanted) ? Number(wanted) : null;
  return sides.some(({ tokens }, side) => {
    const own = refs === undefined ? ref : refs[side];
    if (own === null || own === undefined) return false;
    return placesOf(own).some((place) =>
      place === index || tokens[place]?.text.toLowerCase().includes(wanted.toLowerCase())
    );
  });
}

/** How many filters are on, for the heading. */
export function isFiltered({ kinds, layers, token, text, range, hidesEarly }: NodeFilter): boolean {
  return kinds.length > 0 || layers !== null || token !== "" || text.trim() !== "" || range !== null || hidesEarly;
}

/** One page of rows; a page past the end is the last. */
export interface Page<T> {
  readonly rows: readonly T[];
  readonly page: number;
  readonly pageCount: number;
  /** Place of the first row among all, from 0. */
  readonly start: number;
}

export function pageOf<T>(rows: readonly T[], { page, pageSize }: Pick<RunViewState, "page" | "pageSize">): Page<T> {
  const pageCount = Math.max(1, Math.ceil(rows.length / pageSize));
  const shown = Math.min(page, pageCount);
  const start = (shown - 1) * pageSize;
  return { rows: rows.slice(start, start + pageSize), page: shown, pageCount, start };
}

/** Rows gathered under one name. */
export interface NodeGroup extends Pick<NodeRow, MetricKey> {
  readonly name: string;
  readonly count: number;
}

/** Sums of each metric over the rows of a group, by side; a row without a value on a side adds nothing there. */
export function groupedNodes(
  nodes: readonly NodeRow[],
  grouping: Grouping,
  { sides }: Pick<FilterContext, "sides">,
): readonly NodeGroup[] {
  const nameOf = ({ ref }: NodeRow): string => {
    switch (grouping) {
      case "component":
        return componentOf(ref) ?? "embed";
      case "layer": {
        const layer = layerOf(ref);
        return layer === null ? "embed" : `${partOf(ref)} of layer ${layer}`;
      }
      case "token":
        return `@${placesOf(ref)[0]}`;
    }
  };
  return [...Map.groupBy(nodes, nameOf)].map(([name, rows]) => {
    const sums = (metric: MetricKey) =>
      sides.map((_, side) => rows.reduce((sum, row) => sum + (row[metric][side] ?? 0), 0));
    return {
      name,
      count: rows.length,
      activation: sums("activation"),
      writeNorm: sums("writeNorm"),
      directEffect: sums("directEffect"),
      totalEffect: sums("totalEffect"),
    };
  });
}

/** Groups in the order that the view asks for; by name: as they come. */
export function sortedGroups(groups: readonly NodeGroup[], order: Order): readonly NodeGroup[] {
  return sortedNodes(groups.map((group) => ({ ...group, ref: group.name })), order);
}

/**
 * For a sorted metric: refs of rows that are in the table because of other columns only, so that the order has gaps among them. A row is
 * not, where it is among the k largest of its kind on the side sorted by, or for effects among the k smallest.
 */
export function beyondTopK(nodes: readonly NodeRow[], order: Order, k: number): ReadonlySet<string> {
  const { sort } = order;
  const metric = METRIC_COLUMNS.find(({ key }) => key === sort)?.key;
  if (metric === undefined || order.side === "diff") return new Set();
  const hasSign = metric === "directEffect" || metric === "totalEffect";
  const beyond = new Set<string>();
  for (const [kind, rows] of Map.groupBy(nodes, ({ ref }) => kindOf(ref))) {
    // All embeddings and errors are listed.
    if (kind === "embed" || kind === "error") continue;
    const value = (row: NodeRow) => {
      const own = metricValue(row, metric, order) || 0;
      return hasSign ? own : Math.abs(own);
    };
    const falling = rows.toSorted((a, b) => value(b) - value(a));
    const rest = hasSign ? falling.slice(k, -k || undefined) : falling.slice(k);
    rest.forEach(({ ref }) => beyond.add(ref));
  }
  return beyond;
}

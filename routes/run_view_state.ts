/** The state of a run's page, as its URL says it. */
import { NODE_SORTS, type RunViewState } from "../views/props.ts";

/** What a bare URL shows: the largest direct effects on the first side first. */
export const DEFAULT_VIEW: RunViewState = { sort: "directEffect", direction: "desc", side: 0, pair: [0, 1] };

/** Reads `sort`, `dir`, `side` and `pair`; what is not understood falls back to the default. */
export function runViewState(query: URLSearchParams, sideCount: number): RunViewState {
  const direction = query.get("dir");
  return {
    sort: NODE_SORTS.find((sort) => sort === query.get("sort")) ?? DEFAULT_VIEW.sort,
    direction: direction === "asc" || direction === "desc" ? direction : DEFAULT_VIEW.direction,
    side: sideOf(query.get("side"), sideCount),
    pair: pairOf(query.get("pair"), sideCount),
  };
}

function pairOf(text: string | null, sideCount: number): RunViewState["pair"] {
  const [, first, second] = /^(\d)-(\d)$/.exec(text ?? "") ?? [];
  const [a, b] = [Number(first), Number(second)];
  return a < sideCount && b < sideCount && a !== b ? [a, b] : DEFAULT_VIEW.pair;
}

function sideOf(text: string | null, sideCount: number): RunViewState["side"] {
  if (text === "diff" && sideCount > 1) return "diff";
  return text !== null && /^\d$/.test(text) && Number(text) < sideCount ? Number(text) : DEFAULT_VIEW.side;
}

/** The state of a run's page, as its URL says it. */
import { NODE_SORTS, type RunViewState } from "../views/props.ts";

/** What a bare URL shows: the largest direct effects on the first side first. */
export const DEFAULT_VIEW: RunViewState = { sort: "directEffect", direction: "desc", side: 0 };

/** Reads `sort`, `dir` and `side`; what is not understood falls back to the default. */
export function runViewState(query: URLSearchParams, sideCount: number): RunViewState {
  const direction = query.get("dir");
  return {
    sort: NODE_SORTS.find((sort) => sort === query.get("sort")) ?? DEFAULT_VIEW.sort,
    direction: direction === "asc" || direction === "desc" ? direction : DEFAULT_VIEW.direction,
    side: sideOf(query.get("side"), sideCount),
  };
}

function sideOf(text: string | null, sideCount: number): RunViewState["side"] {
  if (text === "diff" && sideCount === 2) return "diff";
  return text !== null && /^\d$/.test(text) && Number(text) < sideCount ? Number(text) : DEFAULT_VIEW.side;
}

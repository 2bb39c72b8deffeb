/** Every address that a page links, made in one place; parameters are encoded here and nowhere else. */
import type { NodeSort, RunViewState } from "./props.ts";

/** A path of this application. Only the functions of this file make one. */
export type AppUrl = string & { readonly brand: "AppUrl" };

function url(path: string, query: URLSearchParams = new URLSearchParams()): AppUrl {
  const text = query.toString();
  return (text === "" ? path : `${path}?${text}`) as AppUrl;
}

export function homeUrl(): AppUrl {
  return url("/");
}

export function debuggerUrl(): AppUrl {
  return url("/debugger");
}

/** Where questions are posted. */
export function runsUrl(): AppUrl {
  return url("/runs");
}

/** A run with the state of its table; what is as by default is left out. */
export function runUrl(id: string, { sort, direction, side, pair }: Partial<RunViewState> = {}): AppUrl {
  const query = new URLSearchParams();
  if (sort !== undefined) query.set("sort", sort satisfies NodeSort);
  if (direction !== undefined) query.set("dir", direction);
  if (side !== undefined && side !== 0) query.set("side", String(side));
  if (pair !== undefined && pair.join() !== "0,1") query.set("pair", pair.join("-"));
  return url(`/runs/${encodeURIComponent(id)}`, query);
}

/** A node of a run. */
export function nodeUrl(id: string, ref: string): AppUrl {
  return url(`/runs/${encodeURIComponent(id)}/node`, new URLSearchParams({ ref }));
}

/** Where a run's strongest nodes are ablated, and where the outcome is seen. */
export function measuredUrl(id: string): AppUrl {
  return url(`/runs/${encodeURIComponent(id)}/measured`);
}

export function cancelMeasuredUrl(id: string): AppUrl {
  return url(`/runs/${encodeURIComponent(id)}/measured/cancel`);
}

export function runJsonUrl(id: string): AppUrl {
  return url(`/api/v1/runs/${encodeURIComponent(id)}`);
}

export function nodesCsvUrl(id: string): AppUrl {
  return url(`/api/v1/runs/${encodeURIComponent(id)}/nodes.csv`);
}

export function logitsCsvUrl(id: string): AppUrl {
  return url(`/api/v1/runs/${encodeURIComponent(id)}/logits.csv`);
}

export function openApiUrl(): AppUrl {
  return url("/api/v1/openapi.json");
}

export function themeUrl(): AppUrl {
  return url("/theme");
}

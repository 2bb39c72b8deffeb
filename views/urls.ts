/** Every address that a page links, made in one place; parameters are encoded here and nowhere else. */
import { catalogueQuery, type CatalogueView } from "./catalogue_view.ts";
import { componentQuery, type ComponentView, DEFAULT_COMPONENT_VIEW } from "./component_view.ts";
import { DEFAULT_SEARCH, searchQuery, type SearchView } from "./search_view.ts";
import { DEFAULT_VIEW, type RunViewState, viewQuery } from "./view_state.ts";

/** A path of this application. Only the functions of this file make one. */
export type AppUrl = string & { readonly brand: "AppUrl" };

/** Id of the help's part about related components. */
export const RELATED_HELP_ID = "related";

function url(path: string, query: URLSearchParams = new URLSearchParams()): AppUrl {
  const text = query.toString();
  return (text === "" ? path : `${path}?${text}`) as AppUrl;
}

export function homeUrl(): AppUrl {
  return url("/");
}

/** The question form, answered, in the latents of one dictionary. */
export function askInLatentsUrl(model: string, { id, kind }: { readonly id: string; readonly kind: string }): AppUrl {
  const part = kind === "mlp-latent" ? "mlp" : kind === "attn-latent" ? "attention" : null;
  return url(
    "/debugger",
    new URLSearchParams([
      ["model", model],
      ...part === null ? [] : [[`basis.${part}`, "latent"]],
      ["dictionary", id],
    ]),
  );
}

/** The question form, of a model if one is given. */
export function debuggerUrl(model: string | null = null): AppUrl {
  return url("/debugger", new URLSearchParams(model === null ? [] : [["model", model]]));
}

/** Where questions are posted. */
export function runsUrl(): AppUrl {
  return url("/runs");
}

/** A run as a view of it; what is as by default is left out. */
export function runUrl(id: string, view: RunViewState = DEFAULT_VIEW): AppUrl {
  return url(`/runs/${encodeURIComponent(id)}`, viewQuery(view));
}

/** What a run's page, or one card of it, was made from. */
export function runDataUrl(id: string, card: string | null): AppUrl {
  return url(`/runs/${encodeURIComponent(id)}/data`, new URLSearchParams(card === null ? [] : [["card", card]]));
}

/** The circuit of a run's pinned nodes. `selected` has its ways on shown; on hold, what is not traced yet stays so. */
export function circuitUrl(
  id: string,
  pins: readonly string[],
  { selected = null, isOnHold = false }: { readonly selected?: string | null; readonly isOnHold?: boolean } = {},
): AppUrl {
  const query = new URLSearchParams(pins.map((ref) => ["pin", ref]));
  if (selected !== null) query.set("selected", selected);
  if (isOnHold) query.set("hold", "on");
  return url(`/runs/${encodeURIComponent(id)}/circuit`, query);
}

/** Adds nodes to the circuit, as `grow` says, and leads to it. */
export function growCircuitUrl(id: string, pins: readonly string[], grow: string): AppUrl {
  return url(
    `/runs/${encodeURIComponent(id)}/circuit`,
    new URLSearchParams([...pins.map((ref) => ["pin", ref]), ["grow", grow]]),
  );
}

export function circuitSvgUrl(id: string, pins: readonly string[]): AppUrl {
  return url(`/runs/${encodeURIComponent(id)}/circuit.svg`, new URLSearchParams(pins.map((ref) => ["pin", ref])));
}

/** What a head's attention page shows. */
export interface AttentionView {
  readonly head: string;
  readonly metric: string;
  readonly side: number;
  /** First token of the window; null for where it begins by itself. */
  readonly from: number | null;
  readonly pins: readonly number[];
}

/** The token pairs of one head of a run. */
export function attentionUrl(id: string, { head, metric, side, from, pins }: AttentionView): AppUrl {
  const query = new URLSearchParams({ head });
  if (metric !== "activation") query.set("metric", metric);
  if (side !== 0) query.set("side", String(side));
  if (from !== null) query.set("from", String(from));
  pins.forEach((token) => query.append("pin", String(token)));
  return url(`/runs/${encodeURIComponent(id)}/attention`, query);
}

/** Two runs side by side. */
export function compareUrl(a: string, b: string, view: RunViewState = DEFAULT_VIEW): AppUrl {
  return url("/compare", new URLSearchParams([["a", a], ["b", b], ...viewQuery(view)]));
}

/** Where two runs are chosen to be compared. */
export function compareFormUrl(): AppUrl {
  return url("/compare");
}

/** A component of a model, in a view; what is as by default is left out. */
export function componentUrl(model: string, component: string, view: Partial<ComponentView> = {}): AppUrl {
  const path = `/models/${encodeURIComponent(model)}/components/${
    component.split("/").map(encodeURIComponent).join("/")
  }`;
  return url(path, componentQuery({ ...DEFAULT_COMPONENT_VIEW, ...view }));
}

/** All heads or neurons of a model. */
export function catalogueUrl(model: string, view: CatalogueView): AppUrl {
  return url(`/models/${encodeURIComponent(model)}/catalogue`, catalogueQuery(view));
}

/** Where components are looked for, and a search; what is as by default is left out. */
export function searchUrl(view: Partial<SearchView> = {}): AppUrl {
  return url("/search", searchQuery({ ...DEFAULT_SEARCH, ...view }));
}

/** What is looked for among explanations; absent as by default. */
export interface ExplanationsView {
  readonly q?: string;
  readonly model?: string;
  readonly page?: number;
}

export function explanationsUrl({ q, model, page }: ExplanationsView = {}): AppUrl {
  const query = new URLSearchParams();
  if (q !== undefined) query.set("q", q);
  if (model !== undefined) query.set("model", model);
  if (page !== undefined && page !== 1) query.set("page", String(page));
  return url("/explanations", query);
}

/** Where explanations of a component are made (`explanations`), written, scored (`scores`) and removed. */
export function explainUrl(model: string, component: string, action: string): AppUrl {
  return url(`${componentUrl(model, component)}/${action}`);
}

/** Where many components of a model are explained. */
export function explainManyUrl(model: string): AppUrl {
  return url(`/models/${encodeURIComponent(model)}/explain`);
}

/** The dictionaries of a model, one of them measured if it is named. */
export function dictionariesUrl(model: string, measured: string | null = null): AppUrl {
  const query = new URLSearchParams(measured === null ? [] : [["measured", measured]]);
  return url(`/models/${encodeURIComponent(model)}/dictionaries`, query);
}

/** Where a sweep of a model is begun. */
export function sweepUrl(model: string): AppUrl {
  return url(`/models/${encodeURIComponent(model)}/sweep`);
}

export function jobsUrl(): AppUrl {
  return url("/jobs");
}

/** Where dictionaries are trained. */
export function trainingUrl(): AppUrl {
  return url("/training");
}

/** Where a job is paused, resumed or cancelled. */
export function jobActionUrl(id: string, action: string): AppUrl {
  return url(`/jobs/${encodeURIComponent(id)}/${encodeURIComponent(action)}`);
}

/** Where "jump to a component" leads from. */
export function jumpUrl(): AppUrl {
  return url("/jump");
}

/** Checks the form while it is typed. */
export function formCheckUrl(): AppUrl {
  return url("/debugger/check");
}

export function helpUrl(): AppUrl {
  return url("/help");
}

/** Where the help says how components are compared. */
export function relatedHelpUrl(): AppUrl {
  return `${helpUrl()}#${RELATED_HELP_ID}` as AppUrl;
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
  return url(`/runs/${encodeURIComponent(id)}.json`);
}

export function nodesCsvUrl(id: string): AppUrl {
  return url(`/runs/${encodeURIComponent(id)}/nodes.csv`);
}

export function logitsCsvUrl(id: string): AppUrl {
  return url(`/runs/${encodeURIComponent(id)}/logits.csv`);
}

export function openApiUrl(): AppUrl {
  return url("/api/v1/openapi.json");
}

/** Where single keys are switched on and off. */
export function keysUrl(): AppUrl {
  return url("/keys");
}

export function themeUrl(): AppUrl {
  return url("/theme");
}

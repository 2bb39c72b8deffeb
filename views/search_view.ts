/** What the page of searches shows, as its URL says it. `readSearchView` and `searchQuery` are each other's inverse. */
import type { ComponentKind, FoundSort, PhraseMatch } from "../engine/mod.ts";
import { componentKind } from "./component_kinds.ts";

/** Longest text that is looked at, in characters: as long as a component's page takes. */
export const MAX_SEARCH_TEXT = 2000;

/** Orders of each search, its usual one first. */
export const SEARCH_SORTS: Readonly<Record<SearchView["in"], readonly FoundSort[]>> = {
  firing: ["relative", "value"],
  text: ["matches", "relative", "value"],
};

export interface SearchView {
  /** Null for the first that is loaded. */
  readonly model: string | null;
  /** A text of one's own, or a phrase; empty before anything was asked. */
  readonly q: string;
  /** By what fires on the text, or by the texts that hold the phrase. */
  readonly in: "firing" | "text";
  /** How a phrase is compared. */
  readonly match: PhraseMatch;
  /** Null for heads and neurons. */
  readonly kind: ComponentKind | null;
  /** Of latents, the dictionary; null for the first of their kind. */
  readonly dictionary: string | null;
  /** Rising; none for all. */
  readonly layers: readonly number[];
  /** The token of the text at which values count; null for all. */
  readonly token: number | null;
  /** Null for the usual one. */
  readonly sort: FoundSort | null;
  /** Null for the first that has records. */
  readonly textSet: string | null;
  /** Pages of the components and of the texts, counted from 1. */
  readonly page: number;
  readonly texts: number;
}

export const DEFAULT_SEARCH: SearchView = {
  model: null,
  q: "",
  in: "firing",
  match: "text",
  kind: null,
  dictionary: null,
  layers: [],
  token: null,
  sort: null,
  textSet: null,
  page: 1,
  texts: 1,
};

export function searchQuery(view: SearchView): URLSearchParams {
  const query = new URLSearchParams();
  const isText = view.in === "text";
  if (view.model !== null) query.set("model", view.model);
  if (view.q !== "") query.set("q", view.q);
  if (isText) query.set("in", view.in);
  if (isText && view.match !== "text") query.set("match", view.match);
  if (view.kind !== null) query.set("kind", view.kind);
  if (view.dictionary !== null) query.set("dictionary", view.dictionary);
  view.layers.forEach((layer) => query.append("layer", String(layer)));
  if (!isText && view.token !== null) query.set("token", String(view.token));
  if (view.sort !== null) query.set("sort", view.sort);
  if (view.textSet !== null) query.set("set", view.textSet);
  if (view.page !== 1) query.set("page", String(view.page));
  if (isText && view.texts !== 1) query.set("texts", String(view.texts));
  return query;
}

/** Reads a view; what is not understood, or is not of this search, is as by default. */
export function readSearchView(query: URLSearchParams): SearchView {
  const way = query.get("in") === "text" ? "text" : "firing";
  const isText = way === "text";
  const dictionary = query.get("dictionary");
  const layers = query.getAll("layer").flatMap((text) => numberOf(text) ?? []);
  return {
    model: nameOf(query.get("model")),
    q: (query.get("q") ?? "").replaceAll("\r\n", "\n").slice(0, MAX_SEARCH_TEXT),
    in: way,
    match: isText && query.get("match") === "tokens" ? "tokens" : "text",
    kind: componentKind(query.get("kind")),
    dictionary: dictionary === null || dictionary === "" ? null : dictionary.slice(0, 300),
    layers: [...new Set(layers)].toSorted((a, b) => a - b),
    token: isText ? null : numberOf(query.get("token")),
    sort: SEARCH_SORTS[way].find((known) => known === query.get("sort")) ?? null,
    textSet: nameOf(query.get("set")),
    page: Math.max(1, numberOf(query.get("page")) ?? 1),
    texts: isText ? Math.max(1, numberOf(query.get("texts")) ?? 1) : 1,
  };
}

function numberOf(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null;
}

function nameOf(text: string | null): string | null {
  return text === null || text === "" ? null : text.slice(0, 200);
}

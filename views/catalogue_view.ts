/** What a model's catalogue shows, as its URL says it. `readCatalogueView` and `catalogueQuery` are each other's inverse. */
import type { CatalogueSort, ComponentKind } from "../engine/mod.ts";
import { componentKind } from "./component_kinds.ts";

/** Statistics of every component, and scores that heads have besides, in the order of the columns. */
export const STATISTIC_SORTS = ["max", "mean", "variance", "skewness", "kurtosis", "fractionActive"] as const;
export const SCORE_SORTS = [
  "induction",
  "duplicateToken",
  "previousToken",
  "self",
  "firstToken",
  "entropy",
  "copying",
] as const;

/** Names of the columns for people. */
export const SORT_TITLES: Readonly<Record<CatalogueSort, string>> = {
  max: "Largest",
  mean: "Mean",
  variance: "Variance",
  skewness: "Skewness",
  kurtosis: "Kurtosis",
  fractionActive: "Active",
  induction: "Induction",
  duplicateToken: "Duplicate token",
  previousToken: "Previous token",
  self: "Self",
  firstToken: "First token",
  entropy: "Entropy",
  copying: "Copying",
};

export interface CatalogueView {
  readonly kind: ComponentKind;
  /** Of latents, the dictionary; null for the first of their kind. */
  readonly dictionary: string | null;
  /** One layer; null for all. */
  readonly layer: number | null;
  readonly sort: CatalogueSort;
  readonly direction: "asc" | "desc";
  /** Counted from 1. */
  readonly page: number;
  /** Null for the first that has records. */
  readonly textSet: string | null;
}

/** What is shown first of a kind: heads by induction, others by their largest value. */
export function defaultCatalogue(kind: CatalogueView["kind"]): CatalogueView {
  const sort = kind === "head" ? "induction" : "max";
  return { kind, dictionary: null, layer: null, sort, direction: "desc", page: 1, textSet: null };
}

export function catalogueQuery(view: CatalogueView): URLSearchParams {
  const { kind, dictionary, layer, sort, direction, page, textSet } = view;
  const query = new URLSearchParams();
  if (kind !== "head") query.set("kind", kind);
  if (dictionary !== null) query.set("dictionary", dictionary);
  if (layer !== null) query.set("layer", String(layer));
  if (sort !== defaultCatalogue(kind).sort) query.set("sort", sort);
  if (direction !== "desc") query.set("dir", direction);
  if (page !== 1) query.set("page", String(page));
  if (textSet !== null) query.set("set", textSet);
  return query;
}

/** Reads a view; what is not understood is as by default. */
export function readCatalogueView(query: URLSearchParams): CatalogueView {
  const kind = componentKind(query.get("kind")) ?? "head";
  const number = (name: string) => /^\d{1,6}$/.test(query.get(name) ?? "") ? Number(query.get(name)) : null;
  const sorts: readonly CatalogueSort[] = kind === "head" ? [...STATISTIC_SORTS, ...SCORE_SORTS] : STATISTIC_SORTS;
  const [textSet, dictionary] = [query.get("set"), query.get("dictionary")];
  return {
    kind,
    dictionary: dictionary === null || dictionary === "" ? null : dictionary.slice(0, 300),
    layer: number("layer"),
    sort: sorts.find((known) => known === query.get("sort")) ?? defaultCatalogue(kind).sort,
    direction: query.get("dir") === "asc" ? "asc" : "desc",
    page: Math.max(1, number("page") ?? 1),
    textSet: textSet === null || textSet === "" ? null : textSet.slice(0, 200),
  };
}

/**
 * What a run's page shows, as its URL says it. Everything that a reader can switch is here, so that Back, reload and a copied
 * address bring back the same screen. `readView` and `viewQuery` are each other's inverse; what is as by default is left out.
 */
import type { Metric } from "../engine/mod.ts";
import { METRIC_COLUMNS } from "./metrics.ts";

/** Columns by which the node table can be sorted. */
export const NODE_SORTS = ["ref", "activation", "writeNorm", "directEffect", "totalEffect"] as const;
export type NodeSort = typeof NODE_SORTS[number];

/** Kinds of nodes, as the table calls them. */
export const NODE_KINDS = ["head", "neuron", "attn-latent", "mlp-latent", "resid-latent", "error", "embed"] as const;
export type NodeKind = typeof NODE_KINDS[number];

/** Kinds for people. */
export const NODE_KIND_NAMES: Readonly<Record<NodeKind, string>> = {
  head: "head",
  neuron: "neuron",
  "attn-latent": "attention latent",
  "mlp-latent": "MLP latent",
  "resid-latent": "residual latent",
  error: "error",
  embed: "embed",
};

/** What rows can be gathered under. */
export const GROUPINGS = ["component", "layer", "token"] as const;
export type Grouping = typeof GROUPINGS[number];

/** Cards of a run's page, in their order, and whether they are open by themselves. */
export const CARDS = {
  logits: true,
  effects: false,
  layers: true,
  sparsity: true,
  nodes: true,
  lens: false,
  checks: true,
  provenance: true,
  code: false,
} as const;
export type CardName = keyof typeof CARDS;

/** Rows of a page of the node table. With two sides compared a row has three times the numbers, and 100 rows are too heavy. */
export function pageSizes(sideCount: number): readonly number[] {
  return sideCount > 1 ? [10, 25, 50] : [10, 25, 50, 100];
}

/** Most rows that are open at a time; the oldest closes. */
export const MAX_OPEN_ROWS = 8;
/** Most nodes that are pinned at a time. */
export const MAX_PINS = 40;

const MAX_TEXT = 200;

/** Which rows the node table shows. */
export interface NodeFilter {
  /** None: all. */
  readonly kinds: readonly NodeKind[];
  /** First and last layer; embeddings have none. */
  readonly layers: readonly [number, number] | null;
  /** Part of a token's text, or its index. */
  readonly token: string;
  /** Part of a ref. */
  readonly text: string;
  /** Bounds on a column of the first side shown; an empty bound is null. */
  readonly range: { readonly metric: Metric; readonly min: number | null; readonly max: number | null } | null;
  /** Hide layers before the first intervention. */
  readonly hidesEarly: boolean;
}

export interface RunViewState {
  readonly sort: NodeSort;
  /** `size`: largest by absolute value first. */
  readonly direction: "asc" | "desc" | "size";
  /** Which side's value is sorted by; `diff` is the first of the pair minus the second. */
  readonly side: number | "diff";
  /** The two sides that tables compare, where a run has more. */
  readonly pair: readonly [number, number];
  /** Counted from 1. */
  readonly page: number;
  readonly pageSize: number;
  readonly filter: NodeFilter;
  readonly group: Grouping | null;
  /** Refs of rows that are open. */
  readonly open: readonly string[];
  /** Cards that are not as they are by themselves. */
  readonly toggled: readonly CardName[];
  /** Refs of the nodes of the circuit. */
  readonly pins: readonly string[];
  readonly logitSort: "logit" | "diff";
  /** Side whose logit is sorted by. */
  readonly logitSide: number;
  readonly logitDirection: "asc" | "desc";
  readonly showsAllLogits: boolean;
  /** One colour scale for all rows of token effects. */
  readonly sharedScale: boolean;
  /** First token that is shown of long prompts; null for such that the window ends where the objective is read. */
  readonly tokensFrom: number | null;
  /** First token of the logit lens; null for where it begins by itself. */
  readonly lensFrom: number | null;
  /** Interventions that are switched off, in the form's words. */
  readonly off: readonly string[];
  /** The run that this one was made from, by one change. */
  readonly previous: string | null;
}

/** What a bare URL shows: the largest direct effects on the first side first. */
export const DEFAULT_VIEW: RunViewState = {
  sort: "directEffect",
  direction: "desc",
  side: 0,
  pair: [0, 1],
  page: 1,
  pageSize: 25,
  filter: { kinds: [], layers: null, token: "", text: "", range: null, hidesEarly: false },
  group: null,
  open: [],
  toggled: [],
  pins: [],
  logitSort: "logit",
  logitSide: 0,
  logitDirection: "desc",
  showsAllLogits: false,
  sharedScale: false,
  tokensFrom: null,
  lensFrom: null,
  off: [],
  previous: null,
};

/** Whether a card's content is shown. */
export function isOpen({ toggled }: RunViewState, card: CardName): boolean {
  return CARDS[card] !== toggled.includes(card);
}

/** The view with a card the other way. */
export function withToggled(view: RunViewState, card: CardName): RunViewState {
  return { ...view, toggled: toggledList(view.toggled, card) };
}

/** The list without an item that it has, or with one that it lacks. */
export function toggledList<T>(items: readonly T[], item: T): readonly T[] {
  return items.includes(item) ? items.filter((other) => other !== item) : [...items, item];
}

/** The query that says a view. */
export function viewQuery(view: RunViewState): URLSearchParams {
  const { filter: { kinds, layers, token, text, range, hidesEarly } } = view;
  const query = new URLSearchParams();
  const say = (name: string, value: string | number | null, byDefault: string | number | null = null) => {
    if (value !== null && value !== "" && value !== byDefault) query.append(name, String(value));
  };
  say("sort", view.sort, DEFAULT_VIEW.sort);
  say("dir", view.direction, view.sort === "ref" ? "asc" : DEFAULT_VIEW.direction);
  say("side", view.side, DEFAULT_VIEW.side);
  say("pair", view.pair.join("-"), DEFAULT_VIEW.pair.join("-"));
  say("page", view.page, DEFAULT_VIEW.page);
  say("size", view.pageSize, DEFAULT_VIEW.pageSize);
  say("kind", kinds.join(","));
  say("layers", layers === null ? null : layers.join("-"));
  say("token", token);
  say("q", text);
  say("range", range === null ? null : `${range.metric}:${range.min ?? ""}:${range.max ?? ""}`);
  say("early", hidesEarly ? "hide" : null);
  say("group", view.group);
  view.open.forEach((ref) => say("open", ref));
  say("cards", view.toggled.join(","));
  view.pins.forEach((ref) => say("pin", ref));
  say("lsort", view.logitSort, DEFAULT_VIEW.logitSort);
  say("lside", view.logitSide, DEFAULT_VIEW.logitSide);
  say("ldir", view.logitDirection, DEFAULT_VIEW.logitDirection);
  say("lrows", view.showsAllLogits ? "all" : null);
  say("scale", view.sharedScale ? "shared" : null);
  say("tokens", view.tokensFrom);
  say("lens", view.lensFrom);
  view.off.forEach((line) => say("off", line));
  say("from", view.previous);
  return query;
}

/** Reads a view; what is not understood, or not there in a run of so many sides, is as by default. */
export function readView(query: URLSearchParams, sideCount: number): RunViewState {
  const sort = oneOf(NODE_SORTS, query.get("sort")) ?? DEFAULT_VIEW.sort;
  const byDefault = sort === "ref" ? "asc" : DEFAULT_VIEW.direction;
  return {
    sort,
    direction: oneOf(["asc", "desc", "size"] as const, query.get("dir")) ?? byDefault,
    side: query.get("side") === "diff" && sideCount > 1 ? "diff" : sideOf(query.get("side"), sideCount),
    pair: pairOf(query.get("pair"), sideCount),
    page: Math.max(1, wholeNumber(query.get("page")) ?? 1),
    pageSize: pageSizeOf(wholeNumber(query.get("size")), sideCount),
    filter: {
      kinds: listOf(NODE_KINDS, query.getAll("kind")),
      layers: layersOf(query),
      token: textOf(query.get("token")),
      text: textOf(query.get("q")),
      range: rangeOf(query),
      hidesEarly: query.get("early") === "hide",
    },
    group: oneOf(GROUPINGS, query.get("group")),
    open: textsOf(query.getAll("open"), MAX_OPEN_ROWS),
    toggled: listOf(Object.keys(CARDS) as CardName[], query.getAll("cards")),
    pins: textsOf(query.getAll("pin"), MAX_PINS),
    logitSort: query.get("lsort") === "diff" && sideCount > 1 ? "diff" : "logit",
    logitSide: sideOf(query.get("lside"), sideCount),
    logitDirection: oneOf(["asc", "desc"] as const, query.get("ldir")) ?? DEFAULT_VIEW.logitDirection,
    showsAllLogits: query.get("lrows") === "all",
    sharedScale: query.get("scale") === "shared",
    tokensFrom: wholeNumber(query.get("tokens")),
    lensFrom: wholeNumber(query.get("lens")),
    off: textsOf(query.getAll("off"), 64),
    previous: /^[0-9a-f]{8,64}$/.test(query.get("from") ?? "") ? query.get("from") : null,
  };
}

/** A size that is offered; one that is too large for so many sides becomes the largest that is not. */
function pageSizeOf(asked: number | null, sideCount: number): number {
  const sizes = pageSizes(sideCount);
  const isKnown = asked !== null && pageSizes(1).includes(asked);
  return isKnown ? sizes.findLast((size) => size <= asked) ?? DEFAULT_VIEW.pageSize : DEFAULT_VIEW.pageSize;
}

function oneOf<T extends string>(known: readonly T[], text: string | null): T | null {
  return known.find((item) => item === text) ?? null;
}

/** Known words of comma lists, each once, in the order known. */
function listOf<T extends string>(known: readonly T[], texts: readonly string[]): readonly T[] {
  const words = new Set(texts.flatMap((text) => text.split(",")));
  return known.filter((item) => words.has(item));
}

function textsOf(texts: readonly string[], count: number): readonly string[] {
  return [...new Set(texts.map((text) => text.slice(0, MAX_TEXT)).filter((text) => text !== ""))].slice(-count);
}

function textOf(text: string | null): string {
  return (text ?? "").slice(0, MAX_TEXT);
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null;
}

function finiteNumber(text: string | null | undefined): number | null {
  const trimmed = (text ?? "").trim().replace("\u2212", "-");
  return trimmed !== "" && Number.isFinite(Number(trimmed)) ? Number(trimmed) : null;
}

/** As `layers=2-5`, or from the two fields of the filter form. */
function layersOf(query: URLSearchParams): NodeFilter["layers"] {
  const [, low, high] = /^(\d{1,3})-(\d{1,3})$/.exec(query.get("layers") ?? "") ?? [];
  if (low !== undefined && high !== undefined) return [Number(low), Number(high)];
  const [first, last] = [wholeNumber(query.get("layer-min")), wholeNumber(query.get("layer-max"))];
  return first === null && last === null ? null : [first ?? 0, last ?? 999];
}

/** As `range=directEffect:0.5:`, or from the three fields of the filter form. */
function rangeOf(query: URLSearchParams): NodeFilter["range"] {
  const [name, low, high] = (query.get("range") ?? "").split(":");
  const known = METRIC_COLUMNS.find(({ key }) => key === (name || query.get("metric")))?.key;
  const [min, max] = [finiteNumber(low ?? query.get("min")), finiteNumber(high ?? query.get("max"))];
  return known === undefined || (min === null && max === null) ? null : { metric: known, min, max };
}

function pairOf(text: string | null, sideCount: number): RunViewState["pair"] {
  const [, first, second] = /^(\d)-(\d)$/.exec(text ?? "") ?? [];
  const [a, b] = [Number(first), Number(second)];
  return a < sideCount && b < sideCount && a !== b ? [a, b] : DEFAULT_VIEW.pair;
}

function sideOf(text: string | null, sideCount: number): number {
  return text !== null && /^\d$/.test(text) && Number(text) < sideCount ? Number(text) : 0;
}

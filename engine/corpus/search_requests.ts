/** How components are looked for: by what fires on a text, and by the texts of a sweep that hold a word or phrase. */
import { z } from "zod";
import type { Token } from "../model/summary.ts";
import { COMPONENT_KINDS } from "./component.ts";
import { dictionaryField } from "./corpus_requests.ts";

/** Components that a search keeps in its order; of more it tells only how many there are. */
export const MAX_FOUND_COMPONENTS = 200;

/** Rows of a page of a search. */
export const MAX_SEARCH_ROWS = 200;

/** Longest word or phrase that texts are searched for, in characters. */
export const MAX_PHRASE_CHARACTERS = 200;

/** What rows of `firing` are sorted by, largest first. */
export const FIRING_SORTS = ["relative", "value"] as const;
export type FiringSort = typeof FIRING_SORTS[number];

/** What components that a phrase was found for are sorted by, largest first. */
export const FOUND_SORTS = ["matches", "relative", "value"] as const;
export type FoundSort = typeof FOUND_SORTS[number];

/** How a phrase is compared with texts. */
export const PHRASE_MATCHES = ["text", "tokens"] as const;
export type PhraseMatch = typeof PHRASE_MATCHES[number];

/** Which lists a search for a phrase answers. */
export const SEARCH_LISTS = ["all", "texts", "components"] as const;

function oneOf<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.enum(names, { error: `Expected one of ${names.join(", ")}` });
}

const scope = {
  model: z.string().optional().meta({ description: "Id of a loaded model; default: the first" }),
  textSet: z.string().max(200).optional().meta({
    description: "Id of a text set; default: the model's first one that has records",
  }),
  kind: oneOf(COMPONENT_KINDS).nullable().default(null).meta({
    description: "Only components of this kind; default: heads and neurons, or with a dictionary its latents",
  }),
  layers: z.array(z.int().min(0)).max(1000).default([]).meta({ description: "Only these layers; default: all" }),
  dictionary: dictionaryField.meta({
    description:
      "Of latents: id of the one dictionary to look in; default: the first loaded one of the kind and layers",
  }),
  page: z.int().min(1).max(1_000_000).default(1),
  pageSize: z.int().min(1).max(MAX_SEARCH_ROWS).default(50),
};

export const firingRequestSchema = z.strictObject({
  ...scope,
  text: z.string().max(100_000).meta({ description: "At most as many tokens as the model's context holds" }),
  token: z.int().min(0).nullable().default(null).meta({
    description: "Only values at this token (heads: pairs that it reads); default: at any but a BOS that was prepended",
  }),
  sort: oneOf(FIRING_SORTS).optional().meta({
    description:
      "relative: to the component's largest value over the text set; default: relative where there are records",
  }),
});

export type FiringRequest = z.input<typeof firingRequestSchema>;

/** A component and its strongest place in the text. */
export interface FiringRow {
  /** `mlp/5/1234`, `head/9/8` or `mlp-latent/5/88`. */
  readonly component: string;
  /** Neurons and latents: the activation; heads: the write norm of the pair. Above 0. */
  readonly value: number;
  /** Largest value over the text set; null without records. */
  readonly largest: number | null;
  /** `value / largest`; null without records, and where `largest` is below a hundredth of its median over the layer: such a component is as good as dead. */
  readonly relative: number | null;
  /** `[token]`, or `[query, key]`. */
  readonly at: readonly number[];
}

export interface Firing {
  readonly model: string;
  /** Id of the text set that values are compared with; null where there are no records. */
  readonly source: string | null;
  /** Of latents: id of their dictionary; else null. */
  readonly dictionary: string | null;
  /** The text as the model reads it. */
  readonly tokens: readonly Token[];
  readonly token: number | null;
  readonly sort: FiringSort;
  /** Components that were looked at, those whose value is above 0, and those of them that pages show. */
  readonly considered: number;
  readonly total: number;
  readonly kept: number;
  readonly rows: readonly FiringRow[];
}

export const searchRequestSchema = z.strictObject({
  ...scope,
  q: z.string().min(1, "Expected a word or phrase").max(MAX_PHRASE_CHARACTERS).meta({
    description: "A word or phrase; spaces count",
  }),
  match: oneOf(PHRASE_MATCHES).default("text").meta({
    description: "text: its characters, in upper or lower case, also within a word; tokens: exactly its tokens",
  }),
  in: oneOf(SEARCH_LISTS).default("all").meta({ description: "Which lists are wanted" }),
  sort: oneOf(FOUND_SORTS).default("matches").meta({
    description: "Order of the components: by top sequences that match, or by the largest value there",
  }),
  textsPage: scope.page.meta({ description: "Page of the texts; `page` is that of the components" }),
});

export type SearchRequest = z.input<typeof searchRequestSchema>;

/** A sequence that holds the phrase. */
export interface FoundText {
  /** Its number in the text set. */
  readonly sequence: number;
  /** Times that the phrase is in it; they do not overlap. */
  readonly occurrences: number;
  /** The first tokens that are on the phrase, from `from` to before `end`. */
  readonly tokens: readonly number[];
  /** The text of these tokens, a little of what stands before, and of what stands after. Tokens are not cut: a match may be more than the phrase. */
  readonly before: string;
  readonly match: string;
  readonly after: string;
}

/** A component that is strongest on the phrase in some of its top sequences. */
export interface FoundComponent {
  readonly component: string;
  /** Top sequences whose maximum is on a token of the phrase: the token, or for a head the query, the key or both. */
  readonly matches: number;
  /** Top sequences that hold the phrase anywhere, and top sequences in all. */
  readonly containing: number;
  readonly listed: number;
  /** The largest of those maxima, and the component's largest value. */
  readonly value: number;
  readonly largest: number;
  /** `value / largest`; null where `largest` is below a hundredth of its median over the layer. */
  readonly relative: number | null;
  /** Where `value` is: the sequence, and `[token]` or `[query, key]`. */
  readonly sequence: number;
  readonly at: readonly number[];
  /** Which end of the pair is on the phrase; for neurons and latents `token`. */
  readonly on: "token" | "query" | "key" | "both";
}

export interface SearchResult {
  readonly model: string;
  /** Id of the text set. */
  readonly source: string;
  /** Of latents: id of their dictionary; else null. */
  readonly dictionary: string | null;
  readonly q: string;
  readonly match: PhraseMatch;
  /** Sequences of the set; a phrase that goes on from one to the next is not found. */
  readonly sequenceCount: number;
  /** Sequences that hold the phrase, in their order. Null where not asked for. */
  readonly texts: {
    readonly total: number;
    readonly occurrences: number;
    readonly rows: readonly FoundText[];
  } | null;
  /** Components that were looked at, those found, and those of them that pages show. Null where not asked for. */
  readonly components: {
    readonly considered: number;
    readonly total: number;
    readonly kept: number;
    readonly rows: readonly FoundComponent[];
  } | null;
}

/** What is asked about components over a text set: records, the catalogue, values on texts of one's own. */
import { z } from "zod";
import { COMPONENT_KINDS } from "./component.ts";
import { HEAD_SCORES, type HeadScores, type ValueStatistics } from "./component_records.ts";

/** Sequences that are kept of each component, by falling maximum. */
export const TOP_SEQUENCES = 20;

/** Sequences of the random sample, the same for every component. */
export const RANDOM_SEQUENCES = 64;

/** Texts that values are computed on at a time. */
export const MAX_ACTIVATION_TEXTS = 16;

/** Rows of a page of the catalogue. */
export const MAX_CATALOGUE_ROWS = 200;

const modelField = z.string().optional().meta({ description: "Id of a loaded model; default: the first" });
const textSetField = z.string().max(200).optional().meta({
  description: "Id of a text set; default: the model's first one that has records",
});
/** A component's ref. */
export const componentField = z.string().max(100).meta({
  description: "As in mlp/5/1234, head/9/8 or mlp-latent/5/88",
});
/** Which dictionary, where components are latents. */
export const dictionaryField = z.string().max(300).optional().meta({
  description: "Of latents: id of their dictionary; default: the first loaded one of their kind and layer",
});

export const recordsRequestSchema = z.strictObject({
  model: modelField,
  component: componentField,
  dictionary: dictionaryField,
  textSet: textSetField,
  top: z.int().min(0).max(TOP_SEQUENCES).default(10).meta({ description: "How many top sequences" }),
  random: z.int().min(0).max(RANDOM_SEQUENCES).default(6).meta({
    description: "How many random sequences, and how many of each quarter of them",
  }),
});

export type RecordsRequest = z.input<typeof recordsRequestSchema>;

export const activationsRequestSchema = z.strictObject({
  model: modelField,
  component: componentField,
  dictionary: dictionaryField,
  texts: z.array(z.string().max(100_000)).min(1).max(MAX_ACTIVATION_TEXTS).meta({
    description: "Texts, none longer than the model's context",
  }),
});

export type ActivationsRequest = z.input<typeof activationsRequestSchema>;

/** Statistics that a catalogue shows. */
export const CATALOGUE_STATISTICS = ["mean", "variance", "skewness", "kurtosis", "fractionActive", "max"] as const;

/** What a catalogue can be sorted by. Rows without the number come last. */
export const CATALOGUE_SORTS = [...CATALOGUE_STATISTICS, ...HEAD_SCORES] as const;
export type CatalogueSort = typeof CATALOGUE_SORTS[number];

export const catalogueRequestSchema = z.strictObject({
  model: modelField,
  textSet: textSetField,
  kind: z.enum(COMPONENT_KINDS, { error: `Expected one of ${COMPONENT_KINDS.join(", ")}` }),
  layer: z.int().min(0).nullable().default(null).meta({
    description: "Only this layer; default: all, and for latents that of the first dictionary of their kind",
  }),
  dictionary: dictionaryField,
  sort: z.enum(CATALOGUE_SORTS, { error: `Expected one of ${CATALOGUE_SORTS.join(", ")}` }).default("max"),
  direction: z.enum(["descending", "ascending"], { error: "Expected descending or ascending" }).default("descending"),
  page: z.int().min(1).max(1_000_000).default(1),
  pageSize: z.int().min(1).max(MAX_CATALOGUE_ROWS).default(50),
});

export type CatalogueRequest = z.input<typeof catalogueRequestSchema>;

export interface CatalogueRow extends Pick<ValueStatistics, typeof CATALOGUE_STATISTICS[number]> {
  /** `mlp/5/1234`, `head/9/8` or `mlp-latent/5/88`. */
  readonly component: string;
  /** Null for all but heads. */
  readonly scores: HeadScores | null;
}

export interface Catalogue {
  /** Id of the text set. */
  readonly source: string;
  /** Of latents: id of their dictionary; else null. */
  readonly dictionary: string | null;
  /** Rows of all pages. */
  readonly total: number;
  readonly rows: readonly CatalogueRow[];
}

export const layerRecordsRequestSchema = z.strictObject({
  model: modelField,
  textSet: textSetField,
  kind: z.enum(COMPONENT_KINDS, { error: `Expected one of ${COMPONENT_KINDS.join(", ")}` }),
  layer: z.int().min(0),
  dictionary: dictionaryField,
});

export type LayerRecordsRequest = z.input<typeof layerRecordsRequestSchema>;

/** A component's statistics with the places of its top sequences; their values are computed when the component is asked for. */
export interface LayerRecord {
  readonly component: string;
  /** Of a latent: id of its dictionary; else null. */
  readonly dictionary: string | null;
  readonly source: string;
  readonly statistics: ValueStatistics;
  readonly scores: HeadScores | null;
  readonly top: readonly {
    readonly sequence: number;
    readonly max: number;
    /** `[token]`, or `[query, key]`. */
    readonly at: readonly number[];
  }[];
}

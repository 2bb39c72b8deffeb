/** Explanations as they are kept and told: a sentence about a component, where it comes from, and how it was scored. */
import { z } from "zod";
import { dictionaryField } from "../corpus/corpus_requests.ts";
import type { AssistantUsage } from "./assistant.ts";
import type { Spent } from "./metered_assistant.ts";
import { MAX_EXPLANATION } from "./prompts.ts";
import type { ExplanationScore } from "./score.ts";
import type { Estimate } from "./simulation_scores.ts";

/** Who explains: our rules, the assistant, a person, or a file from elsewhere. */
export const EXPLAINERS = ["statistical", "assistant", "hand", "imported"] as const;
export type Explainer = typeof EXPLAINERS[number];

/** Those that can be told to. */
export const GENERATORS = ["statistical", "assistant"] as const;
export type Generator = typeof GENERATORS[number];

export interface Provenance {
  /** Of the explainer: its rules, or its prompts. Null for people and files. */
  readonly version: string | null;
  /** Name of the assistant's model, as configured; of imported ones as the file says it. */
  readonly assistant: string | null;
  /** The records that it was made from; null for people and files. */
  readonly textSet: string | null;
  /** Sequences that the sweep had seen by then. */
  readonly sequences: number | null;
  readonly createdAt: string;
  readonly ms: number | null;
  /** What the assistant used for it. */
  readonly spent: Spent | null;
  /** What it was asked, word for word; null without one, and where it was not kept. */
  readonly prompt: string | null;
}

export interface Explanation {
  readonly id: number;
  readonly model: string;
  /** `mlp/5/1234`, `head/9/8` or `mlp-latent/5/88`. */
  readonly component: string;
  /** Of a latent: id of its dictionary; else null. */
  readonly dictionary: string | null;
  readonly text: string;
  readonly explainer: Explainer;
  readonly provenance: Provenance;
  /** One a scorer. */
  readonly scores: readonly StoredScore[];
}

/** Numbers of the publisher's, as they are; ours are not compared with them. */
export interface PublishedScore {
  readonly correlation: number | null;
  readonly rSquared: number | null;
  readonly absoluteDeviation: number | null;
  /** Of heads: area under the ROC curve. */
  readonly area: number | null;
}

export interface StoredScore {
  readonly scorer: Generator | "published";
  /** Versions of scorer and prompts. */
  readonly version: string | null;
  readonly assistant: string | null;
  /** A provider that failed gave no score: it can be asked again. */
  readonly state: "done" | "failed";
  /** Why it failed; else null. */
  readonly problem: string | null;
  readonly textSet: string | null;
  /** The number that stands for it: of neurons the correlation, of heads the area under the ROC curve. Null if it failed or has none. */
  readonly headline: Estimate | null;
  readonly score: ExplanationScore | null;
  readonly published: PublishedScore | null;
  /** The same with the explanation of a random other component; null where there is none. */
  readonly control: {
    readonly component: string;
    readonly text: string;
    readonly headline: Estimate | null;
  } | null;
  readonly createdAt: string;
  readonly ms: number | null;
  readonly spent: Spent | null;
}

/** Something that was asked for and is under way, or has failed. */
export interface Attempt {
  readonly what: "explain" | "score";
  readonly by: Generator;
  /** Of a score: the explanation's id. */
  readonly explanation: number | null;
  readonly state: "running" | "failed";
  readonly problem: string | null;
}

/** Everything about one component. */
export interface ComponentExplanations {
  readonly component: string;
  /** Of a latent: id of its dictionary; else null. */
  readonly dictionary: string | null;
  /** The best scored first. */
  readonly explanations: readonly Explanation[];
  readonly attempts: readonly Attempt[];
}

/** Which component is meant. */
export interface ComponentName {
  /** By default the first. */
  readonly model?: string | undefined;
  readonly component: string;
  /** Of a latent: id of its dictionary; by default the first of its kind and layer. */
  readonly dictionary?: string | undefined;
}

/** The assistant as it is told: never the key. */
export interface AssistantSummary {
  readonly model: string;
  /** Scheme, host and port of the configured URL. */
  readonly origin: string;
}

/** What an explanation by the assistant would send, before anything is sent. */
export interface ExplainPlan extends AssistantUsage {
  readonly assistant: AssistantSummary;
  readonly calls: number;
  /** At the most; null if the price is unknown. */
  readonly cost: number | null;
  readonly first: string;
}

/** Candidates that an assistant is asked for at the most. */
const MAX_CANDIDATES = 5;
/** Components of one job. */
export const MAX_LISTED = 1000;

const modelField = z.string().optional().meta({ description: "Id of a loaded model; default: the first" });
const componentField = z.string().max(100).meta({ description: "As in mlp/5/1234, head/9/8 or mlp-latent/5/88" });
const byField = z.enum(GENERATORS, { error: `Expected one of ${GENERATORS.join(", ")}` });
const textSetField = z.string().max(200).optional().meta({
  description: "Id of a text set; default: the model's first one that has records",
});
const textField = z.string().trim().min(1, "An explanation has at least one letter").max(MAX_EXPLANATION);

export const explainRequestSchema = z.strictObject({
  model: modelField,
  component: componentField,
  dictionary: dictionaryField,
  textSet: textSetField,
  by: byField.default("statistical").meta({
    description: "statistical sends nothing anywhere; assistant asks the provider",
  }),
  candidates: z.int().min(1).max(MAX_CANDIDATES).default(3).meta({
    description: "Sentences an assistant is asked for",
  }),
});
export type ExplainRequest = z.input<typeof explainRequestSchema>;

export const writeRequestSchema = z.strictObject({
  model: modelField,
  component: componentField,
  dictionary: dictionaryField,
  text: textField,
});
export type WriteRequest = z.input<typeof writeRequestSchema>;

export const scoreRequestSchema = z.strictObject({
  explanation: z.int().min(1).meta({ description: "Id of the explanation" }),
  by: byField.default("statistical").meta({ description: "statistical reads sentences of rules; assistant reads any" }),
  textSet: textSetField,
});
export type ScoreRequest = z.input<typeof scoreRequestSchema>;

/** Rows of a page of found explanations. */
export const MAX_FOUND_EXPLANATIONS = 100;

export const explanationSearchSchema = z.strictObject({
  q: z.string().max(200).meta({
    description: "Words, or beginnings of words: all of them have to stand in the explanation",
  }),
  model: modelField,
  page: z.int().min(1).max(100_000).default(1),
  pageSize: z.int().min(1).max(MAX_FOUND_EXPLANATIONS).default(25),
});
export type ExplanationSearch = z.input<typeof explanationSearchSchema>;

export interface FoundExplanations {
  readonly model: string;
  readonly q: string;
  /** Rows of all pages. */
  readonly total: number;
  readonly rows: readonly Explanation[];
}

/** What a job explains: some components, or those of a layer. */
export const explainTaskSchema = z.strictObject({
  by: byField.default("statistical"),
  components: z.array(componentField).min(1).max(MAX_LISTED).optional().meta({ description: "These components" }),
  dictionary: dictionaryField,
  layer: z.strictObject({ kind: z.string().max(40), index: z.int().min(0) }).optional().meta({
    description: "Or all of a kind in a layer, as in { kind: mlp, index: 3 }",
  }),
  candidates: explainRequestSchema.shape.candidates,
  budget: z.strictObject({
    tokens: z.int().min(0).nullable().default(null).meta({
      description: "Most tokens, prompts and answers; null: any",
    }),
    money: z.number().min(0).nullable().default(null).meta({
      description: "Most money, in the currency of the price; null: any",
    }),
  }).default({ tokens: null, money: null }),
}).refine(
  ({ components, layer }) => (components === undefined) !== (layer === undefined),
  { path: ["components"], error: "Expected either components or a layer" },
);
export type ExplainTaskInput = z.input<typeof explainTaskSchema>;
export type ExplainTask = z.output<typeof explainTaskSchema>;

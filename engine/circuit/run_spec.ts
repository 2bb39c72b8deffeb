/**
 * A debugger question as a small value. `RunSpecInput` is what a caller sends; `RunSpec` is the canonical form, in which
 * every default is filled in and equal questions are equal texts (`spec/api.md`, "Run specs").
 */
import { z } from "zod";
import { type Basis, basisSchema, dictionariesSchema } from "./dictionary_spec.ts";
import { type Intervention, interventionSchema, MAX_INTERVENTIONS } from "./intervention_spec.ts";
import { traceSchema, type TraceSpec } from "./trace_spec.ts";

/** Largest number of targets or distractors of one prompt. */
export const MAX_CHOICE_TOKENS = 64;
/** Largest k of the node table. */
export const MAX_TOP_K = 200;
/** Largest number of characters in a prompt; its tokens are bounded by the model's context. */
export const MAX_PROMPT_CHARACTERS = 100_000;

export const OBJECTIVE_KINDS = ["logit-diff", "logit", "log-prob", "prob"] as const;
/**
 * - `logit-diff`: mean target logit − mean distractor logit (without distractors: the mean target logit)
 * - `logit`: mean target logit − mean of all logits
 * - `log-prob`: mean log-probability of the targets
 * - `prob`: summed probability of the targets
 */
export type ObjectiveKind = typeof OBJECTIVE_KINDS[number];

const TOP_K_RANGE = `Expected a whole number in 1..${MAX_TOP_K}`;

const choiceToken = z.union([z.string().min(1).max(200), z.int().min(0)], {
  error: "Expected the text of exactly one token or a token id",
});
const choiceTokens = z.array(choiceToken).max(MAX_CHOICE_TOKENS);

const choices = {
  targets: choiceTokens.min(1, "Expected at least one target token: the token whose prediction is to be explained"),
  distractors: choiceTokens.default([]),
};

const promptSchema = z.union([
  z.strictObject({ text: z.string().max(MAX_PROMPT_CHARACTERS), ...choices }),
  z.strictObject({
    tokens: z.array(z.int().min(0)).min(1, "Expected at least one token"),
    ...choices,
  }),
], { error: "Expected a prompt with either text or tokens, and targets" });

/** What a question may say; everything but the prompts has a default. */
export const runSpecSchema = z.strictObject({
  model: z.string().optional().meta({ description: "Id of a loaded model; default: the first" }),
  prompts: z.array(promptSchema, { error: "Expected a list of one or two prompts" })
    .min(1, "Expected one or two prompts").max(2, "Expected one or two prompts"),
  bos: z.boolean().optional().meta({ description: "Prepend the model's BOS to a text that lacks it" }),
  objective: z.strictObject({
    kind: z.enum(OBJECTIVE_KINDS, { error: `Expected one of ${OBJECTIVE_KINDS.join(", ")}` }).default("logit-diff"),
    position: z.int({ error: "Expected a whole number: a token, or -1 for the last" }).default(-1),
  }).prefault({}),
  freezeFinalNorm: z.boolean().default(true),
  interventions: z.array(interventionSchema).max(
    MAX_INTERVENTIONS,
    `Expected at most ${MAX_INTERVENTIONS} interventions`,
  ).default([]),
  trace: traceSchema.nullable().default(null),
  basis: basisSchema,
  dictionaries: dictionariesSchema,
  dropErrors: z.boolean().default(false).meta({
    description: "Run the model on what the dictionaries reconstruct, without what they leave out: another model",
  }),
  topK: z.int({ error: TOP_K_RANGE }).min(1, TOP_K_RANGE).max(MAX_TOP_K, TOP_K_RANGE).default(10),
});

/** A question as sent. */
export type RunSpecInput = z.input<typeof runSpecSchema>;

/** The text of one token where that text encodes to exactly this token, else its id. */
export type ChoiceToken = string | number;

/** A prompt in canonical form: as text, or as the token ids that were given. */
export type PromptSpec = {
  readonly targets: readonly ChoiceToken[];
  readonly distractors: readonly ChoiceToken[];
} & ({ readonly text: string } | { readonly tokens: readonly number[] });

/** The canonical question. */
export interface RunSpec {
  readonly model: string;
  readonly prompts: readonly PromptSpec[];
  readonly bos: boolean;
  readonly objective: { readonly kind: ObjectiveKind; readonly position: number };
  readonly freezeFinalNorm: boolean;
  readonly interventions: readonly Intervention[];
  readonly trace: TraceSpec | null;
  readonly basis: Basis;
  /** Ids, in the order of the pass. */
  readonly dictionaries: readonly string[];
  /** Whether the model runs on reconstructions alone; absent where no dictionary is spliced in. */
  readonly dropErrors?: boolean;
  readonly topK: number;
}

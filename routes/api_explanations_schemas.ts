/** Shapes of what `/api/v1` answers about explanations, for the OpenAPI document and the type checker. */
import { z } from "@hono/zod-openapi";
import { COMPARED_KINDS, EXPLAINERS, GENERATORS, JUDGEMENT_KINDS } from "../engine/mod.ts";

const count = z.int();
const number = z.number();

const estimateSchema = z.object({
  value: number,
  interval: z.object({ low: number, high: number }).nullable().meta({
    description: "95 %, from other draws of sequences",
  }),
}).openapi("Estimate");

const measuresSchema = z.object({
  correlation: estimateSchema,
  rSquared: estimateSchema,
  absoluteDeviation: estimateSchema,
}).openapi("SimulationMeasures");

const spentSchema = z.object({
  calls: count,
  promptTokens: number,
  completionTokens: number,
  cost: number.nullable().meta({ description: "Null where the price is unknown" }),
}).openapi("Spent");

const storedScoreSchema = z.object({
  scorer: z.enum([...GENERATORS, "published"]),
  version: z.string().nullable(),
  assistant: z.string().nullable(),
  state: z.enum(["done", "failed"]).meta({ description: "What failed has no score, and can be asked for again" }),
  problem: z.string().nullable(),
  textSet: z.string().nullable(),
  headline: estimateSchema.nullable().meta({
    description: "Of neurons the correlation of predicted and real values, of heads the area under the ROC curve",
  }),
  score: z.object({
    simulation: z.object({
      sequences: count,
      places: count,
      byCalibration: z.object({ none: measuresSchema, linear: measuresSchema, percentile: measuresSchema }),
    }).nullable(),
    judgements: z.array(z.object({
      kind: z.enum(JUDGEMENT_KINDS),
      area: estimateSchema,
      active: count,
      others: count,
    })).readonly(),
  }).nullable(),
  published: z.object({
    correlation: number.nullable(),
    rSquared: number.nullable(),
    absoluteDeviation: number.nullable(),
    area: number.nullable(),
  }).nullable(),
  control: z.object({ component: z.string(), text: z.string(), headline: estimateSchema.nullable() }).nullable().meta({
    description: "The same with what is said of a random other component",
  }),
  createdAt: z.string(),
  ms: number.nullable(),
  spent: spentSchema.nullable(),
}).openapi("ExplanationScore");

/** A sentence about a component. */
export const explanationSchema = z.object({
  id: count,
  model: z.string(),
  component: z.string(),
  dictionary: z.string().nullable(),
  text: z.string(),
  explainer: z.enum(EXPLAINERS),
  provenance: z.object({
    version: z.string().nullable(),
    assistant: z.string().nullable(),
    textSet: z.string().nullable(),
    sequences: count.nullable(),
    createdAt: z.string(),
    ms: number.nullable(),
    spent: spentSchema.nullable(),
    prompt: z.string().nullable().meta({ description: "What the assistant was asked, word for word" }),
  }),
  scores: z.array(storedScoreSchema).readonly(),
}).openapi("Explanation");

/** What is known of a component, and what is under way. */
export const componentExplanationsSchema = z.object({
  component: z.string(),
  dictionary: z.string().nullable(),
  explanations: z.array(explanationSchema).readonly(),
  attempts: z.array(z.object({
    what: z.enum(["explain", "score"]),
    by: z.enum(GENERATORS),
    explanation: count.nullable(),
    state: z.enum(["running", "failed"]),
    problem: z.string().nullable(),
  })).readonly(),
}).openapi("ComponentExplanations");

/** What would be sent, before it is. */
export const explainPlanSchema = z.object({
  assistant: z.object({ model: z.string(), origin: z.string() }),
  calls: count,
  promptTokens: number,
  completionTokens: number,
  cost: number.nullable(),
  first: z.string(),
}).openapi("ExplainPlan");

/** A page of found explanations. */
export const foundExplanationsSchema = z.object({
  model: z.string(),
  q: z.string(),
  total: count,
  rows: z.array(explanationSchema).readonly(),
}).openapi("FoundExplanations");

const explainerName = { explainer: z.enum(EXPLAINERS), assistant: z.string().nullable() };

const scorerSchema = z.object({
  scorer: z.enum([...GENERATORS, "published"]),
  assistant: z.string().nullable(),
  version: z.string().nullable(),
  textSet: z.string().nullable(),
}).openapi("ComparedScorer");

/** Explainers side by side. */
export const explainerComparisonSchema = z.object({
  model: z.string(),
  kinds: z.array(z.object({
    kind: z.enum(COMPARED_KINDS),
    measure: z.enum(["correlation", "area"]).meta({
      description: "What the numbers of this kind are: never averaged with those of another",
    }),
    rows: z.array(z.object({
      ...explainerName,
      scoredBy: scorerSchema.nullable().meta({ description: "Null if nothing of it was ever scored" }),
      components: count.meta({ description: "That something is said of" }),
      scored: count.meta({ description: "With a number: the newest of each component" }),
      undecided: count.meta({ description: "Whose held-out texts have nothing to tell apart" }),
      failed: count.meta({ description: "That scoring failed on" }),
      mean: number.nullable(),
      median: number.nullable(),
      beatsControl: z.object({ count, of: count }).meta({
        description: "Numbers above that of their random control, of those that have one",
      }),
    })).readonly(),
    pairs: z.array(z.object({
      first: z.object(explainerName),
      second: z.object(explainerName),
      scoredBy: scorerSchema,
      shared: count.meta({ description: "Components with a number of both, by this scorer" }),
      firstBetter: count,
      secondBetter: count,
      alike: count,
      meanDifference: number.meta({ description: "first − second" }),
    })).readonly(),
  })).readonly(),
}).openapi("ExplainerComparison");

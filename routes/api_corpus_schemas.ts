/** Shapes of what `/api/v1` answers about text sets and components, for the OpenAPI document and the type checker. */
import { z } from "@hono/zod-openapi";
import { tokenListSchema } from "./api_schemas.ts";

const numbers = z.array(z.number()).readonly();
const count = z.int();
const ofLatents = z.string().nullable().meta({ description: "Of latents: id of their dictionary; else null" });

const textSetSchema = z.object({ id: z.string(), sizeBytes: count, origin: z.string() }).openapi("TextSet");

const sweepSchema = z.object({
  model: z.string(),
  dictionary: ofLatents,
  textSet: z.string(),
  state: z.enum(["none", "partial", "done"]),
  sequencesDone: count,
  sequenceCount: count,
  tokensDone: count,
}).openapi("Sweep");

/** What a model can be swept over, and has been. */
export const textSetsSchema = z.object({
  textSets: z.array(textSetSchema).readonly(),
  sweeps: z.array(sweepSchema).readonly(),
}).openapi("TextSets");

/** One sequence with a component's values. */
export const exampleSchema = z.object({
  sequence: count.nullable(),
  tokens: tokenListSchema,
  values: z.union([numbers, z.array(numbers).readonly()]),
  max: z.number(),
  at: z.array(count).readonly(),
}).openapi("Example");

const statisticsSchema = z.object({
  count,
  mean: z.number(),
  variance: z.number(),
  skewness: z.number().meta({ description: "null where the variance is 0" }),
  kurtosis: z.number().meta({ description: "null where the variance is 0" }),
  fractionActive: z.number(),
  min: z.number(),
  max: z.number(),
  histogram: z.object({ edges: numbers, counts: z.array(count).readonly() }),
  quantiles: z.array(z.object({ share: z.number(), value: z.number() })).readonly(),
}).openapi("ValueStatistics");

const headScoresSchema = z.object({
  induction: z.number(),
  duplicateToken: z.number(),
  previousToken: z.number(),
  self: z.number(),
  firstToken: z.number(),
  entropy: z.number(),
  copying: z.number(),
}).openapi("HeadScores");

/** What a component does over a text set. */
export const componentRecordsSchema = z.object({
  component: z.string(),
  dictionary: ofLatents,
  source: z.string(),
  sequenceCount: count,
  tokenCount: count,
  statistics: statisticsSchema.nullable(),
  scores: headScoresSchema.nullable(),
  top: z.array(exampleSchema).readonly(),
  random: z.array(exampleSchema).readonly(),
  byQuantile: z.array(
    z.object({ from: z.number(), to: z.number(), examples: z.array(exampleSchema).readonly() }),
  ).readonly(),
}).openapi("ComponentRecords");

/** A page of components. */
export const catalogueSchema = z.object({
  source: z.string(),
  dictionary: ofLatents,
  total: count,
  rows: z.array(z.object({
    component: z.string(),
    mean: z.number(),
    variance: z.number(),
    skewness: z.number(),
    kurtosis: z.number(),
    fractionActive: z.number(),
    max: z.number(),
    scores: headScoresSchema.nullable(),
  })).readonly(),
}).openapi("Catalogue");

/** One line of a layer's records. */
export const layerRecordSchema = z.object({
  component: z.string(),
  dictionary: ofLatents,
  source: z.string(),
  statistics: statisticsSchema,
  scores: headScoresSchema.nullable(),
  top: z.array(z.object({ sequence: count, max: z.number(), at: z.array(count).readonly() })).readonly(),
}).openapi("LayerRecord");

/** Shapes of what `/api/v1` answers, for the OpenAPI document and the type checker. */
import { z } from "@hono/zod-openapi";
import {
  EDGE_KINDS,
  interventionSchema,
  JOB_KINDS,
  JOB_STATES,
  jobRequestSchema,
  LATENT_KINDS,
  METRICS,
  traceSchema,
  TRAINED_ARCHITECTURES,
  type TrainingSpec,
} from "../engine/mod.ts";

/** RFC 9457, with the issues of a 422. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  requestId: z.string(),
  issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
}).openapi("Problem");

const tokenSchema = z.object({ id: z.int(), text: z.string() }).openapi("Token");

const modelFields = {
  id: z.string(),
  family: z.string(),
  layerCount: z.int(),
  headCount: z.int(),
  modelWidth: z.int(),
  mlpWidth: z.int(),
  vocabularySize: z.int(),
  contextLength: z.int(),
  parameterCount: z.int(),
  weightsBytes: z.int(),
  hasTokenizer: z.boolean(),
  bos: tokenSchema.nullable(),
};

/** A loaded model in a list. */
export const modelSummarySchema = z.object(modelFields).openapi("ModelSummary");

/** A dictionary as its files describe it. */
const dictionarySchema = z.object({
  id: z.string(),
  format: z.string(),
  architecture: z.string(),
  layer: z.int(),
  readHook: z.string(),
  writeHook: z.string(),
  inputWidth: z.int(),
  latentCount: z.int(),
  outputWidth: z.int(),
  activation: z.string(),
  k: z.number().nullable(),
  normalization: z.string(),
  centring: z.string(),
  trainedWithBos: z.boolean().nullable(),
  modelName: z.string().nullable(),
  sizeBytes: z.number(),
});

/** A loaded model with its configuration and hook points. */
export const modelDetailSchema = z.object({
  ...modelFields,
  config: z.record(z.string(), z.unknown()).readonly(),
  hookPoints: z.array(z.object({ name: z.string(), axes: z.array(z.string()).readonly() })).readonly(),
  dictionaries: z.array(dictionarySchema).readonly(),
  datasets: z.array(z.string()).readonly(),
}).openapi("ModelDetail");

/** What `/tokenize` takes. */
export const tokenizeRequestSchema = z.strictObject({
  model: z.string().optional(),
  text: z.string().max(100_000),
  bos: z.boolean().default(false),
}).openapi("TokenizeRequest");

/** What `/tokenize` answers. */
export const tokensSchema = z.object({ tokens: z.array(tokenSchema).readonly() }).openapi("Tokens");

const choicesSchema = z.array(z.union([z.string(), z.int()])).readonly();
const choices = { targets: choicesSchema, distractors: choicesSchema };

const canonicalSpecSchema = z.object({
  model: z.string(),
  prompts: z.array(z.union([
    z.object({ text: z.string(), ...choices }),
    z.object({ tokens: z.array(z.int()).readonly(), ...choices }),
  ])).readonly(),
  bos: z.boolean(),
  objective: z.object({ kind: z.enum(["logit-diff", "logit", "log-prob", "prob"]), position: z.int() }),
  freezeFinalNorm: z.boolean(),
  interventions: z.array(interventionSchema).readonly(),
  trace: traceSchema.nullable(),
  basis: z.object({ mlp: z.enum(["neuron", "latent"]), attention: z.enum(["head", "latent"]) }),
  dictionaries: z.array(z.string()).readonly(),
  dropErrors: z.boolean().optional(),
  topK: z.int(),
}).openapi("RunSpec");

const numbers = z.array(z.number()).readonly();
/** One value a side; null where a side has no such tokens. */
const sideValues = z.array(z.number().nullable()).readonly();
const perSideAndToken = z.array(numbers).readonly();

const effectSumsSchema = z.object({
  mlp: perSideAndToken,
  attentionByQuery: perSideAndToken,
  attentionByKey: perSideAndToken,
  embed: perSideAndToken,
}).openapi("EffectSums");

const layerSumsSchema = z.object({
  attention: z.array(numbers).readonly(),
  mlp: z.array(numbers).readonly(),
}).openapi("LayerSums");

const partSumsSchema = z.object({ latents: numbers, error: numbers, rest: numbers }).openapi("PartSums");

/** A dictionary of a run as a whole: its sparsity, what it leaves out, and what its parts add. */
const dictionarySumsSchema = z.object({
  dictionary: z.string(),
  kind: z.enum(LATENT_KINDS),
  layer: z.int(),
  latentCount: z.int(),
  active: perSideAndToken,
  activationNorm: perSideAndToken,
  errorNorm: perSideAndToken,
  directEffect: partSumsSchema,
  totalEffect: partSumsSchema,
}).openapi("DictionarySums");

const sideLabelSchema = z.enum(["clean", "ablated", "left", "right", "left-clean", "right-clean"]);

const sideSchema = z.object({
  label: sideLabelSchema,
  tokens: z.array(tokenSchema).readonly(),
  position: z.int(),
  objective: z.number(),
  logits: z.array(z.object({
    id: z.int(),
    text: z.string(),
    logit: z.number(),
    logProb: z.number(),
    rank: z.int(),
    role: z.enum(["target", "distractor"]).nullable(),
  })).readonly(),
}).openapi("Side");

/** The strongest edges of a node. */
export const edgesResultSchema = z.object({
  node: z.string(),
  direction: z.enum(["upstream", "downstream"]),
  path: z.enum(["q", "k", "v"]).nullable(),
  attribution: z.number().nullable(),
  objective: z.number(),
  edges: z.array(z.object({
    ref: z.string(),
    into: z.enum(EDGE_KINDS).nullable(),
    attribution: z.number(),
    activation: z.number().nullable(),
  })).readonly(),
}).openapi("Edges");

const scoredTokenSchema = z.object({ id: z.int(), text: z.string(), score: z.number(), normalized: z.number() });
const scoredListFields = {
  top: z.array(scoredTokenSchema).readonly(),
  bottom: z.array(scoredTokenSchema).readonly(),
};

/** What a node promotes, and what drives it. */
export const scoredTokensSchema = z.object({
  node: z.string(),
  write: z.object(scoredListFields),
  reads: z.array(z.object({ path: z.enum(["q", "k"]).nullable(), ...scoredListFields })).readonly(),
  alone: z.object(scoredListFields).nullable(),
}).openapi("ScoredTokens");

/** Where the values of attention latents come from. */
export const attributedTokensSchema = z.object({
  tokens: z.array(tokenSchema).readonly(),
  latents: z.array(z.object({ node: z.string(), activation: z.number(), values: z.array(z.number()).readonly() }))
    .readonly(),
}).openapi("AttributedTokens");

/** Tokens in a row. */
export const tokenListSchema = z.array(tokenSchema).readonly();

/** What every layer would predict. */
export const lensResultSchema = z.object({
  side: sideLabelSchema,
  tokens: tokenListSchema,
  target: tokenSchema,
  from: z.int(),
  rows: z.array(
    z.array(z.object({
      top: tokenSchema,
      topLogProb: z.number(),
      targetLogProb: z.number(),
      targetRank: z.int(),
    })).readonly(),
  ).readonly(),
}).openapi("Lens");

/** One head's token pairs. */
export const attentionResultSchema = z.object({
  head: z.string(),
  metric: z.enum(METRICS),
  side: sideLabelSchema,
  tokens: tokenListSchema,
  values: z.array(numbers).readonly(),
}).openapi("Attention");

const circuitEdgeSchema = z.object({
  from: z.string(),
  to: z.string(),
  path: z.enum(["q", "k", "v"]).nullable(),
  attribution: z.number(),
}).openapi("CircuitEdge");

/** Some nodes, and the edges among them. */
export const circuitResultSchema = z.object({
  objective: z.number(),
  tokens: tokenListSchema,
  nodes: z.array(z.object({
    ref: z.string(),
    activation: z.number().nullable(),
    directEffect: z.number().nullable(),
    totalEffect: z.number().nullable(),
  })).readonly(),
  edges: z.array(circuitEdgeSchema).readonly(),
  candidates: z.array(z.object({ ref: z.string(), edge: circuitEdgeSchema })).readonly(),
  done: z.int(),
  total: z.int(),
}).openapi("Circuit");

export const trainingSpecSchema = z.object({
  name: z.string(),
  site: z.custom<TrainingSpec["site"]>((value) => typeof value === "string").openapi({ type: "string" }),
  architecture: z.enum(TRAINED_ARCHITECTURES),
  width: z.int(),
  latents: z.int(),
  k: z.int().nullable(),
  sparsity: z.number().nullable(),
  steps: z.int(),
  batch: z.int(),
  learningRate: z.number(),
  warmUpSteps: z.int(),
  decaySteps: z.int(),
  deadAfterSteps: z.int(),
  seed: z.int(),
}).openapi("Training");

/** Long work in the background. */
export const jobSchema = z.object({
  id: z.string(),
  kind: z.enum(JOB_KINDS),
  model: z.string(),
  textSet: z.string().nullable(),
  explain: jobRequestSchema.shape.explain,
  state: z.enum(JOB_STATES),
  done: z.int(),
  total: z.int(),
  unit: z.enum(["texts", "sequences", "steps", "components"]),
  perSecond: z.number().nullable(),
  etaSeconds: z.number().nullable(),
  problem: z.string().nullable(),
  training: trainingSpecSchema.optional(),
  dictionary: z.string().optional().meta({ description: "Of a sweep of latents: id of their dictionary" }),
}).openapi("Job");

/** Estimates beside what ablation really does. */
export const measurementSchema = z.object({
  run: z.string(),
  query: z.object({ top: z.int(), by: z.enum(["totalEffect", "directEffect"]) }),
  state: z.enum(["running", "done", "cancelled", "failed"]),
  done: z.int(),
  total: z.int(),
  objective: z.number().nullable(),
  nodes: z.array(z.object({
    ref: z.string(),
    directEffect: z.number(),
    totalEffect: z.number(),
    measured: z.number(),
  })).readonly(),
  rankCorrelation: z.number().nullable(),
  problem: z.string().nullable(),
}).openapi("Measurement");

/** A run: what was asked, and the answer. */
export const runResultSchema = z.object({
  id: z.string(),
  spec: canonicalSpecSchema,
  objectiveKind: z.enum(["logit-diff", "logit", "log-prob", "prob", "trace"]),
  alignment: z.array(z.array(z.int().nullable()).readonly()).readonly().nullable(),
  sides: z.array(sideSchema).readonly(),
  nodes: z.array(z.object({
    ref: z.string().meta({ examples: ["mlp/5/1234@7", "head/9/8@12<4", "embed@3"] }),
    refs: z.array(z.string().nullable()).readonly().optional(),
    activation: sideValues,
    writeNorm: sideValues,
    directEffect: sideValues,
    totalEffect: sideValues,
  })).readonly(),
  sums: z.object({
    directEffect: effectSumsSchema,
    totalEffect: effectSumsSchema,
    layers: z.object({ directEffect: layerSumsSchema, totalEffect: layerSumsSchema }).nullable(),
  }),
  dictionaries: z.array(dictionarySumsSchema).readonly().optional(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), difference: z.number(), tolerance: z.number() }))
    .readonly(),
  timing: z.object({ queuedMs: z.number(), compileMs: z.number(), computeMs: z.number(), device: z.string() }),
  provenance: z.object({
    model: z.string(),
    weights: z.string(),
    dictionaries: z.record(z.string(), z.string()).readonly().optional(),
    version: z.string(),
  }),
}).openapi("RunResult");

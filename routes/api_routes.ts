/** What each address under `/api/v1` takes and answers; `api.ts` answers. */
import { createRoute, z } from "@hono/zod-openapi";
import {
  attentionRequestSchema,
  attributedTokensRequestSchema,
  circuitRequestSchema,
  edgesRequestSchema,
  lensRequestSchema,
  measureRequestSchema,
  runSpecSchema,
  scoredTokensRequestSchema,
  tensorsRequestSchema,
} from "../engine/mod.ts";
import {
  attentionResultSchema,
  attributedTokensSchema,
  circuitResultSchema,
  edgesResultSchema,
  lensResultSchema,
  measurementSchema,
  modelDetailSchema,
  modelSummarySchema,
  runResultSchema,
  scoredTokensSchema,
  tokenizeRequestSchema,
  tokensSchema,
} from "./api_schemas.ts";
import {
  bodyProblems,
  documented,
  idParameter,
  jsonBody,
  jsonContent,
  problemResponses,
  readProblems,
  workProblems,
} from "./api_parts.ts";

/** POST /runs */
export const createRun = createRoute({
  method: "post",
  path: "/runs",
  summary: "Ask a question; the same question always has the same id",
  request: { body: jsonBody(documented(runSpecSchema, "RunRequest")) },
  responses: {
    200: { description: "The run existed already", headers: locationHeader(), ...jsonContent(runResultSchema) },
    201: { description: "The run is new", headers: locationHeader(), ...jsonContent(runResultSchema) },
    ...workProblems,
  },
});

/** GET /runs/{id} */
export const readRun = createRoute({
  method: "get",
  path: "/runs/{id}",
  summary: "A stored run",
  request: { params: idParameter },
  responses: { 200: { description: "The run", ...jsonContent(runResultSchema) }, ...readProblems },
});

/** GET /runs/{id}/nodes.csv */
export const readNodesCsv = createRoute({
  method: "get",
  path: "/runs/{id}/nodes.csv",
  summary: "The node table of a run, unrounded, all sides",
  request: { params: idParameter },
  responses: { 200: csvResponse("One row a node"), ...readProblems },
});

/** GET /runs/{id}/logits.csv */
export const readLogitsCsv = createRoute({
  method: "get",
  path: "/runs/{id}/logits.csv",
  summary: "The next-token table of a run, unrounded, all sides",
  request: { params: idParameter },
  responses: { 200: csvResponse("One row a token and side"), ...readProblems },
});

const measureQuery = z.object({
  top: z.coerce.number<string>().pipe(measureRequestSchema.shape.top.unwrap()).optional(),
  by: measureRequestSchema.shape.by,
});

/** POST /runs/{id}/measured */
export const measureRun = createRoute({
  method: "post",
  path: "/runs/{id}/measured",
  summary: "Really ablate a run's strongest nodes, one at a time, and tell what the objective loses",
  request: { params: idParameter, body: jsonBody(documented(measureRequestSchema, "MeasureRequest")) },
  responses: {
    200: { description: "Measured before", ...jsonContent(measurementSchema) },
    202: { description: "Under way", ...jsonContent(measurementSchema) },
    ...workProblems,
  },
});

/** GET /runs/{id}/measured */
export const readMeasurement = createRoute({
  method: "get",
  path: "/runs/{id}/measured",
  summary: "A measurement as far as it is, or with wait=true when it is over",
  request: { params: idParameter, query: measureQuery.extend({ wait: z.enum(["true", "false"]).default("false") }) },
  responses: { 200: { description: "The measurement", ...jsonContent(measurementSchema) }, ...readProblems },
});

/** DELETE /runs/{id}/measured */
export const cancelMeasurement = createRoute({
  method: "delete",
  path: "/runs/{id}/measured",
  summary: "Drop what of a measurement has not been executed",
  request: { params: idParameter, query: measureQuery },
  responses: { 204: { description: "Dropped, or over already" }, ...readProblems },
});

/** GET /models */
export const listModels = createRoute({
  method: "get",
  path: "/models",
  summary: "Loaded models, the default first",
  responses: {
    200: {
      description: "The models",
      ...jsonContent(z.object({ models: z.array(modelSummarySchema).readonly() }).openapi("Models")),
    },
    ...problemResponses([421, 500]),
  },
});

/** GET /models/{id} */
export const readModel = createRoute({
  method: "get",
  path: "/models/{id}",
  summary: "A model's configuration, hook points, dictionaries and datasets",
  request: { params: idParameter },
  responses: { 200: { description: "The model", ...jsonContent(modelDetailSchema) }, ...readProblems },
});

/** POST /tokenize */
export const tokenize = createRoute({
  method: "post",
  path: "/tokenize",
  summary: "Text to tokens",
  request: { body: jsonBody(tokenizeRequestSchema) },
  responses: { 200: { description: "The tokens", ...jsonContent(tokensSchema) }, ...bodyProblems },
});

/** POST /edges */
export const readEdges = createRoute({
  method: "post",
  path: "/edges",
  summary: "The strongest edges of a node: from the writers before it, or to the readers after it",
  request: { body: jsonBody(documented(edgesRequestSchema, "EdgesRequest")) },
  responses: { 200: { description: "The edges", ...jsonContent(edgesResultSchema) }, ...workProblems },
});

/** POST /scored-tokens */
export const readScoredTokens = createRoute({
  method: "post",
  path: "/scored-tokens",
  summary: "What a node promotes and suppresses in the vocabulary, and which tokens drive it",
  request: { body: jsonBody(documented(scoredTokensRequestSchema, "ScoredTokensRequest")) },
  responses: { 200: { description: "The lists", ...jsonContent(scoredTokensSchema) }, ...workProblems },
});

/** POST /attributed-tokens */
export const readAttributedTokens = createRoute({
  method: "post",
  path: "/attributed-tokens",
  summary: "Where the values of attention latents come from: what all heads bring to each from each token",
  request: { body: jsonBody(documented(attributedTokensRequestSchema, "AttributedTokensRequest")) },
  responses: {
    200: { description: "One value a token and latent", ...jsonContent(attributedTokensSchema) },
    ...workProblems,
  },
});

/** POST /logit-lens */
export const readLens = createRoute({
  method: "post",
  path: "/logit-lens",
  summary: "What every layer would predict, at a window of tokens: the residual stream read out as if it were the last",
  request: { body: jsonBody(documented(lensRequestSchema, "LensRequest")) },
  responses: {
    200: { description: "One row for the embeddings and one a layer", ...jsonContent(lensResultSchema) },
    ...workProblems,
  },
});

/** POST /attention */
export const readAttention = createRoute({
  method: "post",
  path: "/attention",
  summary: "One head's token pairs: its attention, or what each pair writes and adds to the objective",
  request: { body: jsonBody(documented(attentionRequestSchema, "AttentionRequest")) },
  responses: {
    200: { description: "values[query][key], keys up to the query", ...jsonContent(attentionResultSchema) },
    ...workProblems,
  },
});

/** POST /circuit */
export const readCircuit = createRoute({
  method: "post",
  path: "/circuit",
  summary: "Some nodes, the direct edges among them, and the writers outside with the strongest edges into them",
  request: { body: jsonBody(documented(circuitRequestSchema, "CircuitRequest")) },
  responses: { 200: { description: "The circuit, complete", ...jsonContent(circuitResultSchema) }, ...workProblems },
});

/** POST /tensors */
export const readTensors = createRoute({
  method: "post",
  path: "/tensors",
  summary: "Activations, gradients and scalars of a question, complete, as a safetensors file",
  request: { body: jsonBody(documented(tensorsRequestSchema, "TensorsRequest")) },
  responses: {
    200: {
      description: "A safetensors file",
      content: { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } },
    },
    ...workProblems,
  },
});

function csvResponse(description: string) {
  return { description, content: { "text/csv": { schema: z.string() } } };
}

function locationHeader() {
  return z.object({ Location: z.string().openapi({ example: "/api/v1/runs/0123abcd" }) });
}

/** What each address about text sets, sweeps, records and jobs under `/api/v1` takes and answers; `api_corpus.ts` answers. */
import { createRoute, z } from "@hono/zod-openapi";
import {
  activationsRequestSchema,
  catalogueRequestSchema,
  COMPONENT_KINDS,
  jobRequestSchema,
  recordsRequestSchema,
} from "../engine/mod.ts";
import {
  bodyProblems,
  documented,
  idParameter,
  jsonBody,
  jsonContent,
  numberOf,
  problemResponses,
  readProblems,
  workProblems,
} from "./api_parts.ts";
import { jobSchema } from "./api_schemas.ts";
import {
  catalogueSchema,
  componentRecordsSchema,
  exampleSchema,
  layerRecordSchema,
  textSetsSchema,
} from "./api_corpus_schemas.ts";

/** Of one JSON a line. Typed as any string: the library takes every type with `json` in its name for one JSON. */
const LINES_TYPE: string = "application/x-ndjson";

const kind = z.enum(COMPONENT_KINDS);
const count = z.string().regex(/^\d{1,9}$/, "Expected a whole number from 0").transform(Number);
const layerParameters = idParameter.extend({ kind, layer: count });
/** A neuron, head or latent of a model in an address. */
export const componentParameters = layerParameters.extend({ index: count });
const { textSet, dictionary } = recordsRequestSchema.shape;

/** GET /models/{id}/text-sets */
export const listTextSets = createRoute({
  method: "get",
  path: "/models/{id}/text-sets",
  summary: "Texts that a model can be swept over, and how far it, or one of its dictionaries, has been",
  request: {
    params: idParameter,
    query: z.object({
      dictionary: dictionary.meta({ description: "Id of a dictionary; default: the model's own components" }),
    }),
  },
  responses: {
    200: { description: "Text sets and sweeps", ...jsonContent(textSetsSchema) },
    ...readProblems,
  },
});

/** GET /models/{id}/components/{kind}/{layer}/{index} */
export const readRecords = createRoute({
  method: "get",
  path: "/models/{id}/components/{kind}/{layer}/{index}",
  summary: "What a neuron, head or latent does over a text set: top sequences, random ones, statistics, scores",
  request: {
    params: componentParameters,
    query: z.object({
      textSet,
      dictionary,
      top: numberOf(recordsRequestSchema.shape.top.unwrap()),
      random: numberOf(recordsRequestSchema.shape.random.unwrap()),
    }),
  },
  responses: { 200: { description: "The records", ...jsonContent(componentRecordsSchema) }, ...readProblems },
});

/** POST /models/{id}/components/{kind}/{layer}/{index}/activations */
export const readActivations = createRoute({
  method: "post",
  path: "/models/{id}/components/{kind}/{layer}/{index}/activations",
  summary: "A component's values on texts of your own",
  request: {
    params: componentParameters,
    query: z.object({ dictionary }),
    body: jsonBody(documented(activationsRequestSchema.pick({ texts: true }).strict(), "ActivationsRequest")),
  },
  responses: {
    200: {
      description: "One example a text",
      ...jsonContent(z.object({ examples: z.array(exampleSchema).readonly() }).openapi("Activations")),
    },
    ...workProblems,
  },
});

/** GET /models/{id}/catalogue */
export const readCatalogue = createRoute({
  method: "get",
  path: "/models/{id}/catalogue",
  summary: "All neurons, heads, or latents of a dictionary with statistics and scores, sorted, a page at a time",
  request: {
    params: idParameter,
    query: z.object({
      textSet,
      kind,
      layer: numberOf(z.int().min(0)),
      dictionary,
      sort: catalogueRequestSchema.shape.sort,
      direction: catalogueRequestSchema.shape.direction,
      page: numberOf(catalogueRequestSchema.shape.page.unwrap()),
      pageSize: numberOf(catalogueRequestSchema.shape.pageSize.unwrap()),
    }),
  },
  responses: { 200: { description: "A page of rows", ...jsonContent(catalogueSchema) }, ...readProblems },
});

/** GET /models/{id}/layers/{kind}/{layer}/records.ndjson */
export const readLayerRecords = createRoute({
  method: "get",
  path: "/models/{id}/layers/{kind}/{layer}/records.ndjson",
  summary: "Statistics and places of the top sequences of every component of a layer, one JSON a line",
  request: { params: layerParameters, query: z.object({ textSet, dictionary }) },
  responses: {
    200: { description: "A component a line", content: { [LINES_TYPE]: { schema: layerRecordSchema } } },
    ...readProblems,
  },
});

/** POST /jobs */
export const startJob = createRoute({
  method: "post",
  path: "/jobs",
  summary:
    "Queue long work: means of all nodes over reference texts, a sweep of a model or dictionary over a text set, or the training of a dictionary",
  request: { body: jsonBody(documented(jobRequestSchema, "JobRequest")) },
  responses: {
    200: { description: "Done before", ...jsonContent(jobSchema) },
    202: { description: "Queued or under way", ...jsonContent(jobSchema) },
    ...workProblems,
  },
});

/** GET /jobs */
export const listJobs = createRoute({
  method: "get",
  path: "/jobs",
  summary: "Every job that was ever asked for, in the order of asking",
  responses: {
    200: { description: "The jobs", ...jsonContent(z.object({ jobs: z.array(jobSchema).readonly() }).openapi("Jobs")) },
    ...problemResponses([421, 500]),
  },
});

/** POST /jobs/{id}/pause */
export const pauseJob = createRoute({
  method: "post",
  path: "/jobs/{id}/pause",
  summary: "Let a job rest after the batch in flight",
  request: { params: idParameter, body: jsonBody(z.strictObject({}).openapi("Nothing")) },
  responses: { 204: { description: "It rests soon, or is over" }, ...bodyProblems },
});

/** POST /jobs/{id}/resume */
export const resumeJob = createRoute({
  method: "post",
  path: "/jobs/{id}/resume",
  summary: "Go on with a job that was paused, cancelled or failed, where it stopped",
  request: { params: idParameter, body: jsonBody(z.strictObject({}).openapi("Nothing")) },
  responses: { 204: { description: "It is queued, under way or done" }, ...bodyProblems },
});

/** DELETE /jobs/{id} */
export const cancelJob = createRoute({
  method: "delete",
  path: "/jobs/{id}",
  summary: "Give a job up; what a sweep has collected, and what a training has stored, stays",
  request: { params: idParameter },
  responses: { 204: { description: "Given up, or over already" }, ...readProblems },
});

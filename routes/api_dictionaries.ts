/** `/api/v1` about dictionaries: how a training goes, and what a loaded one is measured to be. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { type Engine, measureDictionarySchema } from "../engine/mod.ts";
import { documented, idParameter, jsonBody, jsonContent, readProblems, workProblems } from "./api_parts.ts";
import { jobSchema, trainingSpecSchema } from "./api_schemas.ts";
import type { AppEnv } from "./env.ts";

const count = z.int();

const metricsSchema = z.object({
  tokens: count.meta({ description: "Held-out tokens that were counted, BOS left out" }),
  predicted: count.meta({ description: "Tokens whose next one was predicted" }),
  l0: z.number().meta({ description: "Active latents a token" }),
  explainedVariance: z.number().nullable().meta({ description: "1 − Σ‖y − x̂‖² / Σ‖y − mean(y)‖²" }),
  crossEntropy: z.object({ model: z.number(), dictionary: z.number(), zero: z.number() }).meta({
    description: "Nats a token: the model as it is, with the reconstruction, with 0 in place of the activation",
  }),
  recovered: z.number().nullable().meta({ description: "(zero − dictionary) / (zero − model) of the cross-entropies" }),
  dead: count.meta({ description: "Latents that are active on none of the tokens" }),
  latents: count,
}).openapi("DictionaryMetrics");

const trainingReportSchema = z.object({
  job: jobSchema,
  spec: trainingSpecSchema,
  points: z.array(z.object({
    step: count,
    loss: z.number(),
    explained: z.number(),
    l0: z.number(),
    dead: count,
  })).readonly().meta({ description: "Means over the steps since the point before" }),
  measurements: z.array(z.object({ step: count, metrics: metricsSchema })).readonly().meta({
    description: "On held-out text; of a training that is done, the last is the dictionary's",
  }),
}).openapi("TrainingReport");

/** GET /jobs/{id}/training */
const readTraining = createRoute({
  method: "get",
  path: "/jobs/{id}/training",
  summary: "How a training goes: its curves, and what was measured on held-out text",
  request: { params: idParameter },
  responses: { 200: { description: "Its curves", ...jsonContent(trainingReportSchema) }, ...readProblems },
});

/** POST /dictionary-metrics */
const measureDictionary = createRoute({
  method: "post",
  path: "/dictionary-metrics",
  summary: "What a loaded dictionary is measured to be on held-out text: found, or computed",
  request: { body: jsonBody(documented(measureDictionarySchema, "DictionaryMetricsRequest")) },
  responses: {
    200: {
      description: "What was measured",
      ...jsonContent(
        z.object({ model: z.string(), dictionary: z.string(), textSet: z.string(), metrics: metricsSchema })
          .openapi("DictionaryReport"),
      ),
    },
    ...workProblems,
  },
});

/** Adds the addresses to the API's own. */
export function addDictionaryRoutes(api: OpenAPIHono<AppEnv>, engine: Engine): void {
  api
    .openapi(readTraining, async (c) => c.json(await engine.training(c.req.valid("param").id), 200))
    .openapi(measureDictionary, async (c) => {
      const report = await engine.measureDictionary(c.req.valid("json"), { signal: c.req.raw.signal });
      return c.json(report, 200);
    });
}

/** `/api/v1` about related components: what the address takes and answers, and the answer. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { COMPONENT_KINDS, type Engine, READER_WAYS, relatedRequestSchema, SIMILARITIES } from "../engine/mod.ts";
import { componentParameters } from "./api_corpus_routes.ts";
import { jsonContent, problemResponses, readProblems } from "./api_parts.ts";
import type { AppEnv } from "./env.ts";

const component = z.string();
const kind = z.enum(COMPONENT_KINDS);

function listOf<Names extends readonly [string, ...string[]]>(by: z.ZodEnum<{ [Name in Names[number]]: Name }>) {
  return z.array(z.object({
    kind,
    by,
    chance: z.number().meta({ description: "Root mean square of the score of weights turned at random" }),
    components: z.array(z.object({
      component,
      score: z.number(),
      dictionary: z.string().optional().meta({ description: "Of a latent: id of its dictionary" }),
    })).readonly(),
  })).readonly();
}

const relatedComponentsSchema = z.object({
  component,
  dictionary: z.string().nullable().meta({ description: "Of a latent: id of its dictionary; else null" }),
  alignment: z.number().nullable().meta({ description: "Cosine of what a latent reads and what it writes" }),
  similar: listOf(z.enum(SIMILARITIES)).meta({ description: "Cosines of what the weights of its own kind do" }),
  upstream: listOf(z.enum(READER_WAYS)).meta({ description: "Compositions with what comes before, by the way in" }),
  downstream: listOf(z.enum(READER_WAYS)).meta({ description: "Compositions with what comes after, by the way in" }),
  coActivation: z.object({
    source: z.string(),
    sequenceCount: z.int(),
    sampleCount: z.int().meta({ description: "Random sequences that the correlations are over" }),
    chance: z.number().nullable(),
    topCount: z.int(),
    lists: z.array(z.object({
      kind,
      correlated: z.array(z.object({ component, correlation: z.number() })).readonly(),
      shared: z.array(z.object({ component, shared: z.int(), jaccard: z.number() })).readonly(),
    })).readonly(),
  }).nullable().meta({ description: "null before a sweep: begin one with POST /jobs" }),
}).openapi("RelatedComponents");

/** GET /models/{id}/components/{kind}/{layer}/{index}/related */
const readRelated = createRoute({
  method: "get",
  path: "/models/{id}/components/{kind}/{layer}/{index}/related",
  summary: "Components with similar weights, those it reads from and writes to, and those that are active with it",
  request: {
    params: componentParameters,
    query: z.object({
      textSet: relatedRequestSchema.shape.textSet,
      dictionary: relatedRequestSchema.shape.dictionary,
      top: z.coerce.number<string>().pipe(relatedRequestSchema.shape.top.unwrap()).optional(),
    }),
  },
  responses: {
    200: { description: "Related components", ...jsonContent(relatedComponentsSchema) },
    ...readProblems,
    ...problemResponses([429, 499, 503]),
  },
});

/** Adds the address to the API's own. */
export function addRelatedRoutes(api: OpenAPIHono<AppEnv>, engine: Engine): void {
  api.openapi(readRelated, async (c) => {
    const { id: model, kind, layer, index } = c.req.valid("param");
    const asked = { ...c.req.valid("query"), model, component: `${kind}/${layer}/${index}` };
    return c.json(await engine.related(asked, { signal: c.req.raw.signal }), 200);
  });
}

/** `/api/v1` about explanations: made, written, scored, found, taken along. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import {
  type ComponentName,
  type Engine,
  explainRequestSchema,
  explanationSearchSchema,
  scoreRequestSchema,
  writeRequestSchema,
} from "../engine/mod.ts";
import { componentParameters } from "./api_corpus_routes.ts";
import {
  componentExplanationsSchema,
  explainerComparisonSchema,
  explainPlanSchema,
  explanationSchema,
  foundExplanationsSchema,
} from "./api_explanations_schemas.ts";
import {
  bodyProblems,
  documented,
  idParameter,
  jsonBody,
  jsonContent,
  numberOf,
  readProblems,
  workProblems,
} from "./api_parts.ts";
import type { AppEnv } from "./env.ts";

const PATH = "/models/{id}/components/{kind}/{layer}/{index}";
const LINES_TYPE: string = "application/x-ndjson";

const { dictionary } = explainRequestSchema.shape;

const wait = z.object({
  wait: z.enum(["true", "false"]).optional().meta({ description: "true: answer when nothing is under way any more" }),
});
const named = { model: true, component: true } as const;

const readExplanations = createRoute({
  method: "get",
  path: `${PATH}/explanations`,
  summary: "What is said of a component, how well it holds, and what is under way",
  request: { params: componentParameters, query: wait.extend({ dictionary }) },
  responses: { 200: { description: "Explanations", ...jsonContent(componentExplanationsSchema) }, ...readProblems },
});

const explain = createRoute({
  method: "post",
  path: `${PATH}/explanations`,
  summary:
    "Explains a component in the background and scores what comes of it; by default by rules, which sends nothing anywhere",
  request: {
    params: componentParameters,
    query: wait,
    body: jsonBody(documented(explainRequestSchema.omit(named).strict(), "ExplainRequest")),
  },
  responses: {
    200: { description: "Nothing is under way", ...jsonContent(componentExplanationsSchema) },
    202: { description: "Under way", ...jsonContent(componentExplanationsSchema) },
    ...workProblems,
  },
});

const planExplanation = createRoute({
  method: "post",
  path: `${PATH}/explanations/plan`,
  summary: "What an explanation by the assistant would send, and what it may cost; nothing is sent",
  request: {
    params: componentParameters,
    body: jsonBody(documented(explainRequestSchema.omit({ ...named, by: true }).strict(), "PlanRequest")),
  },
  responses: { 200: { description: "The plan", ...jsonContent(explainPlanSchema) }, ...workProblems },
});

const writeExplanation = createRoute({
  method: "post",
  path: `${PATH}/explanations/written`,
  summary: "Stores an explanation that somebody wrote",
  request: {
    params: componentParameters,
    body: jsonBody(documented(writeRequestSchema.omit(named).strict(), "WriteRequest")),
  },
  responses: { 201: { description: "The explanation", ...jsonContent(explanationSchema) }, ...bodyProblems },
});

const scoreExplanation = createRoute({
  method: "post",
  path: `${PATH}/scores`,
  summary: "Scores an explanation in the background",
  request: {
    params: componentParameters,
    query: wait,
    body: jsonBody(documented(scoreRequestSchema, "ScoreRequest")),
  },
  responses: {
    200: { description: "Nothing is under way", ...jsonContent(componentExplanationsSchema) },
    202: { description: "Under way", ...jsonContent(componentExplanationsSchema) },
    ...workProblems,
  },
});

const { shape: searched } = explanationSearchSchema;

const searchExplanations = createRoute({
  method: "get",
  path: "/explanations",
  summary: "Explanations by their words, the nearest first",
  request: {
    query: z.object({
      q: searched.q,
      model: searched.model,
      page: numberOf(searched.page.unwrap()),
      pageSize: numberOf(searched.pageSize.unwrap()),
    }),
  },
  responses: { 200: { description: "A page of them", ...jsonContent(foundExplanationsSchema) }, ...readProblems },
});

const removeExplanation = createRoute({
  method: "delete",
  path: "/explanations/{explanation}",
  summary: "Removes an explanation with its scores",
  request: {
    params: z.object({
      explanation: z.string().regex(/^\d{1,15}$/, "Expected the number of an explanation").transform(Number),
    }),
  },
  responses: { 204: { description: "Removed" }, ...readProblems },
});

const compareExplainers = createRoute({
  method: "get",
  path: "/models/{id}/explainers",
  summary: "Who explains how well: each explainer by each scorer, kind by kind, and pairs on what both explain",
  request: { params: idParameter },
  responses: {
    200: { description: "The comparison", ...jsonContent(explainerComparisonSchema) },
    ...readProblems,
  },
});

const exportExplanations = createRoute({
  method: "get",
  path: "/models/{id}/explanations.ndjson",
  summary: "Every explanation of a model, one a line",
  request: { params: idParameter },
  responses: {
    200: { description: "Explanations", content: { [LINES_TYPE]: { schema: z.string() } } },
    ...readProblems,
  },
});

const importExplanations = createRoute({
  method: "post",
  path: "/models/{id}/explanations",
  summary: "Stores explanations of a file: OpenAI's published ones, or lines of our export",
  request: {
    params: idParameter,
    body: jsonBody(z.strictObject({ lines: z.string().max(1_000_000) }).openapi("ImportRequest")),
  },
  responses: {
    200: { description: "How many were stored", ...jsonContent(z.object({ imported: z.int() }).openapi("Imported")) },
    ...bodyProblems,
  },
});

/** Adds the addresses to the API's own. */
export function addExplanationRoutes(api: OpenAPIHono<AppEnv>, { explanations }: Pick<Engine, "explanations">): void {
  addComponentRoutes(api, explanations);
  api
    .openapi(searchExplanations, async (c) => c.json(await explanations.search(c.req.valid("query")), 200))
    .openapi(removeExplanation, (c) => {
      explanations.remove(c.req.valid("param").explanation);
      return c.body(null, 204);
    })
    .openapi(
      compareExplainers,
      async (c) => c.json(await explanations.compare(c.req.valid("param").id, { signal: c.req.raw.signal }), 200),
    )
    .openapi(exportExplanations, async (c) => {
      const lines = [...await explanations.all(c.req.valid("param").id)].map((one) => `${JSON.stringify(one)}\n`);
      return c.body(lines.join(""), 200, { "Content-Type": "application/x-ndjson; charset=utf-8" });
    })
    .openapi(importExplanations, async (c) => {
      const imported = await explanations.import(c.req.valid("param").id, c.req.valid("json").lines);
      return c.json({ imported }, 200);
    });
}

interface ComponentInAddress {
  readonly id: string;
  readonly kind: string;
  readonly layer: number;
  readonly index: number;
}

function nameOf({ id: model, kind, layer, index }: ComponentInAddress) {
  return { model, component: `${kind}/${layer}/${index}` };
}

function addComponentRoutes(api: OpenAPIHono<AppEnv>, explanations: Engine["explanations"]): void {
  /** What is there now, or when it has come to rest. */
  const state = async (
    about: ComponentName,
    { wait, signal }: { readonly wait: string | undefined; readonly signal: AbortSignal },
  ) => {
    const found = wait === "true" ? await explanations.settled(about, { signal }) : await explanations.list(about);
    const isUnderWay = found.attempts.some(({ state }) => state === "running");
    return { found, status: isUnderWay ? 202 as const : 200 as const };
  };
  api
    .openapi(readExplanations, async (c) => {
      const { wait, dictionary } = c.req.valid("query");
      const about = { ...nameOf(c.req.valid("param")), dictionary };
      return c.json((await state(about, { wait, signal: c.req.raw.signal })).found, 200);
    })
    .openapi(explain, async (c) => {
      const request = { ...c.req.valid("json"), ...nameOf(c.req.valid("param")) };
      const about = { model: request.model, component: request.component, dictionary: request.dictionary };
      await explanations.explain(request);
      const { found, status } = await state(about, { wait: c.req.valid("query").wait, signal: c.req.raw.signal });
      return c.json(found, status);
    })
    .openapi(planExplanation, async (c) => {
      const request = { ...c.req.valid("json"), ...nameOf(c.req.valid("param")), by: "assistant" as const };
      return c.json(await explanations.plan(request, { signal: c.req.raw.signal }), 200);
    })
    .openapi(writeExplanation, async (c) => {
      return c.json(await explanations.write({ ...c.req.valid("json"), ...nameOf(c.req.valid("param")) }), 201);
    })
    .openapi(scoreExplanation, async (c) => {
      const { dictionary } = await explanations.score(c.req.valid("json"));
      const about = { ...nameOf(c.req.valid("param")), dictionary: dictionary ?? undefined };
      const { found, status } = await state(about, { wait: c.req.valid("query").wait, signal: c.req.raw.signal });
      return c.json(found, status);
    });
}

/** `/api/v1`: runs, models, tokens and tensors for programs. Errors are `application/problem+json` (`errors.tsx`). */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { HTTPException } from "hono/http-exception";
import { type Engine, NotFoundError, toValidationError } from "../engine/mod.ts";
import {
  cancelMeasurement,
  createRun,
  listModels,
  measureRun,
  readAttention,
  readAttributedTokens,
  readCircuit,
  readEdges,
  readLens,
  readLogitsCsv,
  readMeasurement,
  readModel,
  readNodesCsv,
  readRun,
  readScoredTokens,
  readTensors,
  tokenize,
} from "./api_routes.ts";
import { addCorpusRoutes } from "./api_corpus.ts";
import { addExplanationRoutes } from "./api_explanations.ts";
import { addSearchRoutes } from "./api_search.ts";
import { addDictionaryRoutes } from "./api_dictionaries.ts";
import { addRelatedRoutes } from "./api_related.ts";
import { logitsCsv, nodesCsv } from "./csv.ts";
import { API_PREFIX, type AppEnv, type Deps } from "./env.ts";

/** Everything under `/api/v1`, addresses relative to it. */
export function apiRoutes({ engine }: Pick<Deps, "engine">): OpenAPIHono<AppEnv> {
  const api = new OpenAPIHono<AppEnv>({
    defaultHook: (parsed) => {
      if (!parsed.success) throw toValidationError(parsed.error);
    },
  });
  api.use(jsonBodies);
  api
    .openapi(createRun, async (c) => {
      const { result, isNew } = await engine.run(c.req.valid("json"), { signal: c.req.raw.signal });
      return c.json(result, isNew ? 201 : 200, { Location: `${API_PREFIX}/runs/${result.id}` });
    })
    .openapi(readRun, (c) => c.json(engine.storedRun(c.req.valid("param").id), 200))
    .openapi(readNodesCsv, (c) => {
      const run = engine.storedRun(c.req.valid("param").id);
      return csvAnswer(c, `run-${run.id}-nodes.csv`, nodesCsv(run));
    })
    .openapi(readLogitsCsv, (c) => {
      const run = engine.storedRun(c.req.valid("param").id);
      return csvAnswer(c, `run-${run.id}-logits.csv`, logitsCsv(run));
    })
    .openapi(measureRun, async (c) => {
      const measurement = await engine.measure(c.req.valid("param").id, c.req.valid("json"));
      return c.json(measurement, measurement.state === "done" ? 200 : 202);
    })
    .openapi(readMeasurement, async (c) => {
      const { id } = c.req.valid("param");
      const { wait, ...query } = c.req.valid("query");
      if (wait === "true") return c.json(await engine.finishedMeasurement(id, query), 200);
      const measurement = engine.measurement(id, query);
      if (measurement === null) throw new NotFoundError("This run has not been measured so: ask for it with POST");
      return c.json(measurement, 200);
    })
    .openapi(cancelMeasurement, (c) => {
      engine.cancelMeasurement(c.req.valid("param").id, c.req.valid("query"));
      return c.body(null, 204);
    })
    .openapi(listModels, (c) => c.json({ models: engine.models() }, 200))
    .openapi(readModel, (c) => c.json(engine.model(c.req.valid("param").id), 200))
    .openapi(tokenize, (c) => {
      const { model = defaultModelId(engine), text, bos } = c.req.valid("json");
      return c.json({ tokens: engine.tokenize(model, text, bos) }, 200);
    })
    .openapi(readEdges, async (c) => {
      return c.json(await engine.edges(c.req.valid("json"), { signal: c.req.raw.signal }), 200);
    })
    .openapi(readScoredTokens, async (c) => {
      return c.json(await engine.scoredTokens(c.req.valid("json"), { signal: c.req.raw.signal }), 200);
    })
    .openapi(readAttributedTokens, async (c) => {
      return c.json(await engine.attributedTokens(c.req.valid("json"), { signal: c.req.raw.signal }), 200);
    })
    .openapi(readLens, async (c) => {
      return c.json(await engine.lens(c.req.valid("json"), { signal: c.req.raw.signal }), 200);
    })
    .openapi(readAttention, async (c) => {
      return c.json(await engine.attention(c.req.valid("json"), { signal: c.req.raw.signal }), 200);
    })
    .openapi(readCircuit, async (c) => {
      return c.json(await engine.circuit(c.req.valid("json"), { signal: c.req.raw.signal }), 200);
    })
    .openapi(readTensors, async (c) => {
      const bytes = await engine.tensors(c.req.valid("json"), { signal: c.req.raw.signal });
      return c.body(bytes, 200, {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": 'attachment; filename="tensors.safetensors"',
      });
    });
  addCorpusRoutes(api, engine);
  addSearchRoutes(api, engine);
  addRelatedRoutes(api, engine);
  addDictionaryRoutes(api, engine);
  addExplanationRoutes(api, engine);
  api.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Transformer Debugger",
      version: engine.version,
      description: "Ask a transformer why it predicts one token and not another. Non-finite numbers are null.",
    },
    servers: [{ url: API_PREFIX }],
  });
  return api;
}

/** Reads the body once; what is not JSON is a 400 that says where it stops being JSON. */
const jsonBodies = createMiddleware<AppEnv>(async (c, next) => {
  if (c.req.method === "POST") {
    try {
      await c.req.json();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new HTTPException(400, { message: `Body is not JSON: ${error.message}`, cause: error });
    }
  }
  await next();
});

function csvAnswer(c: Context<AppEnv>, filename: string, text: string): Response {
  return c.body(text, 200, {
    "Content-Type": "text/csv; charset=utf-8",
    "Content-Disposition": `attachment; filename="${filename}"`,
  });
}

function defaultModelId(engine: Engine): string {
  const [model] = engine.models();
  if (model === undefined) throw new NotFoundError("No model is loaded: start the server with --models");
  return model.id;
}

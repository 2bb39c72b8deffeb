/** `/api/v1` about corpora: text sets, records, the catalogue, values on texts of one's own, and jobs. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Engine, LayerRecord } from "../engine/mod.ts";
import {
  cancelJob,
  listJobs,
  listTextSets,
  pauseJob,
  readActivations,
  readCatalogue,
  readLayerRecords,
  readRecords,
  resumeJob,
  startJob,
} from "./api_corpus_routes.ts";
import type { AppEnv } from "./env.ts";

/** Adds the addresses to the API's own. */
export function addCorpusRoutes(api: OpenAPIHono<AppEnv>, engine: Engine): void {
  addRecordRoutes(api, engine);
  addJobRoutes(api, engine);
}

function addRecordRoutes(api: OpenAPIHono<AppEnv>, engine: Engine): void {
  api
    .openapi(listTextSets, async (c) => {
      const { id } = c.req.valid("param");
      const { dictionary } = c.req.valid("query");
      return c.json({ textSets: await engine.textSets(id), sweeps: await engine.sweeps(id, dictionary) }, 200);
    })
    .openapi(readRecords, async (c) => {
      const { id: model, kind, layer, index } = c.req.valid("param");
      const component = `${kind}/${layer}/${index}`;
      const query = { ...c.req.valid("query"), model, component };
      return c.json(await engine.records(query, { signal: c.req.raw.signal }), 200);
    })
    .openapi(readActivations, async (c) => {
      const { id: model, kind, layer, index } = c.req.valid("param");
      const component = `${kind}/${layer}/${index}`;
      const asked = { ...c.req.valid("query"), ...c.req.valid("json"), model, component };
      const examples = await engine.activations(asked, { signal: c.req.raw.signal });
      return c.json({ examples }, 200);
    })
    .openapi(readCatalogue, async (c) => {
      const { id: model } = c.req.valid("param");
      return c.json(await engine.catalogue({ ...c.req.valid("query"), model }), 200);
    })
    .openapi(readLayerRecords, async (c) => {
      const { id: model, kind, layer } = c.req.valid("param");
      const records = await engine.layerRecords({ ...c.req.valid("query"), model, kind, layer });
      return linesAnswer(c, records);
    });
}

function addJobRoutes(api: OpenAPIHono<AppEnv>, engine: Engine): void {
  api
    .openapi(startJob, async (c) => {
      const job = await engine.startJob(c.req.valid("json"));
      return c.json(job, job.state === "done" ? 200 : 202);
    })
    .openapi(listJobs, (c) => c.json({ jobs: engine.jobs() }, 200))
    .openapi(pauseJob, (c) => {
      engine.pauseJob(c.req.valid("param").id);
      return c.body(null, 204);
    })
    .openapi(resumeJob, (c) => {
      engine.resumeJob(c.req.valid("param").id);
      return c.body(null, 204);
    })
    .openapi(cancelJob, (c) => {
      engine.cancelJob(c.req.valid("param").id);
      return c.body(null, 204);
    });
}

/** Written as they are read: a layer's records are never all in memory. */
function linesAnswer(c: Context<AppEnv>, records: Iterable<LayerRecord>): Response {
  const iterator = records[Symbol.iterator]();
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const { value, done } = iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
    },
  });
  return c.body(stream, 200, { "Content-Type": "application/x-ndjson; charset=utf-8" });
}

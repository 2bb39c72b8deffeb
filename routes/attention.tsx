/** `GET /runs/:id/attention`: one head's token pairs in a run. */
import { Hono } from "hono";
import { METRICS, type RunResult, ValidationError } from "../engine/mod.ts";
import { ATTENTION_ID, AttentionContent, AttentionPage } from "../views/pages/attention_page.tsx";
import type { AttentionView } from "../views/urls.ts";
import type { AppEnv, Deps } from "./env.ts";
import { FRAGMENT_PATIENCE_MS, loaded, PAGE_PATIENCE_MS } from "./loaded.ts";
import { isFragmentRequest } from "./renderer.tsx";
import { questionOf } from "./run_question.ts";

/** Most rows that are pinned at a time; the oldest goes. */
const MAX_ROWS = 8;

export function attentionRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>().get("/runs/:id/attention", async (c) => {
    const run = engine.storedRun(c.req.param("id"));
    const { layerCount, headCount } = engine.model(run.spec.model);
    const view = attentionView(new URL(c.req.url).searchParams, run, { layerCount, headCount });
    await engine.requireWeightsOf(run.id);
    const isFragment = isFragmentRequest(c.req.raw.headers);
    const metric = METRICS.find((known) => known === view.metric) ?? "activation";
    const attention = await loaded(
      engine.attention({ ...questionOf(run), trace: traceOf(run), head: view.head, metric, side: view.side }),
      isFragment ? FRAGMENT_PATIENCE_MS : PAGE_PATIENCE_MS,
    );
    const props = { run, view, layerCount, headCount, attention };
    const isPart = isFragment && c.req.header("HX-Target") === ATTENTION_ID;
    return c.render(isPart ? <AttentionContent {...props} /> : <AttentionPage {...props} />, {
      title: `${view.head} · ${run.spec.model}`,
    });
  });
}

function traceOf({ spec: { trace } }: RunResult) {
  return structuredClone(trace);
}

/** @throws {ValidationError} if there is no such head. */
function attentionView(
  query: URLSearchParams,
  run: RunResult,
  { layerCount, headCount }: { readonly layerCount: number; readonly headCount: number },
): AttentionView {
  const name = query.get("head") ?? "";
  const [, layer, head] = /^head\/(\d{1,4})\/(\d{1,4})$/.exec(name) ?? [];
  if (layer === undefined || Number(layer) >= layerCount || Number(head) >= headCount) {
    throw new ValidationError([{
      path: "head",
      message: `There is no head ${JSON.stringify(name.slice(0, 60))}: expected head/LAYER/HEAD with layers 0..${
        layerCount - 1
      } and heads 0..${headCount - 1}`,
    }]);
  }
  const number = (text: string | null) => text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null;
  const side = number(query.get("side")) ?? 0;
  return {
    head: name,
    metric: METRICS.find((known) => known === query.get("metric")) ?? "activation",
    side: side < run.sides.length ? side : 0,
    from: number(query.get("from")),
    pins: [...new Set(query.getAll("pin").flatMap((text) => number(text) ?? []))].slice(-MAX_ROWS),
  };
}

/** For whoever runs the server: is it alive, can it answer, what is it doing. */
import { Hono } from "hono";
import type { AppEnv, Deps } from "./env.ts";
import type { RequestMetrics } from "./telemetry.ts";

/** `/healthz`, `/readyz` and `/metrics`. */
export function operationRoutes({ engine }: Pick<Deps, "engine">, metrics: RequestMetrics): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .get("/healthz", (c) => c.text("ok\n", 200, { "Cache-Control": "no-store" }))
    .get("/readyz", (c) => {
      const status = engine.status();
      return c.json(status, status.isReady ? 200 : 503, { "Cache-Control": "no-store" });
    })
    .get("/metrics", (c) =>
      c.body(metrics.text(engine.status()), 200, {
        "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
        "Cache-Control": "no-store",
      }));
}

/** Counts and times of requests, for the log and for `/metrics`. Neither holds query strings, prompts or bodies. */
import type { Context, MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import type { EngineStatus } from "../engine/mod.ts";
import type { AppEnv, Deps } from "./env.ts";

/** Upper bounds of the histogram's buckets in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Timings {
  readonly counts: number[];
  sum: number;
  count: number;
}

/** Request counts and durations since the start. */
export class RequestMetrics {
  readonly #totals = new Map<string, number>();
  readonly #timings = new Map<string, Timings>();

  /** Counts one answered request. */
  add(request: { readonly method: string; readonly route: string; readonly status: number }, seconds: number): void {
    const labels = `method="${request.method}",route="${request.route}"`;
    const key = `${labels},status="${request.status}"`;
    this.#totals.set(key, (this.#totals.get(key) ?? 0) + 1);
    const timings = this.#timings.get(labels) ?? { counts: BUCKETS.map(() => 0), sum: 0, count: 0 };
    this.#timings.set(labels, timings);
    timings.sum += seconds;
    timings.count++;
    BUCKETS.forEach((bound, i) => timings.counts[i] = (timings.counts[i] ?? 0) + (seconds <= bound ? 1 : 0));
  }

  /** Everything in Prometheus's text format. */
  text(status: EngineStatus): string {
    const lines = ["# HELP http_requests_total Answered requests", "# TYPE http_requests_total counter"];
    for (const [labels, total] of this.#totals) lines.push(`http_requests_total{${labels}} ${total}`);
    lines.push("# HELP http_request_duration_seconds Time until the answer's head");
    lines.push("# TYPE http_request_duration_seconds histogram");
    for (const [labels, { counts, sum, count }] of this.#timings) {
      BUCKETS.forEach((bound, i) =>
        lines.push(`http_request_duration_seconds_bucket{${labels},le="${bound}"} ${counts[i]}`)
      );
      lines.push(`http_request_duration_seconds_bucket{${labels},le="+Inf"} ${count}`);
      lines.push(`http_request_duration_seconds_sum{${labels}} ${sum}`);
      lines.push(`http_request_duration_seconds_count{${labels}} ${count}`);
    }
    return [...lines, ...engineLines(status), ""].join("\n");
  }
}

/** One line a request: id, method, path pattern, status, milliseconds. */
export function accessLog({ log }: Pick<Deps, "log">): MiddlewareHandler<AppEnv> {
  return createMiddleware<AppEnv>(async (c, next) => {
    const start = performance.now();
    await next();
    const ms = (performance.now() - start).toFixed(1);
    log?.(`${c.get("requestId")} ${knownMethod(c.req.method)} ${routeOf(c)} ${c.res.status} ${ms} ms`);
  });
}

/** Counts every answered request. */
export function countRequests(metrics: RequestMetrics): MiddlewareHandler<AppEnv> {
  return createMiddleware<AppEnv>(async (c, next) => {
    const start = performance.now();
    await next();
    const seconds = (performance.now() - start) / 1000;
    metrics.add({ method: knownMethod(c.req.method), route: routeOf(c), status: c.res.status }, seconds);
  });
}

/** The pattern that answered; never the path, of which there are endlessly many. */
function routeOf(c: Context<AppEnv>): string {
  return matchedRoutes(c).findLast(({ method }) => method !== "ALL")?.path ?? "unmatched";
}

function knownMethod(method: string): string {
  return ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].includes(method) ? method : "OTHER";
}

function engineLines({ isReady, queued, active, sessions, storedRuns }: EngineStatus): string[] {
  const rows: readonly (readonly [name: string, help: string, value: number, type?: string])[] = [
    ["engine_ready", "1 if the engine can answer", isReady ? 1 : 0],
    ["engine_queued", "Questions in the waiting line", queued],
    ["engine_active", "Questions being computed", active],
    ["engine_sessions", "Compiled sessions held", sessions.count],
    ["engine_session_bytes", "Bytes of the compiled sessions held", sessions.bytes],
    ["engine_sessions_compiled_total", "Sessions compiled since the start", sessions.compiled, "counter"],
    ["engine_sessions_reused_total", "Sessions reused since the start", sessions.reused, "counter"],
    ["engine_stored_runs", "Runs in the store", storedRuns],
  ];
  return rows.flatMap(([name, help, value, type = "gauge"]) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    `${name} ${value}`,
  ]);
}

import assert from "node:assert/strict";
import { DEMO_QUESTION, demoForm, testApp } from "../support/test_app.ts";

Deno.test("GET /healthz answers without asking the engine", async () => {
  const { engine, send } = testApp();
  const answer = await send("/healthz");
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type") ?? "", /^text\/plain/);
  assert.equal(await answer.text(), "ok\n");
  assert.equal(engine.statusCalls, 0);
});

Deno.test("GET /readyz answers 200, and 503 with the problem while the engine cannot answer", async () => {
  const { engine, send } = testApp();
  const ready = await send("/readyz");
  assert.equal(ready.status, 200);
  assert.match(ready.headers.get("Content-Type") ?? "", /^application\/json/);
  assert.equal((await ready.json()).isReady, true);
  engine.isReady = false;
  const notReady = await send("/readyz");
  assert.equal(notReady.status, 503);
  assert.equal((await notReady.json()).problem, "The engine restarts");
});

Deno.test("GET /metrics counts requests by pattern and tells the engine's state", async () => {
  const { postJson, send } = testApp();
  const { id } = await (await postJson("/api/v1/runs", DEMO_QUESTION)).json();
  await send(`/runs/${id}?sort=ref`);
  await send(`/runs/${id}`);
  await send("/runs/unknown");
  await send("/wp-login.php");
  await send("/", { method: "BREW" });
  const answer = await send("/metrics");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  const lines = (await answer.text()).split("\n");
  const has = (line: string): void => assert.ok(lines.includes(line), `${line} in\n${lines.join("\n")}`);
  has('http_requests_total{method="POST",route="/api/v1/runs",status="201"} 1');
  has('http_requests_total{method="GET",route="/runs/:id",status="200"} 2');
  has('http_requests_total{method="GET",route="/runs/:id",status="404"} 1');
  has('http_requests_total{method="GET",route="unmatched",status="404"} 1');
  has('http_request_duration_seconds_bucket{method="GET",route="/runs/:id",le="+Inf"} 3');
  has('http_request_duration_seconds_count{method="GET",route="/runs/:id"} 3');
  has("engine_queued 3");
  has("engine_active 1");
  has("engine_sessions 2");
  has("engine_sessions_compiled_total 5");
  has("engine_sessions_reused_total 7");
  has("engine_stored_runs 1");
  assert.ok(!lines.some((line) => line.includes(id) || line.includes("wp-login")));
});

Deno.test("the log has method, pattern, status and time, and nothing of what was asked", async () => {
  const { log, postForm, send } = testApp();
  await postForm("/runs", demoForm(["prompt", "My secret"]));
  await send("/debugger?prompt=My+secret");
  assert.match(log[0] ?? "", /^[\w-]{36} POST \/runs 303 [\d.]+ ms$/);
  assert.match(log[1] ?? "", /^[\w-]{36} GET \/debugger 200 [\d.]+ ms$/);
  assert.ok(!log.some((line) => line.includes("secret")));
});

Deno.test("a request id that the caller gives is used, unless it could break a log line", async () => {
  const { send } = testApp();
  const given = await send("/healthz", { headers: { "X-Request-Id": "abc-123" } });
  assert.equal(given.headers.get("X-Request-Id"), "abc-123");
  const odd = await send("/healthz", { headers: { "X-Request-Id": "a b" } });
  assert.notEqual(odd.headers.get("X-Request-Id"), "a b");
});

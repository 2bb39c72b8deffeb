import assert from "node:assert/strict";
import {
  CancelledError,
  EngineError,
  EngineUnavailableError,
  NotFoundError,
  QueueFullError,
  ValidationError,
} from "../../../engine/errors.ts";
import { WorkerClient, type WorkerClientOptions } from "../../../engine/runtime/worker_client.ts";
import type { TestRequests } from "./fixtures/worker.ts";

function startClient(
  options: Partial<WorkerClientOptions> = {},
  file = "fixtures/worker.ts",
): WorkerClient<TestRequests> {
  return new WorkerClient(new URL(file, import.meta.url), { maxQueued: 8, openInput: {}, ...options });
}

Deno.test("WorkerClient.call() answers and tells how long the request waited", async () => {
  await using client = startClient();
  const { output, queuedMs } = await client.call("echo", "hello");
  assert.equal(output, "hello");
  assert.ok(queuedMs >= 0);
});

Deno.test("WorkerClient.call() moves buffers whole", async () => {
  await using client = startClient();
  const { output } = await client.call("buffer", 1000);
  assert.equal(output.length, 1000);
  assert.equal(output[999], 1);
});

Deno.test("WorkerClient.call() lets interactive requests go before background ones, each lane in order", async () => {
  await using client = startClient();
  const first = client.call("slow", { name: "first", ms: 50 });
  const rest = [
    client.call("echo", "background 1", { lane: "background" }),
    client.call("echo", "background 2", { lane: "background" }),
    client.call("echo", "interactive 1"),
    client.call("echo", "interactive 2"),
  ];
  await Promise.all([first, ...rest]);
  const { output } = await client.call("log", null);
  assert.deepEqual(output, ["first", "interactive 1", "interactive 2", "background 1", "background 2"]);
});

Deno.test("WorkerClient.call() drops a cancelled request before it reaches the worker", async () => {
  await using client = startClient();
  const controller = new AbortController();
  const first = client.call("slow", { name: "first", ms: 50 });
  const cancelled = client.call("echo", "never", { signal: controller.signal });
  controller.abort();
  await assert.rejects(cancelled, CancelledError);
  await first;
  const { output } = await client.call("log", null);
  assert.deepEqual(output, ["first"]);
});

Deno.test("WorkerClient.call() rejects at once when a running request is cancelled, and goes on after it", async () => {
  await using client = startClient();
  await client.call("echo", "warm");
  const controller = new AbortController();
  const running = client.call("slow", { name: "running", ms: 100 }, { signal: controller.signal });
  setTimeout(() => controller.abort(), 10);
  await assert.rejects(running, CancelledError);
  assert.equal(client.counters().active, 1);
  assert.equal((await client.call("echo", "next")).output, "next");
});

Deno.test("WorkerClient.call() refuses a signal that is aborted already", async () => {
  await using client = startClient();
  await assert.rejects(client.call("echo", "x", { signal: AbortSignal.abort() }), CancelledError);
});

Deno.test("WorkerClient.call() refuses what does not fit in the line", async () => {
  await using client = startClient({ maxQueued: 2 });
  const waiting = [
    client.call("slow", { name: "a", ms: 30 }),
    client.call("echo", "b"),
    client.call("echo", "c"),
  ];
  await assert.rejects(client.call("echo", "d"), (error: unknown) => {
    assert.ok(error instanceof QueueFullError);
    assert.equal(error.retryAfterSeconds, 2);
    assert.match(error.message, /at most 2 may/);
    return true;
  });
  await Promise.all(waiting);
});

Deno.test("WorkerClient.call() re-makes the errors of handlers", async () => {
  await using client = startClient();
  await assert.rejects(client.call("fail", "validation"), (error: unknown) => {
    assert.ok(error instanceof ValidationError);
    assert.deepEqual(error.issues, [{ path: "prompts.0", message: "Expected something else" }]);
    return true;
  });
  await assert.rejects(client.call("fail", "notFound"), NotFoundError);
  await assert.rejects(
    client.call("fail", "memory"),
    (error: unknown) => error instanceof EngineUnavailableError && /Out of memory/.test(error.message),
  );
  await assert.rejects(
    client.call("fail", "plain"),
    (error: unknown) => error instanceof EngineError && error.message === "Something else",
  );
});

Deno.test("WorkerClient.call() survives a crash of the worker: 503 now, a fresh worker next", async () => {
  const lines: string[] = [];
  await using client = startClient({ log: (line) => lines.push(line) });
  await client.call("echo", "before");
  const waiting = client.call("crash", null);
  const behind = client.call("echo", "behind");
  await assert.rejects(
    waiting,
    (error: unknown) => error instanceof EngineUnavailableError && /Deliberate crash.*ask again/.test(error.message),
  );
  assert.equal((await behind).output, "behind");
  assert.deepEqual((await client.call("log", null)).output, ["behind"]);
  assert.equal(client.counters().crashes, 1);
  assert.equal(client.counters().problem, null);
  assert.equal(lines.length, 1);
});

Deno.test("WorkerClient.call() tells why a worker does not load, and stops trying for a while", async () => {
  await using client = startClient({}, "fixtures/broken_worker.ts");
  for (let attempt = 0; attempt < 5; attempt++) {
    await assert.rejects(
      client.call("echo", "x"),
      (error: unknown) => error instanceof EngineUnavailableError && /This worker does not load/.test(error.message),
    );
  }
  assert.equal(client.counters().crashes, 3);
  assert.match(client.counters().problem ?? "", /does not load/);
});

Deno.test("WorkerClient.call() passes on the error of a refused opening, every time", async () => {
  await using client = startClient({ openInput: { failing: true } });
  await assert.rejects(client.call("echo", "x"), NotFoundError);
  await assert.rejects(client.call("echo", "x"), NotFoundError);
});

Deno.test("WorkerClient.close() finishes what runs and refuses what waits", async () => {
  const client = startClient();
  const running = client.call("slow", { name: "running", ms: 30 });
  const waiting = assert.rejects(client.call("echo", "waiting"), EngineUnavailableError);
  await Promise.resolve();
  const closing = client.close();
  assert.equal((await running).output, "running");
  await waiting;
  await closing;
  await assert.rejects(client.call("echo", "late"), EngineUnavailableError);
});

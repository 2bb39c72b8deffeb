import assert from "node:assert/strict";
import {
  CancelledError,
  EngineError,
  EngineUnavailableError,
  ModelNotLoadedError,
  NotFoundError,
  QueueFullError,
  ValidationError,
} from "../../engine/mod.ts";
import { DEMO_QUESTION, demoForm, HTMX, parsePage, testApp } from "../support/test_app.ts";

const CASES: readonly (readonly [error: Error, status: number, headers?: Readonly<Record<string, string>>])[] = [
  [new NotFoundError("There is no model"), 404],
  [new ModelNotLoadedError("The model is not loaded"), 409],
  [new QueueFullError("The waiting line is full", 2.3), 429, { "Retry-After": "3" }],
  [new CancelledError("The caller gave up"), 499],
  [new EngineUnavailableError("The engine restarts"), 503, { "Retry-After": "1" }],
];

for (const [error, status, headers = {}] of CASES) {
  Deno.test(`${error.name} is a ${status} as JSON, as a page and as a fragment`, async () => {
    const { engine, postJson, postForm } = testApp();
    engine.failure = error;
    const hasHeaders = (answer: Response): void => {
      assert.equal(answer.status, status);
      for (const [name, value] of Object.entries(headers)) assert.equal(answer.headers.get(name), value);
    };

    const json = await postJson("/api/v1/runs", DEMO_QUESTION);
    hasHeaders(json);
    assert.equal(json.headers.get("Content-Type"), "application/problem+json");
    const problem = await json.json();
    assert.equal(problem.type, "about:blank");
    assert.equal(problem.status, status);
    assert.equal(problem.detail, error.message);
    assert.equal(problem.instance, "/api/v1/runs");
    assert.equal(problem.requestId, json.headers.get("X-Request-Id"));

    const page = await postForm("/runs", demoForm());
    hasHeaders(page);
    assert.match(page.headers.get("Content-Type") ?? "", /^text\/html/);
    const html = await page.text();
    assert.ok(html.startsWith("<!doctype html>"));
    assert.ok(parsePage(html).body.textContent?.includes(error.message));

    const fragment = await postForm("/runs", demoForm(), HTMX);
    hasHeaders(fragment);
    assert.equal(fragment.headers.get("HX-Retarget"), "#notice");
    assert.equal(fragment.headers.get("HX-Reswap"), "outerHTML");
    const note = await fragment.text();
    assert.ok(!note.includes("<html"));
    assert.ok(parsePage(note).querySelector("#notice")?.textContent?.includes(error.message));
  });
}

Deno.test("a ValidationError is a 422 with its issues", async () => {
  const { engine, postJson } = testApp();
  const issues = [{ path: "prompts.0.targets.1", message: "Two tokens: expected exactly one" }];
  engine.failure = new ValidationError(issues);
  const answer = await postJson("/api/v1/runs", DEMO_QUESTION);
  assert.equal(answer.status, 422);
  assert.equal(answer.headers.get("Content-Type"), "application/problem+json");
  assert.deepEqual((await answer.json()).issues, issues);
});

for (const error of [new Error("Secret detail"), new EngineError("Secret detail"), new TypeError("Secret detail")]) {
  Deno.test(`an unexpected ${error.name} is a 500 that tells its detail to the log alone`, async () => {
    const { engine, log, postJson, postForm } = testApp();
    engine.failure = error;
    const json = await postJson("/api/v1/runs", DEMO_QUESTION);
    assert.equal(json.status, 500);
    assert.equal(json.headers.get("Content-Type"), "application/problem+json");
    const text = await json.text();
    assert.ok(!/secret/i.test(text));
    const { requestId } = JSON.parse(text);
    assert.ok(log.some((line) => line.includes(requestId) && line.includes("Secret detail")));

    const page = await postForm("/runs", demoForm());
    assert.equal(page.status, 500);
    const html = await page.text();
    assert.ok(!html.includes("Secret"));
    assert.ok(html.includes(page.headers.get("X-Request-Id") ?? "?"));
  });
}

Deno.test("what could not be parsed, and what an error came of, is not logged with it: either may be a provider's text", async () => {
  const unparsable = (): Error => {
    try {
      return JSON.parse("PROVIDER-TEXT {");
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return error;
    }
  };
  const parsing = unparsable();
  assert.match(parsing.message, /PROVIDER-TEXT/, "else there is nothing to see to");
  for (const error of [parsing, new Error("It failed", { cause: "PROVIDER-TEXT" })]) {
    const { engine, log, postJson } = testApp();
    engine.failure = error;
    assert.equal((await postJson("/api/v1/runs", DEMO_QUESTION)).status, 500);
    const logged = log.join("\n");
    assert.ok(!logged.includes("PROVIDER-TEXT"), logged);
    assert.match(logged, /errors_test\.ts/, "where it was is logged");
  }
});

const MALFORMED: readonly (readonly [body: string, status: number, paths: readonly string[]])[] = [
  ["", 400, []],
  ["{", 400, []],
  ["'x'", 400, []],
  ["null", 422, [""]],
  ["[]", 422, [""]],
  ["{}", 422, ["prompts"]],
  ['{"prompts":[]}', 422, ["prompts"]],
  ['{"prompts":[{"text":"a"}]}', 422, ["prompts.0.targets"]],
  ['{"prompts":[{"tokens":[1,-2],"targets":[3]}]}', 422, ["prompts.0.tokens.1"]],
  ['{"prompts":[{"text":"a","targets":[]}]}', 422, ["prompts.0.targets"]],
  ['{"prompts":[{"text":"a","targets":["a", null]}]}', 422, ["prompts.0.targets.1"]],
  ['{"prompts":[{"text":"a","targets":["a b"]}]}', 422, ["prompts.0.targets.0"]],
  ['{"prompts":[{"text":"a","targets":["a"]}],"topK":0}', 422, ["topK"]],
  ['{"prompts":[{"text":"a","targets":["a"]}],"interventions":[1]}', 422, ["interventions.0"]],
  ['{"prompts":[{"text":"a","targets":["a"]}],"trace":{}}', 422, ["trace.node"]],
  ['{"prompts":[{"text":"a","targets":["a"]}],"objective":{"kind":"x"}}', 422, ["objective.kind"]],
];

for (const [body, status, paths] of MALFORMED) {
  Deno.test(`POST /api/v1/runs with ${body === "" ? "nothing" : body} is a ${status}`, async () => {
    const answer = await testApp().postJson("/api/v1/runs", body);
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get("Content-Type"), "application/problem+json");
    const { detail, issues = [] } = await answer.json();
    if (status === 400) assert.match(detail, /^Body is not JSON: /);
    assert.deepEqual(issues.map(({ path }: { path: string }) => path), paths);
  });
}

Deno.test("unknown keys are named", async () => {
  const answer = await testApp().postJson("/api/v1/runs", { ...DEMO_QUESTION, topk: 3 });
  assert.equal(answer.status, 422);
  assert.match((await answer.json()).detail, /topk/);
});

for (const path of ["/api/v1/nothing", "/api/v1/runs/unknown", "/api/v1/runs/unknown/nodes.csv", "/api/v1/models/x"]) {
  Deno.test(`GET ${path} is a 404 as problem+json`, async () => {
    const answer = await testApp().send(path);
    assert.equal(answer.status, 404);
    assert.equal(answer.headers.get("Content-Type"), "application/problem+json");
    assert.equal((await answer.json()).instance, path);
  });
}

for (const path of ["/nothing", "/runs/unknown", "/runs/../../etc/passwd", "/runs/%2e%2e%2fx", "/static/none.css"]) {
  Deno.test(`GET ${path} is a 404 page`, async () => {
    const answer = await testApp().send(path);
    assert.equal(answer.status, 404);
    assert.match(answer.headers.get("Content-Type") ?? "", /^text\/html/);
    assert.ok((await answer.text()).startsWith("<!doctype html>"));
  });
}

const WRONG_METHODS: readonly (readonly [method: string, path: string, allow: string])[] = [
  ["DELETE", "/api/v1/runs", "POST"],
  ["GET", "/api/v1/tensors", "POST"],
  ["PUT", "/api/v1/runs/abc", "GET, HEAD"],
  ["DELETE", "/", "GET, HEAD"],
  ["PUT", "/debugger", "GET, HEAD, POST"],
  ["GET", "/theme", "POST"],
];

for (const [method, path, allow] of WRONG_METHODS) {
  Deno.test(`${method} ${path} is a 405 that allows ${allow}`, async () => {
    const answer = await testApp().send(path, { method });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.get("Allow"), allow);
    const isApi = path.startsWith("/api/");
    assert.match(answer.headers.get("Content-Type") ?? "", isApi ? /^application\/problem\+json$/ : /^text\/html/);
    assert.ok((await answer.text()).includes(allow));
  });
}

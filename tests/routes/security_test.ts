import assert from "node:assert/strict";
import { DEMO_QUESTION, demoForm, HOST, testApp } from "../support/test_app.ts";

const MEBIBYTE = 1_048_576;
const JSON_BODY = { "Content-Type": "application/json" };

for (const path of ["/", "/debugger", "/healthz", "/api/v1/models", "/api/v1/nothing", "/nothing"]) {
  Deno.test(`GET ${path} carries the strict headers`, async () => {
    const { headers } = await testApp().send(path);
    const policy = headers.get("Content-Security-Policy") ?? "";
    for (
      const part of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ]
    ) {
      assert.ok(policy.split(/; ?/).includes(part), `${part} in ${policy}`);
    }
    assert.doesNotMatch(policy, /unsafe-|\*|https?:/);
    assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
    assert.equal(headers.get("Referrer-Policy"), "same-origin");
    assert.equal(headers.get("Strict-Transport-Security"), null);
    assert.match(headers.get("X-Request-Id") ?? "", /^[\w-]{36}$/);
  });
}

for (const host of ["evil.example", "127.0.0.1", "127.0.0.1:8001", "127.0.0.1:8000.evil.example", "localhost:80"]) {
  Deno.test(`the host ${host} is refused with a 421 that names --allow-host`, async () => {
    for (const path of ["/", "/healthz", "/api/v1/models"]) {
      const answer = await testApp().send(path, { headers: { Host: host } });
      assert.equal(answer.status, 421);
      assert.match(await answer.text(), /--allow-host/);
    }
  });
}

Deno.test("allowed hosts are compared without case", async () => {
  assert.equal((await testApp().send("/healthz", { headers: { Host: "LOCALHOST:8000" } })).status, 200);
});

const ORIGINS: readonly (readonly [headers: Readonly<Record<string, string>>, isAllowed: boolean])[] = [
  [{}, true],
  [{ Origin: `http://${HOST}` }, true],
  [{ Origin: `http://${HOST}`, "Sec-Fetch-Site": "same-origin" }, true],
  [{ "Sec-Fetch-Site": "none" }, true],
  [{ "Sec-Fetch-Site": "cross-site" }, false],
  [{ "Sec-Fetch-Site": "same-site" }, false],
  [{ Origin: `http://${HOST}`, "Sec-Fetch-Site": "cross-site" }, false],
  [{ Origin: "null" }, false],
  [{ Origin: "http://evil.example" }, false],
  [{ Origin: "http://localhost:8000" }, false],
  [{ Origin: `http://${HOST}.evil.example` }, false],
  [{ Origin: "http://evil.example", "Sec-Fetch-Site": "same-origin" }, false],
];

for (const [headers, isAllowed] of ORIGINS) {
  Deno.test(`a change of state with ${JSON.stringify(headers)} is ${isAllowed ? "done" : "a 403"}`, async () => {
    const { engine, postJson, postForm } = testApp();
    const statuses = [
      (await postJson("/api/v1/runs", DEMO_QUESTION, headers)).status,
      (await postForm("/runs", demoForm(), headers)).status,
      (await postForm("/theme", [["theme", "dark"]], headers)).status,
    ];
    assert.deepEqual(statuses, isAllowed ? [201, 303, 303] : [403, 403, 403]);
    if (!isAllowed) assert.deepEqual(engine.signals, []);
  });
}

Deno.test("reading from another site's link is allowed", async () => {
  assert.equal((await testApp().send("/", { headers: { "Sec-Fetch-Site": "cross-site" } })).status, 200);
});

Deno.test("a body over 1 MiB is a 413 that names the limit, with and without a length", async () => {
  const text = "x".repeat(MEBIBYTE);
  const chunked = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
  const bodies: readonly (readonly [BodyInit, Readonly<Record<string, string>>])[] = [
    [JSON.stringify({ text }), { "Content-Length": String(MEBIBYTE + 11) }],
    [JSON.stringify({ text }), {}],
    [chunked(), {}],
    [chunked(), { "Transfer-Encoding": "chunked" }],
    [chunked(), { "Transfer-Encoding": "chunked", "Content-Length": "10" }],
  ];
  for (const [body, headers] of bodies) {
    const answer = await testApp().send("/api/v1/runs", {
      method: "POST",
      headers: { ...JSON_BODY, ...headers },
      body,
    });
    assert.equal(answer.status, 413);
    assert.equal(answer.headers.get("Content-Type"), "application/problem+json");
    assert.match((await answer.json()).detail, /1048576 bytes/);
  }
});

Deno.test("a large body within the limit is read", async () => {
  const answer = await testApp().postJson("/api/v1/tokenize", { text: "x".repeat(99_000) });
  assert.equal(answer.status, 200);
});

const WRONG_TYPES: readonly (readonly [path: string, type: string | null, expected: string])[] = [
  ["/api/v1/runs", "text/plain", "application/json"],
  ["/api/v1/runs", "application/x-www-form-urlencoded", "application/json"],
  ["/api/v1/tokenize", null, "application/json"],
  ["/api/v1/tensors", "application/jsonp", "application/json"],
  ["/runs", "application/json", "application/x-www-form-urlencoded"],
  ["/runs", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"],
  ["/debugger", "text/plain", "application/x-www-form-urlencoded"],
  ["/theme", "text/plain", "application/x-www-form-urlencoded"],
];

for (const [path, type, expected] of WRONG_TYPES) {
  Deno.test(`POST ${path} with content type ${type} is a 415 that says ${expected}`, async () => {
    const headers: Record<string, string> = type === null ? {} : { "Content-Type": type };
    const body = new TextEncoder().encode("{}");
    const answer = await testApp().send(path, { method: "POST", headers, body });
    assert.equal(answer.status, 415);
    assert.ok((await answer.text()).includes(`expected ${expected}`));
  });
}

Deno.test("a content type with a charset is taken", async () => {
  const answer = await testApp().postJson("/api/v1/runs", DEMO_QUESTION, {
    "Content-Type": "Application/JSON; charset=utf-8",
  });
  assert.equal(answer.status, 201);
});

import assert from "node:assert/strict";
import { DEMO_QUESTION, LATENT_QUESTION, testApp } from "../support/test_app.ts";

const JSON_TYPE = /^application\/json/;

Deno.test("POST /api/v1/runs answers 201 for a new run and 200 for the same question again", async () => {
  const { postJson } = testApp();
  const created = await postJson("/api/v1/runs", DEMO_QUESTION);
  assert.equal(created.status, 201);
  assert.match(created.headers.get("Content-Type") ?? "", JSON_TYPE);
  const run = await created.json();
  assert.equal(created.headers.get("Location"), `/api/v1/runs/${run.id}`);
  assert.equal(run.spec.model, "demo");
  assert.equal(run.spec.topK, 10);
  assert.equal(run.nodes[1].ref, "head/0/1@0<0");

  const found = await postJson("/api/v1/runs", { ...DEMO_QUESTION, model: "demo", topK: 10 });
  assert.equal(found.status, 200);
  assert.equal(found.headers.get("Location"), `/api/v1/runs/${run.id}`);
  assert.deepEqual(await found.json(), run);
});

Deno.test("a canonical spec can be sent back and has the same id", async () => {
  const { postJson } = testApp();
  const run = await (await postJson("/api/v1/runs", DEMO_QUESTION)).json();
  const again = await postJson("/api/v1/runs", run.spec);
  assert.equal(again.status, 200);
  assert.equal((await again.json()).id, run.id);
});

Deno.test("GET /api/v1/runs/{id} answers the stored run, also at the Location it was given", async () => {
  const { postJson, send } = testApp();
  const created = await postJson("/api/v1/runs", DEMO_QUESTION);
  const read = await send(created.headers.get("Location") ?? "");
  assert.equal(read.status, 200);
  assert.match(read.headers.get("Content-Type") ?? "", JSON_TYPE);
  assert.deepEqual(await read.json(), await created.json());
});

Deno.test("nodes.csv holds all scalars of all sides, unrounded", async () => {
  const { postJson, send } = testApp();
  const [prompt] = DEMO_QUESTION.prompts;
  const { id } = await (await postJson("/api/v1/runs", { prompts: [prompt, { ...prompt, text: "Mary gave" }] })).json();
  const answer = await send(`/api/v1/runs/${id}/nodes.csv`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("Content-Type"), "text/csv; charset=utf-8");
  assert.equal(answer.headers.get("Content-Disposition"), `attachment; filename="run-${id}-nodes.csv"`);
  const lines = (await answer.text()).split("\r\n");
  assert.equal(
    lines[0],
    "ref,activation_left,activation_right,writeNorm_left,writeNorm_right,directEffect_left,directEffect_right," +
      "totalEffect_left,totalEffect_right",
  );
  assert.equal(lines[2], "head/0/1@0<0,0.1,1.1,1.3333333333333333,2.333333333333333,-1,0,1,2");
  assert.equal(lines.length, 5);
  assert.equal(lines.at(-1), "");
});

Deno.test("logits.csv quotes fields with commas, quotes, line breaks and outer spaces", async () => {
  const { postJson, send } = testApp();
  const question = { prompts: [{ text: "a", targets: [' "a",', "\n"], distractors: ["plain"] }] };
  const { id } = await (await postJson("/api/v1/runs", question)).json();
  const answer = await send(`/api/v1/runs/${id}/logits.csv`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("Content-Type"), "text/csv; charset=utf-8");
  assert.equal(answer.headers.get("Content-Disposition"), `attachment; filename="run-${id}-logits.csv"`);
  const text = await answer.text();
  assert.ok(text.startsWith("side,id,text,logit,logProb,rank,role\r\n"));
  assert.match(text, /\r\nclean,\d+," ""a"",",0\.3333333333333333,-0\.1,1,target\r\n/);
  assert.match(text, /\r\nclean,\d+,"\n",1\.3333333333333333,-1\.1,2,target\r\n/);
  assert.match(text, /\r\nclean,\d+,plain,/);
});

Deno.test("GET /api/v1/models lists the models", async () => {
  const answer = await testApp().send("/api/v1/models");
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type") ?? "", JSON_TYPE);
  const { models } = await answer.json();
  assert.deepEqual(models.map(({ id }: { id: string }) => id), ["demo"]);
});

Deno.test("GET /api/v1/models/{id} tells configuration and hook points", async () => {
  const answer = await testApp().send("/api/v1/models/demo");
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type") ?? "", JSON_TYPE);
  const model = await answer.json();
  assert.equal(model.config.model_type, "gpt2");
  assert.deepEqual(model.hookPoints, [{ name: "blocks.0.mlp.hook_post", axes: ["token", "neuron"] }]);
});

Deno.test("POST /api/v1/tokenize prepends a BOS only if asked to", async () => {
  const { postJson } = testApp();
  const answer = await postJson("/api/v1/tokenize", { text: "John gave" });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type") ?? "", JSON_TYPE);
  const texts = async (response: Response): Promise<string[]> =>
    (await response.json()).tokens.map(({ text }: { text: string }) => text);
  assert.deepEqual(await texts(answer), ["John", " gave"]);
  const withBos = await postJson("/api/v1/tokenize", { model: "demo", text: "John gave", bos: true });
  assert.deepEqual(await texts(withBos), ["<|endoftext|>", "John", " gave"]);
});

Deno.test("POST /api/v1/tensors answers the engine's bytes", async () => {
  const answer = await testApp().postJson("/api/v1/tensors", { ...DEMO_QUESTION, tensors: ["logits"] });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("Content-Type"), "application/octet-stream");
  assert.deepEqual([...await answer.bytes()], [2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]);
});

Deno.test("POST /api/v1/logit-lens answers one row for the embeddings and one a layer", async () => {
  const answer = await testApp().postJson("/api/v1/logit-lens", { ...DEMO_QUESTION, count: 2 });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type") ?? "", JSON_TYPE);
  const lens = await answer.json();
  assert.deepEqual([lens.side, lens.from, lens.tokens.length, lens.target.text], ["clean", 4, 6, " Mary"]);
  assert.deepEqual(lens.rows.map((row: readonly unknown[]) => row.length), [2, 2, 2]);
  assert.deepEqual(lens.rows[2][1], { top: lens.target, topLogProb: -1 / 3, targetLogProb: -2, targetRank: 1 });
});

Deno.test("POST /api/v1/attention answers a triangle of values", async () => {
  const answer = await testApp().postJson("/api/v1/attention", { ...DEMO_QUESTION, head: "head/1/0" });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type") ?? "", JSON_TYPE);
  const { head, metric, side, tokens, values } = await answer.json();
  assert.deepEqual([head, metric, side, tokens.length], ["head/1/0", "activation", "clean", 6]);
  assert.deepEqual(values.slice(0, 2), [[1], [0.5, 0.5]]);
});

Deno.test("POST /api/v1/circuit answers nodes, edges and candidates", async () => {
  const nodes = ["embed@0", "head/0/1@0<0", "mlp/1/7@0"];
  const answer = await testApp().postJson("/api/v1/circuit", { ...DEMO_QUESTION, nodes });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type") ?? "", JSON_TYPE);
  const circuit = await answer.json();
  assert.deepEqual(circuit.nodes.map(({ ref }: { ref: string }) => ref), nodes);
  assert.deepEqual(circuit.edges[0], { from: "embed@0", to: "head/0/1@0<0", path: "q", attribution: 1 });
  assert.deepEqual([circuit.candidates.length, circuit.done, circuit.total], [2, 3, 3]);
});

const WRONG_FIELDS: readonly (readonly [address: string, fields: object, path: string])[] = [
  ["logit-lens", { count: 33 }, "count"],
  ["logit-lens", { side: 1 }, "side"],
  ["logit-lens", { from: 6 }, "from"],
  ["logit-lens", { trace: null }, ""],
  ["attention", { head: "head/9/9" }, "head"],
  ["attention", { head: "head/0/0", metric: "heat" }, "metric"],
  ["circuit", { nodes: [] }, "nodes"],
  ["circuit", { nodes: Array.from({ length: 41 }, (_, token) => `embed@${token}`) }, "nodes"],
];

for (const [address, fields, path] of WRONG_FIELDS) {
  Deno.test(`POST /api/v1/${address} answers 422 to ${JSON.stringify(fields).slice(0, 40)}`, async () => {
    const answer = await testApp().postJson(`/api/v1/${address}`, { ...DEMO_QUESTION, ...fields });
    assert.equal(answer.status, 422);
    assert.match(answer.headers.get("Content-Type") ?? "", /^application\/problem\+json/);
    const { issues } = await answer.json();
    assert.deepEqual(issues.map((issue: { path: string }) => issue.path), [path]);
  });
}

Deno.test("runs and tensors are asked for with the request's abort signal", async () => {
  const { engine, send } = testApp();
  const body = JSON.stringify({ ...DEMO_QUESTION, tensors: undefined });
  engine.delayMs = 20;
  const abort = new AbortController();
  const headers = { "Content-Type": "application/json" };
  const asked = send("/api/v1/runs", { method: "POST", headers, body, signal: abort.signal });
  setTimeout(() => abort.abort(), 5);
  assert.equal((await asked).status, 499);
  assert.equal(engine.signals[0]?.aborted, true);
});

Deno.test("the OpenAPI document lists every API route with its schemas", async () => {
  const answer = await testApp().send("/api/v1/openapi.json");
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type") ?? "", JSON_TYPE);
  const document = await answer.json();
  assert.equal(document.openapi, "3.1.0");
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods as Record<string, unknown>).map((method) => `${method.toUpperCase()} ${path}`)
  );
  assert.deepEqual(operations.toSorted(), [
    "DELETE /explanations/{explanation}",
    "DELETE /jobs/{id}",
    "DELETE /runs/{id}/measured",
    "GET /explanations",
    "GET /jobs",
    "GET /jobs/{id}/training",
    "GET /models",
    "GET /models/{id}",
    "GET /models/{id}/catalogue",
    "GET /models/{id}/components/{kind}/{layer}/{index}",
    "GET /models/{id}/components/{kind}/{layer}/{index}/explanations",
    "GET /models/{id}/components/{kind}/{layer}/{index}/related",
    "GET /models/{id}/explainers",
    "GET /models/{id}/explanations.ndjson",
    "GET /models/{id}/layers/{kind}/{layer}/records.ndjson",
    "GET /models/{id}/text-sets",
    "GET /runs/{id}",
    "GET /runs/{id}/logits.csv",
    "GET /runs/{id}/measured",
    "GET /runs/{id}/nodes.csv",
    "GET /search",
    "POST /attention",
    "POST /attributed-tokens",
    "POST /circuit",
    "POST /dictionary-metrics",
    "POST /edges",
    "POST /jobs",
    "POST /jobs/{id}/pause",
    "POST /jobs/{id}/resume",
    "POST /logit-lens",
    "POST /models/{id}/components/{kind}/{layer}/{index}/activations",
    "POST /models/{id}/components/{kind}/{layer}/{index}/explanations",
    "POST /models/{id}/components/{kind}/{layer}/{index}/explanations/plan",
    "POST /models/{id}/components/{kind}/{layer}/{index}/explanations/written",
    "POST /models/{id}/components/{kind}/{layer}/{index}/scores",
    "POST /models/{id}/explanations",
    "POST /models/{id}/firing",
    "POST /runs",
    "POST /runs/{id}/measured",
    "POST /scored-tokens",
    "POST /tensors",
    "POST /tokenize",
  ]);
  assert.deepEqual(document.servers, [{ url: "/api/v1" }]);
  const { schemas } = document.components;
  assert.deepEqual(Object.keys(schemas.RunResult.properties).toSorted(), [
    "alignment",
    "checks",
    "dictionaries",
    "id",
    "nodes",
    "objectiveKind",
    "provenance",
    "sides",
    "spec",
    "sums",
    "timing",
  ]);
  assert.ok(schemas.RunRequest.properties.prompts, "the request's fields are described");
  assert.ok(schemas.TensorsRequest.properties.tensors, "the request's fields are described");
  for (const method of Object.values(document.paths).flatMap((methods) => Object.values(methods as object))) {
    assert.ok(method.responses["421"], `${method.summary}: problems are described`);
  }
});

Deno.test("the OpenAPI document describes what the API really answers", async () => {
  const { send, postJson } = testApp();
  const { components: { schemas } } = await (await send("/api/v1/openapi.json")).json();
  const run = await (await postJson("/api/v1/runs", LATENT_QUESTION)).json();
  assert.deepEqual(Object.keys(run).toSorted(), Object.keys(schemas.RunResult.properties).toSorted());
  assert.deepEqual(Object.keys(run.spec).toSorted(), Object.keys(schemas.RunSpec.properties).toSorted());
  const [dictionary] = run.dictionaries;
  assert.deepEqual(Object.keys(dictionary).toSorted(), Object.keys(schemas.DictionarySums.properties).toSorted());
  // Without dictionaries there is nothing to tell of them.
  const plain = await (await postJson("/api/v1/runs", DEMO_QUESTION)).json();
  assert.deepEqual(Object.keys(plain).toSorted(), schemas.RunResult.required.toSorted());
  assert.deepEqual(Object.keys(run.sides[0]).toSorted(), Object.keys(schemas.Side.properties).toSorted());
  const { models: [model] } = await (await send("/api/v1/models")).json();
  assert.deepEqual(Object.keys(model).toSorted(), Object.keys(schemas.ModelSummary.properties).toSorted());
  const reports = [
    ["logit-lens", {}, "Lens"],
    ["attention", { head: "head/0/0" }, "Attention"],
    ["attributed-tokens", { nodes: ["attn-latent/1/7@0"] }, "AttributedTokens"],
    ["circuit", { nodes: ["embed@0"] }, "Circuit"],
  ] as const;
  for (const [address, fields, name] of reports) {
    const report = await (await postJson(`/api/v1/${address}`, { ...DEMO_QUESTION, ...fields })).json();
    assert.deepEqual(Object.keys(report).toSorted(), Object.keys(schemas[name].properties).toSorted());
  }
});

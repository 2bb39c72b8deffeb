/** `/api/v1` about text sets, records, the catalogue and jobs, over the fake engine. */
import assert from "node:assert/strict";
import { testApp } from "../support/test_app.ts";

Deno.test("the API lists text sets and how far they were swept", async () => {
  const answer = await testApp().send("/api/v1/models/demo/text-sets");
  assert.equal(answer.status, 200);
  const { textSets, sweeps } = await answer.json();
  assert.deepEqual(textSets.map(({ id }: { id: string }) => id), ["corpus", "letters"]);
  assert.deepEqual(sweeps.map(({ state }: { state: string }) => state), ["done", "none"]);
  assert.equal((await testApp().send("/api/v1/models/other/text-sets")).status, 404);
});

Deno.test("the API answers records as the document describes them", async () => {
  const { send } = testApp();
  const { components: { schemas } } = await (await send("/api/v1/openapi.json")).json();
  const answer = await send("/api/v1/models/demo/components/head/1/0?top=3&random=2");
  assert.equal(answer.status, 200);
  const records = await answer.json();
  assert.deepEqual(Object.keys(records).toSorted(), Object.keys(schemas.ComponentRecords.properties).toSorted());
  assert.deepEqual(Object.keys(records.scores).toSorted(), Object.keys(schemas.HeadScores.properties).toSorted());
  assert.deepEqual(
    Object.keys(records.statistics).toSorted(),
    Object.keys(schemas.ValueStatistics.properties).toSorted(),
  );
  assert.deepEqual([records.top.length, records.random.length, records.byQuantile.length], [3, 2, 4]);
});

Deno.test("records of nothing that was swept, and fields that are wrong, are refused with what would be right", async () => {
  const { send } = testApp();
  const missing = await send("/api/v1/models/demo/components/mlp/1/7?textSet=letters");
  assert.equal(missing.status, 404);
  assert.match((await missing.json()).detail, /start a sweep with POST \/api\/v1\/jobs/);
  for (const query of ["top=21", "random=-1", "top=x"]) {
    assert.equal((await send(`/api/v1/models/demo/components/mlp/1/7?${query}`)).status, 422, query);
  }
  assert.equal((await send("/api/v1/models/demo/components/embed/1/7")).status, 422);
  assert.equal((await send("/api/v1/models/demo/components/mlp/x/7")).status, 422);
});

Deno.test("the catalogue is sorted and comes in pages", async () => {
  const { send } = testApp();
  const page = await (await send("/api/v1/models/demo/catalogue?kind=head&sort=previousToken&pageSize=2")).json();
  assert.deepEqual([page.total, page.rows.length, page.rows[0].component], [4, 2, "head/1/1"]);
  const layer = await (await send("/api/v1/models/demo/catalogue?kind=mlp&layer=1&direction=ascending")).json();
  assert.deepEqual([layer.total, layer.rows[0].component], [32, "mlp/1/0"]);
  const wrong = await send("/api/v1/models/demo/catalogue?kind=mlp&sort=colour");
  assert.equal(wrong.status, 422);
  assert.match(await wrong.text(), /Expected one of mean, variance/);
});

Deno.test("a layer's records are one JSON a line", async () => {
  const answer = await testApp().send("/api/v1/models/demo/layers/head/1/records.ndjson");
  assert.equal(answer.headers.get("Content-Type"), "application/x-ndjson; charset=utf-8");
  const lines = (await answer.text()).trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ component }) => component), ["head/1/0", "head/1/1"]);
});

Deno.test("values on texts of one's own come in their order", async () => {
  const { postJson } = testApp();
  const address = "/api/v1/models/demo/components/mlp/0/3/activations";
  const { examples } = await (await postJson(address, { texts: ["a", "b"] })).json();
  assert.deepEqual(examples.map(({ max }: { max: number }) => max), [2, 1]);
  assert.equal((await postJson(address, { texts: [] })).status, 422);
});

Deno.test("a job is started, paused, resumed and given up", async () => {
  const { send, postJson } = testApp();
  const started = await postJson("/api/v1/jobs", { kind: "sweep" });
  assert.equal(started.status, 202);
  const { id } = await started.json();
  const stateNow = async () => {
    const { jobs } = await (await send("/api/v1/jobs")).json();
    return jobs.find((job: { id: string }) => job.id === id).state;
  };
  const address = `/api/v1/jobs/${encodeURIComponent(id)}`;
  assert.equal((await postJson(`${address}/pause`, {})).status, 204);
  assert.equal(await stateNow(), "paused");
  assert.equal((await postJson(`${address}/resume`, {})).status, 204);
  assert.equal(await stateNow(), "running");
  assert.equal((await send(address, { method: "DELETE" })).status, 204);
  assert.equal(await stateNow(), "cancelled");
  assert.equal((await postJson("/api/v1/jobs/none/pause", {})).status, 404);
  assert.equal((await postJson("/api/v1/jobs", { kind: "nothing" })).status, 422);
});

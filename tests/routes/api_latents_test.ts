/** `/api/v1` about latents: the same addresses as of neurons, with the dictionary beside them; over the fake engine. */
import assert from "node:assert/strict";
import { testApp } from "../support/test_app.ts";

const LATENT = "/api/v1/models/demo/components/mlp-latent/1/200";
const WIDE = `dictionary=${encodeURIComponent("wide/mlp/1")}`;

Deno.test("records, values and neighbours of a latent are those of the dictionary that the address names", async () => {
  const { send, postJson } = testApp();
  const records = await (await send(`${LATENT}?${WIDE}&top=2`)).json();
  assert.deepEqual([records.component, records.dictionary, records.scores], ["mlp-latent/1/200", "wide/mlp/1", null]);
  assert.equal((await send(LATENT)).status, 404, "the first dictionary of the layer has 64 latents");
  const first = await (await send(LATENT.replace("200", "20"))).json();
  assert.equal(first.dictionary, "mlp/1");
  const { examples } = await (await postJson(`${LATENT}/activations?${WIDE}`, { texts: ["a b"] })).json();
  assert.equal(examples[0].values.length, examples[0].tokens.length);
  const related = await (await send(`${LATENT}/related?${WIDE}`)).json();
  assert.deepEqual([related.dictionary, related.alignment], ["wide/mlp/1", 0.625]);
  assert.deepEqual(related.similar[2].components[0].dictionary, "attn/1");
  assert.equal((await send(`${LATENT}?dictionary=${"x".repeat(301)}`)).status, 422);
});

Deno.test("the catalogue and a layer's records are of one dictionary", async () => {
  const { send } = testApp();
  const catalogue = await (await send(`/api/v1/models/demo/catalogue?kind=mlp-latent&${WIDE}&pageSize=3`)).json();
  assert.deepEqual([catalogue.dictionary, catalogue.total, catalogue.rows.length], ["wide/mlp/1", 256, 3]);
  const lines = await (await send(`/api/v1/models/demo/layers/attn-latent/1/records.ndjson`)).text();
  assert.deepEqual(lines.trimEnd().split("\n").map((line) => JSON.parse(line).dictionary), ["attn/1", "attn/1"]);
  assert.equal((await send("/api/v1/models/demo/catalogue?kind=resid-latent")).status, 404, "not swept");
});

Deno.test("searches look in the latents of one dictionary; sweeps of it are listed and begun", async () => {
  const { send, postJson } = testApp();
  const firing = await (await postJson("/api/v1/models/demo/firing", { text: "a", dictionary: "attn/1" })).json();
  assert.deepEqual([firing.dictionary, firing.considered], ["attn/1", 64]);
  const found = await (await send("/api/v1/search?q=a&kind=mlp-latent&layers=0")).json();
  assert.deepEqual([found.dictionary, found.components.rows[0].component], ["mlp/0", "mlp-latent/0/0"]);
  const of = async (id: string) => {
    const { sweeps } = await (await send(`/api/v1/models/demo/text-sets?dictionary=${encodeURIComponent(id)}`)).json();
    return sweeps.map(({ dictionary, state }: { dictionary: string; state: string }) => [dictionary, state]);
  };
  assert.deepEqual(await of("mlp/1"), [["mlp/1", "done"], ["mlp/1", "none"]]);
  assert.equal((await send("/api/v1/models/demo/text-sets?dictionary=x")).status, 404);
  const job = await (await postJson("/api/v1/jobs", { kind: "sweep", dictionary: "resid/0" })).json();
  assert.deepEqual([job.id, job.dictionary], ["sweep:demo:corpus:resid/0", "resid/0"]);
  const { components: { schemas } } = await (await send("/api/v1/openapi.json")).json();
  assert.ok(schemas.Job.properties.dictionary && schemas.JobRequest.properties.dictionary);
});

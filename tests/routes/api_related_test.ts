/** `/api/v1` about related components, over the fake engine. */
import assert from "node:assert/strict";
import { QueueFullError } from "../../engine/mod.ts";
import { testApp } from "../support/test_app.ts";

const ADDRESS = "/api/v1/models/demo/components/head/1/0/related";

Deno.test("the API answers related components as the document describes them", async () => {
  const { send } = testApp();
  const { components: { schemas } } = await (await send("/api/v1/openapi.json")).json();
  const answer = await send(`${ADDRESS}?top=2`);
  assert.equal(answer.status, 200);
  const related = await answer.json();
  const { properties } = schemas.RelatedComponents;
  assert.deepEqual(Object.keys(related).toSorted(), Object.keys(properties).toSorted());
  assert.equal(related.component, "head/1/0");
  for (const relation of ["similar", "upstream", "downstream"]) {
    const { items } = properties[relation];
    for (const list of related[relation]) {
      assert.deepEqual(Object.keys(list).toSorted(), Object.keys(items.properties).toSorted());
      assert.ok(items.properties.by.enum.includes(list.by), list.by);
      assert.ok(list.components.length <= 2);
    }
  }
  assert.deepEqual(related.upstream.map(({ kind, by }: { kind: string; by: string }) => `${kind} ${by}`), [
    "head q",
    "head k",
    "head v",
    "mlp q",
    "mlp k",
    "mlp v",
  ]);
  assert.deepEqual([related.coActivation.sampleCount, related.coActivation.lists.length], [64, 2]);
});

Deno.test("without a sweep there is no co-activation; the rest is answered", async () => {
  const related = await (await testApp().send(`${ADDRESS}?textSet=letters`)).json();
  assert.equal(related.coActivation, null);
  assert.equal(related.similar.length, 2);
});

Deno.test("fields that are wrong, and components that are not there, are refused", async () => {
  const { send, engine } = testApp();
  for (const query of ["top=0", "top=51", "top=x", "top=1.5", `textSet=${"x".repeat(201)}`]) {
    assert.equal((await send(`${ADDRESS}?${query}`)).status, 422, query);
  }
  assert.equal((await send("/api/v1/models/demo/components/embed/1/0/related")).status, 422);
  assert.equal((await send("/api/v1/models/demo/components/head/1/99/related")).status, 404);
  engine.failure = new QueueFullError("The line is full", 3);
  const full = await send(ADDRESS);
  assert.deepEqual([full.status, full.headers.get("Retry-After")], [429, "3"]);
});

/** `/api/v1` about finding components, over the fake engine. */
import assert from "node:assert/strict";
import { testApp } from "../support/test_app.ts";

const FIRING = "/api/v1/models/demo/firing";

Deno.test("the API answers both searches as the document describes them", async () => {
  const { send, postJson } = testApp();
  const { components: { schemas }, paths } = await (await send("/api/v1/openapi.json")).json();
  const keys = (value: object) => Object.keys(value).toSorted();
  const found = await (await send("/api/v1/search?q=doctor")).json();
  assert.deepEqual(keys(found), keys(schemas.SearchResult.properties));
  const firing = await (await postJson(FIRING, { text: "Mary gave" })).json();
  assert.deepEqual(keys(firing), keys(schemas.Firing.properties));
  assert.deepEqual(keys(firing.rows[0]), keys(schemas.Firing.properties.rows.items.properties));
  assert.ok(paths["/search"].get && paths["/models/{id}/firing"].post);
  const parameters = paths["/search"].get.parameters.map(({ name }: { name: string }) => name);
  for (const name of ["q", "model", "textSet", "in", "match", "kind", "layers", "sort", "page", "pageSize"]) {
    assert.ok(parameters.includes(name), name);
  }
});

Deno.test("a search for a phrase takes kinds, layers, lists and pages from its address", async () => {
  const { send } = testApp();
  const answer = await send("/api/v1/search?q=%20doctor&kind=mlp&layers=1&page=2&pageSize=20&textsPage=3&in=all");
  assert.equal(answer.status, 200);
  const { q, texts, components } = await answer.json();
  assert.equal(q, " doctor");
  assert.deepEqual([texts.total, texts.rows.length, texts.rows[0].sequence], [60, 20, 40]);
  assert.deepEqual([components.total, components.rows.length, components.rows[0].component], [32, 12, "mlp/1/20"]);
  assert.equal((await (await send("/api/v1/search?q=a&in=texts")).json()).components, null);
  assert.equal((await (await send("/api/v1/search?q=a&in=components")).json()).texts, null);
});

Deno.test("a firing search takes a token, layers, an order and a page", async () => {
  const { postJson } = testApp();
  const body = { text: "Mary gave John", token: 2, layers: [0], kind: "head", sort: "value", page: 1, pageSize: 1 };
  const { tokens, token, sort, rows, total } = await (await postJson(FIRING, body)).json();
  assert.deepEqual([tokens.length, token, sort, total], [4, 2, "value", 2]);
  assert.deepEqual(rows.map(({ component, at }: { component: string; at: number[] }) => [component, at]), [
    ["head/0/0", [2, 0]],
  ]);
});

Deno.test("fields that are wrong are a 422 that names them; what is not there is a 404", async () => {
  const { send, postJson } = testApp();
  const wrong = ["", "q=", `q=${"a".repeat(201)}`, "q=a&kind=x", "q=a&layers=1;2", "q=a&in=x", "q=a&pageSize=201"];
  for (const query of wrong) {
    const answer = await send(`/api/v1/search?${query}`);
    assert.equal(answer.status, 422, query);
    assert.match(answer.headers.get("Content-Type") ?? "", /problem\+json/);
    assert.ok((await answer.json()).issues.length > 0, query);
  }
  const bodies = [{}, { text: "a", token: -1 }, { text: "a", sort: "up" }, { text: "a", extra: 1 }, { text: "" }];
  for (const body of bodies) assert.equal((await postJson(FIRING, body)).status, 422, JSON.stringify(body));
  assert.equal((await send("/api/v1/search?q=a&textSet=letters")).status, 404);
  assert.equal((await postJson("/api/v1/models/none/firing", { text: "a" })).status, 404);
});

import assert from "node:assert/strict";
import { parsePage, testApp } from "../support/test_app.ts";

const HTMX_PATH = "/static/js/htmx.min.js";

Deno.test("htmx is served from its package, revalidated by ETag", async () => {
  const { send } = testApp();
  const answer = await send(HTMX_PATH);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("Content-Type"), "text/javascript; charset=utf-8");
  assert.equal(answer.headers.get("Cache-Control"), "no-cache");
  assert.match(await answer.text(), /htmx/);
  const etag = answer.headers.get("ETag") ?? "";
  const again = await send(HTMX_PATH, { headers: { "If-None-Match": etag } });
  assert.equal(again.status, 304);
  assert.equal(await again.text(), "");
});

Deno.test("every style sheet and script that a page links is there and cached for good", async () => {
  const { send } = testApp();
  const page = parsePage(await (await send("/")).text());
  const links = [
    ...[...page.querySelectorAll("link[href]")].map((link) => link.getAttribute("href") ?? ""),
    ...[...page.querySelectorAll("script[src]")].map((script) => script.getAttribute("src") ?? ""),
  ].filter((url) => url.startsWith("/static/"));
  assert.ok(links.some((url) => url.startsWith(HTMX_PATH)));
  for (const url of links) {
    const answer = await send(url);
    assert.equal(answer.status, 200, url);
    assert.equal(answer.headers.get("Cache-Control"), "public, max-age=31536000, immutable", url);
  }
});

Deno.test("an old or wrong content hash is not cached for good", async () => {
  const answer = await testApp().send(`${HTMX_PATH}?v=0000`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("Cache-Control"), "no-cache");
});

for (const path of ["/static/", "/static/../deno.json", "/static/%2e%2e/deno.json", "/static/..%2fdeno.json"]) {
  Deno.test(`GET ${path} is a 404`, async () => {
    assert.equal((await testApp().send(path)).status, 404);
  });
}

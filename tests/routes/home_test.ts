import assert from "node:assert/strict";
import { examplesFor } from "../../routes/examples.ts";
import { HOST, HTMX, parsePage, testApp } from "../support/test_app.ts";

Deno.test("GET / shows the examples", async () => {
  const answer = await testApp().send("/");
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type") ?? "", /^text\/html/);
  const text = parsePage(await answer.text()).body.textContent ?? "";
  const examples = examplesFor("demo");
  assert.equal(examples.length, 10);
  for (const { title } of examples) assert.ok(text.includes(title), title);
});

Deno.test("pages vary by htmx's headers and are revalidated", async () => {
  const { headers } = await testApp().send("/", { headers: HTMX });
  assert.match(headers.get("Vary") ?? "", /HX-Request/);
  assert.equal(headers.get("Cache-Control"), "no-cache");
});

Deno.test("POST /theme keeps the choice and goes back to the page that asked", async () => {
  const { postForm, send } = testApp();
  const answer = await postForm("/theme", [["theme", "dark"]], { Referer: `http://${HOST}/runs/abc?sort=ref` });
  assert.equal(answer.status, 303);
  assert.equal(answer.headers.get("Location"), "/runs/abc?sort=ref");
  const cookie = answer.headers.get("Set-Cookie") ?? "";
  assert.match(cookie, /^theme=dark;.*Path=\/.*HttpOnly.*SameSite=Lax/);
  const page = await (await send("/", { headers: { Cookie: "theme=dark" } })).text();
  assert.equal(parsePage(page).documentElement.getAttribute("data-theme"), "dark");
  const plain = await (await send("/", { headers: { Cookie: 'theme="><script>' } })).text();
  assert.equal(parsePage(plain).documentElement.getAttribute("data-theme"), null);
});

Deno.test("POST /theme with anything but a theme forgets the choice", async () => {
  const answer = await testApp().postForm("/theme", [["theme", "system"]], { Cookie: "theme=dark" });
  assert.equal(answer.status, 303);
  assert.equal(answer.headers.get("Location"), "/");
  assert.match(answer.headers.get("Set-Cookie") ?? "", /^theme=;.*Max-Age=0/);
});

for (const referrer of ["http://evil.example/x", "nonsense", `http://${HOST}//evil.example`, `http://${HOST}/\\evil`]) {
  Deno.test(`POST /theme with the referrer ${referrer} stays on this server`, async () => {
    const answer = await testApp().postForm("/theme", [["theme", "light"]], { Referer: referrer });
    assert.match(answer.headers.get("Location") ?? "", /^\/(?![/\\])/);
  });
}

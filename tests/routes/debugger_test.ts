import assert from "node:assert/strict";
import { demoForm, HTMX, parsePage, testApp } from "../support/test_app.ts";

/** Values of the form's fields with a name. */
function valuesOf(html: string, name: string): (string | null)[] {
  const form = parsePage(html).querySelector("#question-form");
  return [...form?.querySelectorAll(`[name="${name}"]`) ?? []].map((field) =>
    field.tagName === "TEXTAREA" ? field.textContent : field.getAttribute("value")
  );
}

Deno.test("GET /debugger opens with the demo question", async () => {
  const answer = await testApp().send("/debugger");
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type") ?? "", /^text\/html/);
  const html = await answer.text();
  assert.deepEqual(valuesOf(html, "prompt"), ["When Mary and John went to the store, John gave a drink to"]);
  assert.deepEqual(valuesOf(html, "target.0"), [" Mary"]);
  assert.deepEqual(valuesOf(html, "distractor.0"), [" John"]);
});

Deno.test("GET /debugger is filled in by its query", async () => {
  const query = new URLSearchParams([["prompt", "a b"], ["target.0", " c"], ["target.0", " d"], ["k", "7"]]);
  const html = await (await testApp().send(`/debugger?${query}`)).text();
  assert.deepEqual(valuesOf(html, "prompt"), ["a b"]);
  assert.deepEqual(valuesOf(html, "target.0"), [" c", " d"]);
  assert.deepEqual(valuesOf(html, "distractor.0"), [""]);
  assert.deepEqual(valuesOf(html, "k"), ["7"]);
});

type Values = Readonly<Record<string, readonly string[]>>;

const TWO_PROMPTS: readonly (readonly [string, string])[] = [
  ["prompt", "one"],
  ["prompt", "two"],
  ["target.0", " a"],
  ["target.0", " b"],
  ["distractor.0", " c"],
  ["target.1", " d"],
];

const ACTIONS: readonly (readonly [action: string, expected: Values])[] = [
  ["add-target.0", { "target.0": [" a", " b", ""], "target.1": [" d"] }],
  ["add-target.1", { "target.0": [" a", " b"], "target.1": [" d", ""] }],
  ["remove-target.0", { "target.0": [" a"] }],
  ["remove-target.0.0", { "target.0": [" b"] }],
  ["remove-target.1", { "target.1": [""] }],
  ["add-distractor.0", { "distractor.0": [" c", ""] }],
  ["remove-distractor.0", { "distractor.0": [""] }],
  ["swap.0", { "target.0": [" c"], "distractor.0": [" a", " b"] }],
  ["add-prompt", { prompt: ["one", "two"] }],
  ["remove-prompt", { prompt: ["one"], "target.0": [" a", " b"] }],
];

for (const [action, expected] of ACTIONS) {
  Deno.test(`POST /debugger with ${action} changes that and keeps the rest, as a page and as a fragment`, async () => {
    const { postForm } = testApp();
    const fields = demoForm(...TWO_PROMPTS, ["k", "nonsense"], ["action", action]);
    const page = await postForm("/debugger", fields);
    assert.equal(page.status, 200);
    const html = await page.text();
    assert.ok(html.startsWith("<!doctype html>"));
    const fragment = await postForm("/debugger", fields, HTMX);
    assert.equal(fragment.status, 200);
    const part = await fragment.text();
    assert.equal(parsePage(part).body.firstElementChild?.id, "question-form");
    for (const text of [html, part]) {
      for (const [name, values] of Object.entries({ k: ["nonsense"], prompt: ["one", "two"], ...expected })) {
        assert.deepEqual(valuesOf(text, name), values, name);
      }
    }
  });
}

Deno.test("POST /debugger with add-prompt begins the second prompt as the first", async () => {
  const html = await (await testApp().postForm("/debugger", demoForm(["action", "add-prompt"]))).text();
  assert.deepEqual(valuesOf(html, "prompt"), ["John gave a drink to", "John gave a drink to"]);
  assert.deepEqual(valuesOf(html, "target.1"), [" Mary"]);
});

Deno.test("POST /debugger with an unknown action is a 422 that lists the actions", async () => {
  const answer = await testApp().postForm("/debugger", demoForm(["action", "explode"]));
  assert.equal(answer.status, 422);
  assert.match(await answer.text(), /add-target\.0/);
});

Deno.test("POST /debugger with means has them computed and says how far that is", async () => {
  const { postForm } = testApp();
  const page = parsePage(await (await postForm("/debugger", demoForm(["action", "means"]))).text());
  assert.match(page.querySelector("#means-message")?.textContent ?? "", /means of demo over \d+ texts are known/);
  assert.ok(page.querySelector("details.changes")?.hasAttribute("open"));
});

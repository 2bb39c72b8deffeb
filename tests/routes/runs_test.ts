import assert from "node:assert/strict";
import { DEMO_QUESTION, demoForm, HOST, HTMX, parsePage, type TestApp, testApp } from "../support/test_app.ts";

async function storedId({ postJson }: TestApp): Promise<string> {
  return (await (await postJson("/api/v1/runs", DEMO_QUESTION)).json()).id;
}

Deno.test("POST /runs sends a plain form to the run's page", async () => {
  const { postForm, send } = testApp();
  const answer = await postForm("/runs", demoForm());
  assert.equal(answer.status, 303);
  const location = answer.headers.get("Location") ?? "";
  assert.match(location, /^\/runs\/[0-9a-f]+$/);
  assert.equal((await send(location)).status, 200);
});

Deno.test("POST /runs answers htmx with the run and its URL", async () => {
  const answer = await testApp().postForm("/runs", demoForm(), HTMX);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type") ?? "", /^text\/html/);
  assert.match(answer.headers.get("HX-Push-Url") ?? "", /^\/runs\/[0-9a-f]+$/);
  assert.ok(parsePage(await answer.text()).querySelector("#run"));
});

Deno.test("form and API ask the same question", async () => {
  const app = testApp();
  const id = await storedId(app);
  const answer = await app.postForm("/runs", demoForm(["distractor.0", ""], ["distractor.0", " John"]));
  assert.equal(answer.headers.get("Location"), `/runs/${id}`);
});

Deno.test("a prompt's line ends are as typed, not as sent", async () => {
  const { engine, postForm } = testApp();
  await postForm("/runs", demoForm(["prompt", "a\r\nb"]));
  const [prompt] = engine.recentRuns(1)[0]?.spec.prompts ?? [];
  assert.ok(prompt !== undefined && "text" in prompt);
  assert.equal(prompt.text, "a\nb");
});

Deno.test("a blank form is a 422 with messages beside the fields", async () => {
  const answer = await testApp().postForm("/runs", []);
  assert.equal(answer.status, 422);
  assert.match(answer.headers.get("Content-Type") ?? "", /^text\/html/);
  const text = parsePage(await answer.text()).body.textContent ?? "";
  assert.match(text, /The prompt is empty/);
  assert.match(text, /at least one target/);
});

Deno.test("an invalid form keeps all input, and counts messages by the form's inputs", async () => {
  const { postForm } = testApp();
  const fields = demoForm(["target.0", ""], ["target.0", " Mary"], ["target.0", ""], ["target.0", "two words"]);
  const page = await postForm("/runs", fields);
  assert.equal(page.status, 422);
  const document = parsePage(await page.text());
  const targets = [...document.querySelectorAll('[name="target.0"]')];
  assert.deepEqual(targets.map((input) => input.getAttribute("value")), ["", " Mary", "", "two words"]);
  assert.match(document.body.textContent ?? "", /"two words" is 2 tokens/);

  const fragment = await postForm("/runs", fields, HTMX);
  assert.equal(fragment.status, 422);
  assert.equal(fragment.headers.get("HX-Retarget"), "#question-form");
  assert.equal(fragment.headers.get("HX-Reswap"), "outerHTML");
  assert.equal(parsePage(await fragment.text()).body.firstElementChild?.id, "question-form");
});

const WRONG_FIELDS: readonly (readonly [name: string, value: string, message: RegExp])[] = [
  ["position", "last", /"last" is not a position/],
  ["position", "1.5", /"1\.5" is not a position/],
  ["k", "0", /"0" is not a number of rows/],
  ["k", "ten", /"ten" is not a number of rows/],
  ["objective", "loss", /There is no objective "loss"/],
];

for (const [name, value, message] of WRONG_FIELDS) {
  Deno.test(`POST /runs with ${name}=${value} is a 422 that says what is right`, async () => {
    const answer = await testApp().postForm("/runs", demoForm([name, value]));
    assert.equal(answer.status, 422);
    assert.match(parsePage(await answer.text()).body.textContent ?? "", message);
  });
}

Deno.test("POST /runs with an unknown model is a 404", async () => {
  assert.equal((await testApp().postForm("/runs", demoForm(["model", "gpt5"]))).status, 404);
});

Deno.test("GET /runs/{id} shows the run under its form", async () => {
  const app = testApp();
  const answer = await app.send(`/runs/${await storedId(app)}`);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type") ?? "", /^text\/html/);
  const document = parsePage(await answer.text());
  assert.equal(document.querySelector("#question-form textarea")?.textContent, "John gave a drink to");
  assert.ok(document.querySelector("#run"));
  assert.ok(document.querySelector("#nodes"));
});

Deno.test("GET /runs/{id} of a question in tokens shows their text, without BOS", async () => {
  const { engine, postJson, send } = testApp();
  const tokens = engine.tokenize("demo", "John gave a", true).map(({ id }) => id);
  const { id } = await (await postJson("/api/v1/runs", { prompts: [{ tokens, targets: [" Mary"] }] })).json();
  const document = parsePage(await (await send(`/runs/${id}`)).text());
  assert.equal(document.querySelector("#question-form textarea")?.textContent, "John gave a");
});

Deno.test("GET /runs/{id} answers htmx with the part that it will replace", async () => {
  const app = testApp();
  const url = `/runs/${await storedId(app)}?sort=ref&dir=asc&side=0`;
  const rootOf = async (headers: Readonly<Record<string, string>>): Promise<string | undefined> =>
    parsePage(await (await app.send(url, { headers })).text()).body.firstElementChild?.id;
  assert.equal(await rootOf({ ...HTMX, "HX-Target": "run" }), "run");
  const restored = await (await app.send(url, { headers: { ...HTMX, "HX-History-Restore-Request": "true" } })).text();
  assert.ok(restored.startsWith("<!doctype html>"));
});

Deno.test("GET /runs/{id} takes what it does not understand in its query for the default", async () => {
  const app = testApp();
  const id = await storedId(app);
  for (const query of ["sort=x&dir=up&side=9", "side=diff", "side=-1", "sort=__proto__", "sort=ref&sort=x"]) {
    assert.equal((await app.send(`/runs/${id}?${query}`)).status, 200, query);
  }
});

Deno.test("a swap to another run brings its form, a swap within a run leaves what is typed", async () => {
  const { postForm, send } = testApp();
  const run = (await postForm("/runs", demoForm())).headers.get("Location") ?? "";
  const changed = (await postForm("/runs", demoForm(["interventions", "mlp/1/7@0 = 0"]))).headers.get("Location") ?? "";
  const formAt = async (shown: string) => {
    const answer = await send(run, { headers: { ...HTMX, "HX-Current-URL": `http://${HOST}${shown}` } });
    return parsePage(await answer.text()).querySelector("#question-form");
  };
  assert.equal((await formAt(changed))?.querySelector("#interventions")?.textContent, "");
  assert.equal(await formAt(`${run}?sort=activation`), null);
  assert.equal(await formAt("/debugger"), null);
});

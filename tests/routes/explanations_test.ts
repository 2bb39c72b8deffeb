/** Explanations on pages and in the API: every state, hostile text, nothing sent without a button. */
import assert from "node:assert/strict";
import type { Job, JobRequest } from "../../engine/mod.ts";
import { fakeJob } from "../support/fake_corpus.ts";
import { FAKE_MODEL } from "../support/fake_run.ts";
import { HOSTILE_EXPLANATION } from "../support/fake_explanations.ts";
import { demoForm, parsePage, type TestApp, testApp } from "../support/test_app.ts";

const NEURON = "/models/demo/components/mlp/1/7";
const API = "/api/v1/models/demo/components/mlp/1/7";

async function page(app: TestApp, path: string): Promise<Document> {
  const answer = await app.send(path);
  assert.equal(answer.status, 200, path);
  return parsePage(await answer.text());
}

function buttonsOf(document: Document): string[] {
  return [...document.querySelectorAll("#explanations button")].map(({ textContent }) => textContent);
}

Deno.test("a component's explanations: text, explainer, score 0 shown as 0, failure in its place, zero results stated", async () => {
  const app = testApp();
  const document = await page(app, NEURON);
  const items = [...document.querySelectorAll("#explanations .explanation-list > li")];
  assert.equal(items.length, 3);
  const texts = items.map(({ textContent }) => textContent.replace(/\s+/g, " "));
  assert.match(
    texts[0] ?? "",
    /Fires on “ doctor” \(9\).*0\.50 \(95 %: 0\.38 to 0\.63\) correlation.*random control \(mlp\/0\/3\) 0\.06/,
  );
  assert.match(texts[1] ?? "", /0\.00 .* by test-model.*Not scored by its rules: The assistant refuses the key/);
  assert.match(texts[1] ?? "", /by test-model · over “corpus” \(80 sequences\).*3 calls, 1,240 tokens, cost unknown/);
  assert.match(texts[2] ?? "", /Not scored yet\. ?written by hand/);
  const prompts = items.map((item) => item.querySelector("details:has(.plan-text)"));
  assert.deepEqual(
    prompts.map((details) => details === null),
    [true, false, true],
    "rules and people are asked nothing",
  );
  assert.equal(prompts[1]?.querySelector("summary")?.textContent, "What test-model was asked");
  assert.equal(prompts[1]?.hasAttribute("open"), false);
  assert.equal(prompts[1]?.querySelector(".plan-text")?.textContent, `system:\n${HOSTILE_EXPLANATION}`);
  const head = await page(app, "/models/demo/components/head/0/1");
  assert.match(head.querySelector("#explanations")?.textContent ?? "", /area under the ROC curve/);
  const none = await page(app, "/models/demo/components/mlp/1/8");
  assert.match(
    none.querySelector("#explanations .empty-state")?.textContent ?? "",
    /Nobody has said yet what makes mlp\/1\/8 fire/,
  );
});

Deno.test("hostile explanations are text and nothing else, wherever they stand", async () => {
  const app = testApp();
  app.engine.explanations.assistant = { model: HOSTILE_EXPLANATION, origin: "http://127.0.0.1:1" };
  const run = (await app.postForm("/runs", demoForm())).headers.get("Location") ?? "";
  for (
    const path of [
      `${NEURON}?plan=on`,
      "/explanations?q=doctor",
      `/explanations?q=${encodeURIComponent(HOSTILE_EXPLANATION)}`,
      `${run}?open=${encodeURIComponent("head/0/1@0<0")}&open=mlp/1/7@0`,
    ]
  ) {
    const html = await (await app.send(path)).text();
    assert.ok(!html.includes("<img src=x"), path);
    assert.ok(!html.includes("<script>alert"), path);
    assert.equal(parsePage(html).querySelectorAll("main img, main script").length, 0, path);
  }
  const document = await page(app, NEURON);
  const shown = [...document.querySelectorAll(".explanation-text")].map(({ textContent }) => textContent);
  assert.ok(shown.includes(HOSTILE_EXPLANATION), "word for word");
  // In the catalogue it stands where it is the best that is said.
  const best = testApp();
  const { list } = best.engine.explanations;
  best.engine.explanations.list = async (about) => {
    const found = await list.call(best.engine.explanations, about);
    return { ...found, explanations: found.explanations.filter(({ text }) => text === HOSTILE_EXPLANATION) };
  };
  const html = await (await best.send("/models/demo/catalogue?kind=mlp&layer=1&dir=asc")).text();
  assert.ok(!/<img src=x|<script>alert/.test(html));
  const cells = [...parsePage(html).querySelectorAll("td.said .explanation-text")];
  assert.deepEqual(cells.map(({ textContent }) => textContent), [HOSTILE_EXPLANATION], "word for word");
  assert.equal(cells[0]?.children.length, 0);
});

Deno.test("without an assistant nothing can be sent; with one it is shown before what would be", async () => {
  const app = testApp();
  const plain = await page(app, `${NEURON}?plan=on`);
  assert.equal(plain.querySelector(".explanation-plan"), null);
  assert.ok(buttonsOf(plain).every((title) => !/send|test-model/i.test(title)));
  assert.match(plain.querySelector("#explanations")?.textContent ?? "", /nothing is sent anywhere/);

  app.engine.explanations.assistant = { model: "test-model", origin: "http://127.0.0.1:1" };
  const before = await page(app, NEURON);
  assert.ok(buttonsOf(before).every((title) => !/send|test-model/i.test(title)), buttonsOf(before).join());
  assert.equal(before.querySelector("#plan")?.getAttribute("href"), `${NEURON}?plan=on`);
  const planned = await page(app, `${NEURON}?plan=on`);
  const text = planned.querySelector(".explanation-plan")?.textContent.replace(/\s+/g, " ") ?? "";
  assert.match(
    text,
    /to http:\/\/127\.0\.0\.1:1: up to 44 calls, at most 30,000 tokens of prompts and 9,000 of answers; the price is unknown/,
  );
  assert.ok(buttonsOf(planned).includes("Send to http://127.0.0.1:1"));
  assert.deepEqual(app.engine.explanations.asked.filter(([what]) => what !== "plan"), [], "looking asks for nothing");
});

Deno.test("buttons explain, write, score and remove, and lead back to the explanations", async () => {
  const app = testApp();
  const headers = { Referer: `http://127.0.0.1:8000${NEURON}?all=top&plan=on` };
  const post = async (action: string, fields: readonly (readonly [string, string])[]) => {
    const answer = await app.postForm(`${NEURON}/${action}`, fields, headers);
    return [answer.status, answer.headers.get("Location")];
  };
  const back = [303, `${NEURON}?all=top#explanations`];
  assert.deepEqual(await post("explanations", [["by", "statistical"]]), back);
  assert.deepEqual(await post("written", [["text", "Fires on “ a”"]]), back);
  assert.deepEqual(await post("scores", [["by", "assistant"], ["explanation", "2"]]), back);
  assert.deepEqual(await post("remove", [["explanation", "1"]]), back);
  const about = { model: "demo", component: "mlp/1/7" };
  assert.deepEqual(app.engine.explanations.asked, [
    ["explain", { ...about, by: "statistical" }],
    ["write", { component: "mlp/1/7", text: "Fires on “ a”" }],
    ["score", { explanation: 100 }],
    ["score", { explanation: 2, by: "assistant" }],
  ]);
  const document = await page(app, NEURON);
  assert.ok(
    [...document.querySelectorAll(".explanation-text")].some(({ textContent }) => textContent === "Fires on “ a”"),
  );
  for (
    const [action, fields] of [["explanations", [["by", "x"]]], ["scores", [["by", "statistical"]]], [
      "written",
      [],
    ]] as const
  ) {
    assert.equal((await app.postForm(`${NEURON}/${action}`, fields)).status, 422, action);
  }
  assert.equal(
    (await app.postForm(`${NEURON}/explanations`, [["by", "statistical"]], { Origin: "http://evil.example" })).status,
    403,
  );
});

Deno.test("what is made and scored is of the text set that the page shows", async () => {
  const app = testApp();
  app.engine.explanations.assistant = { model: "test-model", origin: "http://127.0.0.1:1" };
  const document = await page(app, `${NEURON}?set=corpus&plan=on`);
  const [, planned] = app.engine.explanations.asked.find(([what]) => what === "plan") ?? [];
  assert.equal((planned as { textSet?: string }).textSet, "corpus");
  const forms = [...document.querySelectorAll("#explanations form")];
  assert.ok(forms.length > 3);
  for (const form of forms) assert.equal(form.querySelector("[name=textSet]")?.getAttribute("value"), "corpus");
  const own = ["textSet", "corpus"] as const;
  await app.postForm(`${NEURON}/explanations`, [["by", "assistant"], own]);
  await app.postForm(`${NEURON}/written`, [["text", "Fires on “ a”"], own]);
  await app.postForm(`${NEURON}/scores`, [["by", "assistant"], ["explanation", "2"], own]);
  const asked = app.engine.explanations.asked.filter(([what]) => what === "explain" || what === "score");
  assert.deepEqual(asked.map(([, request]) => (request as { textSet?: string }).textSet), [
    "corpus",
    "corpus",
    "corpus",
  ]);
});

Deno.test("the catalogue tells what is said of each, and explains those of its page or all of a layer, by a job", async () => {
  const app = testApp();
  const requests: JobRequest[] = [];
  app.engine.startJob = (request) => {
    requests.push(request);
    return Promise.resolve(fakeJob({ kind: "sweep" }));
  };
  const path = "/models/demo/catalogue?kind=mlp&layer=1&dir=asc";
  const document = await page(app, path);
  const row = [...document.querySelectorAll("tbody tr")].find((tr) =>
    tr.querySelector("th")?.textContent === "mlp/1/7"
  );
  assert.match(
    row?.nextElementSibling?.querySelector(".said")?.textContent ?? "",
    /Fires on “ doctor” \(9\) score 0\.50/,
  );
  const form = document.querySelector("form.explain-many");
  const fields = [...form?.querySelectorAll("input[type=hidden]") ?? []].map((field) =>
    [field.getAttribute("name") ?? "", field.getAttribute("value") ?? ""] as const
  );
  assert.equal(form?.querySelectorAll("button").length, 1, "nothing can be sent without an assistant");
  const headers = { Referer: `http://127.0.0.1:8000${path}` };
  const post = async (more: readonly (readonly [string, string])[]) => {
    const answer = await app.postForm(form?.getAttribute("action") ?? "", [...fields, ...more], headers);
    return [answer.status, answer.headers.get("Location")];
  };
  const back = [303, `${path}#explain-many`];
  assert.deepEqual(await post([["of", "listed"], ["by", "statistical"]]), back);
  assert.deepEqual(await post([["of", "layer"], ["by", "statistical"]]), back);
  assert.deepEqual(await post([["of", "layer"], ["by", "assistant"], ["tokens", "5000"], ["money", "0.50"]]), back);
  const about = { kind: "explain", model: "demo", textSet: "corpus" };
  const layer = { kind: "mlp", index: 1 };
  assert.equal(requests[0]?.explain?.components?.length, 32);
  assert.deepEqual(requests.slice(1), [
    { ...about, explain: { by: "statistical", layer } },
    { ...about, explain: { by: "assistant", layer, budget: { tokens: 5000, money: 0.5 } } },
  ]);
  for (const wrong of ["many", "-1", "1.5"]) {
    assert.deepEqual((await post([["of", "layer"], ["by", "assistant"], ["tokens", wrong]]))[0], 422, wrong);
  }
  assert.equal((await post([["of", "layer"], ["by", "somebody"]]))[0], 422);
  assert.equal(requests.length, 3);
  app.engine.explanations.assistant = { model: "test-model", origin: "http://127.0.0.1:1" };
  const heads = await page(app, "/models/demo/catalogue");
  const budget = heads.querySelector(".explain-budget");
  assert.match(budget?.textContent ?? "", /to http:\/\/127\.0\.0\.1:1, until the budget is used up/);
  assert.match(budget?.querySelector("a")?.getAttribute("href") ?? "", /components\/head\/\d\/\d\?.*plan=on$/);
  assert.equal(heads.querySelector("input[value=layer]"), null, "of all layers only those of the page");
});

Deno.test("the catalogue shows the jobs that explain what it lists, and looks again while one does", async () => {
  const app = testApp();
  const job = (of: Job["explain"], state: Job["state"]): Job => ({
    ...fakeJob({ kind: "means" }, state),
    id: `explain:${JSON.stringify(of)}`,
    kind: "explain",
    unit: "components",
    ...of === undefined ? {} : { explain: of },
  });
  const task = { by: "statistical", candidates: 1, budget: { tokens: null, money: null } } as const;
  app.engine.jobs = () => [
    job({ ...task, layer: { kind: "mlp", index: 1 } }, "running"),
    job({ ...task, components: ["mlp/0/1", "mlp/0/2"] }, "done"),
    job({ ...task, layer: { kind: "head", index: 0 } }, "running"),
  ];
  const shown = (document: Document) =>
    [...document.querySelectorAll("#explain-many .job")].map((card) => card.querySelector("strong")?.textContent);
  const neurons = await page(app, "/models/demo/catalogue?kind=mlp");
  assert.deepEqual(shown(neurons), ["Explanations of 2 components for demo", "Explanations of mlp/1 for demo"]);
  assert.equal(neurons.querySelectorAll("#explain-many [hx-trigger]").length, 1);
  assert.deepEqual(shown(await page(app, "/models/demo/catalogue")), ["Explanations of head/0 for demo"]);
  assert.deepEqual(shown(await page(app, "/models/demo/catalogue?kind=mlp-latent&dictionary=wide/mlp/1")), []);
});

Deno.test("what is under way looks again by itself; what failed says so and can be tried again", async () => {
  const app = testApp();
  const attempt = { what: "explain", by: "statistical", explanation: null, problem: null } as const;
  app.engine.explanations.attempts = [{ ...attempt, state: "running" }];
  const pending = (await page(app, NEURON)).querySelector("#explanations .pending");
  assert.equal(pending?.getAttribute("hx-target"), "#explanations");
  app.engine.explanations.attempts = [{ ...attempt, state: "failed", problem: HOSTILE_EXPLANATION }];
  const failed = (await page(app, NEURON)).querySelector("#explanations > .error-note");
  assert.ok(failed?.textContent.includes(HOSTILE_EXPLANATION));
  assert.equal(failed?.querySelector("button")?.textContent, "Try again");
});

Deno.test("an open row tells the best explanation with its score, or leads to where one is made", async () => {
  const app = testApp();
  const run = (await app.postForm("/runs", demoForm())).headers.get("Location") ?? "";
  const document = await page(app, `${run}?open=${encodeURIComponent("head/0/1@0<0")}`);
  const told = document.querySelector(".node-explanation");
  assert.match(told?.textContent ?? "", /Looks at the token before \(9\) by rules from its records, score 0\.50/);
  assert.match(told?.querySelector("a")?.getAttribute("href") ?? "", /components\/head\/0\/1\?run=\w+#explanations$/);
  const other = await page(app, `${run}?open=mlp/1/7@0`);
  assert.equal(other.querySelectorAll(".node-explanation").length, 1);
});

Deno.test("the search of explanations: before, found with pages, nothing found", async () => {
  const app = testApp();
  assert.match(
    (await page(app, "/explanations")).querySelector(".empty-state")?.textContent ?? "",
    /Nothing is looked for/,
  );
  const found = await page(app, "/explanations?q=doctor");
  assert.equal(found.querySelectorAll(".explanation-list > li").length, 25);
  assert.match(found.querySelector("li")?.textContent ?? "", /not scored: scoring failed/);
  assert.equal(found.querySelector(".pager a[rel=next]")?.getAttribute("href"), "/explanations?q=doctor&page=2");
  assert.equal((await page(app, "/explanations?q=doctor&page=2")).querySelectorAll(".explanation-list > li").length, 5);
  assert.match(
    (await page(app, "/explanations?q=qqq")).querySelector(".empty-state")?.textContent ?? "",
    /No explanation of demo/,
  );
  assert.equal((await app.send("/explanations?q=x&model=none")).status, 404);
});

Deno.test("the API lists, explains, plans, writes, scores, finds, removes, exports and imports", async () => {
  const app = testApp();
  const listed = await (await app.send(`${API}/explanations`)).json();
  assert.deepEqual(listed.explanations.map(({ id }: { id: number }) => id), [1, 2, 3]);
  assert.equal(listed.explanations[1].scores[0].headline.value, 0);
  assert.deepEqual([listed.explanations[1].scores[1].state, listed.explanations[1].scores[1].headline], [
    "failed",
    null,
  ]);
  assert.equal((await app.postJson(`${API}/explanations`, {})).status, 200);
  app.engine.explanations.attempts = [{
    what: "explain",
    by: "statistical",
    explanation: null,
    state: "running",
    problem: null,
  }];
  assert.equal((await app.postJson(`${API}/explanations?wait=false`, { by: "statistical" })).status, 202);
  assert.equal((await app.postJson(`${API}/explanations`, { by: "else" })).status, 422);
  assert.equal((await app.postJson(`${API}/explanations/plan`, {})).status, 422);
  const written = await app.postJson(`${API}/explanations/written`, { text: "some words" });
  assert.equal(written.status, 201);
  assert.equal((await written.json()).explainer, "hand");
  assert.equal((await app.postJson(`${API}/explanations/written`, { text: "" })).status, 422);
  assert.equal((await app.postJson(`${API}/scores`, { explanation: 1 })).status, 202);
  assert.equal((await app.postJson(`${API}/scores`, { explanation: "1" })).status, 422);
  const found = await (await app.send("/api/v1/explanations?q=doctor&pageSize=7")).json();
  assert.deepEqual([found.model, found.total, found.rows.length], [FAKE_MODEL.id, 30, 7]);
  assert.equal((await app.send("/api/v1/explanations/3", { method: "DELETE" })).status, 204);
  assert.equal((await app.send("/api/v1/explanations/999", { method: "DELETE" })).status, 404);
  const lines = await (await app.send("/api/v1/models/demo/explanations.ndjson")).text();
  assert.equal(lines.trim().split("\n").length, 3);
  assert.deepEqual(await (await app.postJson("/api/v1/models/demo/explanations", { lines })).json(), { imported: 4 });
});

/** Pages of components, the catalogue, and jobs. */
import assert from "node:assert/strict";
import { EngineUnavailableError } from "../../engine/mod.ts";
import { demoForm, HTMX, parsePage, type TestApp, testApp } from "../support/test_app.ts";

async function page(app: TestApp, path: string, headers = {}): Promise<Document> {
  const answer = await app.send(path, { headers });
  assert.equal(answer.status, 200, path);
  assert.match(answer.headers.get("Content-Type") ?? "", /text\/html/);
  return parsePage(await answer.text());
}

const NEURON = "/models/demo/components/mlp/1/7";
const HEAD = "/models/demo/components/head/0/1";

Deno.test("a component's page names it, and shows examples, statistics, histogram and vocabulary", async () => {
  const app = testApp();
  const neuron = await page(app, NEURON);
  assert.match(neuron.querySelector("h1")?.textContent ?? "", /Neuron 7 of layer 1 of demo mlp\/1\/7/);
  assert.match(neuron.querySelector("title")?.textContent ?? "", /mlp\/1\/7 · demo/);
  const titles = [...neuron.querySelectorAll("h2, h3")].map(({ textContent }) => textContent);
  for (const title of ["Top examples", "Random examples", "How its values are spread", "What it promotes"]) {
    assert.ok(titles.includes(title), `${title} in ${titles.join()}`);
  }
  assert.ok(!titles.includes("What it is known for"), "scores are for heads");
  const head = await page(app, HEAD);
  assert.ok([...head.querySelectorAll("h2")].some(({ textContent }) => textContent === "What it is known for"));
});

Deno.test("lists of examples begin short and are shown whole on their own", async () => {
  const app = testApp();
  const count = async (query: string, name: string) =>
    (await page(app, `${NEURON}${query}`)).querySelectorAll(
      `section[aria-labelledby=${name}-title].example-section .example-list > li`,
    ).length;
  assert.deepEqual([await count("", "top"), await count("", "random")], [6, 3]);
  assert.deepEqual([await count("?all=top", "top"), await count("?all=top", "random")], [20, 3]);
  assert.equal(await count("?all=random", "random"), 12);
});

Deno.test("texts of one's own are in the address, each can be closed, and stepping keeps them", async () => {
  const app = testApp();
  const document = await page(app, `${NEURON}?p=Mary+gave&p=${encodeURIComponent("1+1=2 & <b>")}`);
  assert.equal(document.querySelectorAll("section[aria-labelledby=own-title] .example-list > li").length, 2);
  assert.equal(document.querySelector("#close-0")?.getAttribute("href"), `${NEURON}?p=1%2B1%3D2+%26+%3Cb%3E`);
  const steps = [...document.querySelectorAll(".steps a")].map((step) => step.getAttribute("href") ?? "");
  assert.equal(steps.length, 3, "layer 1 is the last");
  assert.ok(steps.every((href) => new URL(href, "http://host").searchParams.getAll("p").length === 2));
});

Deno.test("a component's page carries the prompts of a run and leads back to it", async () => {
  const app = testApp();
  const run = (await app.postForm("/runs", demoForm())).headers.get("Location") ?? "";
  const document = await page(app, `${HEAD}?run=${run.split("/").at(-1)}`);
  const section = document.querySelector("section[aria-labelledby=in-run-title]");
  assert.match(section?.textContent ?? "", /In the answer that you come from/);
  const links = [...section?.querySelectorAll("a") ?? []].map((link) => link.getAttribute("href") ?? "");
  assert.ok(links.includes(run));
  assert.ok(links.some((href) => href.includes("/attention?head=head%2F0%2F1")));
  assert.equal((await app.send(`${HEAD}?run=0000000000000000`)).status, 404);
});

Deno.test("a component's page lists related components; each leads to its page with the run, not with own texts", async () => {
  const app = testApp();
  const run = (await app.postForm("/runs", demoForm())).headers.get("Location")?.split("/").at(-1) ?? "";
  const related = (document: Document) => document.querySelector("section[aria-labelledby=related-title]");
  const captions = (document: Document) =>
    [...related(document)?.querySelectorAll("caption, h4, .empty-state") ?? []].map(({ textContent }) => textContent);
  const first = await page(app, `${HEAD}?run=${run}&p=Mary+gave&mode=incoming`);
  assert.deepEqual(captions(first), [
    "Move alike (OV circuits)",
    "Look alike (QK circuits)",
    "No component comes before it.",
    "Heads, through their query",
    "Heads, through their key",
    "Heads, through their value",
    "Neurons",
    "Heads that vary with it",
    "Neurons that vary with it",
    "Heads on the same texts",
    "Neurons on the same texts",
  ]);
  const links = [...related(first)?.querySelectorAll("tbody a") ?? []].map((link) => link.getAttribute("href") ?? "");
  assert.equal(links[0], `/models/demo/components/head/0/0?run=${run}&mode=incoming`);
  assert.ok(links.every((href) => href.endsWith(`?run=${run}&mode=incoming`)));
  const second = await page(app, NEURON);
  assert.deepEqual(captions(second).slice(0, 5), [
    "Write alike (output weights)",
    "Read alike (input weights)",
    "Heads",
    "Neurons",
    "No component comes after it.",
  ]);
  const rows = (document: Document) =>
    related(document)?.querySelectorAll("table")[0]?.querySelectorAll("tbody tr").length;
  assert.equal(rows(second), 5);
  const more = related(second)?.querySelector("#all-related")?.getAttribute("href") ?? "";
  assert.equal(more, `${NEURON}?all=related`);
  assert.equal(rows(await page(app, more)), 10);
});

Deno.test("related components that fail or are on their way leave the rest of the page", async () => {
  const app = testApp();
  const textOf = async () =>
    (await page(app, NEURON, { ...HTMX, "HX-Target": "component" })).querySelector(".related")?.textContent ?? "";
  app.engine.related = () => Promise.reject(new EngineUnavailableError("Out of memory"));
  assert.match(await textOf(), /Its related components cannot be shown: Out of memory/);
  app.engine.related = () => new Promise(() => {});
  assert.match(await textOf(), /Its related components: computing…/);
  assert.ok((await page(app, NEURON, { ...HTMX, "HX-Target": "component" })).querySelector("#examples-title") !== null);
});

Deno.test("a part that fails leaves the others", async () => {
  const app = testApp();
  app.engine.records = () => Promise.reject(new EngineUnavailableError("The engine restarts"));
  const document = await page(app, NEURON);
  assert.match(
    document.querySelector("#component")?.textContent ?? "",
    /Its records cannot be shown: The engine restarts/,
  );
  assert.ok(document.querySelector("section[aria-labelledby=in-run-title]") !== null);
});

Deno.test("without records, a sweep is offered and begun; the page then shows how far it is", async () => {
  const app = testApp();
  app.engine.sweeps = () => Promise.resolve([]);
  const offer = await page(app, NEURON);
  const form = offer.querySelector(".sweep-offer form");
  assert.equal(form?.getAttribute("action"), "/models/demo/sweep");
  const begun = await app.postForm("/models/demo/sweep", [], { Referer: `http://127.0.0.1:8000${NEURON}` });
  assert.equal(begun.status, 303);
  assert.equal(begun.headers.get("Location"), NEURON);
  const progress = await page(app, NEURON);
  assert.match(progress.querySelector(".job")?.textContent ?? "", /Sweep of demo/);
  assert.equal(progress.querySelector(".job")?.getAttribute("hx-select"), "#component");
});

Deno.test("GET /jobs lists jobs; they are paused, resumed and cancelled", async () => {
  const app = testApp();
  app.engine.jobs = () => [];
  assert.match((await page(app, "/jobs")).querySelector("#jobs")?.textContent ?? "", /Nothing yet/);
  Reflect.deleteProperty(app.engine, "jobs");
  await app.postForm("/models/demo/sweep", []);
  const { id } = app.engine.jobs().find(({ kind }) => kind === "sweep") ?? { id: "" };
  const path = `/jobs/${encodeURIComponent(id)}`;
  for (const [action, state] of [["pause", "paused"], ["resume", "running"], ["cancel", "cancelled"]]) {
    const answer = await app.postForm(`${path}/${action}`, []);
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.get("Location"), "/jobs");
    const states = [...(await page(app, "/jobs")).querySelectorAll(".job")].map((job) =>
      job.getAttribute("data-state")
    );
    assert.ok(states.includes(state ?? ""), `${state} in ${states}`);
  }
  assert.equal((await app.postForm(`${path}/explode`, [])).status, 422);
  assert.equal((await app.postForm("/jobs/none/pause", [])).status, 404);
  const fragment = await page(app, "/jobs", { ...HTMX, "HX-Target": "jobs" });
  assert.equal(fragment.body.firstElementChild?.id, "jobs");
});

Deno.test("one example of a head at a time is a matrix of all its pairs, whose rows can be pinned, and text again", async () => {
  const app = testApp();
  const { top: [first] } = await app.engine.records({ component: "head/0/1" });
  const before = await page(app, HEAD);
  assert.equal(before.querySelector("#component .attention-matrix"), null);
  const href = before.querySelector("a[id='top.0.matrix']")?.getAttribute("href") ?? "";
  const document = await page(app, `${HEAD}${href}`);
  assert.equal(document.querySelectorAll(".attention-matrix").length, 1);
  const told = [...document.querySelectorAll(".attention-matrix g[data-query] rect")].map((cell) =>
    Number(cell.getAttribute("data-v"))
  );
  const values = (first?.values ?? []) as readonly (readonly number[])[];
  assert.deepEqual(told.length, values.flat().length);
  values.flat().forEach((value, i) => assert.ok(Math.abs((told[i] ?? NaN) - value) <= 0.01 * Math.abs(value) + 0.001));
  const row = document.querySelector(".attention-matrix a[id='top.0.1']")?.getAttribute("href") ?? "";
  assert.equal((await page(app, `${HEAD}${row}`)).querySelectorAll(".pinned-rows > *").length, 1);
  assert.equal(document.querySelector("a[id='top.0.matrix']")?.textContent, "As text");
  assert.equal((await page(app, "/models/demo/components/mlp/1/7")).querySelector("a[id='top.0.matrix']"), null);
});

Deno.test("the catalogue shows heads as a grid and a list, neurons as a list, sorted, by layer, paged", async () => {
  const app = testApp();
  const heads = await page(app, "/models/demo/catalogue?sort=previousToken");
  assert.equal(heads.querySelectorAll("section[aria-labelledby=grid-title] td a").length, 4);
  const rows = (document: Document) =>
    [...document.querySelectorAll("section[aria-labelledby=list-title] tbody th")].map(({ textContent }) =>
      textContent
    );
  assert.deepEqual(rows(heads), ["head/1/1", "head/0/1", "head/1/0", "head/0/0"]);
  const neurons = await page(app, "/models/demo/catalogue?kind=mlp&layer=1&dir=asc");
  assert.equal(neurons.querySelector("section[aria-labelledby=grid-title]"), null);
  assert.equal(rows(neurons)[0], "mlp/1/0");
  assert.equal(rows(neurons).length, 32);
  const second = await page(app, "/models/demo/catalogue?kind=mlp&page=99");
  assert.equal(rows(second).length, 14, "64 neurons, 50 a page, and the last page for one past the end");
  app.engine.sweeps = () => Promise.resolve([]);
  assert.ok((await page(app, "/models/demo/catalogue")).querySelector(".sweep-offer") !== null);
  assert.equal((await app.send("/models/none/catalogue")).status, 404);
});

import assert from "node:assert/strict";
import { demoForm, HTMX, parsePage, testApp } from "../support/test_app.ts";

async function someRun(): Promise<{ app: ReturnType<typeof testApp>; run: string }> {
  const app = testApp();
  const run = (await app.postForm("/runs", demoForm())).headers.get("Location") ?? "";
  return { app, run };
}

Deno.test("GET /runs/{id}/node shows what a node promotes, what drives it, and its edges", async () => {
  const { app, run } = await someRun();
  const head = parsePage(await (await app.send(`${run}/node?ref=${encodeURIComponent("head/0/1@0<0")}`)).text());
  assert.equal(head.querySelector("h1")?.textContent, "head/0/1@0<0");
  const titles = [...head.querySelectorAll("h2")].map(({ textContent }) => textContent);
  for (const path of ["q", "k", "v"]) {
    assert.ok(titles.includes(`What it gets from before, through ${path}`), titles.join());
  }
  const embedding = parsePage(await (await app.send(`${run}/node?ref=embed@0`)).text());
  assert.ok([...embedding.querySelectorAll("h2")].every(({ textContent }) => !textContent?.includes("before")));
});

Deno.test("GET /runs/{id}/node refuses what is no node, and unknown runs", async () => {
  const { app, run } = await someRun();
  assert.equal((await app.send(`${run}/node?ref=somewhere`)).status, 422);
  assert.equal((await app.send(`${run}/node`)).status, 422);
  for (const path of ["/runs/none/node?ref=embed@0", "/runs/none/measured"]) {
    assert.equal((await app.send(path)).status, 404, path);
  }
});

Deno.test("a run's measurement is offered, begun and shown, as a page and as a fragment", async () => {
  const { app, run } = await someRun();
  const offer = parsePage(await (await app.send(run)).text());
  assert.match(offer.querySelector("#measured button")?.textContent ?? "", /Measure/);
  const begun = await app.postForm(`${run}/measured`, []);
  assert.equal(begun.status, 303);
  assert.equal(begun.headers.get("Location"), `${run}#measured`);
  const shown = parsePage(await (await app.send(run)).text());
  assert.equal(shown.querySelectorAll("#measured tbody tr").length, 3);
  assert.equal(shown.querySelectorAll("#measured circle").length, 3);
  const fragment = await (await app.postForm(`${run}/measured`, [], HTMX)).text();
  const cancelled = await app.postForm(`${run}/measured/cancel`, []);
  assert.equal(cancelled.headers.get("Location"), `${run}#measured`);
  assert.ok(fragment.startsWith('<section id="measured"'));
});

Deno.test("a button of the answer asks again with one change, and the form says so", async () => {
  const { app, run } = await someRun();
  const opened = `${run}?open=${encodeURIComponent("head/0/1@0<0")}&open=mlp/1/7@0`;
  const page = parsePage(await (await app.send(opened)).text());
  const buttons = [...page.querySelectorAll("button[name=change]")];
  assert.ok(buttons.some((button) => button.getAttribute("value") === "ablate head/0/1@0<*"));
  assert.ok(buttons.some((button) => button.getAttribute("value") === "trace mlp/1/7@0"));
  assert.ok(buttons.every((button) => button.getAttribute("form") === "question-form"));
  const answer = await (await app.postForm("/runs", demoForm(["change", "ablate mlp/1/7@0"]), HTMX)).text();
  const swapped = parsePage(answer);
  assert.equal(swapped.querySelector("#question-form")?.getAttribute("hx-swap-oob"), "true");
  assert.equal(swapped.querySelector("#interventions")?.textContent, "mlp/1/7@0 = 0");
  assert.match(swapped.querySelector(".changes-card")?.textContent ?? "", /mlp\/1\/7@0 = 0/);
  assert.equal((await app.postForm("/runs", demoForm(["change", "explode"]))).status, 422);
});

Deno.test("the legend of the table speaks of what the colours mean: the target, or the traced node", async () => {
  const { app, run } = await someRun();
  const legend = async (path: string) =>
    parsePage(await (await app.send(path)).text()).querySelector("#nodes .legend")?.textContent;
  assert.match(await legend(run) ?? "", /against the target/);
  const traced = await app.postForm("/runs", demoForm(["change", "trace mlp/1/7@0"]));
  assert.match(await legend(traced.headers.get("Location") ?? "") ?? "", /lowers the traced node.*raises it/);
});

/** Pages and fragments around a run: data, circuit, attention, comparison, components, the check of the form. */
import assert from "node:assert/strict";
import { EngineUnavailableError } from "../../engine/mod.ts";
import { loaded } from "../../routes/loaded.ts";
import { demoForm, HTMX, parsePage, type TestApp, testApp } from "../support/test_app.ts";

async function someRun(...changes: readonly (readonly [string, string])[]): Promise<{ app: TestApp; run: string }> {
  const app = testApp();
  const address = (await app.postForm("/runs", demoForm(...changes))).headers.get("Location") ?? "";
  return { app, run: address.split("?")[0] ?? "" };
}

async function page(app: TestApp, path: string, headers = {}): Promise<Document> {
  const answer = await app.send(path, { headers });
  assert.equal(answer.status, 200, path);
  assert.match(answer.headers.get("Content-Type") ?? "", /text\/html/);
  return parsePage(await answer.text());
}

Deno.test("GET /runs/{id}/data shows the request and the part of the answer behind a card", async () => {
  const { app, run } = await someRun();
  for (const card of ["logits", "effects", "layers", "nodes", "checks"]) {
    const text = (await page(app, `${run}/data?card=${card}`)).querySelector("#data")?.textContent ?? "";
    const { request, response } = JSON.parse(text);
    assert.equal(request.model, "demo");
    assert.ok(response !== undefined, card);
  }
  assert.equal((await app.send(`${run}/data?card=nothing`)).status, 404);
});

Deno.test("GET /runs/{id}.json and .csv are the same run, as files", async () => {
  const { app, run } = await someRun();
  const answer = await app.send(`${run}.json`);
  assert.equal(answer.status, 200);
  const { nodes } = await answer.json();
  const csv = await (await app.send(`${run}/nodes.csv`)).text();
  assert.equal(csv.trim().split("\r\n").length, nodes.length + 1);
  assert.match((await app.send(`${run}/logits.csv`)).headers.get("Content-Disposition") ?? "", /attachment/);
  assert.equal((await app.send("/runs/0000000000000000.json")).status, 404);
});

Deno.test("GET /runs/{id} writes the filter form's long address in the short form", async () => {
  const { app, run } = await someRun();
  const long = `${run}?filter=on&q=mlp&token=&layer-min=1&layer-max=&metric=directEffect&min=&max=`;
  const moved = await app.send(long);
  assert.equal(moved.status, 303);
  assert.equal(moved.headers.get("Location"), `${run}?layers=1-999&q=mlp`);
  const swapped = await app.send(long, { headers: HTMX });
  assert.equal(swapped.status, 200);
  assert.equal(swapped.headers.get("HX-Replace-Url"), `${run}?layers=1-999&q=mlp`);
  assert.equal(parsePage(await swapped.text()).querySelectorAll(".node-row").length, 1);
});

Deno.test("a question asked from an answer keeps its view; one change remembers where it came from", async () => {
  const { app, run } = await someRun();
  const from = { ...HTMX, "HX-Current-URL": `http://host${run}?sort=activation&q=mlp&open=mlp/1/7@0&page=2` };
  const asked = await app.postForm("/runs", demoForm(["k", "9"]), from);
  assert.match(asked.headers.get("HX-Push-Url") ?? "", /\?sort=activation&page=2&q=mlp&open=mlp%2F1%2F7%400$/);
  const changed = await app.postForm("/runs", demoForm(["change", "ablate mlp/1/7@0"]), from);
  const id = run.split("/").at(-1) ?? "";
  assert.equal(new URL(changed.headers.get("HX-Push-Url") ?? "", "http://host").searchParams.get("from"), id);
  const undo = parsePage(await changed.text()).querySelector("#undo")?.getAttribute("href") ?? "";
  assert.ok(undo.startsWith(`${run}?`) && !undo.includes("from="), undo);
  // Without script, the form says where it stands.
  const plain = await app.postForm("/runs", demoForm(["k", "8"], ["view", `${run}?sort=ref`]));
  assert.match(plain.headers.get("Location") ?? "", /\?sort=ref$/);
});

Deno.test("an intervention that is switched off is kept in the address, and in the form", async () => {
  const { app } = await someRun();
  const asked = await app.postForm("/runs", demoForm(["interventions", "mlp/1/7@0 = 0\n# mlp/0/3@0 = 0"]));
  const address = asked.headers.get("Location") ?? "";
  assert.match(address, /off=mlp/);
  const document = await page(app, address);
  assert.equal(document.querySelector("#interventions")?.textContent, "mlp/1/7@0 = 0\n# mlp/0/3@0 = 0");
  const switches = [...document.querySelectorAll("[role=switch]")].map((each) => each.getAttribute("aria-checked"));
  assert.deepEqual(switches, ["true", "false"]);
});

Deno.test("GET /runs/{id}/circuit begins with the strongest nodes, grows, and is a file", async () => {
  const { app, run } = await someRun();
  const begun = await app.send(`${run}/circuit`);
  assert.equal(begun.status, 303);
  assert.match(begun.headers.get("Location") ?? "", /\/circuit\?pin=mlp%2F1%2F7%400&pin=head/);
  const address = begun.headers.get("Location") ?? "";
  const grown = await app.send(`${address}&grow=strongest`);
  assert.equal(grown.status, 303);
  const pins = (path: string | null) => new URL(path ?? "", "http://host").searchParams.getAll("pin").length;
  assert.ok(pins(grown.headers.get("Location")) > pins(address));
  const svg = await app.send(address.replace("/circuit?", "/circuit.svg?"));
  assert.equal(svg.headers.get("Content-Type"), "image/svg+xml");
  assert.match(svg.headers.get("Content-Disposition") ?? "", /attachment/);
  assert.match(await svg.text(), /^<\?xml.*\n<svg[^>]*xmlns=/);
  const fragment = await page(app, address, { ...HTMX, "HX-Target": "circuit" });
  assert.equal(fragment.body.firstElementChild?.id, "circuit");
  const many = Array.from({ length: 41 }, (_, index) => `pin=mlp/0/${index}@1`).join("&");
  assert.equal((await app.send(`${run}/circuit?${many}`)).status, 422);
});

Deno.test("GET /runs/{id}/attention names the heads that there are", async () => {
  const { app, run } = await someRun();
  assert.ok((await page(app, `${run}/attention?head=head/1/1&pin=2`)).querySelector("svg") !== null);
  for (const head of ["head/9/0", "head/0/9", "mlp/0/1", ""]) {
    const answer = await app.send(`${run}/attention?head=${head}`);
    assert.equal(answer.status, 422, head);
    assert.match(await answer.text(), /layers 0\.\.1 and heads 0\.\.1/);
  }
});

Deno.test("GET /compare joins two runs by node; ids, addresses and ticked boxes name them", async () => {
  const { app, run } = await someRun();
  const other = (await app.postForm("/runs", demoForm(["prompt", "Mary gave a"]))).headers.get("Location") ?? "";
  const [a, b] = [run, other].map((path) => path.split("/").at(-1) ?? "");
  const document = await page(app, `/compare?a=${a}&b=${encodeURIComponent(`http://host${other}?sort=ref`)}`);
  assert.equal(document.querySelectorAll("#compare tbody tr").length, 3);
  assert.equal((await app.send(`/compare?run=${a}&run=${b}`)).headers.get("Location"), `/compare?a=${a}&b=${b}`);
  assert.equal((await app.send(`/compare?a=${a}`)).status, 422);
  assert.equal((await app.send(`/compare?a=${a}&b=none`)).status, 404);
});

Deno.test("GET /models/{model}/components/… and /jump find components, and say what there is", async () => {
  const { app, run } = await someRun();
  const id = run.split("/").at(-1) ?? "";
  const head = await page(app, `/models/demo/components/head/0/1?run=${id}`);
  assert.match(head.querySelector("h1")?.textContent ?? "", /Head 1 of layer 0 of demo head\/0\/1/);
  assert.ok([...head.querySelectorAll(".steps a")].every((step) => step.getAttribute("href")?.includes(`run=${id}`)));
  for (const path of ["head/2/0", "mlp/0/32", "thing/0/0"]) {
    const missing = await app.send(`/models/demo/components/${path}`);
    assert.equal(missing.status, 404, path);
    assert.match(await missing.text(), /expected/);
  }
  const jumps = { "1:7": "mlp/1/7", "head/0/1": "head/0/1", " 1/7 ": "mlp/1/7" };
  for (const [to, component] of Object.entries(jumps)) {
    const jumped = await app.send(`/jump?to=${encodeURIComponent(to)}`);
    assert.equal(jumped.headers.get("Location"), `/models/demo/components/${component}`, to);
  }
  const lost = await app.send("/jump?to=5:123");
  assert.equal(lost.status, 422);
  assert.match(parsePage(await lost.text()).querySelector("#jump-message")?.textContent ?? "", /layers 0\.\.1/);
});

Deno.test("POST /debugger/check tells tokens, warnings, and whether the answer is older than the form", async () => {
  const { app, run } = await someRun();
  const check = async (fields: readonly (readonly [string, string])[]) => {
    const answer = await app.postForm("/debugger/check", fields, { ...HTMX, "HX-Current-URL": `http://host${run}` });
    assert.equal(answer.status, 200);
    return parsePage(await answer.text()).querySelector("#form-check");
  };
  const same = await check(demoForm());
  assert.equal(same?.hasAttribute("data-stale"), false);
  assert.equal(same?.querySelectorAll(".token-name").length, 6);
  // What makes no difference to the question makes none here.
  assert.equal((await check(demoForm(["position", "5"], ["k", " 10 "])))?.hasAttribute("data-stale"), false);
  const edited = await check(demoForm(["prompt", "John gave a drink to "], ["target.0", "Mary Ann"]));
  assert.equal(edited?.hasAttribute("data-stale"), true);
  assert.match(edited?.textContent ?? "", /ends in a space/);
  assert.match(edited?.textContent ?? "", /“Mary␣Ann” is 2 tokens: “Mary” “␣Ann”/);
  assert.match((await check(demoForm(["model", "none"])))?.textContent ?? "", /There is no model/);
});

Deno.test("loaded() shows what is there in time, what is on its way, and what failed by itself", async () => {
  assert.deepEqual(await loaded(Promise.resolve(1), 100), { state: "ready", value: 1 });
  assert.deepEqual(await loaded(new Promise(() => {}), 1), { state: "pending" });
  const failed = await loaded(Promise.reject(new EngineUnavailableError("It restarts")), 100);
  assert.deepEqual(failed, { state: "failed", problem: "It restarts" });
  const secret = await loaded(Promise.reject(new Error("/secret/path")), 100);
  assert.equal(secret.state === "failed" && secret.problem.includes("/secret"), false);
});

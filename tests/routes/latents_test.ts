/** Questions in latents, and pages of dictionaries and latents, over the fake engine. */
import assert from "node:assert/strict";
import { type DictionaryReport, NotFoundError } from "../../engine/mod.ts";
import { demoForm, HTMX, LATENT_QUESTION, parsePage, type TestApp, testApp } from "../support/test_app.ts";

const LATENTS = [["basis.mlp", "latent"], ["basis.attention", "latent"]] as const;

async function pageOf(app: TestApp, path: string): Promise<Document> {
  const answer = await app.send(path);
  assert.equal(answer.status, 200, path);
  return parsePage(await answer.text());
}

async function asked(app: TestApp, ...fields: readonly (readonly [string, string])[]): Promise<string> {
  return (await app.postForm("/runs", demoForm(...fields))).headers.get("Location") ?? "";
}

function rowsOf(page: Document): readonly (string | null)[] {
  return [...page.querySelectorAll(".node-row")].map((row) => row.getAttribute("data-ref"));
}

Deno.test("the switches of the basis ask at once, and the form and the table follow", async () => {
  const app = testApp();
  const run = await asked(app);
  const before = await pageOf(app, run);
  assert.ok(!rowsOf(before).some((ref) => ref?.includes("latent")));
  const pressed = (page: Document) =>
    [...page.querySelectorAll(".basis [aria-pressed=true]")].map((button) => button.getAttribute("value"));
  assert.deepEqual(pressed(before), ["basis mlp neuron", "basis attention head"]);
  const headers = { ...HTMX, "HX-Current-URL": `http://127.0.0.1:8000${run}?sort=activation` };
  const answer = await app.postForm("/runs", demoForm(["change", "basis mlp latent"]), headers);
  assert.match(answer.headers.get("HX-Push-Url") ?? "", /\?sort=activation/, "the view is kept");
  const after = parsePage(await answer.text());
  assert.deepEqual(pressed(after), ["basis mlp latent", "basis attention head"]);
  assert.equal(after.querySelector("input[name='basis.mlp']")?.getAttribute("value"), "latent");
  assert.ok(rowsOf(after).includes("mlp-latent/1/7@0"));
  // The one before is a step back.
  assert.ok(after.querySelector("#undo"));
});

Deno.test("a question in latents has its own address, and asked again the same", async () => {
  const app = testApp();
  const run = await asked(app, ...LATENTS);
  assert.equal(await asked(app, ...LATENTS), run);
  assert.notEqual(await asked(app), run);
  const api = await (await app.postJson("/api/v1/runs", { ...LATENT_QUESTION })).json();
  assert.equal(`/runs/${api.id}`, run, "the form and the API ask the same");
  // The page of a form in a link.
  const asks = { prompt: "a b", "target.0": " c", ...Object.fromEntries(LATENTS), dictionary: "resid/0" };
  const query = new URLSearchParams(asks);
  const form = await pageOf(app, `/debugger?${query}`);
  assert.deepEqual(
    [...form.querySelectorAll("input[name=dictionary][checked]")].map((box) => box.getAttribute("value")),
    ["resid/0"],
  );
  assert.ok(form.querySelector("details.dictionary-choice")?.hasAttribute("open"));
});

Deno.test("what is wrong with basis and dictionaries stands at their fields", async () => {
  const app = testApp();
  const refused = async (...fields: readonly (readonly [string, string])[]) => {
    const answer = await app.postForm("/runs", demoForm(...fields));
    assert.equal(answer.status, 422);
    return parsePage(await answer.text());
  };
  const basis = await refused(["basis.mlp", "cells"]);
  assert.match(basis.getElementById("basis.mlp-message")?.textContent ?? "", /Expected neuron or latent/);
  const unknown = await refused(["dictionary", "gone"]);
  assert.match(unknown.getElementById("dictionaries-message")?.textContent ?? "", /no dictionary "gone".*"mlp\/0"/);
  const clash = await refused(...LATENTS, ["dictionary", "mlp/1"], ["dictionary", "wide/mlp/1"]);
  assert.match(clash.getElementById("dictionaries-message")?.textContent ?? "", /both have latents mlp-latent\/1/);
  for (const page of [basis, unknown, clash]) assert.equal(page.querySelector(".form-messages"), null);
});

Deno.test("an answer that is older than the form's basis says so", async () => {
  const app = testApp();
  const run = await asked(app);
  const check = async (...fields: readonly (readonly [string, string])[]) => {
    const headers = { ...HTMX, "HX-Current-URL": `http://127.0.0.1:8000${run}` };
    return await (await app.postForm("/debugger/check", demoForm(...fields), headers)).text();
  };
  assert.doesNotMatch(await check(), /data-stale/);
  assert.match(await check(["basis.mlp", "latent"]), /data-stale="true"/);
  assert.match(await check(["dictionary", "resid/0"]), /data-stale="true"/);
  assert.match(await check(["dropErrors", "on"]), /data-stale="true"/);
});

Deno.test("rows offer what works: a latent is ablated and traced, an error neither", async () => {
  const app = testApp();
  const run = await asked(app, ...LATENTS);
  const page = await pageOf(app, `${run}?open=mlp-latent/1/7@0&open=mlp-error/1@0`);
  const actions = (ref: string) =>
    [...page.querySelectorAll(`[aria-label="Act on ${ref}"] > *`)].map(({ textContent }) => textContent);
  assert.deepEqual(actions("mlp-latent/1/7@0"), ["Ablate", "Trace", "Pin to the circuit", "Details"]);
  assert.deepEqual(actions("mlp-error/1@0"), ["Pin to the circuit", "Details"]);
  const error = page.querySelector(".node-row[data-ref='mlp-error/1@0']");
  assert.equal(error?.hasAttribute("data-name"), false, "keys change nothing either");
  assert.equal(error?.querySelector(".node-ref a"), null, "no page of its own");
  const change = (await app.postForm("/runs", demoForm(...LATENTS, ["change", "ablate mlp-latent/1/7@0"])))
    .headers.get("Location") ?? "";
  assert.match((await pageOf(app, change)).querySelector("#changes-card")?.innerHTML ?? "", /mlp-latent\/1\/7@0 = 0/);
});

Deno.test("an attention latent's row and details name the token that it comes from", async () => {
  const app = testApp();
  const run = await asked(app, ...LATENTS);
  const page = await pageOf(app, `${run}?open=attn-latent/1/7@0`);
  const row = page.querySelector(".node-row[data-ref='attn-latent/1/7@0']");
  assert.equal(row?.querySelector(".top-source")?.textContent, " from <|endoftext|>0 +1.250");
  assert.match(page.querySelector(".detail-sources")?.textContent ?? "", /Comes from.*raises.*<\|endoftext\|>/);
  assert.equal(page.querySelector(".node-row[data-ref='mlp-latent/1/7@0'] .top-source"), null);
});

Deno.test("filter chips are those of the kinds that are listed", async () => {
  const app = testApp();
  const chips = async (path: string) =>
    [...(await pageOf(app, path)).querySelectorAll(".filter-kinds input")].map((box) => box.getAttribute("value"));
  assert.deepEqual(await chips(await asked(app)), ["head", "neuron", "embed"]);
  const run = await asked(app, ...LATENTS, ["dictionary", "resid/0"]);
  const all = ["head", "neuron", "attn-latent", "mlp-latent", "resid-latent", "error", "embed"];
  assert.deepEqual(await chips(run), all);
  assert.deepEqual(rowsOf(await pageOf(app, `${run}?kind=resid-latent,error`)).toSorted(), [
    "attn-error/1@0",
    "mlp-error/0@0",
    "mlp-error/1@0",
    "resid-error/0@0",
    "resid-latent/0/7@0",
  ]);
});

Deno.test("a run's other reports are asked with its dictionaries", async () => {
  const app = testApp();
  const run = await asked(app, ...LATENTS, ["dictionary", "wide/mlp/1"]);
  const id = run.split("/").at(-1);
  const { spec } = await (await app.send(`/runs/${id}.json`)).json();
  assert.deepEqual(spec.dictionaries, ["attn/1", "wide/mlp/1"]);
  const page = await pageOf(app, `${run}?cards=code`);
  assert.match(page.getElementById("code-curl")?.textContent ?? "", /"dictionaries":\["attn\/1","wide\/mlp\/1"\]/);
  const csv = await (await app.send(`${run}/nodes.csv`)).text();
  assert.match(csv, /^mlp-error\/1@0,/m);
});

Deno.test("the page of dictionaries tells what was understood of each, and leads into it", async () => {
  const app = testApp();
  const page = await pageOf(app, "/models/demo/dictionaries");
  const cells = [...page.querySelectorAll("tr[data-dictionary='wide/mlp/1'] > *")].map(({ textContent }) =>
    textContent
  );
  assert.deepEqual(cells.slice(1), [
    "MLP latent",
    "1",
    "hook_mlp_out 8",
    "the same",
    "256",
    "topk",
    "ReLU",
    "as it is",
    "its output bias",
    "yes",
    "demo",
    "saelens",
    "5 kB",
  ]);
  const link = page.querySelector("tr[data-dictionary='wide/mlp/1'] a.button")?.getAttribute("href") ?? "";
  const answer = await pageOf(app, link);
  assert.equal(answer.querySelector("input[name='basis.mlp']")?.getAttribute("value"), "latent");
  assert.ok(rowsOf(answer).includes("mlp-latent/1/7@0"));
  assert.match((await pageOf(app, "/")).querySelector("a[href='/models/demo/dictionaries']")?.textContent ?? "", /^5 /);
  assert.equal((await app.send("/models/none/dictionaries")).status, 404);
});

Deno.test("a dictionary is measured on its page: its figures, that they are under way, or why there are none", async () => {
  const app = testApp();
  const list = await pageOf(app, "/models/demo/dictionaries");
  assert.ok(!list.querySelector("#measured"), "nothing is measured unasked");
  const link = list.querySelector("tr[data-dictionary='wide/mlp/1'] a[href*=measured]")?.getAttribute("href") ?? "";
  const measured = (await pageOf(app, link)).getElementById("measured")?.textContent ?? "";
  assert.match(measured, /What wide\/mlp\/1 was measured to be/);
  assert.match(measured, /16\.0 active latents a token, 95\.0% of the variance explained, 95\.0% of the cross-entropy/);
  const answering = async (measureDictionary: () => Promise<DictionaryReport>) => {
    Object.assign(app.engine, { measureDictionary });
    return parsePage(await (await app.send(link, { headers: HTMX })).text()).getElementById("measured");
  };
  const late = await answering(() => new Promise(() => {}));
  assert.equal(late?.querySelector("[role=status]")?.getAttribute("hx-get"), link, "it looks again");
  const failed = await answering(() => Promise.reject(new NotFoundError("There is no text set")));
  assert.match(failed?.querySelector("[role=alert]")?.textContent ?? "", /cannot be shown: There is no text set/);
});

Deno.test("a model without dictionaries has no switches, and a page that says how to add some", async () => {
  const app = testApp();
  app.engine.dictionaries = [];
  const form = await pageOf(app, await asked(app));
  assert.equal(form.querySelector(".basis"), null);
  assert.equal(form.getElementById("card-sparsity"), null);
  assert.match((await pageOf(app, "/models/demo/dictionaries")).body.textContent ?? "", /--dictionaries DIR/);
  assert.match(
    (await pageOf(app, "/")).querySelector("a[href='/models/demo/dictionaries']")?.textContent ?? "",
    /none/,
  );
  // A basis that cannot be had is refused at its field, which is there then.
  const refused = await app.postForm("/runs", demoForm(...LATENTS));
  assert.equal(refused.status, 422);
  const message = parsePage(await refused.text()).getElementById("basis.mlp-message")?.textContent ?? "";
  assert.match(message, /No dictionary of the MLP is loaded/);
});

Deno.test("a latent has a page in a run, of the dictionary that the run is in", async () => {
  const app = testApp();
  const run = (await asked(app, ...LATENTS, ["dictionary", "wide/mlp/1"])).split("/").at(-1);
  const page = await pageOf(app, `/models/demo/components/mlp-latent/1/7?run=${run}`);
  assert.equal(page.querySelector("h1")?.textContent, "MLP latent 7 of layer 1 of demo mlp-latent/1/7");
  assert.equal(page.querySelector("#in-run-title")?.textContent, "In the answer that you come from");
  assert.equal(page.querySelector("[aria-label=Dictionary] [aria-current]")?.textContent, "wide/mlp/1");
  assert.ok(!page.querySelector("#sources-title"), "only attention latents have sources");
  const attention = await pageOf(app, `/models/demo/components/attn-latent/1/7?run=${run}`);
  const sources = attention.querySelector("[aria-labelledby=sources-title]")?.textContent;
  assert.match(sources ?? "", /Where attn-latent\/1\/7@0 comes from.*raises.*<\|endoftext\|>/);
  const onTop = [...attention.querySelectorAll("[aria-labelledby=top-sources-title] section")];
  assert.ok(onTop.length > 0 && onTop.length <= 6);
  assert.match(onTop[0]?.textContent ?? "", /^text \d+ attn-latent\/1\/7@\d+raises <\|endoftext\|>/);
  const other = await pageOf(app, "/models/demo/components/mlp-latent/1/200?dictionary=wide/mlp/1");
  assert.match(other.body.textContent ?? "", /In the default question/);
  // The first dictionary has only 64, and layer 0 no attention dictionary.
  for (const ref of ["mlp-latent/1/200", "attn-latent/0/7"]) {
    assert.equal((await app.send(`/models/demo/components/${ref}`)).status, 404, ref);
  }
});

Deno.test("choosing another model shows its form again, as typed", async () => {
  const app = testApp();
  const fragment = await app.postForm("/debugger", demoForm(["prompt", "typed"]), HTMX);
  assert.equal(fragment.status, 200);
  assert.match(await fragment.text(), /typed/);
});

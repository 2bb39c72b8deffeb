/** Pages of latents: one latent, all of a dictionary, and searches in it; over the fake engine. */
import assert from "node:assert/strict";
import { parsePage, type TestApp, testApp } from "../support/test_app.ts";

async function page(app: TestApp, path: string): Promise<Document> {
  const answer = await app.send(path);
  assert.equal(answer.status, 200, path);
  return parsePage(await answer.text());
}

function hrefs(document: Document, selector: string): readonly string[] {
  return [...document.querySelectorAll(selector)].map((link) => link.getAttribute("href") ?? "");
}

const WIDE = `dictionary=${encodeURIComponent("wide/mlp/1")}`;
const LATENT = `/models/demo/components/mlp-latent/1/7?${WIDE}`;

Deno.test("a latent's page says of which dictionary it is, leads to the other ones, and steps within it", async () => {
  const app = testApp();
  const document = await page(app, LATENT);
  assert.match(document.querySelector("h1")?.textContent ?? "", /MLP latent 7 of layer 1 of demo mlp-latent\/1\/7/);
  assert.match(
    document.querySelector(".component-page")?.textContent ?? "",
    /Of the dictionary wide\/mlp\/1: layer 1, hook_mlp_out, 256 latents, ReLU/,
  );
  assert.deepEqual(hrefs(document, 'nav[aria-label="Dictionary"] a'), [
    `/models/demo/components/mlp-latent/1/7?dictionary=${encodeURIComponent("mlp/1")}`,
    LATENT,
  ]);
  assert.deepEqual(hrefs(document, ".steps a"), [LATENT.replace("/7?", "/6?"), LATENT.replace("/7?", "/8?")]);
  const titles = [...document.querySelectorAll("h2, h3")].map(({ textContent }) => textContent);
  for (const title of ["Top examples", "How its values are spread", "What it promotes", "On a text of your own"]) {
    assert.ok(titles.includes(title), `${title} in ${titles.join()}`);
  }
  const first = await page(app, "/models/demo/components/attn-latent/1/7");
  assert.equal(first.querySelector('nav[aria-label="Dictionary"]'), null, "there is one only");
});

Deno.test("latents near to one are told by dictionary, with their cosines", async () => {
  const document = await page(testApp(), LATENT);
  const related = document.querySelector(".related");
  const titles = [...related?.querySelectorAll("h3") ?? []].map(({ textContent }) => textContent);
  assert.deepEqual(titles, ["Near in the dictionary", "Near in other dictionaries", "Active together"]);
  assert.match(related?.textContent ?? "", /What it reads and what it writes: \+0\.625/);
  const links = hrefs(document, ".related tbody a");
  assert.ok(links.includes(`/models/demo/components/mlp-latent/1/40?${WIDE}`), links.join());
  assert.ok(links.includes("/models/demo/components/attn-latent/1/5?dictionary=attn%2F1"), links.join());
});

Deno.test("a dictionary that was not swept is offered to be, from the page of a latent and the catalogue", async () => {
  const app = testApp();
  for (const path of ["/models/demo/components/resid-latent/0/3", "/models/demo/catalogue?kind=resid-latent"]) {
    const offer = (await page(app, path)).querySelector(".sweep-offer");
    assert.match(offer?.textContent ?? "", /every latent of resid\/0.*deno task sweep --dictionary resid\/0/s);
    assert.equal(offer?.querySelector('input[name="dictionary"]')?.getAttribute("value"), "resid/0");
  }
  await app.postForm("/models/demo/sweep", [["dictionary", "resid/0"]]);
  const job = (await page(app, "/models/demo/components/resid-latent/0/3")).querySelector(".job");
  assert.match(job?.textContent ?? "", /Sweep of resid\/0 for demo/);
  assert.equal((await page(app, "/models/demo/catalogue")).querySelector(".job"), null, "another sweep");
  app.engine.model = () => ({ ...testApp().engine.model("demo"), dictionaries: [] });
  const none = await page(app, "/models/demo/catalogue?kind=mlp-latent");
  assert.match(none.querySelector(".empty-state")?.textContent ?? "", /No dictionary with MLP latents is loaded/);
  assert.equal(none.querySelector(".sweep-offer"), null);
});

Deno.test("the catalogue lists the latents of one dictionary, sorted, and offers the others", async () => {
  const document = await page(testApp(), `/models/demo/catalogue?kind=mlp-latent&${WIDE}&sort=fractionActive&page=2`);
  assert.equal(document.querySelector("h1")?.textContent, "MLP latents of demo");
  assert.match(document.querySelector(".pager-count")?.textContent ?? "", /256 in all/);
  assert.equal(hrefs(document, 'nav[aria-label="Dictionary"] a').length, 3);
  assert.ok(hrefs(document, "tbody a").every((href) => href.endsWith(WIDE)), "rows lead to latents of this dictionary");
  assert.equal(document.querySelector('nav[aria-label="Layer"]'), null, "a dictionary is of one layer");
});

Deno.test("searches look in a dictionary that is chosen; one of another kind gives way to the first of the kind", async () => {
  const app = testApp();
  const document = await page(app, `/search?q=Mary+gave&kind=mlp-latent&${WIDE}`);
  const options = (name: string) =>
    [...document.querySelectorAll(`#filter-${name} option`)].map((option) => option.getAttribute("value"));
  assert.deepEqual(options("kind"), ["", "head", "mlp", "mlp-latent", "attn-latent", "resid-latent"]);
  assert.deepEqual(options("dictionary"), ["mlp/0", "mlp/1", "wide/mlp/1"]);
  assert.equal(document.querySelector("#filter-dictionary option[selected]")?.getAttribute("value"), "wide/mlp/1");
  assert.ok(hrefs(document, "tbody a").every((href) => href.includes(WIDE)));
  const other = await page(app, `/search?q=Mary+gave&kind=attn-latent&${WIDE}`);
  assert.ok(hrefs(other, "tbody a").every((href) => href.includes("attn-latent/1/")));
  assert.ok((await page(app, "/search?q=+doctor&in=text&kind=attn-latent")).querySelector("#found-title") !== null);
  assert.ok((await page(app, "/search?q=a&in=text&kind=resid-latent")).querySelector(".sweep-offer") !== null);
});

Deno.test("a jump leads to a latent, and one that is not there says what is", async () => {
  const app = testApp();
  const to = async (query: string) => (await app.send(`/jump?${query}`)).headers.get("Location");
  assert.equal(await to("to=mlp-latent/1/7"), "/models/demo/components/mlp-latent/1/7");
  assert.equal(await to("to=1:7&kind=attn-latent"), "/models/demo/components/attn-latent/1/7");
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["to=mlp-latent/1/64", /Dictionary mlp\/1 has no mlp-latent\/1\/64: expected latents 0\.\.63/],
    ["to=attn-latent/0/1", /no dictionary with attention latents of layer 0 is loaded/],
    ["to=x/1/2", /names no component: expected .*mlp-latent\/LAYER\/LATENT/],
  ];
  for (const [query, message] of wrong) {
    const answer = await app.send(`/jump?${query}`);
    assert.equal(answer.status, 422);
    assert.match(await answer.text(), message);
  }
  assert.equal((await app.send("/models/demo/components/mlp-latent/1/7?dictionary=attn/1")).status, 404);
});

Deno.test("a dictionary that was trained without a BOS says so beside its records", async () => {
  const app = testApp();
  const detail = app.engine.model("demo");
  const dictionaries = detail.dictionaries.map((own) => ({ ...own, trainedWithBos: false }));
  app.engine.model = () => ({ ...detail, dictionaries });
  assert.match((await page(app, LATENT)).querySelector(".component-page")?.textContent ?? "", /without a BOS/);
});

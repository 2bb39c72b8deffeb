/** The page of searches, and what the landing page says of text sets and of components worth a look. */
import assert from "node:assert/strict";
import { EngineUnavailableError } from "../../engine/mod.ts";
import { fakeJob } from "../support/fake_corpus.ts";
import { HTMX, parsePage, type TestApp, testApp } from "../support/test_app.ts";

async function page(app: TestApp, path: string, headers = {}): Promise<Document> {
  const answer = await app.send(path, { headers });
  assert.equal(answer.status, 200, path);
  return parsePage(await answer.text());
}

function rows(document: Document): readonly string[] {
  return [...document.querySelectorAll("tbody th code")].map(({ textContent }) => textContent);
}

Deno.test("before anything is asked, the page says what can be, with searches to begin with", async () => {
  const document = await page(testApp(), "/search");
  assert.match(document.querySelector("title")?.textContent ?? "", /Find components/);
  assert.match(document.querySelector("#begin-title")?.textContent ?? "", /Nothing is looked for yet/);
  assert.equal(document.querySelector("table"), null);
  const links = [...document.querySelectorAll(".beginnings a")].map((link) => link.getAttribute("href"));
  assert.ok(links.includes("/search?q=+capital&in=text"), links.join());
  assert.equal(document.querySelector("header nav a[href='/search']")?.textContent, "Find components");
});

Deno.test("what fires on a text: each component leads to its page with the same text", async () => {
  const app = testApp();
  const document = await page(app, "/search?q=Mary+gave+%3Cb%3E&set=corpus");
  assert.equal(rows(document).length, 25);
  const [first] = document.querySelectorAll("tbody th a");
  assert.equal(first?.getAttribute("href"), "/models/demo/components/mlp/0/0?set=corpus&p=Mary+gave+%3Cb%3E");
  assert.match(document.querySelector("#search")?.textContent ?? "", /68 of 68 have a value above 0/);
  const cells = [...document.querySelectorAll("tbody tr")].map((row) => [...row.children].map((c) => c.textContent));
  assert.deepEqual(cells[0]?.slice(1), ["4.000", "5.000", "80.0%", "3 ␣<b>"]);
  const heads = await page(app, "/search?q=Mary+gave&kind=head&layer=1&sort=value");
  assert.deepEqual(rows(heads), ["head/1/0", "head/1/1"]);
  assert.equal(heads.querySelector("#search-q")?.textContent, "Mary gave");
  assert.match(heads.querySelector("tbody td:last-child")?.textContent ?? "", /2 ␣gave reads 0 <\|endoftext\|>/);
  assert.equal(heads.querySelector("#filter-layer-1")?.hasAttribute("checked"), true);
});

Deno.test("a token of the text is chosen by a button, one form for all of them", async () => {
  const document = await page(testApp(), "/search?q=Mary+gave&token=1&kind=mlp&page=2");
  const buttons = [...document.querySelectorAll(".token-picker button")];
  assert.deepEqual(buttons.map((button) => button.getAttribute("value")), ["", "0", "1", "2"]);
  const pressed = buttons.filter((button) => button.getAttribute("aria-pressed") === "true");
  assert.deepEqual(pressed.map((button) => button.getAttribute("value")), ["1"]);
  const kept = [...document.querySelectorAll(".token-picker input")].map((input) => input.getAttribute("name"));
  assert.deepEqual(kept, ["q", "kind", "form"], "not the token before, nor the page");
});

Deno.test("a phrase: components that are strongest on it, and the texts that hold it, each in pages of its own", async () => {
  const app = testApp();
  const document = await page(app, "/search?q=doctor&in=text&page=2&texts=3");
  assert.match(document.querySelector("#found-title")?.textContent ?? "", /strongest on “doctor”/);
  assert.equal(rows(document).length, 25);
  const texts = [...document.querySelectorAll(".found-texts > li")];
  assert.equal(texts.length, 10, "60 texts, 25 a page");
  assert.equal(texts[0]?.querySelector("mark")?.textContent, "␣doctor");
  assert.match(texts[0]?.querySelector(".found-snippet")?.textContent ?? "", /^The doctor␣doctor needs↵help <b>\.$/);
  const next = document.querySelector("#page-next")?.getAttribute("href");
  assert.equal(next, "/search?q=doctor&in=text&page=3&texts=3", "the other list stays where it is");
  const fires = new URL(texts[0]?.querySelector("a")?.getAttribute("href") ?? "", "http://host").searchParams;
  assert.equal(fires.get("q"), "The doctor doctor needs\nhelp <b>.");
  assert.equal(fires.get("in"), null);
  const past = await page(app, "/search?q=doctor&in=text&page=99&texts=99");
  assert.deepEqual([rows(past).length, past.querySelectorAll(".found-texts > li").length], [18, 10]);
  assert.match(past.querySelector("nav[aria-label='Pages of the components']")?.textContent ?? "", /51–68 of 68/);
});

Deno.test("nothing found, nothing swept and what is wrong are said in their place", async () => {
  const app = testApp();
  const nothing = await page(app, "/search?q=qqq&in=text&match=tokens");
  const states = [...nothing.querySelectorAll(".empty-state")].map(({ textContent }) => textContent);
  assert.match(states.join("\n"), /None of these components is strongest on it/);
  assert.match(states.join("\n"), /No text has exactly these tokens/);
  const unswept = await page(app, "/search?q=doctor&in=text&set=letters");
  assert.equal(unswept.querySelector(".sweep-offer input[name=textSet]")?.getAttribute("value"), "letters");
  const wrong = await page(app, "/search?q=Mary&token=9");
  assert.match(wrong.querySelector("#search .error-note")?.textContent ?? "", /There is no token 9: expected 0\.\.1/);
  app.engine.firing = () => Promise.reject(new EngineUnavailableError("The engine restarts"));
  const failed = await page(app, "/search?q=Mary");
  assert.match(failed.querySelector("#search .error-note")?.textContent ?? "", /cannot be shown: The engine restarts/);
  app.engine.firing = () => new Promise(() => {});
  const pending = await page(app, "/search?q=Mary", { ...HTMX, "HX-Target": "search" });
  assert.equal(pending.querySelector(".pending")?.getAttribute("hx-get"), "/search?q=Mary");
  assert.equal((await app.send("/search?model=none")).status, 404);
});

Deno.test("without records, values have nothing to be compared with", async () => {
  const app = testApp();
  app.engine.sweeps = () => Promise.resolve([]);
  const asked: unknown[] = [];
  const { firing } = app.engine;
  app.engine.firing = async (request) => {
    asked.push(request.sort);
    return { ...await firing.call(app.engine, request), source: null };
  };
  const document = await page(app, "/search?q=Mary&sort=relative");
  assert.deepEqual(asked, ["value"]);
  const titles = [...document.querySelectorAll("thead th")].map(({ textContent }) => textContent);
  assert.deepEqual(titles, ["Component", "Value", "Where"]);
  assert.match(document.querySelector("#search")?.textContent ?? "", /Nothing has been swept/);
  assert.deepEqual([...document.querySelectorAll("#filter-sort option")].map((o) => o.getAttribute("value")), [
    "value",
  ]);
});

Deno.test("a form's long address becomes the short one, with and without script", async () => {
  const { send } = testApp();
  const form = "/search?form=on&q=Mary&in=firing&match=text&kind=&layer=1&layer=0&sort=relative&token=";
  const short = "/search?q=Mary&layer=0&layer=1&sort=relative";
  const whole = await send(form);
  assert.deepEqual([whole.status, whole.headers.get("Location")], [303, short]);
  const part = await send(form, { headers: { ...HTMX, "HX-Target": "search" } });
  assert.deepEqual([part.status, part.headers.get("HX-Push-Url")], [200, short]);
  const document = parsePage(await part.text());
  assert.equal(document.body.firstElementChild?.id, "search");
});

Deno.test("the landing page has a search, the state of each text set, and components worth a look", async () => {
  const app = testApp();
  const landing = async () => await page(app, "/");
  const first = await landing();
  const find = first.querySelector("form.find-form");
  assert.equal(find?.getAttribute("action"), "/search");
  const sets = (document: Document) =>
    [...document.querySelectorAll(".text-sets li")].map(({ textContent }) => textContent.trim());
  assert.deepEqual(sets(first), ["corpus: swept", "letters: not swept yetSweep: demo over letters"]);
  const lists = [...first.querySelectorAll(".jump-lists > div")];
  assert.equal(lists.length, 7);
  const [induction] = lists;
  assert.equal(induction?.querySelector("h3 a")?.getAttribute("href"), "/models/demo/catalogue");
  const links = [...induction?.querySelectorAll("li a") ?? []].map((link) => link.getAttribute("href"));
  assert.equal(links[0], "/models/demo/components/head/0/0");
  assert.equal(links.length, 4);
  app.engine.jobs = () => [{ ...fakeJob({ kind: "sweep", textSet: "letters" }, "running") }];
  assert.match(sets(await landing())[1] ?? "", /under way$/);
  const partial = { state: "partial", sequencesDone: 30, sequenceCount: 80, tokensDone: 240 } as const;
  app.engine.sweeps = () => Promise.resolve([{ model: "demo", dictionary: null, textSet: "letters", ...partial }]);
  app.engine.jobs = () => [fakeJob({ kind: "sweep", textSet: "letters" }, "paused")];
  assert.deepEqual(sets(await landing()), ["letters: 30 of 80 textsContinue: demo over letters"]);
  app.engine.sweeps = () => Promise.resolve([]);
  const none = await landing();
  assert.equal(none.querySelector(".jump-lists"), null);
  assert.match(none.querySelector("#models-title")?.parentElement?.textContent ?? "", /none: put corpus\.txt/);
});

Deno.test("lists of components worth a look are read once for each state of a sweep", async () => {
  const app = testApp();
  let asked = 0;
  const { catalogue } = app.engine;
  app.engine.catalogue = (request) => {
    asked++;
    return catalogue.call(app.engine, request);
  };
  await page(app, "/");
  await page(app, "/");
  assert.equal(asked, 7);
  const more = {
    model: "demo",
    dictionary: null,
    textSet: "corpus",
    state: "done",
    sequencesDone: 9,
    sequenceCount: 9,
  } as const;
  app.engine.sweeps = () => Promise.resolve([{ ...more, tokensDone: 99 }]);
  await page(app, "/");
  assert.equal(asked, 14);
});

/** Feature rows about component pages: U6–U11, U13, U83–U95, U104–U105, U119, U125, U126. The demo model is swept first, from the page. */
import assert from "node:assert/strict";
import type { Example } from "../../engine/mod.ts";
import { launchBrowser } from "../support/browser.ts";
import { askApi, askDemo, openRow, titleNumber, withPage } from "../support/e2e.ts";
import { startServer } from "../support/test_server.ts";

const NEURON = "models/demo/components/mlp/3/195";
const HEAD = "models/demo/components/head/3/3";

Deno.test("component pages", async (t) => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  const { url } = server;
  const { browser } = chromium;

  await t.step(
    "U86 a sweep is begun from the page, shows how far it is, and leaves records",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(`${url}${NEURON}`);
        await page.getByRole("button", { name: "Sweep demo" }).click();
        await page.locator(".job[data-state=running], .job[data-state=queued], #examples-title").first().waitFor();
        await page.locator("#examples-title").waitFor({ timeout: 300_000 });
        await page.goto(`${url}jobs`);
        await page.locator(".job[data-state=done]").waitFor({ timeout: 300_000 });
      }),
  );

  await t.step(
    "U6 a cold address shows a neuron's and a head's examples",
    () =>
      withPage(browser, { javaScriptEnabled: false }, async (page) => {
        for (const path of [NEURON, HEAD]) {
          await page.goto(`${url}${path}`);
          assert.equal(await page.locator("section[aria-labelledby=top-title] .example-list > li").count(), 6);
        }
      }),
  );

  await t.step(
    "U8 a component that is not there gets a message that says what is",
    () =>
      withPage(browser, {}, async (page) => {
        for (const path of ["mlp/9/0", "head/0/8", "latent/0/1"]) {
          const answer = await page.goto(`${url}models/demo/components/${path}`);
          assert.equal(answer?.status(), 404);
          assert.match(await page.locator("main").innerText(), /expected/);
        }
      }),
  );

  await t.step(
    "U9, U11 four steps lead one further, end at the ends, and keep texts",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(`${url}models/demo/components/mlp/0/0?p=Mary+gave`);
        assert.equal(await page.locator(".steps a").count(), 2);
        await page.getByRole("link", { name: "next neuron" }).click();
        await page.waitForURL(/mlp\/0\/1\?p=/);
        await page.getByRole("link", { name: "layer above" }).click();
        await page.waitForURL(/mlp\/1\/1\?p=Mary/);
        assert.equal(await page.locator(".steps a").count(), 4);
      }),
  );

  await t.step(
    "U10 keys step to the neighbours, and the arrows still scroll",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(`${url}${NEURON}`);
        await page.keyboard.press("]");
        await page.waitForURL(/mlp\/3\/196$/);
        await page.keyboard.press("[");
        await page.waitForURL(/mlp\/3\/195$/);
        const before = page.url();
        await page.keyboard.press("ArrowRight");
        await page.keyboard.press("ArrowDown");
        assert.equal(page.url(), before);
      }),
  );

  await t.step(
    "U13, U84 a component carries the run's prompt and leads back to it",
    () =>
      withPage(browser, {}, async (page) => {
        await askDemo(page, url);
        const run = page.url();
        await page.locator('.node-row[data-ref="head/3/3@14<2"] th a').click();
        await page.waitForURL(/components\/head\/3\/3\?run=/);
        const section = page.locator("section[aria-labelledby=in-run-title]");
        await section.locator(".example-list > li").first().waitFor();
        assert.match(await section.locator(".example-list").innerText(), /␣Mary/);
        await section.getByRole("link", { name: "The answer" }).click();
        await page.waitForURL(run);
        await page.getByRole("link", { name: "Transformer Debugger" }).click();
        await page.waitForURL(url);
      }),
  );

  await t.step("U83 heading and tab name model, kind, layer and index", () =>
    withPage(browser, {}, async (page) => {
      await page.goto(`${url}${HEAD}`);
      assert.match(await page.locator("h1").innerText(), /Head 3 of layer 3 head\/3\/3/);
      assert.match(await page.title(), /head\/3\/3 · demo/);
    }));

  await t.step(
    "U86, U87 top and random examples begin short and are shown whole on their own",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(`${url}${NEURON}`);
        const count = (list: string) =>
          page.locator(`section[aria-labelledby=${list}-title] .example-list > li`).count();
        assert.deepEqual([await count("top"), await count("random")], [6, 3]);
        await page.locator("#all-top").click();
        await page.locator("#all-top", { hasText: "Show 6" }).waitFor();
        assert.deepEqual([await count("top"), await count("random")], [20, 3]);
        await page.goBack();
        await page.locator("#all-top", { hasText: "Show all 20" }).waitFor();
        assert.equal(await count("top"), 6);
      }),
  );

  await t.step(
    "U88 the strongest token of the strongest example has the largest value of all",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(`${url}${NEURON}`);
        const { top, statistics } = await (await fetch(`${url}api/v1/models/demo/components/mlp/3/195?top=1`)).json();
        const largest = await page.locator("section[aria-labelledby=statistics-title] td").last().getAttribute("title");
        assert.equal(Number(largest), statistics.max);
        assert.ok(Math.abs(top[0].max - statistics.max) < 1e-4 * statistics.max);
        assert.equal(top[0].values.indexOf(Math.max(...top[0].values)), top[0].at[0]);
      }),
  );

  await t.step(
    "U89 at rest, the token that reads most and the one that is read most are marked, with a legend",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(`${url}${HEAD}`);
        const answer = await fetch(`${url}api/v1/${HEAD}?top=1&random=0`);
        const { top: [example] }: { readonly top: readonly Example[] } = await answer.json();
        const [reader = -1, read = -1] = example?.at ?? [];
        const marks = (token: number) => page.locator(`[id="top.0.${token}"]`).getAttribute("class");
        // The maximum of all examples is the full step of the scale.
        assert.match(await marks(reader) ?? "", /\bin-10\b/);
        assert.match(await marks(read) ?? "", /\bout-10\b/);
        const legend = page.locator(".record-legend").first();
        await legend.getByText("how strongly it reads at most").waitFor();
        await legend.getByText("how strongly it is read at most").waitFor();
        const spoken = await page.locator("[data-pairs]").first().getAttribute("aria-label");
        assert.match(spoken ?? "", /Read most: .*Most read: /);
      }),
  );

  await t.step(
    "U90, U91 a token of a head's example shows who reads it, or what it reads, and can be pinned",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(`${url}${HEAD}`);
        const token = page.locator('[id="top.0.1"]');
        await token.hover();
        await token.click();
        await page.waitForURL(/pin=top\.0\.1/);
        assert.equal(
          await page.locator('[id="top.0.1"]').evaluate((link) => link === link.ownerDocument.activeElement),
          true,
        );
        await page.locator("#mode-incoming").click();
        await page.waitForURL(/mode=incoming/);
        await page.locator("#mode-incoming[aria-current]").waitFor();
      }),
  );

  for (const javaScriptEnabled of [true, false]) {
    await t.step(
      `U93, U95 texts of one's own gather and close, ${javaScriptEnabled ? "with" : "without"} script`,
      () =>
        withPage(browser, { javaScriptEnabled }, async (page) => {
          await page.goto(`${url}${NEURON}`);
          for (const [index, text] of ["Mary gave a drink to", "1+1=2 & <b>"].entries()) {
            await page.locator("#own-text").fill(text);
            await page.getByRole("button", { name: "Show its values" }).click();
            await page.locator(`#close-${index}`).waitFor();
          }
          const own = page.locator("section[aria-labelledby=own-title] .example-list > li");
          assert.equal(await own.count(), 2);
          assert.match(await own.nth(1).innerText(), /&/);
          await page.locator("#close-0").click();
          await page.locator("#close-1").waitFor({ state: "detached" });
          assert.equal(await own.count(), 1);
          assert.doesNotMatch(await own.first().innerText(), /drink/);
        }),
    );
  }

  await t.step(
    "U92 what a component promotes and what drives it stand beside it",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(`${url}${NEURON}`);
        for (const title of ["What it promotes", "Which tokens would drive it", "Each token by itself"]) {
          await page.getByRole("heading", { name: title }).waitFor();
        }
        const scores = page.locator("section[aria-labelledby=promotes-title] ol").first().locator("li");
        const first = Number((await scores.first().getAttribute("title"))?.split(": ")[1]);
        const last = Number((await scores.last().getAttribute("title"))?.split(": ")[1]);
        assert.ok(first >= last && first > 0);
      }),
  );

  await t.step(
    "U105, U125 histogram, quantiles and moments belong together",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(`${url}${NEURON}`);
        const mean = await titleNumber(
          page.locator("section[aria-labelledby=statistics-title] .statistics-table td").first(),
        );
        const { statistics } = await (await fetch(`${url}api/v1/models/demo/components/mlp/3/195`)).json();
        assert.equal(mean, statistics.mean);
        const sum = statistics.histogram.counts.reduce((a: number, b: number) => a + b, 0);
        assert.equal(sum, statistics.count);
        assert.equal(await page.getByRole("heading", { name: "Random examples by how strong they are" }).count(), 1);
      }),
  );

  await t.step(
    "U126 related components: by weights and by activity, each a link that keeps the run",
    () =>
      withPage(browser, {}, async (page) => {
        const { id } = await askApi(url);
        await page.goto(`${url}models/demo/components/head/2/4?run=${id}`);
        const related = page.locator("section[aria-labelledby=related-title]");
        const table = (caption: string) =>
          related.locator("table", { has: page.locator(`caption:text-is("${caption}")`) });
        const { upstream, coActivation } =
          await (await fetch(`${url}api/v1/models/demo/components/head/2/4/related?top=3`)).json();
        const keys = upstream.find(({ kind, by }: { kind: string; by: string }) => kind === "head" && by === "k");
        const rows = table("Heads, through its key").locator("tbody tr");
        assert.equal(await rows.count(), 5);
        for (const [i, { component, score }] of keys.components.entries()) {
          assert.equal(await rows.nth(i).locator("th").innerText(), component);
          assert.equal(await titleNumber(rows.nth(i).locator("td")), score);
        }
        const [first] = coActivation.lists[0].correlated;
        const active = table("Heads that vary with it").locator("tbody tr").first();
        assert.deepEqual([await active.locator("th").innerText(), await titleNumber(active.locator("td"))], [
          first.component,
          first.correlation,
        ]);
        assert.match(await related.innerText(), /largest values on 64 random texts/);
        await page.locator("#all-related").click();
        await page.waitForURL(/all=related/);
        await page.locator("#all-related", { hasText: "Show 5 of each" }).waitFor();
        assert.equal(await rows.count(), 10);
        await related.getByRole("link", { name: "How they are compared" }).click();
        await page.waitForURL(/help#related$/);
        assert.match(await page.locator(".related-help").innerText(), /K-composition/);
        await page.goBack();
        await rows.first().getByRole("link").click();
        await page.waitForURL(`${url}models/demo/components/${keys.components[0].component}?run=${id}`);
        await table("Move alike (OV circuits)").waitFor();
      }),
  );

  await t.step(
    "the catalogue names the heads that the demo model's behaviours need",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(`${url}models/demo/catalogue`);
        const first = await page.locator("section[aria-labelledby=list-title] tbody th").first().innerText();
        assert.match(first, /^head\/\d\/\d$/);
        await page.locator("#score-previousToken").click();
        await page.waitForURL(/sort=previousToken/);
        await page.locator("section[aria-labelledby=list-title] tbody th a").first().click();
        await page.getByRole("heading", { name: "What it is known for" }).waitFor();
        await page.goBack();
        await page.locator("#kind-mlp").click();
        await page.waitForURL(/kind=mlp/);
        assert.equal(await page.locator("section[aria-labelledby=list-title] tbody tr").count(), 50);
      }),
  );

  await t.step("the records of the most active component come in under 100 ms and 200 kB", async () => {
    const { rows: [row] } = await (await fetch(`${url}api/v1/models/demo/catalogue?kind=mlp&sort=max&pageSize=1`))
      .json();
    const address = `${url}models/demo/components/${row.component}`;
    await (await fetch(address)).text();
    // The quickest of a few: this machine is shared.
    let quickest = Infinity;
    let bytes = 0;
    for (let round = 0; round < 8; round++) {
      const startedAt = performance.now();
      bytes = (await (await fetch(address, { headers: { "Accept-Encoding": "identity" } })).text()).length;
      quickest = Math.min(quickest, performance.now() - startedAt);
    }
    assert.ok(bytes < 200_000, `${bytes} bytes`);
    assert.ok(quickest < 100, `${quickest} ms`);
  });

  await t.step(
    "a row of the table leads to the component, and the component back into the table",
    () =>
      withPage(browser, {}, async (page) => {
        await askDemo(page, url);
        await openRow(page, "head/3/3@14<2");
        await page.locator('.node-row[data-ref="head/3/3@14<2"] th a').click();
        await page.getByRole("link", { name: "Trace from here" }).click();
        await page.locator(".detail-row").first().waitFor();
        assert.equal(await page.locator("#filter-q").inputValue(), "head/3/3");
      }),
  );
});

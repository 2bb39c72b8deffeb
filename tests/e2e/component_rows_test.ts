/**
 * Feature rows about component pages: U6–U11, U13, U83, U84, U86, U87, U89, U105, U126. The demo model is swept first, from the page. What its
 * records show, number by number, is checked by `record_rows_test.ts`.
 */
import assert from "node:assert/strict";
import type { Example } from "../../engine/mod.ts";
import { launchBrowser } from "../support/browser.ts";
import {
  askApi,
  askDemo,
  eventually,
  openRow,
  PAIR,
  PROMPT,
  SECOND,
  sweepAll,
  titleNumber,
  untilSettled,
  withPage,
} from "../support/e2e.ts";
import { startServer } from "../support/test_server.ts";

const NEURON = "models/demo/components/mlp/3/195";
const HEAD = "models/demo/components/head/3/3";

/** Requests of which the median is told. */
const ROUNDS = 9;

Deno.test("component pages", async (t) => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  const { url } = server;
  const { browser } = chromium;

  await t.step(
    "U86 a sweep is begun from the page, tells its rate and time left, and leaves records",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(`${url}${NEURON}`);
        await page.getByRole("button", { name: "Sweep demo" }).click();
        // While it is under way: how far, how fast, how long still.
        const progress = page.locator(".job[data-state=running] [role=status]");
        const told = await progress.filter({ hasText: /a second, about .* left/ }).innerText();
        const [, done, total, rate, left, unit] =
          /^Sweep of demo over “corpus”: ([\d,]+) of ([\d,]+) sequences, ([\d,]+) a second, about ([\d.]+) (m?s) left$/
            .exec(told) ?? [];
        const [far = NaN, all = NaN, speed = NaN] = [done, total, rate].map((text) =>
          Number(text?.replaceAll(",", ""))
        );
        assert.ok(far > 0 && far < all && speed > 0, told);
        // The three belong together.
        const seconds = Number(left) / (unit === "ms" ? 1000 : 1);
        assert.ok(Math.abs(seconds * speed - (all - far)) <= 0.6 * speed + 0.06 * (all - far), told);
        const bar = page.getByRole("progressbar", { name: "Sweep: sequences done" });
        assert.equal(await bar.getAttribute("max"), String(all));
        // It looks again by itself.
        await progress.filter({ hasText: told }).waitFor({ state: "detached" });
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
    "U9, U11 four steps lead one further, end at both ends, and keep texts",
    () =>
      withPage(browser, {}, async (page) => {
        const steps = page.locator(".steps");
        const ended = () =>
          steps.locator(".pager-end").evaluateAll((found) => found.map((end) => end.getAttribute("title")));
        await page.goto(`${url}models/demo/components/mlp/0/0?p=Mary+gave`);
        assert.deepEqual(await ended(), ["no previous neuron", "no layer below"]);
        assert.equal(await steps.locator("a").count(), 2);
        // Once around: every way is gone once, and what is asked along goes along.
        for (
          const [name, place] of [
            ["next neuron", "mlp/0/1"],
            ["layer above", "mlp/1/1"],
            ["previous neuron", "mlp/1/0"],
            ["layer below", "mlp/0/0"],
          ] as const
        ) {
          await page.getByRole("link", { name, exact: true }).click();
          await page.waitForURL(`${url}models/demo/components/${place}?p=Mary+gave`);
          await page.locator("h1 code", { hasText: place }).waitFor();
          if (place === "mlp/1/1") assert.equal(await steps.locator("a").count(), 4);
        }
        for (const last of ["mlp/3/511", "head/3/7"]) {
          await page.goto(`${url}models/demo/components/${last}`);
          const name = last.startsWith("head") ? "head" : "neuron";
          assert.deepEqual(await ended(), [`no next ${name}`, "no layer above"]);
          await page.keyboard.press("]");
          await page.waitForTimeout(100);
          assert.equal(page.url(), `${url}models/demo/components/${last}`, "no key leads past the end");
        }
      }),
  );

  await t.step(
    "U10 the documented keys step to the neighbours; arrow and page keys still scroll",
    () =>
      withPage(browser, { reducedMotion: "reduce" }, async (page) => {
        await page.goto(`${url}help`);
        const documented = page.locator(".keys-table tr", { hasText: "previous and next page, head or component" });
        const [back = "", on = ""] = (await documented.locator("kbd").innerText()).split(", ");
        await page.goto(`${url}${NEURON}`);
        await page.locator("#examples-title").waitFor();
        const scrolled = async () => Number(await page.evaluate("scrollY"));
        let before = 0;
        for (const [key, direction] of [["ArrowDown", 1], ["PageDown", 1], ["ArrowUp", -1], ["PageUp", -1]] as const) {
          await page.keyboard.press(key);
          await eventually(async () => assert.ok((await scrolled() - before) * direction > 10, `${key} scrolls`));
          // Until it rests: a page is scrolled over some frames.
          do {
            before = await scrolled();
            await page.waitForTimeout(150);
          } while (await scrolled() !== before);
        }
        await page.keyboard.press("End");
        await eventually(async () => assert.ok(await scrolled() > 1000));
        for (const key of ["ArrowRight", "ArrowLeft"]) await page.keyboard.press(key);
        assert.equal(page.url(), `${url}${NEURON}`, "arrows lead nowhere else");
        await page.keyboard.press(on);
        await page.waitForURL(/mlp\/3\/196$/);
        await page.locator("h1 code", { hasText: "mlp/3/196" }).waitFor();
        await page.keyboard.press(back);
        await page.waitForURL(/mlp\/3\/195$/);
      }),
  );

  await t.step(
    "U13 a component carries the run's prompt and leads back to it",
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

  await t.step(
    "U84 each prompt of a run is a captioned heatmap with the component's values on it",
    () =>
      withPage(browser, {}, async (page) => {
        const { id } = await askApi(url, { prompts: PAIR });
        const answer = await fetch(`${url}api/v1/${NEURON}/activations`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ texts: [PROMPT, SECOND] }),
        });
        const { examples }: { readonly examples: readonly Example[] } = await answer.json();
        await page.goto(`${url}${NEURON}?run=${id}`);
        const pictures = page.locator("section[aria-labelledby=in-run-title] figure");
        assert.deepEqual(await pictures.locator(".record-label").allInnerTexts(), ["left prompt", "right prompt"]);
        for (const [index, { values }] of examples.entries()) {
          const label = ["left prompt", "right prompt"][index] ?? "";
          const tokens = pictures.nth(index).getByRole("list", { name: label, exact: true }).locator("li");
          const shown = (await tokens.evaluateAll((found) => found.map((token) => token.getAttribute("title"))))
            .map((text) => Number(text?.replaceAll("−", "-")));
          assert.equal(shown.length, values.length);
          shown.forEach((value, token) => assert.ok(Math.abs(value - Number(values[token])) <= 0.0005, `${token}`));
        }
        assert.notDeepEqual(examples[0]?.values, examples[1]?.values);
        await page.goto(`${url}${HEAD}?run=${id}`);
        assert.deepEqual(await pictures.locator(".record-label").allInnerTexts(), ["left prompt", "right prompt"]);
      }),
  );

  await t.step("U83 heading and tab name model, kind, layer and index", () =>
    withPage(browser, {}, async (page) => {
      for (
        const [path, heading] of [
          [HEAD, "Head 3 of layer 3 of demo head/3/3"],
          [NEURON, "Neuron 195 of layer 3 of demo mlp/3/195"],
          ["models/demo/components/mlp-latent/1/7", "MLP latent 7 of layer 1 of demo mlp-latent/1/7"],
        ] as const
      ) {
        await page.goto(`${url}${path}`);
        assert.equal(await page.locator("h1").innerText(), heading);
        assert.equal(await page.title(), `${path.split("components/")[1]} · demo · Transformer Debugger`);
      }
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
        await untilSettled(page);
        await page.locator("#all-random").click();
        await page.locator("#all-random", { hasText: "Show 3" }).waitFor();
        assert.deepEqual([await count("top"), await count("random")], [6, 12]);
      }),
  );

  await t.step(
    "the strongest token of the strongest example has the largest value of all",
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
    "U105, U125 histogram and moments belong together",
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

  await t.step("the records of the most active of each kind come in under 100 ms and 200 kB", async () => {
    await sweepAll(url, [{ dictionary: "mlp-out-3" }]);
    const figures: string[] = [];
    for (const query of ["kind=mlp", "kind=head", "kind=mlp-latent&dictionary=mlp-out-3"]) {
      const catalogue = await fetch(`${url}api/v1/models/demo/catalogue?${query}&sort=max&pageSize=1`);
      const { rows: [{ component }] } = await catalogue.json();
      // What the page is made from is there after the first time, as for every reader after the first.
      const ask = () =>
        fetch(`${url}models/demo/components/${component}`, { headers: { "Accept-Encoding": "identity" } });
      await (await ask()).bytes();
      const times: number[] = [];
      let bytes = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const startedAt = performance.now();
        const page = await (await ask()).bytes();
        times.push(performance.now() - startedAt);
        bytes = page.byteLength;
        assert.match(new TextDecoder().decode(page), /id="examples-title"/);
      }
      const median = times.toSorted((a, b) => a - b)[ROUNDS >> 1] ?? NaN;
      figures.push(`${component}: ${median.toFixed(0)} ms (median of ${ROUNDS}), ${(bytes / 1000).toFixed(0)} kB`);
      assert.ok(bytes < 200_000, figures.at(-1));
      assert.ok(median < 100, figures.at(-1));
    }
    // deno-lint-ignore no-console -- figures for the README
    console.log(figures.join("\n"));
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

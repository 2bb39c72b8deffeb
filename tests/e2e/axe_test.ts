/**
 * Every page in both themes: axe finds nothing, nothing is wider than the window, and what is needed to show it first is light.
 * With TDB_SCREENSHOTS=FOLDER each is also photographed.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { launchBrowser } from "../support/browser.ts";
import { askDemo, PROMPT, withPage } from "../support/e2e.ts";
import { startServer } from "../support/test_server.ts";

const NODE = "head/3/3@14<2";

Deno.test("every page in a real browser", async (t) => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  const { url } = server;
  const pages = await everyPage(url);
  const folder = Deno.env.get("TDB_SCREENSHOTS");

  for (const colorScheme of ["light", "dark"] as const) {
    for (const [name, path] of pages) {
      await t.step(
        `${name}, ${colorScheme}: axe finds nothing`,
        () =>
          withPage(chromium.browser, { colorScheme, viewport: { width: 1280, height: 900 } }, async (page) => {
            await visit(page, `${url}${path}`);
            const { violations } = await new AxeBuilder({ page }).analyze();
            assert.deepEqual(violations.map(({ id, nodes }) => `${id} ${nodes[0]?.html}`), []);
            if (folder !== undefined) {
              await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`), fullPage: true });
            }
          }),
      );
    }
  }

  for (const width of [1280, 768]) {
    await t.step(
      `nothing is wider than a window of ${width} pixels`,
      () =>
        withPage(chromium.browser, { viewport: { width, height: 900 } }, async (page) => {
          for (const [name, path] of pages) {
            await visit(page, `${url}${path}`);
            const overflow = await page.locator("html").evaluate((html) => html.scrollWidth - html.clientWidth);
            assert.ok(overflow <= 0, `${name} is ${overflow} pixels too wide`);
            if (folder !== undefined && width === 768) {
              await page.screenshot({ path: join(folder, `${name}-768.png`), fullPage: true });
            }
          }
        }),
    );
  }

  await t.step(
    "on paper a run keeps its numbers and leaves its form",
    () =>
      withPage(chromium.browser, {}, async (page) => {
        await askDemo(page, url);
        await page.emulateMedia({ media: "print" });
        assert.equal(await page.locator("#question-form").isVisible(), false);
        assert.equal(await page.locator(".node-filter").isVisible(), false);
        assert.equal(await page.locator("#nodes table").isVisible(), true);
      }),
  );

  await t.step("a run's first paint takes under 100 kB", () =>
    withPage(chromium.browser, {}, async (page) => {
      const sizes: Promise<number>[] = [];
      page.on("requestfinished", (request) => {
        if (!["document", "stylesheet"].includes(request.resourceType())) return;
        sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
      });
      await page.goto(`${url}debugger`, { waitUntil: "networkidle" });
      assert.ok(sizes.length > 8, `${sizes.length} files`);
      const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
      assert.ok(bytes > 1000 && bytes < 100_000, `${bytes} bytes`);
    }));
});

/** Paths of every kind of page, in its fullest state. */
async function everyPage(url: string): Promise<ReadonlyMap<string, string>> {
  const ask = async (prompts: readonly string[], more: object = {}) => {
    const answer = await fetch(`${url}api/v1/runs`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        prompts: prompts.map((text) => ({ text, targets: [" Mary"], distractors: [" John"] })),
        ...more,
      }),
    });
    return String((await answer.json()).id);
  };
  const run = await ask([PROMPT]);
  const second = PROMPT.replace(", John", ", Mary");
  const pair = await ask([PROMPT, second], { interventions: [{ node: "head/3/3@14<*", set: 0 }] });
  const traced = await ask([PROMPT], { trace: { node: NODE, path: "q" } });
  const ref = encodeURIComponent(NODE);
  return new Map([
    ["landing", ""],
    ["help", "help"],
    ["debugger", "debugger?prompt=Mary"],
    ["run", `runs/${run}?cards=effects,lens,code&open=${ref}&open=mlp/3/195@14&size=10`],
    ["groups", `runs/${run}?group=component&size=10`],
    ["pair", `runs/${pair}?cards=effects&open=${ref}&size=10`],
    ["traced", `runs/${traced}?size=10`],
    ["data", `runs/${run}/data?card=checks`],
    ["node", `runs/${run}/node?ref=${ref}`],
    ["circuit", `runs/${run}/circuit?pin=${ref}&pin=head/2/6@14%3C3&pin=mlp/3/195@14&pin=embed@2&selected=${ref}`],
    ["attention", `runs/${run}/attention?head=head/3/3&pin=14`],
    ["compare", `compare?a=${run}&b=${pair}&size=10`],
    ["component", `models/demo/components/mlp/3/195?run=${run}`],
    ["search", "search"],
    ["what fires", "search?q=When+Mary+and+John+went+to+the+store"],
    ["a phrase, not swept", "search?q=+capital&in=text"],
    ["head", `models/demo/components/head/2/4?run=${run}&all=related`],
    ["trainings", "training"],
    ["explanations", "explanations?q=capital"],
    ["dictionaries", "models/demo/dictionaries"],
    ["missing", "runs/nothing"],
  ]);
}

async function visit(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.locator("main").waitFor();
}

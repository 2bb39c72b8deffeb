/**
 * The program as a person uses it: `main.ts` in its own process, a real Chromium, with and without script.
 * With TDB_SCREENSHOTS=FOLDER every page is also photographed, in both themes.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { launchBrowser } from "../support/browser.ts";
import { startServer } from "../support/test_server.ts";

const PROMPT = "When Mary and John went to the store, John gave a drink to";

Deno.test("in a real browser", async (t) => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  const { url } = server;

  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";

    await t.step(
      `from the printed URL to the answer in one click, ${how}`,
      () =>
        withPage(chromium.browser, { javaScriptEnabled }, async (page) => {
          await page.goto(url);
          await page.getByRole("button", { name: /^Show why/ }).click();
          await page.waitForURL(/\/runs\/[0-9a-f]{32}$/);
          assert.equal(await page.locator(".logit-table tbody tr").first().locator("code").textContent(), "␣Mary");
          assert.match(await page.locator(".objective-value").first().innerText(), /^\+1\d\.\d{3}$/);
          assert.equal(await page.locator(".check-list [data-ok=true]").count(), 3);
          assert.ok(await page.locator("#nodes tbody tr").count() > 50);
        }),
    );

    await t.step(
      `asking, sorting, Back and a copied URL, ${how}`,
      () =>
        withPage(chromium.browser, { javaScriptEnabled }, async (page, context) => {
          await page.goto(`${url}debugger`);
          await page.getByRole("button", { name: "Run", exact: true }).last().click();
          await page.waitForURL(/\/runs\//);
          const first = page.url();
          await page.locator("#run .objective-value").first().waitFor();

          await page.locator("#prompt-0").fill("Mary said that");
          await page.locator("input[name='target.0']").fill(" she");
          await page.locator("input[name='distractor.0']").fill(" he");
          await page.getByRole("button", { name: "Run", exact: true }).last().click();
          await page.waitForURL((found) => found.href.includes("/runs/") && found.href !== first);
          const second = page.url();
          await page.locator(".badge[data-role=target]").first().waitFor();
          assert.match(await page.locator(".objective p").first().innerText(), /“␣she” minus that of “␣he”/);

          await page.locator("#sort-writeNorm-0").click();
          await page.waitForURL(/sort=writeNorm/);
          await page.locator("#nodes th[aria-sort=descending] #sort-writeNorm-0").waitFor();
          const norms = (await page.locator("#nodes tbody td:nth-of-type(4)").allInnerTexts()).map(Number);
          assert.deepEqual(norms, norms.toSorted((a, b) => b - a));
          const sorted = await page.locator("#nodes tbody").innerText();

          const copy = await context.newPage();
          await copy.goto(page.url());
          assert.equal(await copy.locator("#nodes tbody").innerText(), sorted);

          await page.goBack();
          await page.locator("#nodes th[aria-sort=descending] #sort-directEffect-0").waitFor();
          assert.equal(page.url(), second);
          await page.goBack();
          await page.locator(".objective p", { hasText: "“␣Mary” minus that of “␣John”" }).waitFor();
          assert.equal(page.url(), first);
          assert.equal(await page.locator("#prompt-0").inputValue(), PROMPT);
          await page.goForward();
          await page.locator(".objective p", { hasText: "“␣she”" }).waitFor();
          assert.equal(page.url(), second);
        }),
    );

    await t.step(
      `a wrong field keeps all input, says what is right, and leaves the last answer, ${how}`,
      () =>
        withPage(chromium.browser, { javaScriptEnabled }, async (page) => {
          await page.goto(url);
          await page.getByRole("button", { name: /^Show why/ }).click();
          await page.waitForURL(/\/runs\//);
          const target = page.locator("input[name='target.0']");
          await target.fill(" Mary Poppins");
          await page.locator("#k").fill("many");
          // Enter in a field asks the question and does nothing else.
          await target.press("Enter");
          await page.locator(".field-message").first().waitFor();
          assert.match(await page.locator("#k-message").innerText(), /1 to 200/);
          assert.equal(await target.inputValue(), " Mary Poppins");
          assert.equal(await page.locator("#prompt-0").inputValue(), PROMPT);
          await page.locator("#k").fill("5");
          await target.press("Enter");
          await page.locator("#target-0-message").waitFor();
          assert.match(
            await page.locator("#target-0-message").innerText(),
            /is \d tokens, “?"? ?Mary|expected exactly one/,
          );
          if (javaScriptEnabled) assert.equal(await page.locator("#nodes").count(), 1);
        }),
    );

    await t.step(
      `a newcomer finds the name mover, ablates it, measures, and traces its query, in under ten clicks, ${how}`,
      () =>
        withPage(chromium.browser, { javaScriptEnabled }, async (page) => {
          let clicks = 0;
          const click = async (locator: ReturnType<Page["locator"]>) => {
            clicks++;
            await locator.click();
          };
          const row = (ref: string) => page.locator("#nodes tbody tr", { has: page.getByText(ref, { exact: true }) });
          // Another k for each, so that each measures a run of its own.
          await page.goto(javaScriptEnabled ? url : `${url}debugger?k=9`);
          await click(page.getByRole("button", { name: javaScriptEnabled ? /^Show why/ : /^Run$/ }).last());
          await page.waitForURL(/\/runs\//);
          const clean = page.url();
          // The table opens with the largest direct effect first: the name mover.
          const mover = (await page.locator("#nodes tbody tr code").first().innerText()).trim();
          assert.match(mover, /^head\/[23]\/\d@14<[23]$/);

          await click(page.getByRole("button", { name: "Measure the top 32 nodes" }));
          await page.locator("#measured table").waitFor();
          const measured = Number(
            (await page.locator("#measured tbody tr", { hasText: mover }).locator("td").last().getAttribute("title")) ??
              NaN,
          );

          await click(row(mover).locator("summary"));
          await click(row(mover).getByRole("button", { name: "Ablate", exact: true }));
          await page.waitForURL((found) => found.href.includes("/runs/") && !found.href.startsWith(clean));
          await page.locator(".changes-card code", { hasText: `${mover} = 0` }).waitFor();
          const [ablated, before] = await page.locator(".objective-value").evaluateAll((found) =>
            found.map((element) => Number(element.getAttribute("title")))
          );
          // What "measured" said is what the ablation does.
          assert.ok(
            Math.abs((before ?? NaN) - (ablated ?? NaN) - measured) < 2e-3,
            `${before} − ${ablated} = ${measured}`,
          );
          assert.equal(await page.locator("#interventions").inputValue(), `${mover} = 0`);

          await click(page.getByRole("button", { name: "Undo" }));
          await page.locator(".changes-card").waitFor({ state: "detached" });
          await click(row(mover).locator("summary"));
          await click(row(mover).getByRole("button", { name: "Trace q", exact: true }));
          await page.locator("#summary-title", { hasText: "Traced node" }).waitFor();
          const upstream = (await page.locator("#nodes tbody tr code").first().innerText()).trim();
          assert.match(upstream, /^(head|mlp)\/[0-2]\/|^embed@/);
          assert.ok(clicks < 10, `${clicks} clicks`);
          await page.goBack();
          await page.locator("#summary-title", { hasText: "Objective" }).waitFor();
        }),
    );

    await t.step(
      `two prompts stand side by side, ${how}`,
      () =>
        withPage(chromium.browser, { javaScriptEnabled }, async (page) => {
          await page.goto(`${url}debugger`);
          await page.getByRole("button", { name: "Compare with a second prompt" }).click();
          await page.locator("#prompt-1").waitFor();
          await page.locator("#prompt-1").fill(PROMPT.replace(", John", ", Mary"));
          await page.getByRole("button", { name: "Run", exact: true }).last().click();
          await page.locator(".objective-side").first().waitFor();
          assert.deepEqual(await page.locator(".objective-side").allInnerTexts(), ["left", "right", "left − right"]);
          await page.locator("#sort-directEffect-diff").click();
          await page.waitForURL(/side=diff/);
        }),
    );
  }

  await t.step(
    "the address bar shows the run, and the answer replaces the old one in place",
    () =>
      withPage(chromium.browser, {}, async (page) => {
        await page.goto(`${url}debugger`);
        assert.match(await page.locator("#run").innerText(), /No question has been asked/);
        await page.getByRole("button", { name: "Run", exact: true }).last().click();
        await page.locator("#nodes").waitFor();
        assert.match(page.url(), /\/runs\/[0-9a-f]{32}$/);
        assert.equal(await page.locator("#live").textContent(), "The answer is here");
      }),
  );

  await t.step(
    "a theme that is chosen stays chosen, without JavaScript too",
    () =>
      withPage(chromium.browser, { javaScriptEnabled: false }, async (page) => {
        await page.goto(url);
        await page.getByRole("button", { name: "Dark" }).click();
        await page.waitForURL(url);
        assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
        await page.getByRole("button", { name: "Auto" }).click();
        assert.equal(await page.locator("html").getAttribute("data-theme"), null);
      }),
  );

  await t.step("axe finds nothing on any page, light and dark, wide and narrow", async () => {
    const folder = Deno.env.get("TDB_SCREENSHOTS");
    for (const colorScheme of ["light", "dark"] as const) {
      for (const width of [1280, 768]) {
        await withPage(chromium.browser, { colorScheme, viewport: { width, height: 900 } }, async (page) => {
          for (const [name, visit] of Object.entries(visits(url))) {
            await visit(page);
            const { violations } = await new AxeBuilder({ page }).analyze();
            assert.deepEqual(violations.map(({ id, nodes }) => `${name}: ${id} ${nodes[0]?.html}`), []);
            if (folder !== undefined) {
              await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`), fullPage: true });
            }
          }
        });
      }
    }
  });

  await t.step(
    "every example of the gallery is answered as it says",
    () =>
      withPage(chromium.browser, {}, async (page) => {
        await page.goto(url);
        const count = await page.locator(".example").count();
        assert.equal(count, 10);
        for (let index = 0; index < count; index++) {
          await page.goto(url);
          const example = page.locator(".example").nth(index);
          const title = await example.locator("h2, h3").innerText();
          await example.locator("button").click();
          await page.waitForURL(/\/runs\//);
          const objective = Number(await page.locator(".objective-value").first().innerText());
          assert.ok(objective > 1, `${title}: objective ${objective}`);
          assert.equal(await page.locator(".check-list [data-ok=true]").count(), 3, title);
        }
      }),
  );
});

/** How to get to each kind of page. */
function visits(url: string): Readonly<Record<string, (page: Page) => Promise<void>>> {
  return {
    landing: async (page) => void await page.goto(url),
    debugger: async (page) => void await page.goto(`${url}debugger`),
    run: async (page) => {
      await page.goto(url);
      await page.getByRole("button", { name: /^Show why/ }).click();
      await page.waitForURL(/\/runs\//);
    },
    pair: async (page) => {
      const second = PROMPT.replace(", John", ", Mary");
      const query = new URLSearchParams([["prompt", PROMPT], ["target.0", " Mary"], ["distractor.0", " John"], [
        "prompt",
        second,
      ], [
        "target.1",
        " Mary",
      ], ["distractor.1", " John"]]);
      await page.goto(`${url}debugger?${query}`);
      await page.getByRole("button", { name: "Run", exact: true }).last().click();
      await page.locator("#nodes").waitFor();
    },
    refused: async (page) => {
      await page.goto(`${url}debugger`);
      await page.locator("#k").fill("0");
      await page.getByRole("button", { name: "Run", exact: true }).last().click();
      await page.locator(".field-message").waitFor();
    },
    node: async (page) => {
      await page.goto(url);
      await page.getByRole("button", { name: /^Show why/ }).click();
      await page.waitForURL(/\/runs\//);
      await page.locator("#nodes tbody summary").first().click();
      await page.locator("#nodes tbody").getByRole("link", { name: "Details" }).first().click();
      await page.getByRole("heading", { name: "What reads it after" }).waitFor();
    },
    missing: async (page) => void await page.goto(`${url}runs/nothing`),
  };
}

type ContextOptions = NonNullable<Parameters<Browser["newContext"]>[0]>;

/** A page of its own; any script error or refusal of the content security policy fails the test. */
async function withPage(
  browser: Browser,
  options: ContextOptions,
  use: (page: Page, context: BrowserContext) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    // A refused question is an error response; htmx and the browser log it.
    if (message.type() === "error" && !/status of 4\d\d|Response Status Error Code 4\d\d/.test(message.text())) {
      problems.push(message.text());
    }
  });
  try {
    await use(page, context);
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
}

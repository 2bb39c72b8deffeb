/** The program as a person uses it: `main.ts` in its own process, a real Chromium, with and without script. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { launchBrowser } from "../support/browser.ts";
import { openRow, PROMPT, withPage } from "../support/e2e.ts";
import { startServer } from "../support/test_server.ts";

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
          assert.equal(await page.locator("#nodes .node-row").count(), 25);
          assert.match(await page.locator("#nodes .pager-count").innerText(), /^1–25 of \d{2,3}$/);
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
          const act = async (ref: string, name: string) => {
            clicks++;
            await click((await openRow(page, ref)).getByRole("button", { name, exact: true }));
          };
          // Another k for each, so that each measures a run of its own.
          await page.goto(javaScriptEnabled ? url : `${url}debugger?k=9`);
          await click(page.getByRole("button", { name: javaScriptEnabled ? /^Show why/ : /^Run$/ }).last());
          await page.waitForURL(/\/runs\//);
          const clean = page.url();
          // The table opens with the largest direct effect first: the name mover.
          const mover = await page.locator("#nodes .node-row").first().getAttribute("data-ref") ?? "";
          assert.match(mover, /^head\/[23]\/\d@14<[23]$/);

          await click(page.getByRole("button", { name: "Measure the top 32 nodes" }));
          await page.locator("#measured table").waitFor();
          const measured = Number(
            (await page.locator("#measured tbody tr", { hasText: mover }).locator("td").last().getAttribute("title")) ??
              NaN,
          );

          await act(mover, "Ablate");
          await page.waitForURL((found) => found.href.includes("/runs/") && !found.href.startsWith(clean));
          await page.locator(`.change-text[value="${mover} = 0"]`).waitFor();
          const [ablated, before] = await page.locator(".objective-value").evaluateAll((found) =>
            found.map((element) => Number(element.getAttribute("title")))
          );
          // What "measured" said is what the ablation does.
          assert.ok(
            Math.abs((before ?? NaN) - (ablated ?? NaN) - measured) < 2e-3,
            `${before} − ${ablated} = ${measured}`,
          );
          assert.equal(await page.locator("#interventions").inputValue(), `${mover} = 0`);

          await click(page.locator("#undo"));
          await page.locator(".changes-card").waitFor({ state: "detached" });
          // The row is open still: what was on screen stays through a change and back.
          await click(page.locator(".detail-row").getByRole("button", { name: "Trace q", exact: true }));
          await page.locator("#summary-title", { hasText: "Traced node" }).waitFor();
          const upstream = await page.locator("#nodes .node-row").first().getAttribute("data-ref") ?? "";
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
        await page.goto(`${url}debugger?prompt=Mary+said+that&target.0=+she&distractor.0=+he`);
        assert.match(await page.locator("#run").innerText(), /No question has been asked/);
        await page.getByRole("button", { name: "Run", exact: true }).last().click();
        await page.locator("#run[data-run]").waitFor();
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

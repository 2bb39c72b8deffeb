/** Finding components in a real browser: both searches, with and without script, and the way on to a component. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { launchBrowser } from "../support/browser.ts";
import { PROMPT, titleNumbers, withPage } from "../support/e2e.ts";
import { startServer } from "../support/test_server.ts";

const COMPONENTS = "section[aria-labelledby=found-title]";

function names(page: Page): Promise<string[]> {
  return page.locator(`${COMPONENTS} tbody th code`).allInnerTexts();
}

/** Waits for the address, and for an answer that has something which the one before had not. */
async function shown(page: Page, address: RegExp, mark = `${COMPONENTS} table`): Promise<void> {
  await page.waitForURL(address);
  await page.locator(`#search:not(.htmx-settling) ${mark}`).waitFor({ state: "attached" });
}

Deno.test("finding components", async (t) => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  const { url } = server;
  const { browser } = chromium;

  await t.step(
    "before a sweep, values fire as they are, and a phrase waits for a sweep that the page begins",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(`${url}search?q=${encodeURIComponent(PROMPT)}`);
        await page.locator(COMPONENTS).waitFor();
        const values = await titleNumbers(page.locator(`${COMPONENTS} tbody td:nth-child(2)`));
        assert.equal(values.length, 25);
        assert.deepEqual(values, values.toSorted((a, b) => b - a));
        await page.goto(`${url}search?q=+capital&in=text`);
        await page.getByRole("button", { name: "Sweep demo" }).click();
        await page.locator(".job, #texts-title").first().waitFor();
        await page.goto(`${url}jobs`);
        await page.locator(".job[data-state=done]").waitFor({ timeout: 300_000 });
      }),
  );

  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? "with script" : "without script";
    await t.step(
      `from the landing page to what fires on a text, to one token of it, to a component with that text, ${how}`,
      () =>
        withPage(browser, { javaScriptEnabled }, async (page) => {
          await page.goto(url);
          await page.locator("#find-q").fill(PROMPT);
          await page.getByRole("button", { name: "Find", exact: true }).click();
          await shown(page, /\/search\?q=When\+Mary[^&]*$/);
          const shares = await titleNumbers(page.locator(`${COMPONENTS} tbody td:nth-child(4)`));
          assert.deepEqual(shares, shares.toSorted((a, b) => b - a));
          assert.ok((shares[0] ?? 0) > 0.9);

          await page.locator(".token-picker button[value='14']").click();
          await shown(page, /token=14$/, "[value='14'][aria-pressed=true]");
          assert.match(await page.locator("#found-title").innerText(), /at token 14, “␣to”/);
          await page.locator("#filter-kind").selectOption("head");
          if (!javaScriptEnabled) await page.getByRole("button", { name: "Apply" }).click();
          await shown(page, /kind=head&token=14/, ".token-picker input[name=kind]");
          await page.locator("#filter-layer-3").check();
          if (!javaScriptEnabled) await page.getByRole("button", { name: "Apply" }).click();
          await shown(page, /kind=head&layer=3&token=14/, ".token-picker input[name=layer]");
          const found = await names(page);
          assert.equal(found.length, 8);
          assert.ok(found.includes("head/3/3") && found.every((name) => name.startsWith("head/3/")));

          await page.getByRole("link", { name: "head/3/3" }).click();
          await page.waitForURL(/components\/head\/3\/3\?.*p=When\+Mary/);
          await page.locator("section[aria-labelledby=own-title] .example-list > li").waitFor();
          await page.goBack();
          await shown(page, /kind=head&layer=3&token=14/);
          assert.deepEqual(await names(page), found);
        }),
    );

    await t.step(
      `a phrase: components and texts, pages of their own, and on to what fires there, ${how}`,
      () =>
        withPage(browser, { javaScriptEnabled }, async (page) => {
          await page.goto(`${url}search`);
          await page.locator("#way-text").check();
          await page.locator("#search-q").fill(" the");
          await page.getByRole("button", { name: "Search" }).click();
          await shown(page, /q=\+the&in=text/);
          const first = await names(page);
          const texts = page.locator(".found-texts > li");
          assert.equal(await texts.count(), 25);
          for (const snippet of await page.locator(".found-texts mark").allInnerTexts()) assert.match(snippet, /␣the/i);
          await page.locator("#page-next").click();
          await shown(page, /page=2/);
          await page.locator("#page-previous[href]").waitFor();
          assert.deepEqual((await names(page)).filter((name) => first.includes(name)), []);
          await page.locator("#texts-next").click();
          await shown(page, /page=2&texts=2/);
          await page.locator("#texts-previous[href]").waitFor();
          await texts.first().getByRole("link").click();
          await shown(page, /\/search\?q=[^&]+$/, ".token-picker");
          assert.equal(await page.locator("#way-firing").isChecked(), true);
        }),
    );
  }

  await t.step("what the page says of a phrase is what the API says", () =>
    withPage(browser, {}, async (page) => {
      const { components, texts } = await (await fetch(`${url}api/v1/search?q=%20capital&pageSize=25`)).json();
      await page.goto(`${url}search?q=+capital&in=text`);
      assert.deepEqual(await names(page), components.rows.map(({ component }: { component: string }) => component));
      assert.ok(components.rows[0].matches > 10, "a neuron for capitals");
      const section = page.locator("section[aria-labelledby=texts-title]");
      assert.match(
        await section.innerText(),
        new RegExp(`${texts.total} of 3,016 texts .* ${texts.occurrences} times`),
      );
    }));

  await t.step("what is wrong, or nowhere, is said in its place", () =>
    withPage(browser, {}, async (page) => {
      await page.goto(`${url}search?q=qqqq&in=text`);
      assert.equal(await page.locator(".empty-state").count(), 2);
      await page.locator("#search-q").fill("a ".repeat(300));
      await page.locator("#way-firing").check();
      await page.getByRole("button", { name: "Search" }).click();
      await page.locator("#search .error-note").waitFor();
      assert.match(await page.locator("#search .error-note").innerText(), /tokens: expected 1\.\.128/);
    }));

  await t.step(
    "the landing page leads to heads and neurons that stand out",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(url);
        const lists = page.locator(".jump-lists > div");
        assert.equal(await lists.count(), 7);
        const { rows: [head] } = await (await fetch(`${url}api/v1/models/demo/catalogue?kind=head&sort=induction`))
          .json();
        const link = lists.first().locator("li a").first();
        assert.equal(await link.innerText(), head.component);
        await link.click();
        await page.getByRole("heading", { name: "What it is known for" }).waitFor();
      }),
  );
});

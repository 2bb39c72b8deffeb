/** What is swapped in place stays in its place: nothing above moves, the reader is not scrolled, the focus is kept. */
import assert from "node:assert/strict";
import { launchBrowser } from "../support/browser.ts";
import { askDemo, withPage } from "../support/e2e.ts";
import { startServer } from "../support/test_server.ts";

Deno.test("a swap does not shift the page", async () => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  await withPage(chromium.browser, {}, async (page) => {
    await askDemo(page, server.url);
    const title = page.locator("#nodes-title");
    await title.scrollIntoViewIfNeeded();
    const place = async () => {
      const box = await title.boundingBox();
      return Math.round(box?.y ?? NaN);
    };
    const steps = [
      { press: "#sort-totalEffect-0", shows: "#nodes th[aria-sort] #sort-totalEffect-0" },
      { press: "#page-next", shows: "#page-previous" },
      { press: "#nodes .expander", shows: ".detail-lists" },
      { press: "#group-layer", shows: "#group-layer[aria-current]" },
      { press: "#fold-lens", shows: ".lens-grid" },
    ];
    for (const { press, shows } of steps) {
      await page.locator(press).first().scrollIntoViewIfNeeded();
      const before = await place();
      await page.locator(press).first().click();
      await page.locator(shows).first().waitFor();
      assert.equal(await place(), before, `${press} moved the table`);
    }
  });
});

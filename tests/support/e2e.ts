/** What browser tests share: the program in its own process, a real Chromium, and a page of its own for each test. */
import assert from "node:assert/strict";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";

/** The question of the demo model that most tests ask. */
export const PROMPT = "When Mary and John went to the store, John gave a drink to";

export type ContextOptions = NonNullable<Parameters<Browser["newContext"]>[0]>;

/** A page of its own; any script error or refusal of the content security policy fails the test. */
export async function withPage(
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

/** Asks the first question of the gallery: one click from the landing page. The page is then the answer's. */
export async function askDemo(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByRole("button", { name: /^Show why/ }).click();
  await page.waitForURL(/\/runs\//);
  await page.locator("#nodes").waitFor();
}

/** The row of a node in the table. */
export function rowOf(page: Page, ref: string): Locator {
  return page.locator(`#nodes .node-row[data-ref="${ref}"]`);
}

/** Opens a node's row and answers the place of its details. */
export async function openRow(page: Page, ref: string): Promise<Locator> {
  await rowOf(page, ref).locator(".expander").click();
  const details = page.locator(`#nodes .node-row[data-ref="${ref}"] + .detail-row`);
  await details.waitFor();
  return details;
}

/** Presses the form's Run and waits for another answer than the one shown before. */
export async function pressRun(page: Page): Promise<void> {
  const before = await page.locator("#run").getAttribute("data-run");
  await page.locator(".run-button").click();
  await page.locator(`#run[data-run]:not([data-run="${before}"])`).waitFor();
}

/** The number in an element's title: unrounded. */
export async function titleNumber(locator: Locator): Promise<number> {
  return Number(await locator.getAttribute("title") ?? NaN);
}

/** The script of a head's examples, in a real browser. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { ExampleHeat } from "../../../views/charts/example_heat.tsx";
import type { PairMode } from "../../../views/charts/pairs.ts";
import { launchBrowser } from "../../support/browser.ts";
import { html, parsed } from "./chart_fixtures.ts";
import { attentionLike, headExample } from "./record_fixtures.ts";

const scripts = await Promise.all(["pictures", "pairs"].map(async (name) => {
  const path = fileURLToPath(new URL(`../../../static/js/${name}.js`, import.meta.url));
  return `<script>${await Deno.readTextFile(path)}</script>`;
}));

const EXAMPLE = headExample(attentionLike(12, 3, 5).map((row) => row.map((value) => value * 0.0437)));

function strip(mode: PairMode, pinned: number | null) {
  return (
    <ExampleHeat
      example={EXAMPLE}
      largest={0.03}
      mode={mode}
      pinned={pinned}
      pinLink={(token) => ({ href: `#${mode}-${token}` })}
      label={mode}
    />
  );
}

/** What the server renders. */
function rendered(mode: PairMode, pinned: number | null): readonly string[] {
  return [...parsed(strip(mode, pinned)).querySelectorAll("[data-pairs] > a")].map((link) => link.className);
}

function shown(page: Page, mode: PairMode): Promise<readonly string[]> {
  return page.locator(`[data-mode=${mode}] > a`).evaluateAll((links) => links.map(({ className }) => className));
}

Deno.test("pointer and focus colour a head's tokens as the server does for a pinned one; arrow keys lead through them", async () => {
  await using chromium = await launchBrowser();
  const page = await chromium.browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.setContent(
    `<h1>Examples</h1>${html(strip("outgoing", null))}${html(strip("incoming", 7))}${scripts.join("")}`,
  );
  const readouts = page.locator("[data-readout]");

  for (const mode of ["outgoing", "incoming"] as const) {
    for (const token of [0, 4, 11]) {
      await page.locator(`[data-mode=${mode}] > a`).nth(token).hover();
      assert.deepEqual(await shown(page, mode), rendered(mode, token), `${mode} ${token}`);
    }
  }
  assert.deepEqual(await shown(page, "outgoing"), rendered("outgoing", null));
  const told = await readouts.last().textContent() ?? "";
  assert.match(told, /^11 , reads: \d+ \S+ 0\.0\d+ · /);
  // The server tells the same of a pinned token, and more of it.
  assert.ok(
    parsed(strip("incoming", 11)).querySelector("p.readout")?.textContent.startsWith(told.split(" and ")[0] ?? "?"),
  );
  await page.locator("h1").hover();
  assert.deepEqual(await shown(page, "incoming"), rendered("incoming", 7));
  assert.equal(await readouts.last().textContent(), "");

  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.deepEqual(await shown(page, "outgoing"), rendered("outgoing", 2));
  const label = await page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  assert.match(label ?? "", /^2 ␣store is read by: /);
  assert.equal(await page.locator("[data-mode=outgoing] > a[tabindex='0']").count(), 1);
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => location.hash), "#outgoing-11");

  // One tab stop a strip: the pinned token of the next.
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("href")), "#incoming-7");
  assert.deepEqual(await shown(page, "outgoing"), rendered("outgoing", null));
  assert.deepEqual(errors, []);
});

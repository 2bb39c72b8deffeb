/** The script of the pictures, in a real browser. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { AttentionMatrix } from "../../../views/charts/attention_matrix.tsx";
import { TokenHeat } from "../../../views/charts/token_heat.tsx";
import { launchBrowser } from "../../support/browser.ts";
import { attentionOf, html, tokensOf } from "./chart_fixtures.ts";

const script = await Deno.readTextFile(fileURLToPath(new URL("../../../static/js/pictures.js", import.meta.url)));

Deno.test("arrow keys lead through a picture, which reads out what has the focus or the pointer", async () => {
  await using chromium = await launchBrowser();
  const page = await chromium.browser.newPage();
  const attention = attentionOf([[1], [0.25, 0.75], [0.5, 0.2, 0.3]], "activation");
  await page.setContent(
    html(<TokenHeat label="MLP" tokens={tokensOf("When", " Mary", "b")} values={[1, -2, null]} largest={2} />) +
      html(
        <AttentionMatrix
          attention={attention}
          window={{ from: 0, count: 3 }}
          pinned={[]}
          rowLink={(query) => ({ href: `#row-${query}` })}
        />,
      ) + `<script>${script}</script>`,
  );
  const readouts = page.locator("[data-readout]");

  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  assert.equal(await readouts.first().textContent(), "token 1 ␣Mary: −2.000");
  await page.keyboard.press("End");
  assert.equal(await readouts.first().textContent(), "token 2 b: no value");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.locator("ol [tabindex]").count(), 1);
  await page.locator("li").first().hover();
  assert.equal(await readouts.first().textContent(), "token 0 When: +1.000");

  await page.locator("rect[tabindex]").focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowRight");
  const told = "1 ␣to → 1 ␣to: 0.75";
  assert.equal(await readouts.last().textContent(), told);
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), told);
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => location.hash), "#row-1");
});

/** A prompt of 500 tokens: the page stays usable, and nothing that is sent for it is heavy. */
import assert from "node:assert/strict";
import { launchBrowser } from "../support/browser.ts";
import { withPage } from "../support/e2e.ts";
import { startServer } from "../support/test_server.ts";
import { writeTinyModel } from "../support/tiny_model.ts";

const MAX_FRAGMENT_BYTES = 300_000;

/** 499 words, and with BOS 500 tokens: every letter is a token of the tiny tokenizer. */
const TEXT = Array.from({ length: 499 }, (_, index) => "abcdefghij"[index % 10 === 0 ? (index / 10) % 10 : index % 7])
  .join("");

Deno.test("a prompt of 500 tokens", async (t) => {
  const folder = await Deno.makeTempDir();
  await writeTinyModel(folder, { layers: 4, width: 64, heads: 8, positions: 512, tokenizer: true });
  await using server = await startServer(["--models", folder]);
  await using chromium = await launchBrowser();
  const models = await (await fetch(`${server.url}api/v1/models`)).json();
  const model = models.models.find(({ contextLength }: { contextLength: number }) => contextLength === 512).id;
  const query = new URLSearchParams([["model", model], ["prompt", TEXT], ["target.0", "a"], ["distractor.0", "b"]]);

  for (const isPair of [false, true]) {
    await t.step(
      isPair ? "two of them, with an intervention: four cells" : "one of them",
      () =>
        withPage(chromium.browser, {}, async (page) => {
          page.setDefaultTimeout(20_000);
          const sizes: { readonly url: string; readonly bytes: number }[] = [];
          const bodies: Promise<void>[] = [];
          page.on("response", (response) => {
            if (response.request().resourceType() !== "xhr") return;
            bodies.push(response.body().then((body) => void sizes.push({ url: response.url(), bytes: body.length })));
          });
          const second = [["prompt", TEXT.replace("a", "c")], ["target.1", "a"], ["distractor.1", "b"]];
          const all = isPair ? new URLSearchParams([...query, ...second, ["interventions", "mlp/1/7@499 = 0"]]) : query;
          await page.goto(`${server.url}debugger?${all}`);
          const answered = page.waitForResponse((response) => response.request().method() === "POST");
          await page.locator(".run-button").click();
          const finished = await (await answered).finished().then(() => performance.now());
          await page.locator("#nodes .node-row").first().waitFor();
          const first = performance.now() - finished;
          assert.ok(first < 1000, `first content ${first} ms after the answer`);
          assert.equal(await page.locator(".pager", { hasText: "tokens 420–499 of 500" }).first().isVisible(), true);

          // Everything that can be opened, is.
          for (const card of ["effects", "lens"]) {
            await page.locator(`#fold-${card}`).click();
            await page.locator(`#card-${card}[data-open=true]`).waitFor();
          }
          await page.locator(".lens-grid").waitFor();
          const rows = isPair ? 50 : 100;
          await page.locator(`#page-size-${rows}`).click();
          await page.locator(`#page-size-${rows}[aria-current]`).waitFor();
          await page.locator("#logits-rows").click();
          await page.locator("#logits-rows", { hasText: "Show the first" }).waitFor();
          await page.locator(".node-row .expander").first().click();
          await page.locator(".detail-lists").first().waitFor();
          await page.locator("#strip-left-previous, #strip-clean-previous").first().click();
          await page.locator(".pager", { hasText: "tokens 340–419 of 500" }).first().waitFor();
          const run = await page.locator("#run").getAttribute("data-run");
          await page.goto(`${server.url}runs/${run}/attention?head=head/1/1&pin=499`);
          await page.locator("#window-previous").click();
          await page.locator(".pager", { hasText: "tokens 420–459 of 500" }).waitFor();
          await Promise.all(bodies);
          assert.ok(sizes.length > 6, `${sizes.length} fragments`);
          const heaviest = sizes.reduce((a, b) => a.bytes > b.bytes ? a : b);
          assert.ok(heaviest.bytes <= MAX_FRAGMENT_BYTES, `${heaviest.bytes} bytes of ${heaviest.url}`);
        }),
    );
  }
  await Deno.remove(folder, { recursive: true });
});

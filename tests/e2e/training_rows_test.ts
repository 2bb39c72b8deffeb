/** The page `/training` in a real browser: a dictionary is trained from the form, its curves grow while it learns, and it is measured. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { TrainingReport } from "../../engine/mod.ts";
import { launchBrowser } from "../support/browser.ts";
import { withPage } from "../support/e2e.ts";
import { startServer } from "../support/test_server.ts";

/** Few: the dictionary is measured after each, which takes longer than the step itself. */
const STEPS = 12;

Deno.test("a dictionary is trained from the page", async (t) => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  const { url } = server;

  await t.step(
    "what cannot be trained is said at its field, and what was typed stays",
    () =>
      withPage(chromium.browser, {}, async (page) => {
        await fillForm(page, url, { steps: "none" });
        await page.getByRole("button", { name: "Train", exact: true }).click();
        await page.getByRole("alert").filter({ hasText: "cannot be trained like this" }).waitFor();
        const steps = page.locator("#training-steps");
        assert.deepEqual([await steps.inputValue(), await steps.getAttribute("aria-invalid")], ["none", "true"]);
        assert.equal(await page.locator("#training-latents").inputValue(), "64");
        await page.locator(".empty-state", { hasText: "Nothing has been trained here yet" }).waitFor();
      }),
  );

  await t.step(
    "it tells its rate and time left, its curves grow by themselves, and it ends measured",
    () =>
      withPage(chromium.browser, {}, async (page) => {
        await fillForm(page, url, { steps: String(STEPS) });
        await page.getByRole("button", { name: "Train", exact: true }).click();
        const job = page.locator(".training .job");
        await job.first().waitFor();
        await job.filter({ hasText: /[\d,]+ of 12 steps, [\d,]+ a second, about [\d.]+ m?s left/ }).waitFor();
        const line = page.locator(".curve", { hasText: "Loss" }).locator(".curve-line");
        const grown: number[] = [];
        // As it comes by itself: the page is never asked again from here.
        while (await page.locator(".training .job[data-state=done]").count() === 0) {
          const points = await line.count() === 0 ? 0 : pointsOf(await line.getAttribute("points")).length;
          if (points > (grown.at(-1) ?? 0)) grown.push(points);
          await page.waitForTimeout(100);
        }
        assert.ok(grown.length >= 2, `the curve was seen with ${grown} points`);
        const { points } = await reportOf(url);
        const drawn = pointsOf(await line.getAttribute("points"));
        assert.equal(drawn.length, points.length, "every point is drawn");
        // Upwards is less in an SVG: what is drawn falls where the loss falls.
        points.forEach(({ loss }, i) => {
          const [before, y, yBefore] = [points[i - 1]?.loss, drawn[i]?.[1], drawn[i - 1]?.[1]];
          if (before === undefined || y === undefined || yBefore === undefined) return;
          assert.ok((loss <= before && y >= yBefore - 0.1) || (loss >= before && y <= yBefore + 0.1), `point ${i}`);
        });
        assert.ok((points.at(-1)?.loss ?? NaN) < (points[0]?.loss ?? NaN), "it has learned");
        assert.ok(points.every(({ step }, i) => step > (points[i - 1]?.step ?? 0) && step <= STEPS));
        await page.getByText(/After 12 of 12 steps, on [\d,]+ held-out tokens: /).waitFor();
        for (
          const title of [
            "Loss",
            "Variance explained",
            "Cross-entropy recovered",
            "Active latents a token",
            "Dead latents",
          ]
        ) {
          await page.getByRole("img", { name: new RegExp(`^${title}: \\S+ after 12 steps`) }).waitFor();
        }
        await page.reload();
        const done = page.locator(".training .job[data-state=done] [role=status]");
        assert.match(await done.innerText(), /^Training of mine for demo over “corpus”: done, 12 steps$/);
      }),
  );
});

async function fillForm(page: Page, url: string, { steps }: { readonly steps: string }): Promise<void> {
  await page.goto(`${url}training`);
  for (
    const [field, text] of [
      ["site", "blocks.1.hook_mlp_out"],
      ["latents", "64"],
      ["k", "4"],
      ["steps", steps],
      ["batch", "512"],
      ["name", "mine"],
    ] as const
  ) await page.locator(`#training-${field}`).fill(text);
}

/** Coordinates of a line. */
function pointsOf(text: string | null): readonly (readonly number[])[] {
  return (text ?? "").split(" ").filter((pair) => pair !== "").map((pair) => pair.split(",").map(Number));
}

/** The curves of the only training. */
async function reportOf(url: string): Promise<TrainingReport> {
  const { jobs } = await (await fetch(`${url}api/v1/jobs`)).json();
  const { id } = jobs.find(({ kind }: { readonly kind: string }) => kind === "train");
  return await (await fetch(`${url}api/v1/jobs/${id}/training`)).json();
}

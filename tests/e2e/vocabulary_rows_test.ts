/** Feature row U92: what a component promotes and what drives it, 20 tokens of each end, then all that can be had; and how that loads. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { ScoredList, ScoredTokens, ScoredTokensRequest } from "../../engine/mod.ts";
import { launchBrowser } from "../support/browser.ts";
import { serveApp, sweepAll, withPage } from "../support/e2e.ts";
import { FakeEngine } from "../support/fake_engine.ts";
import { api, idsOf, recordsOf, SMALL_SET, smallCorpus } from "../support/small_records.ts";
import { startServer } from "../support/test_server.ts";

const NEURON = "mlp/3/195";
const HEAD = "head/3/3";

Deno.test("what a component promotes and what drives it", async (t) => {
  await using corpus = await smallCorpus();
  await using server = await startServer(["--corpus", corpus.path]);
  await using chromium = await launchBrowser();
  const { url } = server;
  const addressOf = (component: string) => `${url}models/demo/components/${component}`;
  const row = (name: string, use: (page: Page) => Promise<void>) =>
    t.step(name, () => withPage(chromium.browser, {}, use));
  await sweepAll(url, [{ textSet: SMALL_SET }]);

  for (const component of [NEURON, HEAD]) {
    await row(
      `U92 what promotes and drives ${component}: 20 tokens of each end, then 200, with weights`,
      async (page) => {
        const { top: [example] } = await recordsOf(url, component);
        assert.ok(example);
        const scored: ScoredTokens = await api(`${url}api/v1/scored-tokens`, {
          model: "demo",
          prompts: [{ tokens: idsOf(example), targets: [0] }],
          node: `${component}@${example.at.join("<")}`,
          top: 200,
        });
        const lists: Readonly<Record<string, ScoredList | null | undefined>> = {
          promotes: scored.write,
          "reads-in": scored.reads.find(({ path }) => path === null),
          "reads-q": scored.reads.find(({ path }) => path === "q"),
          "reads-k": scored.reads.find(({ path }) => path === "k"),
          alone: scored.alone,
        };
        const shows = async (count: number) => {
          for (const [name, list] of Object.entries(lists)) {
            const ends = page.locator(`section[aria-labelledby=${name}-title] .scored-tokens`);
            assert.equal(await ends.count(), list ? 2 : 0, name);
            for (const [end, tokens] of [list?.top ?? [], list?.bottom ?? []].entries()) {
              const found = await ends.nth(end).locator("li").evaluateAll((items) =>
                items.map((item) =>
                  [item.getAttribute("title"), item.querySelector(".number")?.textContent ?? ""] as const
                )
              );
              if (list) assert.equal(found.length, count);
              found.forEach(([title, weight], i) => {
                const { id, score } = tokens[i] ?? { id: -1, score: NaN };
                assert.equal(title, `id ${id}: ${score}`, `${name} ${end} ${i}`);
                const shown = Number(weight.replaceAll("−", "-"));
                assert.ok(Math.abs(shown - score) <= 0.0005, `${weight} for ${score}`);
              });
            }
          }
        };
        await page.goto(addressOf(component));
        await page.locator("#promotes-title").waitFor();
        await shows(20);
        assert.match(await page.locator("#token-count").innerText(), /^20 of 1,536 tokens at either end/);
        await page.locator("#all-tokens").click();
        await page.locator("#token-count", { hasText: "200 of 1,536 tokens" }).waitFor();
        assert.equal(new URL(page.url()).searchParams.get("all"), "tokens");
        await shows(200);
        await page.locator("#all-tokens", { hasText: "Show 20" }).click();
        await page.locator("#token-count", { hasText: "20 of 1,536 tokens" }).waitFor();
      },
    );
  }

  await row("U92 lists that take long are said to be under way, and come by themselves", async (page) => {
    const engine = new SlowTokens();
    await using app = serveApp(engine);
    await page.goto(`${app.url}models/demo/components/mlp/1/7`);
    const waiting = page.locator(".pending", { hasText: "Its tokens: computing…" });
    await waiting.waitFor();
    assert.equal(await waiting.getAttribute("role"), "status");
    assert.equal(await waiting.getByRole("progressbar", { name: "Its tokens: computing" }).count(), 1);
    assert.equal(await page.locator(".scored-tokens").count(), 0);
    // The rest of the page is there.
    await page.locator("#examples-title").waitFor();
    engine.release();
    await page.locator("section[aria-labelledby=promotes-title] .scored-tokens li").first().waitFor();
    assert.equal(await waiting.count(), 0);
  });
});

/** An engine whose scored tokens wait until they are let go. */
class SlowTokens extends FakeEngine {
  readonly #gate = Promise.withResolvers<void>();

  release(): void {
    this.#gate.resolve();
  }

  override async scoredTokens(request: ScoredTokensRequest): Promise<ScoredTokens> {
    await this.#gate.promise;
    return await super.scoredTokens(request);
  }
}

/** Explanations in a real browser, with and without script, against a real assistant's protocol: U75, U85, U94, U127, U131. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import type { ComponentExplanations, ComponentName } from "../../engine/mod.ts";
import { launchBrowser } from "../support/browser.ts";
import { startChatServer } from "../support/chat_server.ts";
import { askApi, eventually, MOVER, openRow, serveApp, withPage } from "../support/e2e.ts";
import { FakeEngine } from "../support/fake_engine.ts";
import { fakeExplanation, FakeExplanations, fakeScore } from "../support/fake_explanations.ts";
import { startServer } from "../support/test_server.ts";

const NEURON = "models/demo/components/mlp/1/98";
const HEAD = "head/3/3";

/** Waits until nothing of the component is under way; without script by looking again. */
async function settled(page: Page, javaScriptEnabled: boolean): Promise<void> {
  await eventually(async () => {
    if (!javaScriptEnabled && await page.locator("#explanations .pending").count() > 0) await page.reload();
    assert.equal(await page.locator("#explanations .pending").count(), 0);
  });
}

/** Waits until no job is under way. */
async function untilJobsEnd(url: string): Promise<void> {
  for (;;) {
    const { jobs } = await (await fetch(`${url}api/v1/jobs`)).json();
    if (!jobs.some(({ state }: { readonly state: string }) => ["queued", "running"].includes(state))) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

Deno.test("explanations", async (t) => {
  let isFailing = false;
  await using chat = startChatServer((call) => {
    const isExplaining = "explanation" in (call.body.response_format?.json_schema.schema.properties ?? {});
    return isFailing && !isExplaining ? new Response("no", { status: 401 }) : null;
  });
  await using server = await startServer(["--assistant-url", chat.url, "--assistant-model", "test-model"]);
  await using chromium = await launchBrowser();
  const { url } = server;
  const { browser } = chromium;
  const list = async (component: string) =>
    await (await fetch(`${url}api/v1/models/demo/components/${component}/explanations`)).json();

  await t.step("before a sweep, the page says what is missing", () =>
    withPage(browser, {}, async (page) => {
      await page.goto(`${url}${NEURON}`);
      assert.match(await page.locator("#explanations").innerText(), /once a sweep has made its records/);
      assert.equal(await page.getByRole("button", { name: "Explain by rules" }).count(), 0);
    }));

  await t.step("a sweep", async () => {
    await fetch(`${url}api/v1/jobs`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ kind: "sweep" }),
    });
    await untilJobsEnd(url);
  });

  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? "with script" : "without script";

    await t.step(
      `U85, U127: zero results stated; a button explains, its score and control are shown, ${how}`,
      () =>
        withPage(browser, { javaScriptEnabled }, async (page) => {
          const path = javaScriptEnabled ? NEURON : NEURON.replace("/98", "/213");
          await page.goto(`${url}${path}`);
          assert.match(await page.locator("#explanations .empty-state").innerText(), /Nobody has said yet/);
          await page.getByRole("button", { name: "Explain by rules" }).click();
          await page.locator("#explanations .explanation-list li, #explanations .pending").first().waitFor();
          await settled(page, javaScriptEnabled);
          const item = page.locator("#explanations .explanation-list li").first();
          assert.match(await item.locator(".explanation-text").innerText(), /^“?"?Fires /);
          const told = await item.innerText();
          assert.match(
            told,
            /\d\.\d\d \(95 %: .*\) correlation, by its rules · random control \(mlp\/\d\/\d+\) −?\d\.\d\d/,
          );
          assert.match(told, /by rules from its records · over “corpus” \(3,016 sequences\)/);
          const { explanations: [found] } = await list(path.replace("models/demo/components/", ""));
          const shown = await item.locator(".explanation-score strong").getAttribute("title");
          assert.equal(Number(shown), found.scores[0].headline.value, "the page shows what the API says");
          assert.equal(chat.calls.length, 0, "nothing was sent");
        }),
    );

    await t.step(
      `U94: one's own sentence is scored, or says why not, in its place, ${how}`,
      () =>
        withPage(browser, { javaScriptEnabled }, async (page) => {
          const mark = javaScriptEnabled ? 7 : 6;
          await page.goto(`${url}${NEURON}`);
          const own = `Fires after “ told” (${mark}), “ color” (8)`;
          await page.locator("#explanation-text").fill(own);
          await page.getByRole("button", { name: "Keep and score" }).click();
          await page.locator("#explanations .explanation-text", { hasText: own }).waitFor();
          await settled(page, javaScriptEnabled);
          const item = page.locator("#explanations li", { hasText: own });
          assert.ok(Number(await item.locator(".explanation-score strong").getAttribute("title")) > 0.2);
          const prose = `<script>alert(${mark})</script> verbs of <b>saying</b>`;
          await page.locator("#explanation-text").fill(prose);
          await page.getByRole("button", { name: "Keep and score" }).click();
          const other = page.locator("#explanations li", { hasText: prose });
          await other.waitFor();
          assert.match(await other.locator(".error-note").innerText(), /only sentences of rules can be scored/);
          await other.getByRole("button", { name: "Remove" }).click();
          await page.locator("#explanations .explanation-text", { hasText: own }).waitFor();
          assert.equal(await page.locator("#explanations li", { hasText: prose }).count(), 0);
        }),
    );
  }

  await t.step(
    "a layer is explained from the catalogue, which then says what each does",
    () =>
      withPage(browser, {}, async (page) => {
        await page.goto(`${url}models/demo/catalogue?layer=1`);
        await page.getByLabel("all 8 heads of layer 1").check();
        await page.getByRole("button", { name: "Explain by rules" }).click();
        await page.locator("#explain-many .job", { hasText: "Explanations of head/1 for demo" }).waitFor();
        await untilJobsEnd(url);
        await page.locator("#explain-many .job[data-state=done]").waitFor();
        assert.equal(await page.locator("td.said .explanation-text").count(), 8);
        const row = page.locator("tbody tr:has(th)", { hasText: "head/1/3" }).locator("+ tr");
        const { explanations: [best] } = await list("head/1/3");
        assert.ok((await row.innerText()).includes(best.text), "the page says what the API says");
        assert.equal(chat.calls.length, 0, "nothing was sent");
      }),
  );

  await t.step(
    "what a list shows is explained without script too, and given up again",
    () =>
      withPage(browser, { javaScriptEnabled: false }, async (page) => {
        await page.goto(`${url}models/demo/catalogue?kind=mlp&page=3`);
        await page.getByRole("button", { name: "Explain by rules" }).click();
        const job = page.locator("#explain-many .job", { hasText: "Explanations of 50 components for demo" });
        await job.getByRole("button", { name: "Cancel" }).click();
        await eventually(async () => {
          await page.reload();
          assert.equal(await job.getAttribute("data-state"), "cancelled");
        });
      }),
  );

  await t.step(
    "U127: what an assistant would be sent is shown before; only the button sends; a failed score keeps the text",
    () =>
      withPage(browser, {}, async (page) => {
        isFailing = true;
        await page.goto(`${url}models/demo/components/${HEAD}`);
        await page.locator("#plan").click();
        await page.waitForURL(/plan=on/);
        await page.locator("#explanations:not(.htmx-settling) .explanation-plan").waitFor();
        const plan = await page.locator(".explanation-plan").innerText();
        assert.ok(plan.includes(new URL(chat.url).origin), plan);
        assert.match(plan, /up to \d+ calls, at most [\d,]+ tokens/);
        await page.locator(".explanation-plan summary").click();
        assert.match(await page.locator(".plan-text").innerText(), /You describe what one attention head/);
        assert.equal(chat.calls.length, 0);
        await page.getByRole("button", { name: /^Send to/ }).click();
        await page.waitForURL((address) => !address.search.includes("plan"));
        const item = page.locator("#explanations li", { hasText: "words like" });
        await item.locator(".error-note").waitFor();
        assert.match(await item.innerText(), /Not scored by test-model: The assistant refuses the key: status 401/);
        assert.equal(await item.locator(".explanation-score").count(), 0, "no number");
        assert.ok(chat.calls.length > 0);
      }),
  );

  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? "with script" : "without script";
    await t.step(
      `U75: an open row tells the explanation; failure of scoring keeps the text, ${how}`,
      () =>
        withPage(browser, { javaScriptEnabled }, async (page) => {
          const { id } = await askApi(url);
          await page.goto(`${url}runs/${id}?size=50`);
          const details = await openRow(page, MOVER);
          const told = details.locator(".node-explanation");
          assert.match(await told.innerText(), /words like .* by test-model, not scored: scoring failed/);
          await told.getByRole("link").click();
          await page.waitForURL(/components\/head\/3\/3\?run=.*#explanations$/);
          await page.locator("#explanations li", { hasText: "words like" }).waitFor();
        }),
    );
  }

  await t.step(
    "a score that failed is asked for again and is then a number",
    () =>
      withPage(browser, {}, async (page) => {
        isFailing = false;
        await page.goto(`${url}models/demo/components/${HEAD}?plan=on`);
        await page.getByRole("button", { name: "Score with test-model" }).click();
        await page.waitForURL((address) => !address.search.includes("plan"));
        await settled(page, true);
        const item = page.locator("#explanations li", { hasText: "words like" });
        await item.locator(".explanation-score strong").first().waitFor();
        assert.match(await item.innerText(), /area under the ROC curve, by test-model/);
      }),
  );

  for (const javaScriptEnabled of [true, false]) {
    await t.step(
      `U131: components are found by what is said of them, ${javaScriptEnabled ? "with" : "without"} script`,
      () =>
        withPage(browser, { javaScriptEnabled }, async (page) => {
          await page.goto(`${url}search`);
          await page.getByRole("link", { name: "Search explanations" }).click();
          await page.locator("#explanation-q").fill("told colo");
          await page.getByRole("button", { name: "Search" }).click();
          await page.locator("#found-title").waitFor();
          const first = page.locator(".explanation-list li").first();
          assert.match(await first.innerText(), /mlp\/1\/98/);
          await page.locator("#explanation-q").fill("qqqq");
          await page.getByRole("button", { name: "Search" }).click();
          await page.locator(".empty-state", { hasText: "No explanation of demo" }).waitFor();
          await page.goBack();
          await page.locator(".explanation-list li").first().getByRole("link").click();
          await page.waitForURL(/mlp\/1\/98#explanations/);
        }),
    );
  }

  for (const javaScriptEnabled of [true, false]) {
    await t.step(
      `explainers are compared, as the API compares them, ${javaScriptEnabled ? "with" : "without"} script`,
      () =>
        withPage(browser, { javaScriptEnabled }, async (page) => {
          await page.goto(`${url}${NEURON}`);
          await page.getByRole("link", { name: "Compare explainers" }).click();
          await page.waitForURL(/explanations\?model=demo#explainers$/);
          const { kinds } = await (await fetch(`${url}api/v1/models/demo/explainers`)).json();
          assert.deepEqual(kinds.map(({ kind }: { readonly kind: string }) => kind), ["neuron", "head"]);
          for (const { kind, rows, pairs } of kinds) {
            const told = page.locator(`#explainers [data-kind=${kind}]`);
            assert.equal(await told.locator("table").first().locator("tbody tr").count(), rows.length);
            assert.equal(await told.locator("td[title]").nth(0).getAttribute("title"), String(rows[0].mean));
            assert.equal(await told.locator("caption:not(.visually-hidden)").count(), pairs.length > 0 ? 1 : 0);
          }
          // Of one neuron there are a sentence of the rules and one by hand.
          const [neurons] = kinds;
          assert.equal(neurons.pairs[0].shared, 1);
          const text = await page.locator("#explainers [data-kind=neuron]").innerText();
          assert.match(text, /by rules from its records\s+its rules, over “corpus”/);
          assert.match(
            await page.locator("#explainers [data-kind=head]").innerText(),
            /by test-model\s+test-model, over/,
          );
        }),
    );
  }

  const folder = Deno.env.get("TDB_SCREENSHOTS");
  const full = [
    ["explained", `${NEURON}?plan=on`],
    ["explained head", `models/demo/components/${HEAD}`],
    ["explanations found", "explanations?q=told"],
    ["explainers", "explanations"],
  ] as const;
  for (const colorScheme of ["light", "dark"] as const) {
    await t.step(
      `axe finds nothing on pages full of explanations, and nothing is too wide, ${colorScheme}`,
      () =>
        withPage(browser, { colorScheme, viewport: { width: 768, height: 900 } }, async (page) => {
          for (const [name, path] of full) {
            await page.goto(`${url}${path}`);
            await page.locator(".explanation-text, #explainers table").first().waitFor();
            for (const details of await page.locator(".explanation-measures summary").all()) await details.click();
            const { violations } = await new AxeBuilder({ page }).include("main").analyze();
            assert.deepEqual(violations.map(({ id, nodes }) => `${name}: ${id} ${nodes[0]?.html}`), []);
            const overflow = await page.locator("html").evaluate((html) => html.scrollWidth - html.clientWidth);
            assert.ok(overflow <= 0, `${name} is ${overflow} pixels too wide`);
            if (folder !== undefined) {
              const shot = page.locator(path.startsWith("models") ? "#explanations" : "main");
              await shot.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
            }
          }
        }),
    );
  }
});

Deno.test("U85 a score of 0 is shown as one, beside its data set", async () => {
  await using app = serveApp(new ScoredZero());
  await using chromium = await launchBrowser();
  await withPage(chromium.browser, {}, async (page) => {
    await page.goto(`${app.url}models/demo/components/mlp/1/7`);
    const score = page.locator("#explanations .explanation-score strong");
    assert.deepEqual([await score.innerText(), await score.getAttribute("title")], ["0.00", "0"]);
    assert.match(await page.locator("#explanations li").innerText(), /over “corpus” \(80 sequences\)/);
  });
});

/** An engine that has one explanation of each component, which is worth nothing. */
class ScoredZero extends FakeEngine {
  override readonly explanations = new ZeroExplanations();
}

class ZeroExplanations extends FakeExplanations {
  override list({ component }: ComponentName): Promise<ComponentExplanations> {
    const explanations = [fakeExplanation(1, component, { scores: [fakeScore(0)] })];
    return Promise.resolve({ component, dictionary: null, explanations, attempts: [] });
  }
}

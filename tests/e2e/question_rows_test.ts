/** Rows U1–U33 of the feature table (`spec/reference-pages.md`, section 7) in a real browser: pages, prompt, objective. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { launchBrowser } from "../support/browser.ts";
import {
  assertNear,
  choices,
  type ContextOptions,
  fillChoices,
  pressRun,
  PROMPT,
  runOf,
  serveApp,
  showRun,
  titleNumber,
  untilAnswered,
  untilSettled,
  withPage,
} from "../support/e2e.ts";
import { FakeEngine } from "../support/fake_engine.ts";
import { startServer } from "../support/test_server.ts";

const ROW = "head/3/3@14<3";

Deno.test("what the feature table says of pages and of the question", async (t) => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  const { url } = server;
  const row = (name: string, use: (page: Page) => Promise<void>, options: ContextOptions = {}) =>
    t.step(name, () => withPage(chromium.browser, options, use));

  await row("U1 the landing page lists the models, each by its name and with a link that works", async (page) => {
    await page.goto(url);
    const { models } = await (await fetch(`${url}api/v1/models`)).json();
    const links = page.getByRole("region", { name: "Table of models" }).locator("tbody th a");
    assert.deepEqual(await links.allInnerTexts(), models.map(({ id }: { readonly id: string }) => id));
    await links.first().click();
    await page.waitForURL(/\/debugger\?model=/);
    assert.equal(await page.locator("#model").inputValue(), models[0].id);
  });

  await row("U2 a jump opens the component; a bad one says so in its place and keeps what was typed", async (page) => {
    await page.goto(url);
    await page.locator("#jump-to").fill("3:123");
    await page.locator("#jump-to").press("Enter");
    await page.waitForURL(/\/components\/mlp\/3\/123$/);
    assert.match(await page.locator("h1").innerText(), /Neuron 123 of layer 3/);
    await page.goBack();
    const wrong = {
      "9:9999": /no mlp\/9\/9999: expected layers 0\.\.3/,
      "abc": /"abc" names no/,
      "": /names no component/,
    };
    for (const [text, message] of Object.entries(wrong)) {
      await page.locator("#jump-to").fill(text);
      await page.locator("#jump-to").press("Enter");
      await page.locator("#jump-message", { hasText: message }).waitFor();
      assert.equal(await page.locator("#jump-to").inputValue(), text);
      assert.equal(await page.locator(".example").count(), 10, "the landing page is still there");
    }
  });

  await row("U3 the landing page leads to a debugger that works", async (page) => {
    await page.goto(url);
    await page.getByRole("link", { name: "Ask a question of your own" }).click();
    await page.waitForURL(/\/debugger$/);
    await page.locator("#k").fill("3");
    await pressRun(page);
    assert.equal((await runOf(page)).spec.topK, 3);
  });

  await t.step("U4 an engine that is down is said on the landing page at once, without a spinner", async () => {
    const engine = new FakeEngine();
    await using app = serveApp(engine);
    await withPage(chromium.browser, {}, async (page) => {
      await page.goto(app.url);
      assert.equal(await page.getByRole("alert").count(), 0);
      engine.isReady = false;
      await page.goto(app.url, { timeout: 5000 });
      assert.match(await page.getByRole("alert").innerText(), /engine does not answer.*The engine restarts/);
      assert.equal(await page.locator("progress, [aria-busy=true]").count(), 0);
      assert.equal(await page.locator(".example").count(), 10, "what needs no engine is there");
    });
  });

  await row("U5 the debugger, opened cold, shows the default question with its answer", async (page) => {
    await page.goto(`${url}debugger`);
    const { spec, sides: [side] } = await runOf(page);
    assert.deepEqual(spec.prompts, [{ text: PROMPT, targets: [" Mary"], distractors: [" John"] }]);
    assert.equal(await titleNumber(page.locator(".objective-value")), side?.objective);
    assert.equal(await page.locator("#nodes .node-row").count(), 25);
    assert.equal(await page.locator(".logit-table tbody tr").count(), 20);
  });

  await row("U7 an unknown path is a 404 with a way home", async (page) => {
    const answer = await page.goto(`${url}no/such/page`);
    assert.equal(answer?.status(), 404);
    assert.match(await page.getByRole("alert").innerText(), /nothing at this address/);
    await page.getByRole("main").getByRole("link", { name: "Home" }).click();
    await page.waitForURL(url);
  });

  await row("U12 introduction and glossary are reached from the debugger", async (page) => {
    await page.goto(`${url}debugger`);
    await page.getByRole("link", { name: "Help and glossary" }).click();
    await page.getByRole("heading", { name: "Introduction" }).waitFor();
    await page.getByRole("navigation", { name: "On this page" }).getByRole("link", { name: "Glossary" }).click();
    await page.waitForURL(/#glossary$/);
    const terms = await page.locator(".glossary dt").allInnerTexts();
    for (const term of ["objective", "node", "ablation", "trace", "direct effect"]) {
      assert.ok(terms.includes(term), term);
    }
  });

  await row("U14 the first question has a prompt, one target, one distractor and k = 10", async (page) => {
    await page.goto(`${url}debugger`);
    assert.equal(await page.locator("#prompt-0").inputValue(), PROMPT);
    assert.deepEqual(await choices(page, "target"), [" Mary"]);
    assert.deepEqual(await choices(page, "distractor"), [" John"]);
    assert.equal(await page.locator("#k").inputValue(), "10");
  });

  await row(
    "U15 a prompt of several lines that holds the end-of-text marker: it is one token of the strip",
    async (page) => {
      await page.goto(`${url}debugger`);
      await page.locator("#prompt-0").fill("<|endoftext|>Mary said\nthat");
      await fillChoices(page, { target: [" she"], distractor: [" he"] });
      await pressRun(page);
      const { sides: [side] } = await runOf(page);
      const strip = await page.locator(".token-strip .token-text").allInnerTexts();
      assert.equal(strip.length, side?.tokens.length);
      // Typed at the start, it is the start token; it is not put there twice.
      assert.deepEqual(strip.filter((text) => text === "<|endoftext|>"), ["<|endoftext|>"]);
      assert.equal(strip.indexOf("<|endoftext|>"), 0);
      assert.equal(strip.join(""), "<|endoftext|>Mary␣said↵that");
      assert.equal(await page.locator("#prompt-0").inputValue(), "<|endoftext|>Mary said\nthat");
    },
  );

  await row("U16 with a second target, the objective is the mean over both", async (page) => {
    await page.goto(`${url}debugger`);
    await page.getByRole("button", { name: "Add a target" }).click();
    await page.locator("#target-0-1").fill(" Anna");
    await pressRun(page);
    const { spec, sides: [side] } = await runOf(page);
    assert.deepEqual(spec.prompts[0]?.targets, [" Mary", " Anna"]);
    const logit = (text: string) => side?.logits.find((found) => found.text === text)?.logit ?? NaN;
    const mean = (logit(" Mary") + logit(" Anna")) / 2;
    assertNear(await titleNumber(page.locator(".objective-value")), mean - logit(" John"));
    assert.match(
      await page.locator(".objective p").innerText(),
      /Mean logit of “␣Mary”, “␣Anna” minus that of “␣John”/,
    );
  });

  await row("U17 without distractors, the objective is the target's logit", async (page) => {
    await page.goto(`${url}debugger`);
    await page.getByRole("button", { name: "Remove distractor 1" }).click();
    await page.locator("#distractor-0-0[value='']").waitFor();
    await pressRun(page);
    const { spec, sides: [side] } = await runOf(page);
    assert.deepEqual(spec.prompts[0]?.distractors, []);
    const logit = side?.logits.find(({ text }) => text === " Mary")?.logit ?? NaN;
    assertNear(await titleNumber(page.locator(".objective-value")), logit);
    assert.equal(await page.locator(".badge[data-role=distractor]").count(), 0);
  });

  await row("U18 any token box can be removed, the middle one of three too", async (page) => {
    await page.goto(`${url}debugger?prompt=${encodeURIComponent(PROMPT)}&target.0=+Mary&target.0=+Anna&target.0=+Tom`);
    await page.getByRole("button", { name: "Remove target 2" }).click();
    await page.locator("#target-0-2").waitFor({ state: "detached" });
    assert.deepEqual(await choices(page, "target"), [" Mary", " Tom"]);
    await pressRun(page);
    assert.deepEqual((await runOf(page)).spec.prompts[0]?.targets, [" Mary", " Tom"]);
    await page.getByRole("button", { name: "Remove target 1" }).click();
    await page.locator("#target-0-1").waitFor({ state: "detached" });
    assert.deepEqual(await choices(page, "target"), [" Tom"]);
    assert.equal(await page.getByRole("button", { name: /^×?\s*Remove target/ }).count(), 0, "one target stays");
  });

  await row("U19 swapping targets and distractors turns the objective's sign", async (page) => {
    await page.goto(`${url}debugger`);
    const before = await titleNumber(page.locator(".objective-value"));
    await page.getByRole("button", { name: "Swap targets and distractors" }).click();
    await page.locator("#target-0-0[value=' John']").waitFor();
    assert.deepEqual(await choices(page, "distractor"), [" Mary"]);
    await pressRun(page);
    assertNear(await titleNumber(page.locator(".objective-value")), -before);
  });

  await row("U20 Enter in a token box asks the question and swaps nothing", async (page) => {
    await page.goto(`${url}debugger`);
    await page.locator("#distractor-0-0").fill(" Anna");
    await untilAnswered(page, () => page.locator("#distractor-0-0").press("Enter"));
    assert.deepEqual((await runOf(page)).spec.prompts[0], { text: PROMPT, targets: [" Mary"], distractors: [" Anna"] });
    assert.deepEqual(await choices(page, "target"), [" Mary"]);
    assert.deepEqual(await choices(page, "distractor"), [" Anna"]);
  });

  await row("U21 a space at the end of the prompt is warned of, while it is there", async (page) => {
    await page.goto(`${url}debugger`);
    const warning = page.getByText("The text ends in a space");
    await page.locator("#prompt-0").press("ControlOrMeta+End");
    await page.keyboard.type(" ");
    await warning.first().waitFor();
    await page.keyboard.press("Backspace");
    await warning.waitFor({ state: "detached" });
  });

  await row("U22 a token without a leading space is warned of, target or distractor", async (page) => {
    await page.goto(`${url}debugger`);
    await page.locator("#target-0-0").fill("Mary");
    await page.locator(".warning", { hasText: "“Mary” has no leading space" }).waitFor();
    await page.locator("#distractor-0-0").fill("he");
    await page.locator(".warning", { hasText: "“he” has no leading space" }).waitFor();
    await fillChoices(page, { target: [" Mary"], distractor: [" John"] });
    await page.locator(".warning").first().waitFor({ state: "detached" });
  });

  await row(
    "U23 a choice of several tokens is refused with its pieces, as it is typed and when it is asked",
    async (page) => {
      await page.goto(`${url}debugger`);
      const shown = await runOf(page);
      await page.locator("#target-0-0").fill(" Mary Poppins");
      const warning = page.locator(".warning", { hasText: "“␣Mary␣Poppins” is 6 tokens" });
      await warning.waitFor();
      assert.match(await warning.innerText(), /“␣Mary” “␣Po” “p” “p” “in” “s”/);
      await page.locator(".run-button").click();
      const message = page.locator("#target-0-message");
      await message.waitFor();
      assert.match(
        await message.innerText(),
        /" Mary Poppins" is 6 tokens, " Mary" \(530\), " Po".*expected exactly one/,
      );
      assert.equal(await page.locator("#target-0-0").getAttribute("aria-invalid"), "true");
      assert.equal((await runOf(page)).id, shown.id);
    },
  );

  await row("U24 edits alone ask nothing; Run asks once", async (page) => {
    await page.goto(`${url}debugger`);
    const asked: string[] = [];
    page.on("request", (request) => {
      if (request.method() === "POST" && new URL(request.url()).pathname === "/runs") asked.push(request.url());
    });
    const shown = await runOf(page);
    await page.locator("#prompt-0").fill("Mary said that");
    await fillChoices(page, { target: [" she"], distractor: [" he"] });
    await page.locator("#k").fill("4");
    await page.locator(".stale-mark").waitFor();
    assert.deepEqual([asked.length, (await runOf(page)).id], [0, shown.id]);
    await pressRun(page);
    const { spec } = await runOf(page);
    assert.deepEqual(spec.prompts, [{ text: "Mary said that", targets: [" she"], distractors: [" he"] }]);
    assert.deepEqual([asked.length, spec.topK], [1, 4]);
  });

  await row(
    "U25 an answer is marked as older than the form after an edit or a button, until it fits again",
    async (page) => {
      await page.goto(`${url}debugger`);
      const mark = page.locator(".stale-mark", { hasText: "The answer below is for the question before these edits" });
      await page.locator("#k").fill("11");
      await mark.waitFor();
      await page.locator("#k").fill("10");
      await mark.waitFor({ state: "detached" });
      const swap = page.getByRole("button", { name: "Swap targets and distractors" });
      await swap.click();
      await mark.waitFor();
      await untilSettled(page);
      await swap.click();
      await mark.waitFor({ state: "detached" });
      await untilSettled(page);
      await page.locator("#distractor-0-0").fill(" Lucy");
      await mark.waitFor();
      await page.getByRole("button", { name: "Add a target" }).click();
      await page.locator("#target-0-1").waitFor();
      assert.ok(await mark.isVisible(), "another button does not hide it");
      await pressRun(page);
      await mark.waitFor({ state: "detached" });
    },
  );

  await row("U26 a second prompt begins as a copy of the first, and goes again", async (page) => {
    await page.goto(`${url}debugger?prompt=Mary+said+that&target.0=+she&target.0=+he&distractor.0=+the`);
    await page.getByRole("button", { name: "Compare with a second prompt" }).click();
    await page.locator("#prompt-1").waitFor();
    assert.equal(await page.locator("#prompt-1").inputValue(), "Mary said that");
    assert.deepEqual(await choices(page, "target", 1), [" she", " he"]);
    assert.deepEqual(await choices(page, "distractor", 1), [" the"]);
    await page.getByRole("button", { name: "Remove the second prompt" }).click();
    await page.locator("#prompt-1").waitFor({ state: "detached" });
    assert.deepEqual(await choices(page, "target"), [" she", " he"]);
    assert.equal(await page.getByRole("button", { name: "Compare with a second prompt" }).count(), 1);
  });

  await row("U27 sides are titled with two prompts, and only then", async (page) => {
    await page.goto(`${url}debugger`);
    assert.deepEqual(await page.locator(".prompt legend").allInnerTexts(), ["Prompt"]);
    assert.doesNotMatch(
      (await page.locator("#run h3, #run th, #run .objective").allInnerTexts()).join(),
      /left|right/i,
    );
    await page.getByRole("button", { name: "Compare with a second prompt" }).click();
    await page.locator("#prompt-1").fill(PROMPT.replace(", John", ", Mary"));
    assert.deepEqual(await page.locator(".prompt legend").allInnerTexts(), ["Left prompt", "Right prompt"]);
    await pressRun(page);
    assert.deepEqual(await page.locator(".objective-side").allInnerTexts(), ["left", "right", "left − right"]);
    await page.getByRole("button", { name: "Remove the second prompt" }).click();
    await page.locator("#prompt-1").waitFor({ state: "detached" });
    await pressRun(page);
    assert.equal(await page.locator(".objective-side").count(), 0);
  });

  await row("U28 prompts of unequal length are aligned, and what has no counterpart is marked", async (page) => {
    const longer = PROMPT.replace("the store", "the big store");
    await page.goto(
      `${url}debugger?prompt=${encodeURIComponent(PROMPT)}&prompt=${encodeURIComponent(longer)}&size=100` +
        "&target.0=+Mary&target.1=+Mary&distractor.0=+John&distractor.1=+John",
    );
    await pressRun(page);
    const { sides, nodes } = await runOf(page);
    const counts = sides.map(({ tokens }) => tokens.length);
    assert.deepEqual(
      await page.locator(".token-strip").evaluateAll((strips) => strips.map((s) => s.children.length)),
      counts,
    );
    assert.notEqual(counts[0], counts[1]);
    // Only the words put in have no counterpart, and only on the right.
    const marked = await page.locator(".token-strip").evaluateAll((strips) =>
      strips.map((strip) =>
        [...strip.querySelectorAll("[data-different] .token-text")].map((e) => e.textContent).join("")
      )
    );
    assert.deepEqual(marked, ["", "␣big"]);
    assert.match(
      await page.locator(".objective-difference p").innerText(),
      /aligned by their common beginning and end/,
    );
    const shifted = nodes.find(({ refs }) => refs?.[0] !== null && refs?.[0] !== refs?.[1] && refs?.[1] !== null);
    assert.ok(shifted !== undefined, "the same node stands at another token on the right");
  });

  await row("U29 a prompt that is too long is refused with both numbers, and kept", async (page) => {
    await page.goto(`${url}debugger`);
    const long = "Mary and John ".repeat(60).trim();
    await page.locator("#prompt-0").fill(long);
    await page.locator(".run-button").click();
    await page.locator("#prompt-0-message").waitFor();
    const said = await page.locator("#prompt-0-message").innerText();
    assert.match(said, /The prompt has 181 tokens: this model reads at most 128/);
    assert.equal(await page.locator("#prompt-0").inputValue(), long);
    assert.equal(await page.locator("#nodes").count(), 1, "the answer before stays");
  });

  await row("U32 layers before the first intervention are hidden at once, and come back", async (page) => {
    const interventions = [{ node: ROW, set: 0 }, { node: "mlp/2/47@14", set: 0 }];
    const { id, nodes } = await showRun(page, url, { interventions, view: "size=50&sort=ref" });
    const layers = () =>
      page.locator("#nodes .node-row").evaluateAll((rows) =>
        rows.map((found) => Number(/^\w+\/(\d+)/.exec(found.getAttribute("data-ref") ?? "")?.[1] ?? -1))
      );
    assert.equal(Math.min(...await layers()), -1);
    await page.locator("#filter-early").check();
    await page.locator("#nodes .fine-print", { hasText: "pass the filter" }).first().waitFor();
    assert.equal(Math.min(...await layers()), 2);
    const total = nodes.filter(({ ref }) => /^\w+\/[23]\//.test(ref)).length;
    assert.equal(await page.locator("#nodes .pager-count").innerText(), `1–50 of ${total}`);
    assert.equal((await runOf(page)).id, id, "nothing is asked again");
    await page.locator("#filter-early").uncheck();
    await page.locator("#filter-clear").waitFor({ state: "detached" });
    assert.equal(Math.min(...await layers()), -1);
  });

  await row("U33 a larger k lists more nodes; what is no k is refused and goes nowhere", async (page) => {
    await page.goto(`${url}debugger`);
    const total = async () => Number((await page.locator("#nodes .pager-count").innerText()).split(" ").at(-1));
    const before = await total();
    await page.locator("#k").fill("30");
    await pressRun(page);
    await untilSettled(page);
    assert.ok(await total() > 1.5 * before, `${await total()} rows, ${before} before`);
    assert.equal(await total(), (await runOf(page)).nodes.length);
    const address = page.url();
    for (const wrong of ["0", "many", "201", "2.5"]) {
      await page.locator("#k").fill(wrong);
      await page.locator("#k").press("Enter");
      await page.locator("#k-message", { hasText: `"${wrong}" is not a number of rows: expected 1 to 200` }).waitFor();
      await untilSettled(page);
      assert.equal(await page.locator("#k").inputValue(), wrong);
      assert.equal(page.url(), address);
    }
    await page.reload();
    assert.equal(await page.locator("#k").inputValue(), "30");
  });
});

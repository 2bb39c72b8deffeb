/** Addresses, history, waiting and failures: rows U96 to U105 of the feature table. */
import assert from "node:assert/strict";
import type { BrowserContext, Locator, Page, Request, Route } from "playwright-core";
import { QueueFullError } from "../../engine/mod.ts";
import { launchBrowser } from "../support/browser.ts";
import {
  askApi,
  askDemo,
  eventually,
  openRow,
  pressRun,
  PROMPT,
  rowOf,
  runOf,
  serveApp,
  untilAnswered,
  untilSettled,
  withPage,
} from "../support/e2e.ts";
import { FakeEngine } from "../support/fake_engine.ts";
import { startServer } from "../support/test_server.ts";

Deno.test("state and robustness, U96 to U105", async (t) => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  const { url } = server;
  const step = (name: string, use: (page: Page, context: BrowserContext) => Promise<void>) =>
    t.step(name, () => withPage(chromium.browser, {}, use));

  await step("U96 a copied address brings all inputs to another browser", async (page) => {
    await askDemo(page, url);
    await page.locator("#prompt-0").fill(`\n  ${PROMPT}`);
    await page.locator("#distractor-0-0").fill("");
    await page.getByRole("button", { name: "Add a target" }).click();
    await page.locator("#target-0-1").fill(" she");
    await page.getByRole("button", { name: "Compare with a second prompt" }).click();
    await page.locator("#prompt-1").fill(`\n  ${PROMPT.replace("store", "house")}`);
    await page.locator("#objective").selectOption("log-prob");
    await page.locator("#position").fill("-4");
    await page.locator("#k").fill("7");
    await page.getByLabel("Begin with the model’s start token").uncheck();
    await page.getByLabel("Hold the final norm’s scale fixed").uncheck();
    await page.locator(".changes summary").click();
    const changes = "head/2/6@3<1 * 0.5\nright: mlp/2/66@2 = 1.25\n# embed@1 = 0";
    await page.locator("#interventions").fill(changes);
    await page.locator("#trace").fill("mlp/3/195@12");
    const inputs = await formOf(page);
    assert.deepEqual(inputs, [
      `prompt: \n  ${PROMPT}`,
      ...["target.0:  Mary", "target.0:  she", "distractor.0: "],
      `prompt: \n  ${PROMPT.replace("store", "house")}`,
      ...["target.1:  Mary", "target.1:  she", "distractor.1: "],
      ...["model: demo", "objective: log-prob", "position: -4", "k: 7", "bos: false", "freezeFinalNorm: false"],
      // Those that the demo model comes with.
      ...Array.from({ length: 12 }, () => "dictionary: false"),
      "dropErrors: false",
      `interventions: ${changes}`,
      "trace: mlp/3/195@12",
    ]);
    await pressRun(page);
    assert.deepEqual(await formOf(page), inputs);
    await withPage(chromium.browser, {}, async (copy) => {
      await copy.goto(page.url());
      assert.deepEqual(await formOf(copy), inputs);
      assert.equal(await copy.locator("#run").innerText(), await page.locator("#run").innerText());
    });
  });

  await step("U97 an address says only what is not as by default", async (page) => {
    await askDemo(page, url);
    const address = page.url();
    assert.match(address, /\/runs\/[0-9a-f]{32}$/);
    const press = async (selector: string, query: string) => {
      await page.locator(selector).click();
      await page.waitForURL(`${address}${query}`);
      await untilSettled(page);
    };
    await press("#sort-totalEffect-0", "?sort=totalEffect");
    await press("#fold-layers", "?sort=totalEffect&cards=layers");
    await press("#page-size-10", "?sort=totalEffect&size=10&cards=layers");
    await press("#page-next", "?sort=totalEffect&page=2&size=10&cards=layers");
    await press("#fold-layers", "?sort=totalEffect&page=2&size=10");
    await press("#page-size-25", "?sort=totalEffect");
    await press("#sort-directEffect-0", "");
    await page.locator("#filter-q").fill("head");
    await page.waitForURL(`${address}?q=head`);
    await untilSettled(page);
    await page.locator("#filter-q").fill("");
    await page.waitForURL(address);
  });

  await step("U98 reload shows the same screen", async (page) => {
    await arrange(page, url);
    const before = await screenOf(page);
    await page.reload();
    assert.deepEqual(await screenOf(page), before);
  });

  await step("U99 Back and Forward bring each answer as it was; a run is one entry", async (page) => {
    await arrange(page, url);
    const clean = await screenOf(page);
    const entries = await page.evaluate("history.length");
    const ref = await page.locator("#nodes .node-row[data-open]").getAttribute("data-ref") ?? "";
    await untilAnswered(page, () => page.getByRole("button", { name: "Ablate", exact: true }).click());
    assert.equal(await page.evaluate("history.length"), Number(entries) + 1);
    const ablated = await screenOf(page);
    assert.ok(ablated.form.includes(`interventions: ${ref} = 0`));
    await page.locator("#prompt-0").fill("Mary said that");
    await page.locator("#target-0-0").fill(" she");
    await page.locator("#distractor-0-0").fill(" he");
    await page.locator("#interventions").fill("");
    await pressRun(page);
    assert.equal(await page.evaluate("history.length"), Number(entries) + 2);
    const other = await screenOf(page);
    const shows = (expected: typeof clean) => eventually(async () => assert.deepEqual(await screenOf(page), expected));
    await page.goBack();
    await shows(ablated);
    await page.goBack();
    await shows(clean);
    await page.goForward();
    await shows(ablated);
    await page.goForward();
    await shows(other);
  });

  await step("U100 waiting is seen, the old answer stays and is marked, and it can be given up", async (page) => {
    await askDemo(page, url);
    const before = await screenOf(page);
    const gate = await heldBack(page, 1);
    await page.locator("#k").fill("6");
    await page.locator(".run-button").click();
    await page.locator(".computing progress").waitFor({ state: "visible" });
    await page.locator("[data-elapsed]", { hasText: /^0\.[1-9] s$/ }).waitFor();
    await page.locator("#run[aria-busy=true] .stale-note", { hasText: "the new one is being computed" }).waitFor();
    assert.ok(await page.locator(".run-button").isDisabled());
    assert.equal(await page.locator("#live").textContent(), "Computing");
    assert.deepEqual(await tableOf(page), before.table);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.locator(".computing").waitFor({ state: "hidden" });
    await page.locator("#run:not([aria-busy]) .stale-note").waitFor({ state: "hidden" });
    assert.equal(await page.getByRole("button", { name: "Cancel" }).isVisible(), false);
    assert.equal(await page.locator("#live").textContent(), "Cancelled");
    assert.deepEqual([page.url(), await tableOf(page)], [before.url, before.table]);
    await gate.open();
    // The question stands as it was typed, and can be asked again.
    await pressRun(page);
    assert.equal((await runOf(page)).spec.topK, 6);
  });

  await step("U101 what the server refuses is said with its line breaks, and nothing is lost", async (page) => {
    const engine = new FakeEngine();
    await using fake = serveApp(engine);
    await askDemo(page, fake.url);
    const before = await page.locator("#run").innerText();
    await page.locator("#prompt-0").fill("Mary said\nthat");
    await page.locator("#form-check .stale-mark").waitFor();
    engine.failure = new QueueFullError("512 questions wait:\nask again in a minute", 60);
    await page.locator(".run-button").click();
    // While htmx settles, what comes in looks like what it replaces.
    await page.locator("#notice.error-note").waitFor();
    assert.match(
      await page.locator("#notice").innerText(),
      /^Too many questions\n+512 questions wait:\nask again in a minute\n+Status 429 · request \S+$/,
    );
    assert.equal(await page.locator("#live").textContent(), "The question was not answered: see the message");
    assert.equal(await page.locator("#prompt-0").inputValue(), "Mary said\nthat");
    assert.equal(await page.locator("#run").innerText(), before);
    engine.failure = null;
    await pressRun(page);
    assert.equal(await page.locator("#notice").innerText(), "");
  });

  await step("U102 the newest question wins, whichever answer comes first", async (page) => {
    await askDemo(page, url);
    const gate = await heldBack(page, 1);
    await page.locator("#k").fill("3");
    await page.locator("#k").press("Enter");
    await page.locator("#run[aria-busy=true]").waitFor();
    await page.locator("#k").fill("4");
    await untilAnswered(page, () => page.locator("#k").press("Enter"));
    const newest = page.url();
    await gate.open();
    await page.locator("#sort-totalEffect-0").click();
    await page.waitForURL(`${newest}?sort=totalEffect`);
    assert.equal((await runOf(page)).spec.topK, 4);
    assert.equal(await page.locator("#run").getAttribute("aria-busy"), null);
  });

  await step("U102 an answer is shown though the old one was sorted meanwhile", async (page) => {
    await askDemo(page, url);
    const gate = await heldBack(page, 1);
    await page.locator("#k").fill("5");
    await page.locator(".run-button").click();
    await page.locator("#run[aria-busy=true]").waitFor();
    await page.locator("#sort-writeNorm-0").click();
    await page.locator("#nodes th[aria-sort=descending] #sort-writeNorm-0").waitFor();
    // What is sorted is still the answer before.
    await page.locator("#run[aria-busy=true] .stale-note").waitFor({ state: "visible" });
    await untilAnswered(page, () => gate.open());
    assert.equal((await runOf(page)).spec.topK, 5);
    assert.equal(new URL(page.url()).pathname, `/runs/${await page.locator("#run").getAttribute("data-run")}`);
  });

  await step("U102 a view that comes late does not hide a newer answer, nor its address", async (page) => {
    const isView = (request: Request) => /sort=writeNorm|q=head/.test(request.url());
    for (const act of [() => page.locator("#sort-writeNorm-0").click(), () => page.locator("#filter-q").fill("head")]) {
      await askDemo(page, url);
      const gate = await heldBack(page, 1, (found) => /sort=writeNorm|q=head/.test(found.search));
      const asked = page.waitForEvent("request", isView);
      const ended = Promise.race([
        page.waitForEvent("requestfinished", isView),
        page.waitForEvent("requestfailed", isView),
      ]);
      await act();
      await asked;
      await page.locator("#k").fill("5");
      await pressRun(page);
      const newest = page.url();
      await gate.open();
      await ended;
      await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))");
      assert.equal(page.url(), newest);
      assert.equal((await runOf(page)).spec.topK, 5);
    }
  });

  await step("U103 sort, filter, page, open rows, cards and place stay when something is ablated", async (page) => {
    await arrange(page, url);
    const before = await screenOf(page);
    const ablate = page.getByRole("button", { name: "Ablate", exact: true });
    await ablate.scrollIntoViewIfNeeded();
    const place = (await page.locator("#sort-totalEffect-0").boundingBox())?.y ?? NaN;
    await untilAnswered(page, () => ablate.click());
    const after = await screenOf(page);
    // Of an ablated answer, layers before the change can be hidden.
    assert.deepEqual(after.filter, [...before.filter, "early: false"]);
    const [query, past] = [new URL(after.url).searchParams, new URL(before.url).searchParams];
    query.delete("from");
    assert.equal(query.toString(), past.toString());
    await page.locator("#nodes th[aria-sort=descending] #sort-totalEffect-0").waitFor();
    await page.locator("#nodes .pager", { hasText: "page 2 of" }).waitFor();
    assert.equal(await page.locator("#card-layers").getAttribute("data-open"), "false");
    assert.equal(await page.locator("#card-lens").getAttribute("data-open"), "true");
    // Two rows of the table's head more, but not the height of a second answer.
    const now = (await page.locator("#sort-totalEffect-0").boundingBox())?.y ?? NaN;
    assert.ok(Math.abs(now - place) < 100, `${place} before, ${now} after`);
  });

  await step("U104 what one would not see of a prompt is shown: spaces, line ends, tabs, odd bytes", async (page) => {
    const text = "\n a\tb\n\n  c   d 🙂\u200b\u00a0x";
    const glyphs = ["↵", "␣a", "⇥", "b", "↵", "↵", "␣", "␣c", "␣␣", "␣d", "␣", ..."�".repeat(9), "x"];
    await askDemo(page, url);
    await page.locator("#prompt-0").fill(text);
    await page.locator("#form-check code").nth(20).waitFor();
    assert.deepEqual(await page.locator("#form-check code").allInnerTexts(), ["<|endoftext|>", ...glyphs]);
    await pressRun(page);
    assert.equal(await page.locator("#prompt-0").inputValue(), text);
    const { sides: [side] } = await runOf(page);
    const tokens = page.locator(".token-strip .token");
    assert.deepEqual(await tokens.locator(".token-text").allInnerTexts(), ["<|endoftext|>", ...glyphs]);
    for (const [index, { id }] of (side?.tokens ?? []).entries()) {
      // Bytes that are no character by themselves look alike; the id tells them apart.
      assert.match(await tokens.nth(index).getAttribute("title") ?? "", new RegExp(`^token ${index}, id ${id}, `));
    }
    await page.goto(`${page.url()}?kind=embed&cards=effects`);
    assert.deepEqual(
      (await page.locator(".token-heat").first().locator("li").evaluateAll((items) =>
        items.map((item) => item.firstChild?.textContent)
      )).slice(1),
      glyphs,
    );
    for (const [index, glyph] of glyphs.entries()) {
      assert.equal(await rowOf(page, `embed@${index + 1}`).locator(".token-name").innerText(), glyph);
    }
  });

  await step(
    "U105 numbers have three decimals and a sign, tiny ones are not zero, and all digits are at hand",
    async (page) => {
      const { id, nodes } = await askApi(url, { topK: 40 });
      const isTinyNumber = (value: number | null) => value !== null && value !== 0 && Math.abs(value) < 0.0005;
      const small = nodes.find(({ activation, writeNorm, directEffect, totalEffect }) =>
        [activation, writeNorm, directEffect, totalEffect].flat().some(isTinyNumber)
      );
      assert.ok(small !== undefined);
      const cells = [];
      for (const view of ["size=50&lrows=all", `q=${encodeURIComponent(small.ref)}`]) {
        await page.goto(`${url}runs/${id}?${view}`);
        cells.push(
          ...await page.locator("#run td.number[title]").evaluateAll((found) =>
            found.map((cell) => ({
              title: cell.getAttribute("title") ?? "",
              text: cell.textContent ?? "",
              isSigned: /\bheat-/.test(cell.className),
            }))
          ),
        );
      }
      assert.ok(cells.length > 500, `${cells.length} cells`);
      let tiny = 0;
      for (const { title, text, isSigned } of cells) {
        const value = Number(title);
        if (!Number.isFinite(value)) continue;
        assert.match(text, /^[+−]?(\d{1,3}(,\d{3})*\.\d{3}|\d\.\de[+−]\d+)$/, title);
        const read = Number(text.replaceAll("−", "-").replaceAll(",", ""));
        const isTiny = text.includes("e");
        if (isTiny) tiny++;
        assert.ok(Math.abs(read - value) <= (isTiny ? 0.051 * Math.abs(value) : 0.000501), `${text} for ${title}`);
        assert.equal(Math.sign(read), Math.sign(value), `${text} for ${title}`);
        if (isSigned && value > 0) assert.ok(text.startsWith("+"), `${text} for ${title}`);
      }
      assert.ok(tiny > 0, "a tiny number is shown");
    },
  );
});

/** Everything in the question's form, as a reader sees it. */
function formOf(page: Page): Promise<string[]> {
  return valuesOf(page.locator("#question-form").locator("input:not([type=hidden]), textarea, select"));
}

async function valuesOf(fields: Locator): Promise<string[]> {
  const values: string[] = [];
  for (const field of await fields.all()) {
    const isBox = await field.getAttribute("type") === "checkbox";
    values.push(`${await field.getAttribute("name")}: ${isBox ? await field.isChecked() : await field.inputValue()}`);
  }
  return values;
}

function tableOf(page: Page): Promise<string> {
  return page.locator("#nodes").innerText();
}

/** What is on screen, words and inputs, and the address. */
async function screenOf(page: Page) {
  return {
    url: page.url(),
    form: await formOf(page),
    filter: await valuesOf(page.locator("#node-filter").locator("input:not([type=hidden]), select")),
    run: await page.locator("#run").innerText(),
    table: await tableOf(page),
    sorted: await page.locator("[aria-sort]").evaluateAll((cells) => cells.map((cell) => cell.outerHTML)),
    title: await page.title(),
  };
}

/** The demo's answer with nothing as by default: sorted, filtered, the second page, an open row, cards folded and opened. */
async function arrange(page: Page, url: string): Promise<void> {
  await askDemo(page, url);
  await page.locator("#sort-totalEffect-0").click();
  await page.locator("#nodes th[aria-sort=descending] #sort-totalEffect-0").waitFor();
  await page.locator("#filter-kind-head").check();
  await page.waitForURL(/kind=head/);
  await page.locator("#page-size-10").click();
  await page.waitForURL(/size=10/);
  await page.locator("#page-next").click();
  await page.waitForURL(/page=2/);
  const ref = await page.locator("#nodes .node-row").nth(2).getAttribute("data-ref") ?? "";
  await (await openRow(page, ref)).locator("h3").first().waitFor();
  await page.locator("#fold-layers").click();
  await page.waitForURL(/cards=layers/);
  await page.locator("#fold-lens").click();
  await page.locator("#card-lens table").waitFor();
  await page.locator("#logit-sort-logit-0").click();
  await page.waitForURL(/ldir=asc/);
}

interface Gate {
  /** Lets through what was held back. */
  open(): Promise<void>;
}

/** Holds back the first requests for some address until the gate is opened. */
async function heldBack(
  page: Page,
  count: number,
  address: string | ((url: URL) => boolean) = "**/runs",
): Promise<Gate> {
  const held: Route[] = [];
  await page.route(address, async (route) => {
    if (held.length < count) held.push(route);
    else await route.continue();
  });
  return {
    open: async () => {
      // What was given up meanwhile has no more to be let through.
      for (const route of held) await route.continue().catch(() => {});
    },
  };
}

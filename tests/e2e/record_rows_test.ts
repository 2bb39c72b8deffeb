/**
 * Feature rows about what a component's records show: U6 (latents), U88, U90, U91, U93, U95, U125. Every number and shade that a reader sees is
 * compared with what the API says. The sweeps are over a few texts only.
 */
import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import type { ComponentRecords, Example, RelatedComponents } from "../../engine/mod.ts";
import { launchBrowser } from "../support/browser.ts";
import {
  type ContextOptions,
  eventually,
  sweepAll,
  titleNumber,
  titleNumbers,
  untilSettled,
  withPage,
} from "../support/e2e.ts";
import { api, idsOf, largestOf, mostActive, recordsOf, smallCorpus, visible } from "../support/small_records.ts";
import { startServer } from "../support/test_server.ts";

const NEURON = "mlp/3/195";
const HEAD = "head/3/3";
const MLP_DICTIONARY = "mlp-out-3";
const ATTENTION_DICTIONARY = "attn-out-1";

Deno.test("what a component's records show", async (t) => {
  await using corpus = await smallCorpus();
  await using server = await startServer(["--corpus", corpus.path]);
  await using chromium = await launchBrowser();
  const { url } = server;
  const addressOf = (component: string) => `${url}models/demo/components/${component}`;
  const row = (name: string, use: (page: Page) => Promise<void>, options: ContextOptions = {}) =>
    t.step(name, () => withPage(chromium.browser, options, use));
  await sweepAll(
    url,
    [{}, { dictionary: MLP_DICTIONARY }, { dictionary: ATTENTION_DICTIONARY }].map((part) => ({
      textSet: "small",
      ...part,
    })),
  );

  await row("U6 a latent's cold address shows its examples and what writes alike", async (page) => {
    const latent = await mostActive(url, "mlp-latent", MLP_DICTIONARY);
    const { top } = await recordsOf(url, latent, `dictionary=${MLP_DICTIONARY}`);
    await page.goto(addressOf(latent));
    await page.locator("section[aria-labelledby=top-title] .example-list > li").first().waitFor();
    await assertExamples(page.locator("section[aria-labelledby=top-title]"), top.slice(0, 6));
    assert.ok((top[0]?.max ?? 0) > 0);
    const related: RelatedComponents = await api(
      `${url}api/v1/models/demo/components/${latent}/related?dictionary=${MLP_DICTIONARY}`,
    );
    const near = related.similar.find(({ by }) => by === "decoder")?.components.slice(0, 5) ?? [];
    assert.equal(near.length, 5);
    const rows = page.locator("#component table", {
      has: page.locator('caption:text-is("Write alike (decoder rows)")'),
    }).locator("tbody tr");
    assert.deepEqual(await rows.locator("th code").allInnerTexts(), near.map(({ component }) => component));
    assert.deepEqual(await titleNumbers(rows.locator("td")), near.map(({ score }) => score));
    const [first] = near;
    await rows.first().getByRole("link").click();
    await page.waitForURL((found) => found.pathname.endsWith(first?.component ?? "?"));
    await page.locator("#examples-title").waitFor();
  });

  await row(
    "an example of a head is a matrix, whose picture scrolls by itself where the window is narrow",
    async (page) => {
      const { top: [strongest] } = await recordsOf(url, HEAD);
      await page.goto(addressOf(HEAD));
      await page.locator("[id='top.0.matrix']").click();
      await page.locator(".attention-matrix").waitFor();
      const written = await page.locator(".attention-matrix g[data-query] rect").evaluateAll((cells) =>
        cells.map((cell) => Number(cell.getAttribute("data-v")))
      );
      // Tiny ones are written in another way.
      const largest = Math.max(...written.filter(Number.isFinite));
      assert.ok(
        Math.abs(largest - (strongest?.max ?? NaN)) <= 0.005 * largest,
        `${largest}: the strongest pair is in it`,
      );
      await untilSettled(page);
      await page.locator("[id='top.0.matrix']", { hasText: "As text" }).click();
      await page.locator(".attention-matrix").waitFor({ state: "detached" });
      await page.goBack();
      await page.locator(".attention-matrix").waitFor();
      await assertFits(page);
    },
    { viewport: { width: 390, height: 900 } },
  );

  await row("a job that fails says why, in as many lines as a narrow window needs", async (page) => {
    await api(`${url}api/v1/jobs`, {
      kind: "explain",
      textSet: "small-text-set-that-is-not-there",
      explain: { components: [HEAD] },
    });
    await page.goto(`${url}jobs`);
    await page.locator(".job .error-note", { hasText: "start a sweep" }).waitFor();
    await assertFits(page);
  }, { viewport: { width: 390, height: 900 } });

  await row("U6 an attention latent's shows also which tokens it comes from", async (page) => {
    const latent = await mostActive(url, "attn-latent", ATTENTION_DICTIONARY);
    const { top: [strongest] } = await recordsOf(url, latent, `dictionary=${ATTENTION_DICTIONARY}`);
    assert.ok(strongest);
    await page.goto(addressOf(latent));
    await page.locator("section[aria-labelledby=top-title] .example-list > li").first().waitFor();
    const node = `${latent}@${strongest.at[0]}`;
    const { latents: [attributed] } = await api(`${url}api/v1/attributed-tokens`, {
      model: "demo",
      prompts: [{ tokens: idsOf(strongest), targets: [0] }],
      nodes: [node],
      dictionaries: [ATTENTION_DICTIONARY],
    });
    const values: readonly number[] = attributed.values;
    const best = values.indexOf(Math.max(...values));
    const section = page.locator("section[aria-labelledby=top-sources-title]");
    await section.locator("h3 code", { hasText: node }).first().waitFor();
    const source = section.locator(".node-source").first();
    assert.equal(await titleNumber(source.locator("code")), values[best]);
    assert.equal(await source.locator("sub").innerText(), String(best));
  });

  await row("U88 a token's value and index are read out on hover and on focus", async (page) => {
    const { top } = await recordsOf(url, NEURON);
    await page.goto(addressOf(NEURON));
    const section = page.locator("section[aria-labelledby=top-title]");
    const readings = new Set<string>();
    for (const place of [0, 4]) {
      const example = top[place];
      const figure = section.locator(".example-list > li").nth(place);
      const tokens = figure.locator(".record-values > li");
      const values = example?.values as readonly number[];
      const [strongest = NaN] = example?.at ?? [];
      assert.equal(await tokens.count(), values.length);
      const readout = figure.locator("[data-readout]");
      const reads = async (token: number) => {
        const [, index, name, value] = /^token (\d+) (.*): ([+−]?[\d.,e−]+)$/.exec(await readout.innerText()) ?? [];
        assert.equal(index, String(token));
        assert.equal(name, visible(example, token));
        const found = Number(value?.replace("−", "-").replace("e−", "e-").replaceAll(",", ""));
        assert.ok(Math.abs(found - (values[token] ?? NaN)) <= 0.0005, `${found} for ${values[token]}`);
        readings.add(`${value}`);
      };
      assert.equal(await readout.innerText(), "", "nothing is said before");
      for (const token of [strongest, 0, values.length - 1]) {
        await tokens.nth(token).hover();
        await eventually(() => reads(token));
      }
      // Tab leads to the strongest token, the arrow keys on from there.
      await page.mouse.move(0, 0);
      await figure.locator("[tabindex='0']").focus();
      await reads(strongest);
      await page.keyboard.press("ArrowLeft");
      await reads(strongest - 1);
      await page.keyboard.press("Home");
      await reads(0);
    }
    assert.ok(readings.size > 3, "the values that were read differ");
  });

  for (const mode of ["outgoing", "incoming"] as const) {
    const what = mode === "outgoing" ? "who reads it" : "what it reads";
    await row(
      `${mode === "outgoing" ? "U90" : "U91"} the token pointed at colours the others by ${what}`,
      async (page) => {
        const records = await recordsOf(url, HEAD);
        const { top: [example] } = records;
        assert.ok(example);
        const pairs = example.values as readonly (readonly number[])[];
        const [reader = NaN, read = NaN] = example.at;
        await page.goto(addressOf(HEAD));
        if (mode === "incoming") {
          await page.locator("#mode-incoming").click();
          await page.locator("#mode-incoming[aria-current]").waitFor();
          await untilSettled(page);
        }
        const figure = page.locator("section[aria-labelledby=top-title] .example-list > li").first();
        const tokens = figure.locator("[data-pairs] > a");
        const atRest = await marksOf(tokens);
        assert.ok(atRest.every(({ shade }) => shade === 0), "at rest there are bars only");
        // The pair's token that is pointed at, the other, and one that has nothing to do with them.
        const [at, other] = mode === "outgoing" ? [read, reader] : [reader, read];
        const shows = async (token: number) => {
          const expected = pairs.map((_, i) =>
            (mode === "outgoing" ? pairs[i]?.[token] : i <= token ? pairs[token]?.[i] : 0) ?? 0
          );
          const marks = await marksOf(tokens);
          marks.forEach(({ shade }, i) => {
            // What is less than a hundredth of the example's largest does not travel.
            const share = Math.min(10, (expected[i] ?? NaN) / largestOf(records) * 10);
            assert.ok(Math.abs(shade - share) <= 0.55, `${token}, ${i}: step ${shade} for ${share}`);
          });
          assert.equal(marks[token]?.isAt, true);
          assertOneColourAStep(marks);
          const strongest = expected.indexOf(Math.max(...expected));
          const said = await figure.locator("[data-readout]").innerText();
          const words = mode === "outgoing" ? "is read by" : "reads";
          if (Math.max(...expected) > 0.02 * example.max) {
            assert.ok(
              said.startsWith(
                `${token} ${visible(example, token)} ${words}: ${strongest} ${visible(example, strongest)} `,
              ),
              said,
            );
            const told = Number(/: \S+ \S+ ([\d.]+)/.exec(said)?.[1]);
            assert.ok(Math.abs(told - (expected[strongest] ?? NaN)) <= 0.006 * told, `${said}, ${expected[strongest]}`);
          }
          return marks;
        };
        await tokens.nth(at).hover();
        await eventually(() => shows(at).then(() => {}));
        assert.equal((await shows(at))[other]?.shade, 10, "the strongest pair of all has the full step");
        (await shows(at)).forEach(({ shade }, i) => {
          const isPast = mode === "outgoing" ? i < at : i > at;
          if (isPast) assert.equal(shade, 0, "attention never looks ahead");
        });
        // The keys show the same as the pointer.
        await page.mouse.move(0, 0);
        await eventually(async () => assert.deepEqual(await marksOf(tokens), atRest));
        await tokens.first().focus();
        await shows(0);
        await page.keyboard.press("ArrowRight");
        await shows(1);
        // Pinned, it stays so without the pointer, and the address says it.
        await tokens.nth(at).click();
        await page.waitForURL(new RegExp(`pin=top\\.0\\.${at}`));
        await page.locator(`[id="top.0.${at}"][aria-current]`).waitFor();
        await untilSettled(page);
        assert.equal(await page.evaluate("document.activeElement.id"), `top.0.${at}`);
        await page.reload();
        assert.equal((await marksOf(tokens))[other]?.shade, 10);
      },
      { reducedMotion: "reduce" },
    );
  }

  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? "with" : "without";
    await row(
      `U93, U95 texts of one's own gather, are shaded by the stored maximum, and close, ${how} script`,
      async (page) => {
        const records = await recordsOf(url, NEURON);
        const texts = [middling(records), "Mary gave a drink to", "1+1=2 & <b>"];
        const { examples }: { readonly examples: readonly Example[] } = await api(
          `${url}api/v1/models/demo/components/${NEURON}/activations`,
          { texts },
        );
        await page.goto(addressOf(NEURON));
        for (const [index, text] of texts.entries()) {
          await page.locator("#own-text").fill(text);
          if (javaScriptEnabled && index < 2) {
            await page.locator("#own-text").press(`${["Control", "Meta"][index]}+Enter`);
          } else await page.getByRole("button", { name: "Show its values" }).click();
          await page.locator(`#close-${index}`).waitFor();
          await untilSettled(page);
        }
        assert.deepEqual(new URL(page.url()).searchParams.getAll("p"), texts);
        const own = page.locator("section[aria-labelledby=own-title] .example-list > li");
        assert.equal(await own.count(), 3);
        const steps = new Set<number>();
        for (const [index, example] of examples.entries()) {
          const values = example.values as readonly number[];
          const shades = await own.nth(index).locator(".record-values > li").evaluateAll((found) =>
            found.map((token) => Number(/(?:seq|heat-n?)-?(\d+)/.exec(token.className)?.[1]))
          );
          assert.deepEqual(
            shades,
            values.map((value) => Math.min(10, Math.round(Math.abs(value) / largestOf(records) * 10))),
          );
          for (const step of shades) steps.add(step);
        }
        assert.ok(
          Math.max(...steps) > 0 && Math.max(...steps) < 10,
          "not by their own maximum, which would be step 10",
        );
        await page.locator("#close-1").click();
        await page.locator("#close-2").waitFor({ state: "detached" });
        assert.equal(await own.count(), 2);
        assert.doesNotMatch(await own.nth(1).innerText(), /drink/);
        assert.match(await own.nth(1).innerText(), /&/);
      },
      { javaScriptEnabled },
    );
  }

  await row("U93 the key to submit is switched off with the others; Enter alone begins a line", async (page) => {
    await page.goto(`${url}help`);
    await page.getByRole("button", { name: "Switch single keys off" }).click();
    await page.getByRole("button", { name: "Switch single keys on" }).waitFor();
    await page.goto(addressOf(NEURON));
    await page.locator("#own-text").fill("Mary");
    await page.locator("#own-text").press("Control+Enter");
    await page.locator("#own-text").press("Enter");
    await page.waitForTimeout(300);
    assert.equal(page.url(), addressOf(NEURON));
    assert.equal(await page.locator("#own-text").inputValue(), "Mary\n");
    assert.equal(await page.locator(".key-hint").isVisible(), false);
  });

  await row("U125 examples by quantile are those of the records", async (page) => {
    const { byQuantile } = await recordsOf(url, NEURON);
    assert.ok(byQuantile.length >= 3);
    await page.goto(addressOf(NEURON));
    const section = page.locator("section[aria-labelledby=quantiles-title]");
    assert.deepEqual(
      await section.locator("h4").allInnerTexts(),
      byQuantile.map(({ from, to }) => `${from * 100}% to ${to * 100}% of all texts`),
    );
    const lists = section.locator(".example-list");
    assert.equal(await lists.count(), byQuantile.length);
    for (const [index, { examples }] of byQuantile.entries()) {
      await assertExamples(lists.nth(index), examples.slice(0, 1));
    }
    await page.locator("#all-quantiles").click();
    await page.locator("#all-quantiles", { hasText: "Show 1 of each" }).waitFor();
    for (const [index, { examples }] of byQuantile.entries()) await assertExamples(lists.nth(index), examples);
    const maxima = byQuantile.map(({ examples }) => Math.max(...examples.map(({ max }) => max)));
    assert.deepEqual(maxima, maxima.toSorted((a, b) => b - a), "each quantile is weaker than the one before");
  });
});

/** A text on which a component is active, but far from its strongest. */
function middling({ byQuantile }: ComponentRecords): string {
  const example = byQuantile[1]?.examples[0];
  assert.ok(example);
  return example.tokens.slice(1).map(({ text }) => text).join("");
}

/** A list shows these examples, in their order: which texts, and the maximum of each with its token. */
async function assertExamples(list: Locator, examples: readonly Example[]): Promise<void> {
  const items = list.locator(".example-list > li, :scope > li");
  assert.equal(await items.count(), examples.length);
  for (const [index, example] of examples.entries()) {
    const item = items.nth(index);
    assert.equal(await item.locator(".record-label").innerText(), `text ${example.sequence}`);
    const max = Number((await item.locator(".record-max b").innerText()).replaceAll("−", "-"));
    assert.ok(
      Math.abs(max - example.max) <= Math.max(1e-6, 0.006 * Math.abs(example.max)),
      `${max} for ${example.max}`,
    );
    assert.equal(
      await item.locator(".record-values > li[data-max]").getAttribute("value"),
      String(example.at[0]),
    );
    assert.equal(await item.locator(".record-values > li").count(), example.tokens.length);
  }
}

interface ShownMark {
  /** Step of the shade: 0 to 10. */
  readonly shade: number;
  /** As it is painted. */
  readonly colour: string;
  readonly isAt: boolean;
}

async function assertFits(page: Page): Promise<void> {
  const overflow = await page.locator("html").evaluate((html) => html.scrollWidth - html.clientWidth);
  assert.ok(overflow <= 0, `${overflow} pixels too wide`);
}

/** How a head's tokens look now. */
async function marksOf(tokens: Locator): Promise<readonly ShownMark[]> {
  return await tokens.evaluateAll((found) =>
    found.map((token) => ({
      shade: Number(/\bseq-(\d+)/.exec(token.className)?.[1] ?? 0),
      colour: token.ownerDocument.defaultView?.getComputedStyle(token).backgroundColor ?? "",
      isAt: /\bat\b/.test(token.className),
    }))
  );
}

/** Equal steps have equal colours, others have others: what is painted says what the classes say. */
function assertOneColourAStep(marks: readonly ShownMark[]): void {
  const colours = new Map(marks.map(({ shade, colour }) => [shade, colour]));
  for (const { shade, colour } of marks) assert.equal(colour, colours.get(shade));
  assert.equal(new Set(colours.values()).size, colours.size);
  assert.ok(colours.size > 1, "something is coloured");
}

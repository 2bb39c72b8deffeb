/** Rows U49–U66 of the feature table (`spec/reference-pages.md`, section 7) in a real browser: cards and rows of nodes. */
import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import type { Metric } from "../../engine/mod.ts";
import { launchBrowser } from "../support/browser.ts";
import {
  assertNear,
  type ContextOptions,
  entryOf,
  MOVER,
  objectives,
  PAIR,
  PROMPT,
  rowOf,
  runOf,
  SECOND,
  sentence,
  showRun,
  tensorsOf,
  titleNumber,
  titleNumbers,
  withPage,
} from "../support/e2e.ts";
import { startServer } from "../support/test_server.ts";

Deno.test("what the feature table says of cards and rows of nodes", async (t) => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  const { url } = server;
  const row = (name: string, use: (page: Page) => Promise<void>, options: ContextOptions = {}) =>
    t.step(name, () => withPage(chromium.browser, options, use));

  await row("U49 cards fold: next tokens and nodes are open at first, the effects of tokens are not", async (page) => {
    const { id } = await showRun(page, url, { view: "" });
    const isOpen = async () => [
      await page.locator(".logit-table").isVisible(),
      await page.locator(".token-heat").first().isVisible(),
      await page.locator("#nodes table").isVisible(),
    ];
    assert.deepEqual(await isOpen(), [true, false, true]);
    for (const card of ["logits", "effects", "nodes"]) {
      const was = await page.locator(`#fold-${card}`).getAttribute("aria-expanded");
      await page.locator(`#fold-${card}`).click();
      await page.locator(`#fold-${card}[aria-expanded=${was === "true" ? "false" : "true"}]`).waitFor();
    }
    assert.deepEqual(await isOpen(), [false, true, false]);
    await page.reload();
    assert.deepEqual(await isOpen(), [false, true, false]);
    assert.equal((await runOf(page)).id, id);
  });

  await row("U50 the objective is told with its name and sign: left, right and left − right", async (page) => {
    const prompts = [PROMPT, SECOND].map((text) => ({ text, targets: [" Mary"], distractors: [" John"] }));
    const run = await showRun(page, url, { prompts });
    const [left = NaN, right = NaN] = run.sides.map((side) => side.objective);
    assert.ok(left > 1 && right < -1);
    assert.deepEqual(await page.locator(".objective-side").allInnerTexts(), ["left", "right", "left − right"]);
    assert.deepEqual(await objectives(page), [left, right, left - right]);
    const written = await page.locator(".objective-value").allInnerTexts();
    assert.deepEqual(written, [`+${left.toFixed(3)}`, `−${(-right).toFixed(3)}`, `+${(left - right).toFixed(3)}`]);
    assert.match(await sentence(page), /Logit of “␣Mary” minus that of “␣John”, after token 14/);
  });

  await row("U51 the next tokens are the likeliest hundred, largest first", async (page) => {
    const run = await showRun(page, url, { view: "lrows=all" });
    const logits = (await tensorsOf(url, run, ["logits"])).get("logits");
    const last = [...logits?.data ?? []].slice(14 * 1536, 15 * 1536);
    const likeliest = last.toSorted((a, b) => b - a).slice(0, 100);
    const shown = (await logitColumn(page, 3)).filter((logit) => logit >= (likeliest[99] ?? NaN) - 1e-4);
    assert.equal(shown.length, 100);
    // The target is pinned on top, and the likeliest anyhow.
    for (const [place, logit] of shown.entries()) assertNear(logit, likeliest[place] ?? NaN, `place ${place}`);
    await page.locator("#logits-rows").click();
    await page.locator("#logits-rows", { hasText: "Show all 101" }).waitFor();
    assert.equal(await page.locator(".logit-table tbody tr").count(), 20);
  });

  await row("U52 the target named first reads 0, though another is likelier; raw logits stand beside", async (page) => {
    const run = await showRun(page, url, { prompts: [{ text: PROMPT, targets: [" Anna", " Mary"], distractors: [] }] });
    const logit = (text: string) => run.sides[0]?.logits.find((found) => found.text === text)?.logit ?? NaN;
    assert.ok(logit(" Mary") > logit(" Anna"));
    const relative = (text: string) => titleNumber(logitRow(page, text).locator("td").nth(1));
    assert.equal(await relative("␣Anna"), 0);
    assert.equal(await relative("␣Mary"), logit(" Mary") - logit(" Anna"));
    assert.equal(await titleNumber(logitRow(page, "␣Anna").locator("td").nth(2)), logit(" Anna"));
  });

  await row("U53 targets and distractors stand on top with their labels, however unlikely", async (page) => {
    const choices = { targets: [" Mary", " Paris"], distractors: [" Rome", " John"] };
    const run = await showRun(page, url, { prompts: [{ text: PROMPT, ...choices }] });
    const pinned = page.locator(".logit-table tbody tr:nth-child(-n + 4)");
    assert.deepEqual(await pinned.locator(".badge").allInnerTexts(), ["target", "target", "distractor", "distractor"]);
    const names = await pinned.locator(".token-name").allInnerTexts();
    assert.deepEqual([names.slice(0, 2).sort(), names.slice(2).sort()], [["␣Mary", "␣Paris"], ["␣John", "␣Rome"]]);
    assert.equal(await page.locator(".logit-table .badge").count(), 4);
    const unlikely = run.sides[0]?.logits.filter(({ role, rank }) => role !== null && rank > 100) ?? [];
    assert.ok(unlikely.length > 0, "one is outside the first hundred");
    assert.equal(
      await logitRow(page, "␣Rome").locator("td").first().innerText(),
      String(
        run.sides[0]?.logits.find(({ text }) => text === " Rome")?.rank.toLocaleString("en"),
      ),
    );
  });

  await row("U54 with two sides, a token's difference is that of its relative logits", async (page) => {
    await showRun(page, url, { prompts: PAIR });
    const rows = await page.locator(".logit-table tbody tr").all();
    assert.equal(rows.length, 20);
    for (const shown of rows) {
      const [a = NaN, difference = NaN, b = NaN, left = NaN, raw = NaN, right = NaN] = await titleNumbers(
        shown.locator("td"),
      );
      assert.equal(difference, a - b);
      assert.equal(raw, left - right);
    }
    const relative = (text: string, column: number) => titleNumber(logitRow(page, text).locator("td").nth(column));
    assert.deepEqual([await relative("␣Mary", 0), await relative("␣John", 2)], [0, 0], "each side from its own target");
  });

  await row("U55 the header of the logits turns their order", async (page) => {
    const run = await showRun(page, url, { view: "lrows=all" });
    const unpinned = async () => (await logitColumn(page, 3)).slice(2);
    const falling = await unpinned();
    assert.deepEqual(falling, falling.toSorted((a, b) => b - a));
    for (const [order, sign] of [["ascending", 1], ["descending", -1]] as const) {
      await page.locator("#logit-sort-logit-0").click();
      await page.locator(`.logit-table th[aria-sort=${order}]`).waitFor();
      const found = await unpinned();
      assert.deepEqual(found, falling.toSorted((a, b) => sign * (a - b)));
    }
    assert.equal((await runOf(page)).id, run.id);
  });

  await row("U56 the strip shows every token with its index", async (page) => {
    const { sides: [side] } = await showRun(page, url);
    const shown = await page.locator(".token-strip li").allInnerTexts();
    const expected = side?.tokens.map(({ text }, index) => `${text.replaceAll(" ", "␣")} ${index}`);
    assert.deepEqual(shown.map((text) => text.replace(/\s+/g, " ").trim()), expected);
    assert.equal(await page.locator(".token-strip [aria-current] .token-index").innerText(), "14");
  });

  await row(
    "U57 tokens that differ between prompts are marked by a sign and by words, on clean sides too",
    async (page) => {
      await showRun(page, url, { prompts: PAIR, interventions: [{ node: MOVER, set: 0 }] });
      const marks = await page.locator(".token-strip").evaluateAll((strips) =>
        strips.map((strip) => [...strip.querySelectorAll("[data-different]")].map((token) => token.textContent).join())
      );
      const [john, mary] = ["␣John≠differs, 10", "␣Mary≠differs, 10"];
      assert.deepEqual(marks, [john, mary, john, mary]);
    },
  );

  await row(
    "U58 four rows tell each token's effect, coloured by its sign, with its value on hover and focus",
    async (page) => {
      const { sums: { totalEffect }, sides: [side] } = await showRun(page, url, { view: "cards=effects" });
      const truth = [totalEffect.embed, totalEffect.mlp, totalEffect.attentionByQuery, totalEffect.attentionByKey];
      const figures = await page.locator(".token-heat").all();
      assert.equal(figures.length, 4);
      for (const [place, figure] of figures.entries()) {
        const values = truth[place]?.[0] ?? [];
        const cells = await figure.locator("li").evaluateAll((found) =>
          found.map((cell) => [cell.getAttribute("title") ?? "", cell.className])
        );
        assert.equal(cells.length, side?.tokens.length);
        for (const [token, [written = "", shade = ""]] of cells.entries()) {
          const value = values[token] ?? NaN;
          assert.ok(
            Math.abs(Number(written.replaceAll("−", "-")) - value) <= Math.max(5e-4, 0.05 * Math.abs(value)),
            written,
          );
          if (!shade.startsWith("heat-0")) assert.match(shade, value > 0 ? /^heat-p/ : /^heat-n/);
        }
      }
      const [first] = figures;
      await first?.locator("li").nth(2).hover();
      const said = `token 2 ␣Mary: ${await first?.locator("li").nth(2).getAttribute("title")}`;
      assert.equal(await first?.locator("output").innerText(), said);
      await first?.locator("li[tabindex]").focus();
      await page.keyboard.press("Home");
      assert.match(await first?.locator("output").innerText() ?? "", /^token 0 <\|endoftext\|>: /);
    },
  );

  await row("U59 effects of two sides have two titled panels, and one scale where it is asked for", async (page) => {
    const { sums: { totalEffect } } = await showRun(page, url, { prompts: PAIR, view: "cards=effects" });
    assert.deepEqual(await page.locator(".effects-side h3").allInnerTexts(), ["left", "right"]);
    assert.equal(await page.locator(".effects-side .token-heat").count(), 8);
    const strongest = () => page.locator(".token-heat .heat-p10, .token-heat .heat-n10").count();
    assert.ok(await strongest() >= 8, "each row has its own largest");
    await page.locator("#scale").click();
    await page.locator(".effects-card", { hasText: "all rows on one scale" }).waitFor();
    const all = Object.values(totalEffect).flatMap((sides) => [...sides[0] ?? [], ...sides[1] ?? []]).map(Math.abs);
    const most = Math.max(...all);
    assert.equal(await strongest(), all.filter((value) => Math.round(value / most * 10) === 10).length);
  });

  await row("U60 and U61 every card shows its request and response as JSON, which can be copied", async (page) => {
    const run = await showRun(page, url, { view: "cards=effects" });
    const links = page.locator(".data-link");
    const titles = (await links.allInnerTexts()).map((text) => text.replace(/^JSON:?\s*/, ""));
    assert.deepEqual(
      titles.filter((title) => /everything|Next token|Effect of each token|Nodes/.test(title)).length,
      4,
    );
    for (const link of await links.all()) {
      await link.click();
      await page.locator("dialog[open] #data").waitFor();
      const { request, response } = JSON.parse(await page.locator("#data").innerText());
      assert.deepEqual(request, run.spec);
      assert.ok(Object.keys(response).length > 0);
      await page.getByRole("button", { name: /^Copy/ }).click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      assert.deepEqual(JSON.parse(await page.evaluate("navigator.clipboard.readText()")), { request, response });
      await page.getByRole("button", { name: "Close" }).click();
      await page.locator("dialog[open]").waitFor({ state: "detached" });
    }
  }, { permissions: ["clipboard-read", "clipboard-write"] });

  await row("U62 the true top k of every column is in the table", async (page) => {
    const run = await showRun(page, url, { topK: 4, view: "size=100" });
    const shown = new Set(
      await page.locator("#nodes .node-row").evaluateAll((rows) => rows.map((r) => r.dataset["ref"] ?? "")),
    );
    assert.equal(shown.size, run.nodes.length);
    const names = ["mlp", "head"].flatMap((kind) =>
      [0, 1, 2, 3].flatMap((layer) => Object.values(SCALARS).map((metric) => `scalar:${metric}:${kind}:${layer}`))
    );
    const tensors = await tensorsOf(url, run, names);
    for (const kind of ["mlp", "head"] as const) {
      for (const [metric, name] of Object.entries(SCALARS)) {
        const all = [0, 1, 2, 3].flatMap((layer) =>
          nodesOf(kind, layer, [...tensors.get(`scalar:${name}:${kind}:${layer}`)?.data ?? []])
        );
        const signs = metric.endsWith("Effect") ? [1, -1] : [0];
        for (const sign of signs) {
          const key = ([, value]: readonly [string, number]) => sign === 0 ? Math.abs(value) : sign * value;
          for (const [ref] of all.toSorted((a, b) => key(b) - key(a)).slice(0, 4)) {
            assert.ok(shown.has(ref), `${metric} ${ref}`);
          }
        }
      }
    }
    // What the table says of a node is what the tensors say.
    for (const { ref, directEffect: [value = 0] } of run.nodes.filter(({ ref }) => ref.startsWith("head/3/"))) {
      const [head = 0, query = 0, key = 0] = /^head\/3\/(\d+)@(\d+)<(\d+)$/.exec(ref)?.slice(1).map(Number) ?? [];
      assertNear(value ?? NaN, entryOf(tensors, "scalar:direct_effect:head:3", [query, key, head]), ref);
      assert.equal(await titleNumber(rowOf(page, ref).locator("td.number").nth(2)), value);
    }
  });

  await row("U63 a node's name leads to its component, with the prompt, whatever is in it", async (page) => {
    const text = "1+1=2 & #5 100% <b>ü</b>\nMary said that";
    const { id } = await showRun(page, url, { prompts: [{ text, targets: [" she"], distractors: [" he"] }] });
    const ref = await page.locator("#nodes [data-ref^=head]").first().getAttribute("data-ref") ?? "";
    const tokens = await rowOf(page, ref).locator(".node-tokens").innerText();
    const name = rowOf(page, ref).locator("th a");
    const component = await name.innerText();
    await name.click();
    await page.waitForURL(new RegExp(`/components/${component}\\?run=${id}$`));
    assert.equal(await page.locator("h1 code").innerText(), component);
    // What it does there is what the row said.
    const own = page.getByRole("region", { name: "Its nodes" }).locator("tr").filter({ has: page.getByText(ref) });
    assert.equal(await own.locator(".node-tokens").innerText(), tokens);
    await page.getByRole("link", { name: "The answer", exact: true }).click();
    await page.waitForURL(new RegExp(`/runs/${id}$`));
    assert.equal(await page.locator("#prompt-0").inputValue(), text);
  });

  await row("U64 the tokens of a row are those of the strip: where it writes, and where it looks", async (page) => {
    await showRun(page, url, { view: "size=100" });
    const strip = await page.locator(".token-strip .token-text").allInnerTexts();
    const rows = await page.locator("#nodes .node-row").evaluateAll((found) =>
      found.map((shown) => [shown.dataset["ref"] ?? "", shown.querySelector(".node-tokens")?.textContent ?? ""])
    );
    assert.equal(rows.length, 100);
    for (const [ref = "", text] of rows) {
      const places = ref.split("@")[1]?.split("<").map(Number) ?? [];
      assert.equal(text, places.map((place: number) => `${strip[place]}${place}`).join(" ← "), ref);
    }
  });

  await row(
    "U66 the token that the question is about stands out: the last, or the traced one, on every side",
    async (page) => {
      const focused = async () =>
        [
          ...new Set(
            await page.locator("#nodes .token-name[data-focus]").evaluateAll((found) =>
              found.map((name) => `${name.textContent}${name.nextElementSibling?.textContent}`)
            ),
          ),
        ].sort();
      await showRun(page, url);
      assert.deepEqual(await focused(), ["␣to14"]);
      assert.equal(await rowOf(page, MOVER).locator("[data-focus]").count(), 1);
      await showRun(page, url, { trace: { node: "mlp/3/342@7" } });
      assert.deepEqual(await focused(), ["␣the7"]);
      const prompts = [PROMPT, `So, ${PROMPT}`].map((text) => ({ text, targets: [" Mary"], distractors: [" John"] }));
      await showRun(page, url, { prompts, trace: { node: MOVER, path: "q" } });
      assert.deepEqual(await focused(), ["␣to14", "␣to17"]);
    },
  );
});

/** The row of a token in the table of next tokens. */
function logitRow(page: Page, label: string): Locator {
  return page.locator(".logit-table tbody tr").filter({
    has: page.locator(".token-name", { hasText: new RegExp(`^${label}$`) }),
  });
}

/** A column of numbers of the table of next tokens; the token's own cell does not count. */
function logitColumn(page: Page, column: number): Promise<number[]> {
  return titleNumbers(page.locator(`.logit-table tbody td:nth-of-type(${column})`));
}

/** What tensors call the columns. */
const SCALARS = {
  activation: "activation",
  writeNorm: "write_norm",
  directEffect: "direct_effect",
  totalEffect: "total_effect",
} as const satisfies Record<Metric, string>;

/** Nodes of a layer's scalars, with their refs: `[token, neuron]` or `[query, key, head]`. */
function nodesOf(
  kind: "mlp" | "head",
  layer: number,
  values: readonly number[],
): readonly (readonly [string, number])[] {
  return values.map((value, flat) => {
    if (kind === "mlp") return [`mlp/${layer}/${flat % 512}@${Math.floor(flat / 512)}`, value];
    const [query, key] = [Math.floor(flat / 8 / 15), Math.floor(flat / 8) % 15];
    return [`head/${layer}/${flat % 8}@${query}<${key}`, key > query ? 0 : value];
  });
}

/** What goes beyond OpenAI's tool, as far as reading answers goes: rows U116 to U129 of the feature table. */
import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator, Page } from "playwright-core";
import type { NodeRow, RunSpecInput } from "../../engine/mod.ts";
import { launchBrowser } from "../support/browser.ts";
import {
  askApi,
  askDemo,
  assertNear,
  type ContextOptions,
  eventually,
  openRow,
  pressRun,
  PROMPT,
  rowOf,
  runOf,
  showRun,
  titleNumbers,
  withPage,
} from "../support/e2e.ts";
import { startServer } from "../support/test_server.ts";

const MOVER = "head/3/3@14<2";
const PAIR: Pick<RunSpecInput, "prompts"> = {
  prompts: [PROMPT, PROMPT.replace(", John", ", Mary")].map((text) => ({
    text,
    targets: [" Mary"],
    distractors: [" John"],
  })),
};
const METRICS = ["activation", "writeNorm", "directEffect", "totalEffect"] as const;

Deno.test("beyond OpenAI's tool, U116 to U129", async (t) => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  const { url } = server;
  const step = (name: string, use: (page: Page) => Promise<void>, options: ContextOptions = {}) =>
    t.step(name, () => withPage(chromium.browser, options, use));

  await step("U116 dark follows the system, a choice wins, and heatmaps stay readable", async (page) => {
    await page.emulateMedia({ colorScheme: "light" });
    await showRun(page, url, { ...PAIR, view: "size=50&cards=effects,lens" });
    const light = await groundOf(page);
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await groundOf(page);
    assert.ok(light > 200 && dark < 60, `${light}, ${dark}`);
    await assertReadable(page);
    await page.getByRole("button", { name: "Light" }).click();
    await page.locator("html[data-theme=light]").waitFor();
    assert.equal(await groundOf(page), light);
    await assertReadable(page);
    await page.getByRole("button", { name: "Auto" }).click();
    await page.locator("html:not([data-theme])").waitFor();
    assert.equal(await groundOf(page), dark);
  });

  await step("U117 tables are tables: captioned, with scopes, their order announced", async (page) => {
    const { id } = await askApi(url);
    const other = await askApi(url, PAIR);
    const ref = encodeURIComponent(MOVER);
    for (
      const path of [
        "",
        "help",
        `runs/${other.id}?cards=effects,lens&open=${ref}`,
        `runs/${id}?group=layer`,
        `runs/${id}/node?ref=${ref}`,
        `runs/${id}/circuit?pin=${ref}&pin=embed@2`,
        `runs/${id}/attention?head=head/3/3&pin=14`,
        `compare?a=${id}&b=${other.id}`,
        `models/demo/components/mlp/3/195?run=${id}`,
      ]
    ) {
      await page.goto(`${url}${path}`);
      const wrong = await page.locator("table").evaluateAll((tables) =>
        tables.flatMap((table) => {
          const caption = table.querySelector(":scope > caption")?.textContent?.trim() ?? "";
          const scopes = [...table.querySelectorAll("th")].every((cell) => cell.hasAttribute("scope"));
          return caption !== "" && scopes ? [] : [`“${caption}” ${table.textContent?.slice(0, 60)}`];
        })
      );
      assert.deepEqual(wrong, [], path);
    }
    await page.goto(`${url}runs/${id}`);
    await page.locator("#sort-totalEffect-0").click();
    await page.locator("#live", { hasText: /Sorted by total effect, largest first\.$/ }).waitFor({ state: "attached" });
    assert.equal(await page.locator("#nodes th[aria-sort]").innerText(), "Total effect ▼");
    assert.equal(await page.evaluate("document.activeElement.id"), "sort-totalEffect-0");
    const { violations } = await new AxeBuilder({ page }).include("#nodes").analyze();
    assert.deepEqual(violations.map(({ id: rule }) => rule), []);
  });

  await step("U118 without script: run, sort, filter, fold, ablate, open a component", async (page) => {
    await page.goto(`${url}debugger`);
    await page.locator("#k").fill("6");
    await page.locator(".run-button").click();
    await page.waitForURL(/\/runs\//);
    const { nodes } = await runOf(page);
    await page.locator("#sort-totalEffect-0").click();
    const effects = nodes.map(({ totalEffect: [effect] }) => effect ?? NaN).toSorted((a, b) => b - a);
    assert.deepEqual(await columnOf(page, 3), effects.slice(0, 25));
    await page.locator("#filter-q").fill("head/3");
    await page.locator("#filter-apply").click();
    const heads = nodes.filter(({ ref }) => ref.startsWith("head/3")).length;
    await page.locator("#nodes .fine-print", { hasText: `${heads} of ${nodes.length} nodes` }).waitFor();
    await page.locator("#fold-layers").click();
    await page.locator("#card-layers[data-open=false]").waitFor();
    await (await openRow(page, MOVER)).getByRole("button", { name: "Ablate", exact: true }).click();
    await page.locator("#change-0").waitFor();
    const ablated = await askApi(url, { topK: 6, interventions: [{ node: MOVER, set: 0 }] });
    assert.equal((await titleNumbers(page.locator(".objective-value")))[0], ablated.sides[0]?.objective);
    assert.equal(await page.locator("#filter-q").inputValue(), "head/3");
    assert.equal(await page.locator("#card-layers").getAttribute("data-open"), "false");
    await rowOf(page, MOVER).getByRole("link", { name: "head/3/3", exact: true }).click();
    await page.waitForURL(/\/models\/demo\/components\/head\/3\/3\?run=/);
    await page.getByRole("heading", { level: 1 }).filter({ hasText: "head/3/3" }).waitFor();
  }, { javaScriptEnabled: false });

  await step("U119 the attention matrix holds every pair; a row is pinned; keys lead through it", async (page) => {
    const { id } = await askApi(url);
    const answer = await fetch(`${url}api/v1/attention`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ prompts: PAIR.prompts.slice(0, 1), head: "head/3/3", metric: "activation" }),
    });
    const { tokens, values }: { tokens: readonly unknown[]; values: readonly number[][] } = await answer.json();
    await page.goto(`${url}runs/${id}/attention?head=head/3/3`);
    const rows = await page.locator("[data-query]").evaluateAll((found) =>
      found.map((row) =>
        [...row.querySelectorAll("[data-v]")].map((cell) => Number(cell.getAttribute("data-v")?.replace("−", "-")))
      )
    );
    assert.deepEqual(rows.map((row) => row.length), tokens.map((_, query) => query + 1));
    rows.forEach((row, query) =>
      row.forEach((value, key) => {
        const truth = values[query]?.[key] ?? NaN;
        assert.ok(Math.abs(value - truth) <= 0.051 * truth, `${query} ← ${key}: ${value}, ${truth}`);
      })
    );
    await page.locator("#query-14").click();
    await page.waitForURL(/pin=14/);
    const pinned = page.locator(".pinned-row tbody");
    await pinned.waitFor();
    const falling = (values[14] ?? []).slice(0, 15).toSorted((a, b) => b - a).slice(0, 10);
    assert.deepEqual(await titleNumbers(pinned.locator("td.number")), falling);
    assert.equal(await page.locator("#query-14").getAttribute("aria-current"), "true");
    // The last row's first cell is the way in; Right and Up lead on; Enter pins the row that one is in.
    await page.locator("[data-roving] [tabindex='0']").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    assert.match(await page.locator("[data-readout]").first().innerText(), /^14 ␣to → 2 ␣Mary: 0\.373$/);
    await page.keyboard.press("ArrowUp");
    assert.match(await page.locator("[data-readout]").first().innerText(), /^13 ␣drink → 2 ␣Mary: /);
    await page.keyboard.press("Enter");
    await page.waitForURL(/pin=14&pin=13/);
  });

  await step("U120 filters by kind, layer, token and name combine, and the address says them", async (page) => {
    const { nodes } = await showRun(page, url, { view: "" });
    const passes = async (expected: (ref: string) => boolean) => {
      const refs = nodes.map(({ ref }) => ref).filter(expected);
      assert.ok(refs.length > 0 && refs.length <= 25, `${refs.length} rows`);
      await eventually(async () =>
        assert.deepEqual(
          (await page.locator("#nodes .node-row").evaluateAll((rows) =>
            rows.map((row) => row.getAttribute("data-ref") ?? "")
          )).toSorted(),
          refs.toSorted(),
        )
      );
    };
    const isMary = (ref: string) => /[@<]2(<|$)/.test(ref);
    await page.locator("#filter-kind-head").check();
    await page.waitForURL(/kind=head/);
    await page.locator("#filter-layer-min").fill("2");
    await page.locator("#filter-layer-max").fill("3");
    await page.locator("#filter-token").fill("Mary");
    await passes((ref) => /^head\/[23]\//.test(ref) && isMary(ref));
    await page.locator("#filter-q").fill("3/1");
    await passes((ref) => ref.startsWith("head/3/1@") && isMary(ref));
    await page.locator("#filter-kind-embed").check();
    await page.locator("#filter-q").fill("");
    await page.locator("#filter-layer-min").fill("");
    await page.locator("#filter-layer-max").fill("");
    await passes((ref) => /^(head|embed)/.test(ref) && isMary(ref));
    await page.waitForURL((found) => found.search === "?kind=head%2Cembed&token=Mary");
    await page.reload();
    await passes((ref) => /^(head|embed)/.test(ref) && isMary(ref));
    assert.equal(await page.locator("#filter-token").inputValue(), "Mary");
  });

  await step("U122 rows are gathered by component, layer or token, with their sums", async (page) => {
    const { nodes } = await showRun(page, url, { view: "" });
    const nameOf = {
      component: ({ ref }: NodeRow) => ref.startsWith("embed") ? "embed" : ref.split("@")[0] ?? "",
      layer: ({ ref }: NodeRow) => {
        const [kind, layer] = ref.split("/");
        return ref.startsWith("embed") ? "embed" : `${kind === "head" ? "attention" : "MLP"} of layer ${layer}`;
      },
      token: ({ ref }: NodeRow) => `@${ref.split("@")[1]?.split("<")[0]}`,
    };
    for (const grouping of ["component", "layer", "token"] as const) {
      await page.locator(`#group-${grouping}`).click();
      await page.locator(`#group-${grouping}[aria-current=true]`).waitFor();
      const groups = Map.groupBy(nodes, nameOf[grouping]);
      await page.locator("#nodes .pager-count", { hasText: `of ${groups.size}` }).waitFor();
      const rows = await page.locator("#nodes tbody tr").evaluateAll((found) =>
        found.map((row) => ({
          name: row.querySelector("th code")?.textContent ?? "",
          count: Number(row.querySelector("td")?.textContent),
          sums: [...row.querySelectorAll("td[title]")].map((cell) => Number(cell.getAttribute("title"))),
        }))
      );
      assert.equal(rows.length, Math.min(25, groups.size));
      for (const { name, count, sums } of rows) {
        const own = groups.get(name) ?? [];
        assert.equal(count, own.length, name);
        METRICS.forEach((metric, index) =>
          assertNear(sums[index] ?? NaN, own.reduce((sum, row) => sum + (row[metric][0] ?? 0), 0), `${name} ${metric}`)
        );
      }
      const effects = rows.map(({ sums }) => sums[2] ?? NaN);
      assert.deepEqual(effects, effects.toSorted((a, b) => b - a));
    }
  });

  await step("U123 each layer's attention and MLP have bars as long as their effects", async (page) => {
    const { sums } = await showRun(page, url);
    const { layers } = sums;
    assert.ok(layers !== null);
    await page.locator("#card-layers summary").click();
    const panels = page.locator(".layer-bars");
    for (const [column, effect] of (["directEffect", "totalEffect"] as const).entries()) {
      const attention: readonly number[] = layers[effect].attention[0] ?? [];
      const mlp: readonly number[] = layers[effect].mlp[0] ?? [];
      const embed = (sums[effect].embed[0] ?? []).reduce((sum, value) => sum + value, 0);
      const expected = attention.flatMap((value, layer) => [value, mlp[layer] ?? NaN]).toReversed();
      const cells = page.locator(`#card-layers tbody td:nth-of-type(${column + 1})`);
      const values = await titleNumbers(cells);
      assert.deepEqual(values, [...expected, embed]);
      const bars = await panels.nth(column).locator(".bar-for, .bar-against").evaluateAll((found) =>
        found.map((bar) => Number(bar.getAttribute("width")) * (bar.classList.contains("bar-for") ? 1 : -1))
      );
      const scale = Math.max(...bars.map(Math.abs)) / Math.max(...values.map(Math.abs));
      bars.forEach((bar, index) =>
        assert.ok(Math.abs(bar - scale * (values[index] ?? NaN)) < 0.4, `${effect} ${index}: ${bar}`)
      );
    }
  });

  await step("U128 ranks and probabilities stand beside the logits", async (page) => {
    const { sides: [side] } = await showRun(page, url, { view: "lrows=all" });
    const logits = side?.logits ?? [];
    assert.equal(await page.locator(".logit-table tbody tr").count(), logits.length);
    const [best] = logits.toSorted((a, b) => a.rank - b.rank);
    for (const { id, logit, logProb, rank } of logits) {
      const row = page.locator(".logit-table tbody tr", { has: page.locator(`code[title="id ${id}"]`) });
      const cells = await row.locator("td.number").allInnerTexts();
      assert.equal(cells[0], String(rank));
      const percent = Number(cells[4]?.replace("−", "-").replace("%", ""));
      assert.ok(
        Math.abs(percent - 100 * Math.exp(logProb)) <= 0.0501 * Math.max(1, percent),
        `${cells[4]} for ${logProb}`,
      );
      // A probability is what the softmax makes of the logits.
      assertNear(logProb - (best?.logProb ?? NaN), logit - (best?.logit ?? NaN), String(id));
    }
    assert.deepEqual(
      logits.toSorted((a, b) => b.logit - a.logit).map(({ rank }) => rank),
      logits.map(({ rank }) => rank).toSorted((a, b) => a - b),
    );
  });

  await step("U129 other objectives, at any position", async (page) => {
    await askDemo(page, url);
    await page.locator("#distractor-0-0").fill("");
    const asked = async (objective: string) => {
      await page.locator("#objective").selectOption(objective);
      await pressRun(page);
      const { sides: [side] } = await runOf(page);
      const [shown = NaN] = await titleNumbers(page.locator(".objective-value"));
      const target = side?.logits.find(({ role }) => role === "target");
      assert.ok(side !== undefined && target !== undefined);
      return { shown, target, position: side.position };
    };
    const one = await asked("log-prob");
    assertNear(one.shown, one.target.logProb, "log-prob");
    await page.locator(".objective p", { hasText: "Log-probability of “␣Mary”, after token 14." }).waitFor();
    const two = await asked("prob");
    assertNear(two.shown, Math.exp(two.target.logProb), "prob");
    // Of two targets, "logit" differs as their logits do.
    const three = await asked("logit");
    await page.locator("#target-0-0").fill(" John");
    const four = await asked("logit");
    assertNear(three.shown - four.shown, three.target.logit - four.target.logit, "logit");
    await page.locator("#position").fill("5");
    const five = await asked("log-prob");
    assert.equal(five.position, 5);
    assertNear(five.shown, five.target.logProb, "at token 5");
    await page.locator("#card-logits .fine-print", { hasText: "What follows after token 5 ␣went." }).waitFor();
    assert.match(await page.locator(".token-strip [aria-current=location]").innerText(), /␣went\s*5/);
  });
});

/** A column of numbers of the node table, unrounded. */
async function columnOf(page: Page, column: number): Promise<number[]> {
  return await titleNumbers(page.locator(`#nodes .node-row td.number:nth-of-type(${column + 3})`));
}

/** How light the page's ground is: 0 to 255. */
async function groundOf(page: Page): Promise<number> {
  const [[red = NaN] = []] = await pixels(page.locator("html"), ["background-color"]);
  return red;
}

/** Every shade in the page's tables has text of enough contrast (WCAG 2, level AA). */
async function assertReadable(page: Page): Promise<void> {
  const shaded = page.locator("[class^=heat-], [class*=' heat-'], [class^=seq-], [class*=' seq-']").filter({
    hasText: /\S/,
  });
  const colours = await pixels(shaded, ["color", "background-color"]);
  assert.ok(colours.length > 100);
  for (const [text = [], ground = []] of chunked(colours)) {
    const [a, b] = [luminance(text), luminance(ground)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    assert.ok(contrast >= 4.5, `${text} on ${ground}: ${contrast}`);
  }
}

function chunked<T>(items: readonly T[]): T[][] {
  return items.flatMap((item, index) => index % 2 === 0 ? [[item, items[index + 1] ?? item]] : []);
}

function luminance(colour: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Colours of elements as they are painted, one after the other: red, green, blue. Only a canvas tells them in that form. */
async function pixels(elements: Locator, properties: readonly string[]): Promise<number[][]> {
  return await elements.evaluateAll((found, names) => {
    const brush = found[0]?.ownerDocument.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const known = new Map<string, number[]>();
    return found.flatMap((element) => {
      const style = element.ownerDocument.defaultView?.getComputedStyle(element);
      return names.map((name) => {
        const colour = style?.getPropertyValue(name) ?? "";
        const painted = known.get(colour);
        if (painted !== undefined || !brush) return painted ?? [];
        brush.clearRect(0, 0, 1, 1);
        brush.fillStyle = colour;
        brush.fillRect(0, 0, 1, 1);
        const pixel = [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3);
        known.set(colour, pixel);
        return pixel;
      });
    });
  }, [...properties]);
}

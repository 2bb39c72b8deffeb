/** The node table as a person reads it: rows U67 to U82 of the feature table, every number against the run's own JSON. */
import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import type { Metric, NodeRow, RunResult, ScoredTokens } from "../../engine/mod.ts";
import { launchBrowser } from "../support/browser.ts";
import { askApi, eventually, openRow, PROMPT, rowOf, showRun, untilAnswered, withPage } from "../support/e2e.ts";
import { startServer } from "../support/test_server.ts";

const METRICS = ["activation", "writeNorm", "directEffect", "totalEffect"] as const;
const TITLES = ["Activation", "Write magnitude", "Direct effect", "Total effect"];
const MOVER = "head/3/3@14<2";
const NEURON = "mlp/3/195@14";
/** Everything but the nodes. */
const FOLDED = "cards=logits,layers,checks,provenance";
/** Two prompts that want the opposite of each other. */
const PAIR = {
  prompts: [PROMPT, PROMPT.replace(", John", ", Mary")].map((text) => ({
    text,
    targets: [" Mary"],
    distractors: [" John"],
  })),
};

Deno.test("rows of the node table, U67 to U82", async (t) => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  const { url } = server;
  const step = (name: string, use: (page: Page) => Promise<void>, options = {}) =>
    t.step(name, () => withPage(chromium.browser, options, use));

  await step("U67 four metric columns hold the run's numbers", async (page) => {
    const { nodes } = await showRun(page, url, { view: "size=100" });
    assert.deepEqual((await page.locator("#nodes thead th.number").allInnerTexts()).map(withoutMark), TITLES);
    const found = await shownRows(page);
    assert.equal(found.length, 100);
    for (const { ref, values } of found) {
      const node = nodes.find((row) => row.ref === ref);
      assert.deepEqual(values, METRICS.map((metric) => node?.[metric][0]), ref);
    }
  });

  await step("U68 with two sides each metric has left, diff and right", async (page) => {
    const { nodes } = await showRun(page, url, { ...PAIR, view: "size=50" });
    assert.deepEqual(await page.locator("#nodes thead th[scope=colgroup]").allInnerTexts(), TITLES);
    assert.deepEqual(
      (await page.locator("#nodes thead th.number").allInnerTexts()).map(withoutMark),
      METRICS.flatMap(() => ["left", "diff", "right"]),
    );
    const found = await shownRows(page);
    assert.equal(found.length, 50);
    for (const { ref, values } of found) {
      const node = nodes.find((row) => row.ref === ref);
      const expected = METRICS.flatMap((metric) => {
        const [left, right] = node?.[metric] ?? [];
        return [left, Number(left) - Number(right), right];
      });
      assert.deepEqual(values, expected, ref);
    }
  });

  await step("U69 colours are monotone in the value, the largest differences included", async (page) => {
    // Turned around, a value differs from itself by twice its size: more than any value.
    await showRun(page, url, {
      prompts: [{ text: PROMPT, targets: [" John"], distractors: [" Mary"] }],
      interventions: [{ node: "head/3/3@14<3", scale: -1 }],
      view: "size=50&sort=directEffect&side=diff&dir=size",
    });
    const cells = await page.locator("#nodes .node-row td.number").evaluateAll((found) =>
      found.map((cell, index) => ({
        column: index % 12,
        value: Number(cell.getAttribute("title")),
        heat: /heat-([np]?)(\d+)/.exec(cell.className)?.slice(1) ?? null,
        colour: cell.ownerDocument.defaultView?.getComputedStyle(cell).backgroundColor,
      }))
    );
    for (const [metric, title] of TITLES.entries()) {
      const own = cells.filter(({ column, heat }) => Math.floor(column / 3) === metric && heat !== null);
      const steps = own.toSorted((a, b) => a.value - b.value).map(({ value, heat, colour }) => {
        const step = Number(heat?.[1]) * (heat?.[0] === "n" ? -1 : 1);
        assert.ok(step === 0 || Math.sign(step) === Math.sign(value), `${title} ${value}: ${step}`);
        return { value, step, colour };
      });
      assert.ok(steps.length >= 50, title);
      assert.ok(steps.every(({ step }, index) => index === 0 || step >= (steps[index - 1]?.step ?? 0)), title);
      // A step is a colour, and each step its own.
      const colours = Map.groupBy(steps, ({ step }) => step);
      for (const [step, same] of colours) assert.equal(new Set(same.map(({ colour }) => colour)).size, 1, `${step}`);
      assert.equal(new Set(steps.map(({ colour }) => colour)).size, colours.size, title);
    }
    const direct = cells.filter(({ column }) => column >= 6 && column < 9);
    const [sides, differences] = [
      direct.filter(({ column }) => column !== 7),
      direct.filter(({ column }) => column === 7),
    ];
    const largest = Math.max(...differences.map(({ value }) => value));
    assert.ok(largest > Math.max(...sides.map(({ value }) => Math.abs(value))), "a difference beyond all values");
    assert.deepEqual(differences.find(({ value }) => value === largest)?.heat, ["p", "10"]);
  });

  await step("U70 the largest direct effects come first", async (page) => {
    const { nodes } = await showRun(page, url, { view: "" });
    assert.deepEqual(
      (await shownRows(page)).map(({ values }) => values[2]),
      valuesOf(nodes, "directEffect").toSorted((a, b) => b - a).slice(0, 25),
    );
    const sorted = page.locator("#nodes th[aria-sort]");
    assert.deepEqual(await sorted.allInnerTexts(), ["Direct effect ▼"]);
    assert.equal(await sorted.getAttribute("aria-sort"), "descending");
  });

  await step("U71 every column sorts, both ways and by size", async (page) => {
    const { nodes } = await showRun(page, url, { ...PAIR, view: `size=10&sort=ref&${FOLDED}` });
    for (const metric of METRICS) {
      for (const [place, side] of ["0", "diff", "1"].entries()) {
        const all = nodes.map((row) => sideValue(row, metric, side));
        const header = page.locator(`#sort-${metric}-${side}`);
        for (
          const [state, expected] of [
            ["descending", all.toSorted((a, b) => b - a)],
            ["ascending", all.toSorted((a, b) => a - b)],
            ["other", all.toSorted((a, b) => Math.abs(b) - Math.abs(a))],
          ] as const
        ) {
          // By size: shown once, for the column where it matters most.
          if (state === "other" && side !== "diff") continue;
          await header.click();
          await page.locator(`#nodes th[aria-sort=${state}] #sort-${metric}-${side}`).waitFor();
          const found = (await shownRows(page)).map(({ values }) => values[METRICS.indexOf(metric) * 3 + place] ?? NaN);
          const sizes = (values: readonly number[]) => state === "other" ? values.map(Math.abs) : values;
          assert.deepEqual(sizes(found), sizes(expected.slice(0, 10)), `${metric} ${side} ${state}`);
          assert.equal(await page.locator("#nodes th[aria-sort]").count(), 1);
        }
      }
    }
    await page.locator("#sort-ref-0").click();
    await page.locator("#nodes th[aria-sort=ascending] #sort-ref-0").waitFor();
    assert.deepEqual((await shownRows(page)).map(({ ref }) => ref), nodes.slice(0, 10).map(({ ref }) => ref));
    await page.locator("#sort-ref-0").click();
    await page.locator("#nodes th[aria-sort=descending] #sort-ref-0").waitFor();
    assert.deepEqual(
      (await shownRows(page)).map(({ ref }) => ref),
      nodes.slice(-10).toReversed().map(({ ref }) => ref),
    );
  });

  await step("U72 filters by name, number and token", async (page) => {
    const { nodes, sides: [side] } = await showRun(page, url);
    const filtered = async (fields: Readonly<Record<string, string>>, expected: (row: NodeRow) => boolean) => {
      for (const [name, value] of Object.entries(fields)) await page.locator(`#filter-${name}`).fill(value);
      const refs = nodes.filter(expected).map(({ ref }) => ref);
      assert.ok(refs.length > 0 && refs.length < nodes.length, JSON.stringify(fields));
      await page.locator("#nodes .fine-print", { hasText: `${refs.length} of ${nodes.length} nodes pass` }).waitFor();
      await eventually(async () =>
        assert.deepEqual((await shownRows(page)).map(({ ref }) => ref).toSorted(), refs.toSorted())
      );
    };
    await filtered({ q: "HEAD/3" }, ({ ref }) => ref.startsWith("head/3/"));
    const isMary = (ref: string) => placesOf(ref).some((place) => side?.tokens[place]?.text === " Mary");
    await filtered({ q: "", token: "mary" }, ({ ref }) => isMary(ref));
    await filtered({ token: "6" }, ({ ref }) => placesOf(ref).includes(6));
    await filtered({ token: "", min: "0.5" }, ({ directEffect: [effect] }) => Number(effect) >= 0.5);
    await filtered({ max: "1" }, ({ directEffect: [effect] }) => Number(effect) >= 0.5 && Number(effect) <= 1);
    // A minus as the page writes it is one too.
    await filtered({ min: "", max: "−0.25" }, ({ directEffect: [effect] }) => Number(effect) <= -0.25);
    await page.locator("#filter-clear").click();
    await page.locator("#nodes .fine-print", { hasText: `${nodes.length} nodes: the top 10` }).waitFor();
    await page.locator("#filter-q").fill("nowhere");
    await page.locator("#nodes .empty-state", { hasText: "No node passes the filter" }).waitFor();
  });

  await step("U73 pages hold every row once; their size can be chosen", async (page) => {
    const { nodes } = await showRun(page, url, { view: "size=50" });
    const seen: string[] = [];
    for (let start = 1; start <= nodes.length; start += 50) {
      const end = Math.min(nodes.length, start + 49);
      await page.locator("#nodes .pager-count", { hasText: `${start}–${end} of ${nodes.length}` }).waitFor();
      seen.push(...(await shownRows(page)).map(({ ref }) => ref));
      if (end < nodes.length) await page.locator("#page-next").click();
    }
    assert.deepEqual(seen.toSorted(), nodes.map(({ ref }) => ref).toSorted());
    assert.equal(await page.locator("#page-next").count(), 0);
    await page.locator("#page-previous").click();
    await page.locator("#nodes .pager", { hasText: `page 2 of ${Math.ceil(nodes.length / 50)}` }).waitFor();
    assert.deepEqual((await shownRows(page)).map(({ ref }) => ref), seen.slice(50, 100));
    await page.locator("#page-size-10").click();
    await page.locator("#nodes .pager-count", { hasText: `1–10 of ${nodes.length}` }).waitFor();
    assert.deepEqual((await shownRows(page)).map(({ ref }) => ref), seen.slice(0, 10));
    assert.equal(await page.locator("#page-previous").count(), 0);
  });

  await step("U74 a row offers what its kind can do, and nothing that fails", async (page) => {
    const head = ["Ablate", "Ablate row", "Trace q", "Trace k", "Trace qk", "Trace v"];
    const offered = { [MOVER]: head, [NEURON]: ["Ablate", "Trace"], "embed@4": ["Ablate"] };
    const { id } = await askApi(url);
    const details = page.locator("#nodes .detail-row");
    for (const [ref, expected] of Object.entries(offered)) {
      const address = `${url}runs/${id}?q=${encodeURIComponent(ref)}&${FOLDED}&open=${encodeURIComponent(ref)}`;
      await page.goto(address);
      assert.deepEqual(await details.getByRole("button").allInnerTexts(), expected);
      for (const name of expected) {
        await page.goto(address);
        await untilAnswered(page, () => details.getByRole("button", { name, exact: true }).click());
        assert.equal(await page.locator("#notice").innerText(), "", `${name} of ${ref}`);
        // What was done is not offered again: it could only be refused.
        if (name.startsWith("Ablate")) {
          assert.equal(await details.getByRole("button", { name, exact: true }).count(), 0);
        }
      }
      await page.goto(address);
      for (const href of await linksOf(details.locator("a.button:not([data-pin])"))) {
        assert.equal((await fetch(href)).status, 200, href);
      }
      await details.locator("[data-pin]").click();
      await page.locator("[data-circuit]", { hasText: "Circuit of 1 pinned" }).waitFor();
    }
    // While a neuron is traced, a value can be traced towards it: but only of heads that write before it reads.
    const { nodes } = await showRun(page, url, { trace: { node: "mlp/2/66@14" }, view: "size=100&q=head" });
    const headOf = (layer: number) => nodes.find(({ ref }) => ref.startsWith(`head/${layer}/`))?.ref ?? "";
    for (const [ref, count] of [[headOf(2), 1], [headOf(3), 0]] as const) {
      const towards = (await openRow(page, ref)).getByRole("button", { name: /towards/ });
      assert.equal(await towards.count(), count, ref);
      if (count > 0) await untilAnswered(page, () => towards.click());
    }
  });

  await step("U76 an open row lists 10 + 10 output tokens with their weights", async (page) => {
    await showRun(page, url);
    const { write } = await scoredTokens(url, MOVER);
    assert.deepEqual(await pillsOf(page, MOVER, "Promotes"), asPills(write));
  });

  await step("U77 neurons list 10 + 10 input tokens, embeddings none", async (page) => {
    await showRun(page, url);
    const [read] = (await scoredTokens(url, NEURON)).reads;
    assert.ok(read !== undefined);
    assert.deepEqual(await pillsOf(page, NEURON, "Driven by"), asPills(read));
    assert.deepEqual(await listTitles(page, "embed@4"), ["Promotes"]);
  });

  await step("U78 heads list the tokens of their query and of their key", async (page) => {
    await showRun(page, url);
    const { reads } = await scoredTokens(url, MOVER);
    assert.deepEqual(reads.map(({ path }) => path), ["q", "k"]);
    const [query, key] = reads;
    assert.ok(query !== undefined && key !== undefined);
    assert.notDeepEqual(query.top, key.top);
    assert.deepEqual(await pillsOf(page, MOVER, "Looks if it reads (query)"), asPills(query));
    assert.deepEqual(await pillsOf(page, MOVER, "Looks for (key)"), asPills(key));
  });

  await step("U79 lists that are the same on both sides are shown once", async (page) => {
    const { nodes } = await showRun(page, url, {
      interventions: [{ node: "head/0/3@14<11", set: 0 }],
      view: "size=50&q=head/0",
    });
    // What stands before the ablated head's layer is the same, and the value of a neighbour in that layer too.
    const same = nodes.find(({ ref, activation: [a, b] }) => ref.startsWith("head/0/") && a === b)?.ref ?? "";
    assert.deepEqual(await listTitles(page, same), [
      "Promotes",
      "Looks if it reads (query)",
      "Looks for (key)",
    ]);
    await showRun(page, url, { ...PAIR, view: "size=50&q=head/3/4@14<10" });
    const details = await openRow(page, "head/3/4@14<10");
    await details.locator("h3", { hasText: "Promotes, left" }).waitFor();
    await details.locator("h3", { hasText: "Promotes, right" }).waitFor();
    assert.equal(await details.getByRole("heading", { name: "Promotes", exact: true }).count(), 0);
  });

  await step("U80 the name stays while the table is scrolled sideways", async (page) => {
    await showRun(page, url, PAIR);
    const frame = page.getByRole("region", { name: "Table of nodes" });
    const name = page.locator("#nodes .node-row th").first();
    const number = page.locator("#nodes .node-row td.number").first();
    const [before, numberBefore] = [await name.boundingBox(), await number.boundingBox()];
    const scrolled = await frame.evaluate((element) => element.scrollLeft = 300);
    const [after, numberAfter] = [await name.boundingBox(), await number.boundingBox()];
    assert.equal(scrolled, 300);
    assert.equal(after?.x, before?.x);
    assert.equal(numberAfter?.x, (numberBefore?.x ?? 0) - 300);
    // And it covers what passes below it.
    await name.scrollIntoViewIfNeeded();
    const covered = await name.evaluate((cell) => {
      const { right, top } = cell.getBoundingClientRect();
      return cell.ownerDocument.elementFromPoint(right - 2, top + 5)?.closest("th") === cell;
    });
    assert.ok(covered);
  }, { viewport: { width: 760, height: 900 } });

  await step("U81 every header tells its help, also to a keyboard", async (page) => {
    await showRun(page, url, PAIR);
    const session = await page.context().newCDPSession(page);
    for (const metric of METRICS) {
      for (const side of ["0", "diff", "1"]) {
        const { result } = await session.send("Runtime.evaluate", {
          expression: `document.getElementById("sort-${metric}-${side}")`,
        });
        const { nodes } = await session.send("Accessibility.getPartialAXTree", {
          objectId: result.objectId ?? "",
          fetchRelatives: false,
        });
        const help = String(nodes[0]?.description?.value ?? "");
        assert.ok(help.length > 50 && help.endsWith("."), `${metric} ${side}: ${help}`);
      }
    }
    const summary = page.locator("#nodes .column-help summary");
    const help = page.locator("#nodes .column-help dd", { hasText: "The length of the vector" });
    assert.equal(await help.isVisible(), false);
    await summary.focus();
    await page.keyboard.press("Enter");
    await help.waitFor({ state: "visible" });
  });

  await step("U82 embeddings are rows, named with their token, without a dead link", async (page) => {
    const { sides: [side] } = await showRun(page, url, { view: "kind=embed" });
    const tokens = side?.tokens ?? [];
    assert.equal(await page.locator("#nodes .node-row").count(), tokens.length);
    for (const [index, { text }] of tokens.entries()) {
      const row = rowOf(page, `embed@${index}`);
      assert.equal(await row.locator("td .token-name").innerText(), text.replaceAll(" ", "␣"));
      assert.equal(await row.locator("th a").count(), 0);
    }
    await (await openRow(page, "embed@4")).getByRole("link", { name: "Details" }).click();
    await page.getByRole("heading", { name: "embed@4" }).waitFor();
    await page.getByRole("heading", { name: "What it promotes" }).waitFor();
  });
});

/** The rows of the table that are shown: each with the numbers in its titles. */
function shownRows(page: Page): Promise<{ readonly ref: string; readonly values: number[] }[]> {
  return page.locator("#nodes .node-row").evaluateAll((rows) =>
    rows.map((row) => ({
      ref: row.getAttribute("data-ref") ?? "",
      values: [...row.querySelectorAll("td.number")].map((cell) => Number(cell.getAttribute("title"))),
    }))
  );
}

function withoutMark(text: string): string {
  return text.replace(/ [▼▲◆]$/, "");
}

function valuesOf(nodes: RunResult["nodes"], metric: Metric): number[] {
  return nodes.map((row) => row[metric][0] ?? NaN);
}

function sideValue(row: NodeRow, metric: Metric, side: string): number {
  const [left, right] = [row[metric][0] ?? NaN, row[metric][1] ?? NaN];
  return side === "diff" ? left - right : side === "0" ? left : right;
}

function placesOf(ref: string): readonly number[] {
  return (ref.split("@")[1] ?? "").split("<").map(Number);
}

async function linksOf(links: Locator): Promise<string[]> {
  return await links.evaluateAll((found) =>
    found.map((link) => new URL(link.getAttribute("href") ?? "", link.baseURI).href)
  );
}

/** What the API says that a node of the demo question promotes, and is driven by. */
async function scoredTokens(url: string, node: string): Promise<ScoredTokens> {
  const prompts = [{ text: PROMPT, targets: [" Mary"], distractors: [" John"] }];
  const answer = await fetch(`${url}api/v1/scored-tokens`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ prompts, node, top: 10 }),
  });
  return await answer.json();
}

function asPills({ top, bottom }: Pick<ScoredTokens["write"], "top" | "bottom">): string[][] {
  assert.deepEqual([top.length, bottom.length], [10, 10]);
  return [top, bottom].map((tokens) => tokens.map(({ id, score }) => `id ${id}: ${score}`));
}

/** Titles of the lists of a row that is opened for it. */
async function listTitles(page: Page, ref: string): Promise<string[]> {
  const titles = (await openRow(page, ref)).locator("h3");
  await titles.first().waitFor();
  return await titles.allInnerTexts();
}

/** Titles of the pills of one list in a node's row: those raised, those lowered. */
async function pillsOf(page: Page, ref: string, title: string): Promise<string[][]> {
  const isOpen = await rowOf(page, ref).getAttribute("data-open") === "true";
  const details = isOpen ? rowOf(page, ref).locator("+ .detail-row") : await openRow(page, ref);
  const list = details.locator(".detail-lists > div", { has: page.getByRole("heading", { name: title, exact: true }) });
  await list.waitFor();
  const titles = (place: number) =>
    list.locator(".token-pills").nth(place).locator("code").evaluateAll((pills) =>
      pills.map((pill) => pill.getAttribute("title") ?? "")
    );
  return [await titles(0), await titles(1)];
}

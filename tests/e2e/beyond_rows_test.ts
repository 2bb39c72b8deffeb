/** What goes beyond OpenAI's tool, as far as answers and changes go: rows U106 to U115 and U132 to U134 of the feature table. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { EngineUnavailableError, type LensResult, type RunResult, type RunSpecInput } from "../../engine/mod.ts";
import { launchBrowser } from "../support/browser.ts";
import {
  actOn,
  askApi,
  askDemo,
  assertNear,
  openRow,
  pressRun,
  PROMPT,
  rowOf,
  runOf,
  serveApp,
  showRun,
  titleNumbers,
  untilAnswered,
  withPage,
} from "../support/e2e.ts";
import { FakeEngine } from "../support/fake_engine.ts";
import { startServer } from "../support/test_server.ts";

const MOVER = "head/3/3@14<2";
const OTHER = PROMPT.replace(", John", ", Mary");
const PAIR: Pick<RunSpecInput, "prompts"> = {
  prompts: [PROMPT, OTHER].map((text) => ({ text, targets: [" Mary"], distractors: [" John"] })),
};

Deno.test("beyond OpenAI's tool, U106 to U115 and U132 to U134", async (t) => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  const { url } = server;
  const step = (name: string, use: (page: Page) => Promise<void>) =>
    t.step(name, () => withPage(chromium.browser, {}, use));

  await step("U106 a run's address shows the same numbers in a fresh browser, computed once", async (page) => {
    await askDemo(page, url);
    await actOn(page, MOVER, "Ablate");
    const shown = await titleNumbers(page.locator("#run [title]"));
    const time = await page.locator(".provenance dd", { hasText: "computing" }).innerText();
    await withPage(chromium.browser, {}, async (fresh) => {
      await fresh.goto(page.url());
      assert.ok(shown.length > 300);
      assert.deepEqual(await titleNumbers(fresh.locator("#run [title]")), shown);
      assert.equal(await fresh.locator(".provenance dd", { hasText: "computing" }).innerText(), time);
    });
  });

  await step("U107 any two runs are joined by node, with differences", async (page) => {
    const [a, b] = [await askApi(url), await askApi(url, { prompts: PAIR.prompts.slice(1), topK: 5 })];
    await page.goto(url);
    for (const { id } of [a, b]) await page.locator(`.recent-runs input[value="${id}"]`).check();
    await page.getByRole("button", { name: "Compare the two ticked" }).click();
    await page.getByRole("heading", { name: "Two answers compared" }).waitFor();
    const sides = new URL(page.url()).searchParams;
    const [left, right] = sides.get("a") === a.id ? [a, b] : [b, a];
    const [first, second] = [left.sides[0]?.objective ?? NaN, right.sides[0]?.objective ?? NaN];
    assert.deepEqual(await titleNumbers(page.locator(".objective-value")), [first, second, first - second]);
    const total = new Set([...left.nodes, ...right.nodes].map(({ ref }) => ref)).size;
    await page.locator("#compare .pager-count", { hasText: `of ${total}` }).waitFor();
    await page.locator("#sort-directEffect-diff").click();
    await page.locator("#compare th[aria-sort=descending] #sort-directEffect-diff").waitFor();
    const rows = await page.locator("#compare tbody tr").evaluateAll((found) =>
      found.map((row) => ({
        ref: row.querySelector("th code")?.textContent ?? "",
        effects: [...row.querySelectorAll("td.number")].slice(6, 9).map((cell) => cell.getAttribute("title")),
      }))
    );
    const differences = rows.map(({ effects }) => Number(effects[1]));
    assert.deepEqual(differences, differences.toSorted((x, y) => y - x));
    for (const { ref, effects } of rows) {
      const [one, other] = [left, right].map(({ nodes }) => nodes.find((row) => row.ref === ref)?.directEffect[0]);
      assert.deepEqual(effects.map(Number), [one, Number(one) - Number(other), other], ref);
    }
    // What one answer does not list has no number there.
    await page.goto(`${url}compare?a=${left.id}&b=${right.id}&q=mlp`);
    await page.locator("#compare td.number[title^='Not listed in that answer']").first().waitFor();
  });

  await step("U108 two prompts with an ablation show four cells", async (page) => {
    await askDemo(page, url);
    await page.getByRole("button", { name: "Compare with a second prompt" }).click();
    await page.locator("#prompt-1").fill(OTHER);
    await pressRun(page);
    await actOn(page, MOVER, "Ablate");
    const cells = page.locator(".objective:not(.objective-difference)");
    const { sides, nodes } = await runOf(page);
    const labels = ["left", "right", "left-clean", "right-clean"];
    assert.deepEqual(await cells.locator(".objective-side").allInnerTexts(), labels);
    const found = await titleNumbers(cells.locator(".objective-value"));
    assert.deepEqual(found, sides.map(({ objective }) => objective));
    // Each cell is what the same question answers by itself.
    for (const [prompt, text] of [PROMPT, OTHER].entries()) {
      const prompts = [{ text, targets: [" Mary"], distractors: [" John"] }];
      const alone = await askApi(url, { prompts, interventions: [{ node: MOVER, set: 0 }] });
      assertNear(found[prompt] ?? NaN, alone.sides[0]?.objective ?? NaN, `ablated ${prompt}`);
      assertNear(found[prompt + 2] ?? NaN, alone.sides[1]?.objective ?? NaN, `clean ${prompt}`);
    }
    // Any two of them stand beside each other in the table.
    const [low, high] = [0, 2];
    await page.locator(`#nodes #pair-${low}-${high}`).click();
    await page.locator(`#nodes #pair-${low}-${high}[aria-current=true]`).waitFor();
    const ref = await page.locator("#nodes .node-row").first().getAttribute("data-ref") ?? "";
    const effect = nodes.find((row) => row.ref === ref)?.directEffect ?? [];
    assert.deepEqual((await titleNumbers(rowOf(page, ref).locator("td.number"))).slice(6, 9), [
      effect[low],
      Number(effect[low]) - Number(effect[high]),
      effect[high],
    ]);
  });

  await step("U109 the circuit draws the pinned nodes and the edges among them; its nodes are links", async (page) => {
    const { id } = await askApi(url);
    const pins = [MOVER, "head/2/0@14<6", "embed@2", "mlp/0/383@2"];
    const query = new URLSearchParams(pins.map((ref) => ["pin", ref]));
    await page.goto(`${url}runs/${id}/circuit?${query}`);
    await page.locator(".circuit-graph").waitFor();
    await page.locator(".pending").waitFor({ state: "detached" });
    const answer = await fetch(`${url}api/v1/circuit`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ prompts: PAIR.prompts.slice(0, 1), nodes: pins }),
    });
    const circuit = await answer.json();
    assert.deepEqual(
      (await page.locator(".circuit-graph a.node-box").evaluateAll((boxes) =>
        boxes.map((box) => box.getAttribute("aria-label")?.split(": ")[1])
      )).toSorted(),
      pins.toSorted(),
    );
    type Edge = { from: string; to: string; path: string | null; attribution: number };
    const edges: readonly Edge[] = circuit.edges;
    assert.ok(edges.length >= 2);
    const listed = page.locator(".circuit-text section").first().locator("tbody tr");
    assert.equal(await listed.count(), edges.length);
    const titles = await page.locator(".circuit-graph .edge title").evaluateAll((found) =>
      found.map((title) => title.textContent ?? "")
    );
    for (const { from, to, path, attribution } of edges) {
      const name = `${from} → ${to}${path === null ? "" : ` (${path})`}`;
      const [listedValue] = await titleNumbers(listed.filter({ hasText: name }).locator("td"));
      assertNear(listedValue ?? NaN, attribution, name);
      if (Math.abs(attribution) > 0.1) assert.ok(titles.some((title) => title.startsWith(name)), `${name} is drawn`);
    }
    await page.locator(`.circuit-graph a.node-box[aria-label$="${MOVER}"]`).click();
    await page.locator("#selected-title", { hasText: MOVER }).waitFor();
    await page.waitForURL(/selected=head/);
    await page.locator("#grow").click();
    await page.locator("#graph-title", { hasText: /^7 nodes/ }).waitFor();
  });

  await step("U110 an intervention's value and method can be edited", async (page) => {
    await askDemo(page, url);
    await page.getByRole("button", { name: "Compare with a second prompt" }).click();
    await page.locator("#prompt-1").fill(OTHER);
    await pressRun(page);
    await actOn(page, MOVER, "Ablate");
    // Each press waits for some seconds.
    const means = page.locator("#means-message");
    for (let press = 0; press < 20 && await means.filter({ hasText: "are known" }).count() === 0; press++) {
      await page.getByRole("button", { name: "Compute the model’s means" }).click();
      await page.locator("#action-means:not(.htmx-request)").waitFor();
      await means.waitFor();
    }
    for (
      const [method, intervention] of [
        ["= 0.75", { node: MOVER, set: 0.75 }],
        ["* 0.5", { node: MOVER, scale: 0.5 }],
        ["= mean", { node: MOVER, method: "mean" as const }],
        ["from right", { node: MOVER, patch: { from: "right" as const } }],
      ] as const
    ) {
      await page.locator("#change-0").fill(`${MOVER} ${method}`);
      await untilAnswered(page, () => page.locator(".change-list button", { hasText: "Apply" }).click());
      assert.equal(await page.locator("#change-0").inputValue(), `${MOVER} ${method}`);
      assert.equal(await page.locator("#interventions").inputValue(), `${MOVER} ${method}`);
      const expected = await askApi(url, { ...PAIR, interventions: [intervention] });
      assert.equal((await runOf(page)).id, expected.id);
      assert.deepEqual(
        await titleNumbers(page.locator(".objective:not(.objective-difference) .objective-value")),
        expected.sides.map(({ objective }) => objective),
      );
    }
  });

  await step("U111 an intervention is switched off and on without being removed", async (page) => {
    await askDemo(page, url);
    const clean = await titleNumbers(page.locator(".objective-value"));
    await actOn(page, MOVER, "Ablate");
    const ablated = await titleNumbers(page.locator(".objective-value"));
    assert.equal(ablated[1], clean[0]);
    const toggle = page.getByRole("switch", { name: MOVER });
    assert.equal(await toggle.getAttribute("aria-checked"), "true");
    await untilAnswered(page, () => toggle.click());
    assert.deepEqual(await titleNumbers(page.locator(".objective-value")), clean);
    assert.equal(await toggle.getAttribute("aria-checked"), "false");
    assert.equal(await page.locator("#change-0").inputValue(), `${MOVER} = 0`);
    await page.reload();
    assert.equal(await page.locator("#interventions").inputValue(), `# ${MOVER} = 0`);
    await untilAnswered(page, () => toggle.click());
    assert.deepEqual(await titleNumbers(page.locator(".objective-value")), ablated);
  });

  await step("U112 one click undoes a change, in the answer and in the form", async (page) => {
    await askDemo(page, url);
    const [before, run] = [page.url(), await page.locator("#run").innerText()];
    await actOn(page, MOVER, "Ablate row");
    await untilAnswered(page, () => page.locator("#undo").click());
    assert.equal(new URL(page.url()).pathname, new URL(before).pathname);
    assert.equal(await page.locator("#interventions").inputValue(), "");
    assert.equal(await page.locator("#form-check .stale-mark").count(), 0);
    await rowOf(page, MOVER).locator(".expander").click();
    await page.locator(".detail-row").waitFor({ state: "detached" });
    assert.equal(await page.locator("#run").innerText(), run);
  });

  await step("U113 tables are saved as CSV with their header and every row", async (page) => {
    const run = await showRun(page, url, PAIR);
    const [tokens, nodes] = [await csvOf(page, "#card-logits"), await csvOf(page, "#nodes")];
    const metrics = ["activation", "writeNorm", "directEffect", "totalEffect"] as const;
    assert.deepEqual(nodes, [
      ["ref", ...metrics.flatMap((metric) => [`${metric}_left`, `${metric}_right`])],
      ...run.nodes.map((row) => [row.ref, ...metrics.flatMap((metric) => row[metric].map(String))]),
    ]);
    assert.deepEqual(tokens, [
      ["side", "id", "text", "logit", "logProb", "rank", "role"],
      ...run.sides.flatMap(({ label, logits }) =>
        logits.map(({ id, text, logit, logProb, rank, role }) =>
          [label, id, text, logit, logProb, rank, role ?? ""].map(String)
        )
      ),
    ]);
  });

  await step("U114 the same address with .json is the run", async (page) => {
    const run = await showRun(page, url);
    const link = page.locator(".provenance").getByRole("link", { name: "JSON" });
    assert.equal(await link.getAttribute("href"), `/runs/${run.id}.json`);
    const answer = await page.goto(`${url}runs/${run.id}.json`);
    assert.match(answer?.headers()["content-type"] ?? "", /^application\/json/);
    const { timing: _time, ...stored } = await answer?.json() as RunResult;
    const { timing: _asked, ...asked } = run;
    assert.deepEqual(stored, asked);
  });

  await step("U115 rows are worked through by keys alone", async (page) => {
    await showRun(page, url, { view: "size=10" });
    const focused = () => page.evaluate("document.activeElement.id || document.activeElement.value") as Promise<string>;
    const refs = await page.locator("#nodes .node-row").evaluateAll((rows) =>
      rows.map((row) => row.getAttribute("data-ref") ?? "")
    );
    const [first = "", second = ""] = refs;
    await page.keyboard.press("j");
    assert.equal(await focused(), `open-${first}`);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    assert.equal(await focused(), `open-${second}`);
    await page.keyboard.press("Enter");
    await page.locator(".node-row[data-open] + .detail-row").waitFor();
    assert.equal(await rowOf(page, second).getAttribute("data-open"), "true");
    assert.equal(await focused(), `open-${second}`);
    await page.keyboard.press("t");
    assert.equal(await focused(), `trace ${second} q`);
    await page.keyboard.press("k");
    await page.keyboard.press("p");
    await page.locator("[data-circuit]", { hasText: "Circuit of 1 pinned" }).waitFor();
    assert.equal(new URL(page.url()).searchParams.get("pin"), first);
    await page.keyboard.press("]");
    await page.waitForURL(/page=2/);
    await page.keyboard.press("[");
    await page.waitForURL((found) => !found.search.includes("page="));
    await page.keyboard.press("/");
    assert.equal(await focused(), "filter-q");
    // In a field, keys are text.
    await page.keyboard.type("j");
    assert.equal(await page.locator("#filter-q").inputValue(), "j");
    await page.keyboard.press("Backspace");
    await page.waitForURL((found) => !found.search.includes("q="));
    await page.locator(`[id="open-${second}"]`).focus();
    await untilAnswered(page, () => page.keyboard.press("a"));
    assert.equal(await page.locator("#interventions").inputValue(), `${second} = 0`);
    await page.keyboard.press("g");
    await page.waitForURL(/\/circuit\?/);
    await page.keyboard.press("?");
    await page.waitForURL(/\/help$/);
    await page.getByRole("button", { name: "Switch single keys off" }).click();
    await page.getByRole("button", { name: "Switch single keys on" }).waitFor();
    await page.goBack();
    await page.goto(`${url}runs/${(await askApi(url)).id}`);
    await page.keyboard.press("j");
    assert.equal(await page.evaluate("document.activeElement === document.body"), true);
  });

  await step("U132 every run tells its model, weights, version, device and time", async (page) => {
    const weights = await Deno.readFile(new URL("../../models/demo/model.safetensors", import.meta.url));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", weights)).toHex();
    const { default: config } = await import("../../deno.json", { with: { type: "json" } });
    for (const spec of [{}, PAIR, { interventions: [{ node: MOVER, set: 0 }] }, { trace: { node: "mlp/3/195@14" } }]) {
      const { id, timing } = await showRun(page, url, spec);
      const footer = page.locator(".provenance");
      assert.deepEqual(await footer.locator("dt").allInnerTexts(), [
        "Model",
        "Weights",
        "Version",
        "Device",
        "Time",
        "Run",
      ]);
      const told = await footer.locator("dd").allInnerTexts();
      assert.deepEqual([told[0], told[2], told[3]], ["demo", config.version, timing.device]);
      assert.equal(await footer.locator("dd code").first().getAttribute("title"), `sha256:${digest}`);
      assert.equal(told[5], `${id} · JSON`);
      assert.match(told[4] ?? "", /^[\d.]+ m?s computing, [\d.]+ m?s compiling, [\d.]+ m?s waiting$/);
    }
  });

  await step("U133 a card that fails leaves the others working", async (page) => {
    await using app = serveApp(new LenslessEngine());
    await askDemo(page, app.url);
    await page.locator("#fold-lens").click();
    await page.locator("#card-lens [role=alert]", { hasText: "The logit lens cannot be shown: The lens is broken" })
      .waitFor();
    assert.equal(await page.locator("#notice").innerText(), "");
    assert.equal(await page.locator("#nodes .node-row").count(), 3);
    await (await openRow(page, "mlp/1/7@0")).locator("h3", { hasText: "Promotes" }).waitFor();
    await page.locator("#sort-writeNorm-0").click();
    await page.locator("#nodes th[aria-sort=descending] #sort-writeNorm-0").waitFor();
    await page.locator("#fold-effects").click();
    await page.locator("#card-effects .token-heat").first().waitFor();
    assert.equal(await page.locator("[role=alert]").count(), 1);
    await page.locator("#k").fill("4");
    await pressRun(page);
    // Its own page, too, is whole but for that card.
    await page.reload();
    await page.locator("#card-lens [role=alert]").waitFor();
    assert.equal(await page.locator("#nodes .node-row").count(), 3);
  });

  await step("U134 a copied snippet asks the same question", async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const run = await showRun(page, url, {
      prompts: [{ text: "It's “quoted”:\n\tMary said that", targets: [" she"], distractors: [" he"] }],
      view: "cards=code",
    });
    const copied = async (name: string) => {
      await page.locator("#card-code").getByRole("button", { name }).click();
      await page.locator("#card-code button", { hasText: "Copied" }).first().waitFor();
      return String(await page.evaluate("navigator.clipboard.readText()"));
    };
    const script = await copied("JavaScript");
    const { stdout, success } = await new Deno.Command(Deno.execPath(), { args: ["eval", script] }).output();
    assert.ok(success);
    const printed = new TextDecoder().decode(stdout);
    assert.ok(printed.startsWith(String(run.sides[0]?.objective)), printed);
    for (const { ref } of run.nodes.slice(0, 5)) assert.ok(printed.includes(`"${ref}"`), printed);
    for (const [title, id] of [["Shell", "code-curl"], ["Python", "code-python"]] as const) {
      assert.equal(await copied(title), await page.locator(`#${id}`).textContent());
    }
  });
});

/** An engine whose lens fails, and nothing else. */
class LenslessEngine extends FakeEngine {
  override lens(): Promise<LensResult> {
    return Promise.reject(new EngineUnavailableError("The lens is broken"));
  }
}

/** Saves the CSV that a card links, and reads it. */
async function csvOf(page: Page, card: string): Promise<string[][]> {
  const saving = page.waitForEvent("download");
  await page.locator(card).getByRole("link", { name: "CSV" }).click();
  const file = await saving;
  assert.match(file.suggestedFilename(), /^run-[0-9a-f]{32}-(nodes|logits)\.csv$/);
  const text = await Deno.readTextFile(await file.path());
  // Fields in quotation marks may hold commas, line ends and doubled quotation marks.
  const fields = [...text.matchAll(/("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n)/g)];
  const rows: string[][] = [[]];
  for (const [, field = "", end] of fields) {
    rows.at(-1)?.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
    if (end === "\r\n") rows.push([]);
  }
  return rows.slice(0, -1);
}

/** Rows U34–U48 of the feature table (`spec/reference-pages.md`, section 7) in a real browser: ablations and traces. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { RunResult } from "../../engine/mod.ts";
import { launchBrowser } from "../support/browser.ts";
import {
  actOn,
  assertNear,
  type ContextOptions,
  entryOf,
  MOVER,
  objectives,
  openRow,
  PAIR,
  rowOf,
  runOf,
  sentence,
  showRun,
  tensorsOf,
  titleNumber,
  titleNumbers,
  untilAnswered,
  valuesOf,
  withPage,
} from "../support/e2e.ts";
import { startServer } from "../support/test_server.ts";

/** A second name mover, of the layer before, and a neuron after both. */
const EARLIER = "head/2/6@14<3";
const NEURON = "mlp/3/195@14";

Deno.test("what the feature table says of changes and traces", async (t) => {
  await using server = await startServer();
  await using chromium = await launchBrowser();
  const { url } = server;
  const row = (name: string, use: (page: Page) => Promise<void>, options: ContextOptions = {}) =>
    t.step(name, () => withPage(chromium.browser, options, use));

  await row("U34 ablating from a row lists it and asks again", async (page) => {
    const clean = await showRun(page, url);
    await actOn(page, MOVER, "Ablate");
    assert.deepEqual(await changes(page), [`${MOVER} = 0`]);
    const run = await runOf(page);
    assert.deepEqual(run.spec.interventions.map(({ node: ref, set }) => [ref, set]), [[MOVER, 0]]);
    const [ablated = NaN, before = NaN] = await objectives(page);
    assert.equal(before, objective(clean));
    assert.deepEqual([ablated, before], run.sides.map((side) => side.objective));
    assert.ok(ablated < before - 1, `${ablated} against ${before}`);
    // Undone, it is out of the form too: what is asked next is asked without it.
    await untilAnswered(page, () => page.locator("#undo").click());
    await actOn(page, EARLIER, "Ablate");
    assert.deepEqual(await changes(page), [`${EARLIER} = 0`]);
  });

  await row("U35 two ablations hold together; the same one twice is not", async (page) => {
    const one = await showRun(page, url, { interventions: [{ node: MOVER, set: 0 }], view: "q=@14<3" });
    await actOn(page, EARLIER, "Ablate");
    assert.deepEqual(await changes(page), [`${EARLIER} = 0`, `${MOVER} = 0`]);
    const both = await runOf(page);
    assert.ok(objective(both) < objective(one) - 1, "the second counts too");
    assert.deepEqual(await activations(page, [MOVER, EARLIER]), [0, 0]);
    // A row offers no second ablation of its node, and one that is typed is refused.
    const details = await openRow(page, MOVER);
    assert.equal(await details.getByRole("button", { name: /^Ablate/ }).count(), 0);
    await page.locator("#interventions").fill(`${MOVER} = 0\n${MOVER} = 0`);
    await page.locator(".run-button").click();
    await page.locator("#interventions-message", { hasText: "expected each node once" }).waitFor();
    assert.equal((await runOf(page)).id, both.id);
  });

  await row("U36 the list names what is changed: a pair is a pair, and a row the whole row", async (page) => {
    await showRun(page, url, { view: "q=head/3/3@14" });
    const other = "head/3/3@14<2";
    await actOn(page, MOVER, "Ablate");
    assert.deepEqual(await changes(page), [`${MOVER} = 0`]);
    const [pair = NaN, rest = NaN] = await activations(page, [MOVER, other]);
    assert.ok(pair === 0 && rest > 0.01, "only the pair is 0");
    await page.goBack();
    await page.locator("#changes-card").waitFor({ state: "detached" });
    await untilAnswered(page, async () => {
      await page.locator(".detail-row").getByRole("button", { name: "Ablate row", exact: true }).click();
    });
    assert.deepEqual(await changes(page), ["head/3/3@14<* = 0"]);
    assert.deepEqual(await activations(page, [MOVER, other]), [0, 0]);
  });

  await row("U37 removing one ablation leaves the other, and its numbers", async (page) => {
    const only = await showRun(page, url, { interventions: [{ node: EARLIER, set: 0 }] });
    const interventions = [{ node: MOVER, set: 0 }, { node: EARLIER, set: 0 }];
    await showRun(page, url, { interventions });
    await untilAnswered(page, () => page.getByRole("button", { name: new RegExp(`^Remove ?: ${MOVER} = 0$`) }).click());
    assert.deepEqual(await changes(page), [`${EARLIER} = 0`]);
    assert.equal((await runOf(page)).id, only.id);
    assert.deepEqual((await objectives(page)).slice(0, 2), only.sides.map((side) => side.objective));
    await untilAnswered(
      page,
      () => page.getByRole("button", { name: new RegExp(`^Remove ?: ${EARLIER} = 0$`) }).click(),
    );
    assert.deepEqual(await changes(page), []);
    assert.equal(await page.locator(".objective-value").count(), 1);
  });

  await row("U38 an ablation stands beside the prompt without it, with the difference", async (page) => {
    await showRun(page, url, { interventions: [{ node: MOVER, set: 0 }] });
    assert.deepEqual(await page.locator(".objective-side").allInnerTexts(), ["ablated", "clean", "ablated − clean"]);
    const [ablated = NaN, clean = NaN, difference = NaN] = await objectives(page);
    assert.equal(difference, ablated - clean);
    const heads = await page.locator("#nodes thead tr").nth(1).locator("th a").allInnerTexts();
    assert.deepEqual(heads.slice(-3).map((head) => head.replace(/ [▼▲◆]$/, "")), ["ablated", "diff", "clean"]);
    for (const shown of await page.locator("#nodes .node-row").all()) {
      const values = await titleNumbers(shown.locator("td.number"));
      for (const [left = NaN, diff = NaN, right = NaN] of [values.slice(0, 3), values.slice(6, 9), values.slice(9)]) {
        assert.equal(diff, left - right);
      }
    }
  });

  await row("U39 an ablation holds on both prompts, and the page says so", async (page) => {
    const run = await showRun(page, url, { prompts: PAIR, interventions: [{ node: MOVER, set: 0 }] });
    assert.match(await page.locator("#changes-card").innerText(), /They hold on both prompts/);
    assert.deepEqual(run.sides.map(({ label }) => label), ["left", "right", "left-clean", "right-clean"]);
    const [left = NaN, right = NaN, leftClean = NaN, rightClean = NaN] = await objectives(page);
    assert.ok(left !== leftClean && right !== rightClean, "neither is as it was");
    const place = run.nodes.findIndex(({ ref }) => ref === MOVER);
    const [a, b, cleanA = 0, cleanB = 0] = run.nodes[place]?.activation ?? [];
    assert.ok(a === 0 && b === 0 && cleanA !== 0 && cleanB !== 0);
  });

  await row("U40 the trace of a neuron names it and its token; the objective is its pre-activation", async (page) => {
    const clean = await showRun(page, url, { view: "q=mlp/3/195" });
    await actOn(page, NEURON, "Trace");
    assert.match(await sentence(page), /What drives mlp\/3\/195 at token 14 “␣to”: its pre-activation/);
    const tensors = await tensorsOf(url, clean, ["blocks.3.mlp.hook_pre"]);
    assertNear((await objectives(page))[0] ?? NaN, entryOf(tensors, "blocks.3.mlp.hook_pre", [14, 195]));
  });

  const paths = new Map<string, RunResult>();
  for (
    const [number, path, words] of [["U41", "q", "query"], ["U42", "k", "key"], ["U43", "qk", "query and key"]] as const
  ) {
    await row(`${number} the trace of a head through its ${words} says so and explains its score`, async (page) => {
      const clean = await showRun(page, url);
      await actOn(page, MOVER, `Trace ${path}`);
      const said = await sentence(page);
      assert.ok(said.includes(`Why head/3/3 looks from token 14 “␣to” to token 3 “␣and”`), said);
      assert.ok(said.includes(`attention score, through its ${words}.`), said);
      const tensors = await tensorsOf(url, clean, ["blocks.3.attn.hook_attn_scores"]);
      const score = entryOf(tensors, "blocks.3.attn.hook_attn_scores", [14, 3, 3]);
      assertNear((await objectives(page))[0] ?? NaN, score);
      const run = await runOf(page);
      assert.deepEqual([run.spec.trace?.node, run.spec.trace?.path], [MOVER, path]);
      paths.set(path, run);
      // The query is made at token 14, the key at token 3; both together are their sum.
      const effect = (of: string, token: number) => paths.get(of)?.sums.directEffect.mlp[0]?.[token] ?? NaN;
      if (path === "q") assert.ok(effect("q", 14) !== 0 && effect("q", 3) === 0);
      if (path === "k") assert.ok(effect("k", 3) !== 0 && effect("k", 14) === 0);
      if (path === "qk") assertNear(effect("qk", 14) + effect("qk", 3), effect("q", 14) + effect("k", 3));
    });
  }

  await row("U44 the trace of a head through its value explains what it adds to the objective", async (page) => {
    const clean = await showRun(page, url);
    await actOn(page, EARLIER, "Trace v");
    assert.match(await sentence(page), /the value of head\/2\/6, read at token 3 “␣and”, adds to the objective/);
    const direct = clean.nodes.find(({ ref }) => ref === EARLIER)?.directEffect[0] ?? NaN;
    assertNear((await objectives(page))[0] ?? NaN, direct);
    paths.set("v", await runOf(page));
  });

  await row("U45 while a neuron is traced, a head's value is traced towards it", async (page) => {
    await showRun(page, url, { trace: { node: NEURON }, view: "q=head/2/6" });
    await actOn(page, EARLIER, `Trace v towards ${NEURON}`);
    assert.match(await sentence(page), new RegExp(`the value of head/2/6, read at token 3 “␣and”, adds to ${NEURON}`));
    const { spec, sides: [side], sums } = await runOf(page);
    assert.deepEqual([spec.trace?.node, spec.trace?.path, spec.trace?.towards], [EARLIER, "v", NEURON]);
    const towards = paths.get("v");
    assert.notEqual(side?.objective, objective(towards));
    assert.notDeepEqual(sums.directEffect, towards?.sums.directEffect);
  });

  await row("U46 Back to the objective ends a trace", async (page) => {
    const clean = await showRun(page, url);
    await actOn(page, MOVER, "Trace q");
    assert.equal(await page.locator("#summary-title").innerText(), "Traced node");
    assert.match(await page.locator(".change-list").innerText(), /traced:\s+head\/3\/3@14<3 q/);
    await untilAnswered(page, () => page.getByRole("button", { name: "Back to the objective" }).click());
    assert.equal((await runOf(page)).id, clean.id);
    assert.equal(await page.locator("#summary-title").innerText(), "Objective");
    assert.equal(await page.locator("#trace").inputValue(), "");
  });

  await row("U47 a trace and an ablation hold together; the side without ablation keeps the trace", async (page) => {
    const traced = await showRun(page, url, { trace: { node: MOVER, path: "q" }, view: "q=head/2/0@14" });
    await actOn(page, "head/2/0@14<6", "Ablate");
    const run = await runOf(page);
    assert.deepEqual([run.spec.trace?.path, run.spec.interventions.length], ["q", 1]);
    const [ablated = NaN, clean = NaN] = await objectives(page);
    assert.equal(clean, objective(traced));
    assert.ok(ablated < clean - 0.1, `${ablated} against ${clean}`);
    assert.equal(await page.locator(".objective p", { hasText: "through its query" }).count(), 2);
    assert.deepEqual(await changes(page), ["head/2/0@14<6 = 0"]);
  });

  await row("U48 traces follow one another in any order", async (page) => {
    await showRun(page, url, { view: "q=/&size=100" });
    const presses = [
      "Trace v",
      "Trace",
      "Trace v towards",
      "Trace q",
      "Trace v towards",
      "Trace k",
      "Trace",
      "Trace qk",
    ];
    for (const press of presses) {
      // What is traced is late, so that an early head can write towards it.
      const start = press === "Trace" ? "mlp/" : press.includes("towards") ? "head/0/" : "head/3/";
      const found = page.locator(`#nodes .node-row[data-ref^="${start}"]`).first();
      const ref = await found.getAttribute("data-ref") ?? "";
      const details = await found.getAttribute("data-open") === "true"
        ? page.locator(`#nodes .node-row[data-ref="${ref}"] + .detail-row`)
        : await openRow(page, ref);
      const name = press.includes("towards") ? new RegExp(`^${press}`) : new RegExp(`^${press}$`);
      await untilAnswered(page, () => details.getByRole("button", { name }).click());
      const { spec: { trace }, checks } = await runOf(page);
      assert.equal(trace?.node, ref);
      assert.equal(trace?.towards !== null, press.includes("towards"));
      assert.ok(checks.every(({ ok }) => ok));
      assert.ok((await sentence(page)).length > 40 && await page.locator("#nodes .node-row").count() > 1, press);
    }
  });
});

function objective(run: RunResult | undefined): number {
  return run?.sides[0]?.objective ?? NaN;
}

/** The interventions that the answer lists. */
function changes(page: Page): Promise<string[]> {
  return valuesOf(page.locator(".change-text"));
}

/** Activations of nodes on the first side, as the table shows them. */
function activations(page: Page, refs: readonly string[]): Promise<number[]> {
  return Promise.all(refs.map((ref) => titleNumber(rowOf(page, ref).locator("td.number").first())));
}

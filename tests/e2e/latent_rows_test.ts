/**
 * Rows U30, U31, U65 and U124 of the feature table (`spec/reference-pages.md`, section 7) in a real browser, and the way through an answer in
 * latents, with script and without. The dictionaries are random: what is shown is compared with the run's numbers, not with a meaning.
 */
import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import type { NodeRow, RunResult } from "../../engine/mod.ts";
import { launchBrowser } from "../support/browser.ts";
import { RESIDUAL_DICTIONARY, SECOND_DICTIONARY, writeDemoDictionaries } from "../support/demo_dictionaries.ts";
import {
  actOn,
  askApi,
  askDemo,
  assertNear,
  type ContextOptions,
  entryOf,
  objectives,
  openRow,
  pressRun,
  PROMPT,
  rowOf,
  runOf,
  sentence,
  showRun,
  titleNumber,
  titleNumbers,
  untilAnswered,
  valuesOf,
  withPage,
} from "../support/e2e.ts";
import { readSafetensors } from "../support/safetensors_fixture.ts";
import { startServer } from "../support/test_server.ts";

const IN_LATENTS = { mlp: "latent", attention: "latent" } as const;

Deno.test("what the feature table says of latents", async (t) => {
  await using dictionaries = await writeDemoDictionaries();
  await using server = await startServer(["--dictionaries", dictionaries.folder]);
  await using chromium = await launchBrowser();
  const { url } = server;
  const row = (name: string, use: (page: Page) => Promise<void>, options: ContextOptions = {}) =>
    t.step(name, () => withPage(chromium.browser, options, use));

  await row("U30 the MLPs turn from neurons to latents at once, and back", async (page) => {
    await askDemo(page, url);
    const plain = await runOf(page);
    // What is typed and where one is stay.
    await page.locator("#filter-q").fill("3/");
    await page.waitForURL(/q=3/);
    await turnTo(page, "mlp", "latent");
    const run = await runOf(page);
    assert.deepEqual(kindsOf(run, "mlp"), ["mlp-error", "mlp-latent"], "no neuron is left");
    assert.deepEqual(kindsOf(run, "head"), kindsOf(plain, "head"), "heads are as they were");
    assert.equal(new URL(page.url()).searchParams.get("q"), "3/");
    assert.deepEqual(await valuesOf(page.locator("input[name='basis.mlp']")), ["latent"]);
    // The splice changes nothing but what is shown.
    assertNear(run.sides[0]?.objective ?? NaN, plain.sides[0]?.objective ?? NaN);
    for (const shown of run.nodes.filter(({ ref }) => ref.startsWith("head/")).slice(0, 20)) {
      const before = plain.nodes.find(({ ref }) => ref === shown.ref);
      assertNear(shown.directEffect[0] ?? NaN, before?.directEffect[0] ?? NaN, shown.ref);
    }
    await page.locator("#filter-clear").click();
    await rowOf(page, strongest(run, "mlp-latent").ref).waitFor();
    await turnTo(page, "mlp", "neuron");
    assert.equal((await runOf(page)).id, plain.id, "the answer from before is found again");
  });

  await row("U31 the attention turns from heads to latents, and both together", async (page) => {
    await askDemo(page, url);
    await turnTo(page, "attention", "latent");
    const run = await runOf(page);
    assert.deepEqual(kindsOf(run, "attn"), ["attn-error", "attn-latent"]);
    assert.deepEqual(kindsOf(run, "head"), []);
    assert.deepEqual(kindsOf(run, "mlp"), ["mlp"]);
    await turnTo(page, "mlp", "latent");
    assert.deepEqual((await runOf(page)).spec.basis, IN_LATENTS);
    // The address alone brings it back, form and all.
    await page.goto(page.url());
    assert.equal(await page.locator("[id='basis.mlp-latent']").getAttribute("aria-pressed"), "true");
    assert.equal(await page.locator("[id='basis.attention-latent']").getAttribute("aria-pressed"), "true");
    await page.goBack();
    await page.locator("[id='basis.mlp-neuron'][aria-pressed=true]").waitFor();
  });

  await row("dictionaries are chosen in the form, and what cannot be had is said there", async (page) => {
    await askDemo(page, url);
    await page.locator(".dictionary-choice summary").click();
    await page.locator(`input[value='${RESIDUAL_DICTIONARY}']`).check();
    await page.locator("#form-check .stale-mark").waitFor();
    await pressRun(page);
    assert.deepEqual(kindsOf(await runOf(page), "resid"), ["resid-error", "resid-latent"]);
    await page.locator(`input[value='${SECOND_DICTIONARY}']`).check();
    await turnTo(page, "mlp", "latent");
    const second = await runOf(page);
    assert.deepEqual(second.spec.dictionaries.toSorted(), [RESIDUAL_DICTIONARY, SECOND_DICTIONARY].toSorted());
    // Layers without a dictionary keep their neurons.
    assert.deepEqual(kindsOf(second, "mlp"), ["mlp", "mlp-error", "mlp-latent"]);
    assert.ok(second.nodes.every(({ ref }) => !ref.startsWith("mlp/2/")));
    const other = page.locator(".dictionary-choice fieldset").first().locator("label", { hasText: /layer 2/ });
    await other.first().locator("input").check();
    await page.locator(".run-button").click();
    await page.locator("#dictionaries-message", { hasText: "expected one dictionary of a kind and layer" }).waitFor();
    assert.equal((await runOf(page)).id, second.id, "the answer from before stays");
  });

  await row("the model on reconstructions alone is another one, and says so", async (page) => {
    await showRun(page, url, { basis: { ...IN_LATENTS, attention: "head" } });
    await page.locator(".dictionary-choice summary").click();
    await page.locator("input[name=dropErrors]").check();
    const [before = NaN] = await objectives(page);
    await pressRun(page);
    const run = await runOf(page);
    assert.equal(run.spec.dropErrors, true);
    assert.ok(Math.abs((run.sides[0]?.objective ?? NaN) - before) > 1e-3);
    assert.deepEqual(kindsOf(run, "mlp"), ["mlp-latent"], "there are no errors");
    await page.locator(".sums-sentence", { hasText: "is not in this model" }).waitFor();
    await page.reload();
    await page.locator(".dictionary-choice summary", { hasText: "reconstructions alone" }).waitFor();
  });

  await row("U65 an attention latent names the token that it comes from", async (page) => {
    const run = await showRun(page, url, { basis: IN_LATENTS, view: "kind=attn-latent&size=10" });
    const { ref } = strongest(run, "attn-latent");
    const found = await attributed(url, ref);
    const top = found.values.indexOf(Math.max(...found.values));
    const cell = rowOf(page, ref).locator(".top-source");
    assert.ok((await cell.innerText()).includes(`${tokenText(run, top)}${top}`), await cell.innerText());
    const details = await openRow(page, ref);
    const [value = NaN] = await titleNumbers(details.locator(".detail-sources code"));
    assertNear(value, found.values[top] ?? NaN);
    assert.ok(found.activation > 0 && (found.values[top] ?? 0) > 0);
    const mlp = strongest(run, "mlp-latent").ref;
    await page.goto(page.url().replace("kind=attn-latent", "kind=mlp-latent"));
    assert.equal(await rowOf(page, mlp).locator(".top-source").count(), 0);
  });

  await row("U124 the card of sparsity has active latents and what is left out; errors are rows", async (page) => {
    const run = await showRun(page, url, { basis: IN_LATENTS, view: "size=100" });
    const name = "blocks.3.hook_mlp_out";
    const tensors = await tensorsInLatents(url, [name, `${name}.hook_sae_acts_post`, `${name}.hook_sae_error`]);
    const { dictionary = "" } = run.dictionaries?.findLast(({ kind }) => kind === "mlp-latent") ?? {};
    const cells = page.locator(`#card-sparsity tr[data-dictionary='${dictionary}'] td`);
    const tokenCount = run.sides[0]?.tokens.length ?? 0;
    assert.equal(await cells.count(), 1 + tokenCount, "a mean, and every token");
    for (const token of [0, 5, tokenCount - 1]) {
      const vector = (tensor: string) => tensorRow(tensors, tensor, token);
      const active = vector(`${name}.hook_sae_acts_post`).filter((z) => z !== 0).length;
      const share = (Math.hypot(...vector(`${name}.hook_sae_error`)) / Math.hypot(...vector(name))) ** 2;
      const cell = cells.nth(1 + token);
      assert.equal(await cell.locator(".sparsity-active").innerText(), String(active));
      assertNear(await titleNumber(cell), share, `left out at ${token}`);
    }
    const error = strongest(run, "mlp-error");
    assertNear(
      error.directEffect[0] ?? NaN,
      entryOf(await tensorsInLatents(url, ["scalar:direct_effect:mlp-error:3"]), "scalar:direct_effect:mlp-error:3", [
        tokenCount - 1,
      ]),
    );
    await page.locator("#filter-kind-error").check();
    await rowOf(page, error.ref).waitFor();
    const details = await openRow(page, error.ref);
    assert.deepEqual(await details.locator(".node-actions > *").allInnerTexts(), ["Pin to the circuit", "Details"]);
    await rowOf(page, error.ref).locator(".expander").focus();
    await page.keyboard.press("a");
    await page.waitForTimeout(200);
    assert.equal((await runOf(page)).id, run.id, "a key cannot change it either");
  });

  await row("sums say what the dictionaries leave out of the objective", async (page) => {
    const run = await showRun(page, url, { basis: IN_LATENTS });
    const errors = run.nodes.filter(({ ref }) => ref.startsWith("mlp-error/"))
      .reduce((sum, { directEffect: [effect] }) => sum + (effect ?? NaN), 0);
    const numbers = await titleNumbers(page.locator(".sums-sentence[data-kind=mlp-latent] [title]"));
    assertNear(numbers[0] ?? NaN, errors, "left out");
    assertNear(numbers[1] ?? NaN, run.sides[0]?.objective ?? NaN, "objective");
    // Latents, errors and biases of all parts, with embeddings and the biases that no part has, are the objective.
    const parts = run.dictionaries?.flatMap(({ directEffect: { latents, error, rest } }) => [latents, error, rest]) ??
      [];
    const written = parts.reduce((sum, [value]) => sum + (value ?? NaN), 0);
    const embed = run.sums.directEffect.embed[0]?.reduce((sum, value) => sum + value, 0) ?? NaN;
    const [finalBias, [, objective = NaN]] = [await normBias(url), numbers];
    assert.ok(
      Math.abs(written + embed + finalBias - objective) < 2e-3,
      `${written} + ${embed} + ${finalBias} against ${objective}`,
    );
  });

  for (const javaScriptEnabled of [true, false]) {
    const name = javaScriptEnabled ? "with script" : "without script";
    await row(`in latents: ablate, trace, pin, circuit, CSV, ${name}`, async (page) => {
      const clean = await showRun(page, url, { basis: IN_LATENTS, view: "size=50" });
      const latent = strongest(clean, "mlp-latent");
      const act = async (ref: string, button: string) => {
        if (javaScriptEnabled) return await actOn(page, ref, button);
        await rowOf(page, ref).locator(".expander").click();
        const details = page.locator(`.node-row[data-ref="${ref}"] + .detail-row`);
        await details.getByRole("button", { name: button, exact: true }).click();
        await page.waitForLoadState();
      };
      await act(latent.ref, "Ablate");
      const ablated = await runOf(page);
      assert.deepEqual(ablated.spec.interventions.map(({ node: ref, set }) => [ref, set]), [[latent.ref, 0]]);
      assert.deepEqual(ablated.spec.basis, IN_LATENTS);
      const [without = NaN, before = NaN] = await objectives(page);
      assertNear(before, clean.sides[0]?.objective ?? NaN);
      assert.ok(before - without > 0.05, `${before} against ${without}`);
      const changed = ablated.nodes.find(({ ref }) => ref === latent.ref);
      assert.equal(changed?.activation[0], 0);
      assertNear(changed?.activation[1] ?? NaN, latent.activation[0] ?? NaN);
      assert.equal(await page.locator("#undo").count(), 1);
      await page.locator("#undo").click();
      await page.locator("#changes-card").waitFor({ state: "detached" });

      const attention = strongest(clean, "attn-latent").ref;
      if (javaScriptEnabled) await page.locator(`.node-row[data-ref="${attention}"]`).waitFor();
      await act(attention, "Trace");
      assert.match(await sentence(page), /What drives attn-latent\/\d+\/\d+ at token \d+ .*: its pre-activation/);
      const traced = await runOf(page);
      assert.equal(traced.spec.trace?.node, attention);
      assert.ok(traced.checks.every(({ ok }) => ok));

      await page.goto(`${url}runs/${clean.id}?size=50`);
      for (const ref of [latent.ref, strongest(clean, "mlp-error").ref]) {
        await rowOf(page, ref).locator(".expander").click();
        await page.locator(`.node-row[data-ref="${ref}"] + .detail-row [data-pin]`).click();
        await page.locator(`.node-row[data-ref="${ref}"] .pin-mark`).waitFor();
      }
      await page.locator("[data-circuit]").click();
      await page.locator(".circuit-graph .node-box[data-kind=error]").first().waitFor();
      await page.locator(".circuit-graph .node-box[data-kind=mlp-latent]").first().waitFor();
      await page.locator(`.circuit-text`, { hasText: latent.ref }).waitFor();

      await page.goto(`${url}runs/${clean.id}`);
      const csv = await (await fetch(new URL(await href(page, "CSV"), url))).text();
      assert.ok(csv.includes(`\r\n${latent.ref},${latent.activation[0]},`), "the latent's line");
      await page.locator(`.node-row[data-ref="${latent.ref}"] .node-ref a`).click();
      await page.getByRole("heading", { name: latent.ref.split("@")[0] ?? "" }).waitFor();
      await page.getByRole("link", { name: latent.ref, exact: true }).click();
      await page.getByRole("heading", { name: "What it gets from before" }).waitFor();
    }, { javaScriptEnabled });
  }

  for (const colorScheme of ["light", "dark"] as const) {
    await row(`axe finds nothing in latents, ${colorScheme}, and nothing is too wide`, async (page) => {
      const run = await askApi(url, { basis: IN_LATENTS, interventions: [{ node: "mlp-latent/3/1@14", set: 1 }] });
      const attention = strongest(run, "attn-latent").ref;
      for (
        const path of [
          `runs/${run.id}?cards=effects&open=${attention}&open=mlp-error/3@14&size=25`,
          `runs/${run.id}/node?ref=${attention}`,
          `runs/${run.id}/circuit?pin=${attention}&pin=mlp-error/3@14`,
          "models/demo/dictionaries",
          `models/demo/components/${attention.split("@")[0]}?run=${run.id}`,
        ]
      ) {
        await page.goto(`${url}${path}`);
        await page.locator("details").evaluateAll((all) => all.forEach((each) => each.setAttribute("open", "")));
        const { violations } = await new AxeBuilder({ page }).analyze();
        assert.deepEqual(violations.map(({ id, nodes }) => `${path} ${id} ${nodes[0]?.html}`), []);
        await page.setViewportSize({ width: 768, height: 900 });
        const overflow = await page.locator("html").evaluate((html) => html.scrollWidth - html.clientWidth);
        assert.ok(overflow <= 0, `${path} is ${overflow} pixels too wide`);
        await page.setViewportSize({ width: 1280, height: 900 });
      }
    }, { colorScheme, viewport: { width: 1280, height: 900 } });
  }
});

/** Presses a switch of the basis and waits for the answer and its form. */
async function turnTo(page: Page, part: "mlp" | "attention", word: string): Promise<void> {
  await untilAnswered(page, () => page.locator(`[id='basis.${part}-${word}']`).click());
  await page.locator(`[id='basis.${part}-${word}'][aria-pressed=true]`).waitFor();
}

/** First words of the refs that begin so. */
function kindsOf({ nodes }: RunResult, start: string): readonly string[] {
  const words = nodes.map(({ ref }) => ref.split("/")[0] ?? "").filter((word) => word.startsWith(start));
  return [...new Set(words)].toSorted();
}

/** The node of a kind with the largest direct effect. */
function strongest({ nodes }: RunResult, kind: string): NodeRow {
  const own = nodes.filter(({ ref }) => ref.startsWith(`${kind}/`));
  const [first] = own.toSorted((a, b) => (b.directEffect[0] ?? 0) - (a.directEffect[0] ?? 0));
  assert.ok(first, kind);
  return first;
}

function tokenText({ sides: [side] }: RunResult, token: number): string {
  return (side?.tokens[token]?.text ?? "").replace(" ", "␣");
}

const QUESTION = { prompts: [{ text: PROMPT, targets: [" Mary"], distractors: [" John"] }], basis: IN_LATENTS };

async function post(url: string, address: string, more: object): Promise<Response> {
  const answer = await fetch(new URL(`/api/v1/${address}`, url), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...QUESTION, ...more }),
  });
  assert.ok(answer.ok, await (answer.ok ? "" : answer.text()));
  return answer;
}

async function attributed(url: string, ref: string) {
  const { latents: [latent] } = await (await post(url, "attributed-tokens", { nodes: [ref] })).json();
  return latent as { readonly activation: number; readonly values: readonly number[] };
}

async function tensorsInLatents(url: string, names: readonly string[]) {
  return readSafetensors(await (await post(url, "tensors", { tensors: names })).bytes()).tensors;
}

function tensorRow(tensors: Awaited<ReturnType<typeof tensorsInLatents>>, name: string, row: number): number[] {
  const { shape = [], data = [] } = tensors.get(name) ?? {};
  const width = shape.at(-1) ?? 0;
  return Array.from({ length: width }, (_, i) => data[row * width + i] ?? NaN);
}

/** What the final norm's bias adds to the difference of the two logits. */
async function normBias(url: string): Promise<number> {
  const weights = new URL("../../models/demo/model.safetensors", import.meta.url);
  const { tensors } = readSafetensors(await Deno.readFile(weights));
  const [bias, embeddings] = ["ln_f.bias", "wte.weight"].map((name) =>
    tensors.get(name) ?? tensors.get(`transformer.${name}`)
  );
  const run = await (await post(url, "runs", {})).json() as RunResult;
  const width = bias?.shape[0] ?? 0;
  const along = (id: number) =>
    Array.from({ length: width }, (_, i) => (bias?.data[i] ?? NaN) * (embeddings?.data[id * width + i] ?? NaN))
      .reduce((sum, value) => sum + value, 0);
  const [target, distractor] = (["target", "distractor"] as const).map((role) =>
    run.sides[0]?.logits.find((token) => token.role === role)?.id ?? NaN
  );
  return along(target ?? NaN) - along(distractor ?? NaN);
}

async function href(page: Page, text: string): Promise<string> {
  return await page.locator("#nodes").getByRole("link", { name: text, exact: true }).getAttribute("href") ?? "";
}

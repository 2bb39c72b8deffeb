/** Explainers side by side, on the page and in the API: numbers, what has none, links, hostile names. */
import assert from "node:assert/strict";
import { compareExplainers, type RatedExplanation } from "../../engine/explain/compare_explainers.ts";
import { HOSTILE_EXPLANATION } from "../support/fake_explanations.ts";
import { FAKE_MODEL } from "../support/fake_run.ts";
import { parsePage, type TestApp, testApp } from "../support/test_app.ts";

const SCORE = { scorer: "statistical", assistant: null, version: "v1", textSet: "corpus", state: "done" } as const;

/** A table's cells, row by row. */
function cellsOf(table: Element | null | undefined): string[][] {
  return [...table?.querySelectorAll("tbody tr") ?? []].map((row) =>
    [...row.querySelectorAll("th, td")].map(({ textContent }) => textContent.replace(/\s+/g, " ").trim())
  );
}

async function explainers(app: TestApp, path = "/explanations"): Promise<Element | null> {
  const answer = await app.send(path);
  assert.equal(answer.status, 200);
  return parsePage(await answer.text()).querySelector("#explainers");
}

function telling(app: TestApp, explanations: readonly RatedExplanation[]): void {
  app.engine.explanations.compare = () =>
    Promise.resolve({ model: FAKE_MODEL.id, kinds: compareExplainers(explanations) });
}

function said(id: number, assistant: string | null, value: number): RatedExplanation {
  return {
    id,
    component: "mlp/0/1",
    dictionary: null,
    explainer: assistant === null ? "hand" : "assistant",
    provenance: { assistant },
    scores: [{ ...SCORE, headline: { value }, control: { headline: { value: 0.5 } } }],
  };
}

Deno.test("each explainer stands with each scorer, by kind: numbers, shares of controls, failures, and — where there is no number", async () => {
  const card = await explainers(testApp());
  assert.deepEqual([...card?.querySelectorAll("h3") ?? []].map(({ textContent }) => textContent), ["Neurons", "Heads"]);
  const neurons = card?.querySelector("[data-kind=neuron]");
  assert.match(neurons?.textContent ?? "", /correlations of predicted and real values/);
  assert.match(card?.querySelector("[data-kind=head]")?.textContent ?? "", /areas under the ROC curve/);
  assert.deepEqual(cellsOf(neurons?.querySelector("table")), [
    ["by test-model", "test-model", "0.00", "0.00", "0.0% (0 of 1)", "1", "1", "0", "0"],
    ["by rules from its records", "its rules", "0.50", "0.50", "100.0% (1 of 1)", "1", "1", "0", "0"],
    ["by test-model", "its rules", "—", "—", "—", "1", "0", "1", "0"],
    ["written by hand", "not scored", "—", "—", "—", "1", "0", "0", "0"],
  ]);
  assert.match(neurons?.textContent ?? "", /No two explainers have a number for the same component/);
  const link = neurons?.querySelector("p a");
  assert.match(link?.getAttribute("href") ?? "", /^\/models\/demo\/catalogue\?kind=mlp/);
});

Deno.test("pairs tell who is better on the same components; names of models are only text", async () => {
  const app = testApp();
  telling(app, [said(1, HOSTILE_EXPLANATION, 0.75), said(2, null, 0.25)]);
  const card = await explainers(app);
  assert.equal(card?.querySelectorAll("img, script").length, 0);
  const [, pairs] = card?.querySelectorAll("table") ?? [];
  const hostile = `by ${HOSTILE_EXPLANATION}`;
  assert.deepEqual(cellsOf(pairs), [
    [hostile, "1", "written by hand", "0", "0", "1", "0.50", "its rules, over “corpus”"],
  ]);
  assert.ok(!(await (await app.send("/explanations")).text()).includes("<img src=x"));
});

Deno.test("without any explanation the page says where some are made; a search leaves the comparison a link away", async () => {
  const app = testApp();
  telling(app, []);
  const card = await explainers(app);
  assert.match(card?.querySelector(".empty-state")?.textContent ?? "", /Nothing is said of demo yet/);
  assert.equal(card?.querySelectorAll("table").length, 0);
  for (const link of card?.querySelectorAll(".empty-state a") ?? []) {
    assert.equal((await app.send(link.getAttribute("href") ?? "")).status, 200);
  }
  assert.equal(await explainers(app, "/explanations?q=doctor"), null);
  for (const path of ["/explanations?q=doctor", "/models/demo/components/mlp/1/7"]) {
    const document = parsePage(await (await app.send(path)).text());
    assert.ok(document.querySelector('a[href="/explanations?model=demo#explainers"]'), path);
  }
});

Deno.test("GET /api/v1/models/{id}/explainers answers the same numbers", async () => {
  const app = testApp();
  telling(app, [said(1, "small", 0.75), said(2, null, 0.25)]);
  const answer = await app.send("/api/v1/models/demo/explainers");
  assert.equal(answer.status, 200);
  const { model, kinds } = await answer.json();
  assert.deepEqual([model, kinds.length, kinds[0].kind, kinds[0].measure], ["demo", 1, "neuron", "correlation"]);
  assert.deepEqual(kinds[0].rows[0], {
    explainer: "assistant",
    assistant: "small",
    scoredBy: { scorer: "statistical", assistant: null, version: "v1", textSet: "corpus" },
    components: 1,
    scored: 1,
    undecided: 0,
    failed: 0,
    mean: 0.75,
    median: 0.75,
    beatsControl: { count: 1, of: 1 },
  });
  assert.deepEqual([kinds[0].pairs[0].shared, kinds[0].pairs[0].firstBetter], [1, 1]);
});

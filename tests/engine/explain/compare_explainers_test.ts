/** Explainers side by side: every number of a case that was computed by hand. */
import assert from "node:assert/strict";
import {
  compareExplainers,
  type ExplainerName,
  type RatedExplanation,
  type RatedScore,
} from "../../../engine/explain/compare_explainers.ts";

const RULES: ExplainerName = { explainer: "statistical", assistant: null };
const SMALL: ExplainerName = { explainer: "assistant", assistant: "small" };
const LARGE: ExplainerName = { explainer: "assistant", assistant: "large" };
const HAND: ExplainerName = { explainer: "hand", assistant: null };
const BY_RULES = { scorer: "statistical", assistant: null, version: "v1", textSet: "corpus" } as const;

function scored(value: number | null, control: number | null = null, more: Partial<RatedScore> = {}): RatedScore {
  return {
    ...BY_RULES,
    state: "done",
    headline: value === null ? null : { value },
    control: control === null ? null : { headline: { value: control } },
    ...more,
  };
}

function failed(more: Partial<RatedScore> = {}): RatedScore {
  return scored(null, null, { state: "failed", version: null, textSet: null, ...more });
}

let count = 0;

function said(
  { explainer, assistant }: ExplainerName,
  component: string,
  scores: readonly RatedScore[],
  more: Partial<RatedExplanation> = {},
): RatedExplanation {
  return { id: count++, component, dictionary: null, explainer, provenance: { assistant }, scores, ...more };
}

Deno.test("compareExplainers(): means, medians, controls and pairs of a case computed by hand", () => {
  const [neurons, ...others] = compareExplainers([
    said(RULES, "mlp/0/1", [scored(0.5, 0.25)]),
    said(RULES, "mlp/0/2", [scored(0.25, 0.25)]),
    said(RULES, "mlp/0/3", [scored(0.75, null)]),
    said(RULES, "mlp/0/4", [scored(0.125, 0.5)]),
    said(HAND, "mlp/0/1", [scored(0.75, 0)]),
    said(HAND, "mlp/0/2", [scored(0.25, 0)]),
    said(HAND, "mlp/0/3", [scored(0.5, 0)]),
    said(HAND, "mlp/0/9", [scored(-0.5, -1)]),
  ]);
  assert.deepEqual(others, []);
  assert.deepEqual([neurons?.kind, neurons?.measure], ["neuron", "correlation"]);
  assert.deepEqual(neurons?.rows, [
    {
      ...RULES,
      scoredBy: BY_RULES,
      components: 4,
      scored: 4,
      undecided: 0,
      failed: 0,
      // (0.5 + 0.25 + 0.75 + 0.125) / 4; sorted 0.125 0.25 0.5 0.75.
      mean: 0.40625,
      median: 0.375,
      // 0.5 > 0.25; 0.25 is no more than 0.25, 0.125 less than 0.5; one has no control.
      beatsControl: { count: 1, of: 3 },
    },
    {
      ...HAND,
      scoredBy: BY_RULES,
      components: 4,
      scored: 4,
      undecided: 0,
      failed: 0,
      mean: 0.25,
      median: 0.375,
      beatsControl: { count: 4, of: 4 },
    },
  ]);
  assert.deepEqual(neurons?.pairs, [{
    first: RULES,
    second: HAND,
    scoredBy: BY_RULES,
    // Of 1, 2 and 3: −0.25, 0, +0.25.
    shared: 3,
    firstBetter: 1,
    secondBetter: 1,
    alike: 1,
    meanDifference: 0,
  }]);
});

Deno.test("compareExplainers(): neurons, heads and latents never share a number, nor do dictionaries share a latent", () => {
  const kinds = compareExplainers([
    said(RULES, "head/0/1", [scored(1)]),
    said(RULES, "mlp/0/1", [scored(0)]),
    said(RULES, "attn-latent/0/1", [scored(0.25)], { dictionary: "a" }),
    said(RULES, "mlp-latent/0/1", [scored(0.5)], { dictionary: "a" }),
    said(RULES, "mlp-latent/0/1", [scored(1)], { dictionary: "b" }),
    said(HAND, "mlp-latent/0/1", [scored(0.75)], { dictionary: "b" }),
  ]);
  assert.deepEqual(kinds.map(({ kind, measure, rows }) => [kind, measure, rows[0]?.scored, rows[0]?.mean]), [
    ["neuron", "correlation", 1, 0],
    ["head", "area", 1, 1],
    ["latent", "correlation", 1, 0.75],
  ]);
  const latents = kinds[2];
  assert.deepEqual(latents?.rows[1]?.components, 3);
  assert.deepEqual(latents?.pairs.map(({ first, shared, firstBetter }) => [first, shared, firstBetter]), [[
    RULES,
    1,
    1,
  ]]);
});

Deno.test("compareExplainers(): what is not scored, failed or has nothing to tell apart is counted as that, never as 0", () => {
  const [neurons] = compareExplainers([
    said(SMALL, "mlp/0/1", []),
    said(SMALL, "mlp/0/2", []),
    said(RULES, "mlp/0/1", [scored(null, 0.5)]),
    said(RULES, "mlp/0/2", [failed()]),
    said(RULES, "mlp/0/3", [scored(0.5, null)]),
    said(RULES, "mlp/0/4", []),
    said(HAND, "mlp/0/1", [failed()]),
  ]);
  const told = neurons?.rows.map(({ mean, median, beatsControl, ...row }) => ({
    ...row,
    numbers: [mean, median, beatsControl.count, beatsControl.of],
  }));
  const none = { scored: 0, undecided: 0, failed: 0, numbers: [null, null, 0, 0] };
  assert.deepEqual(told, [
    { ...RULES, scoredBy: BY_RULES, components: 4, scored: 1, undecided: 1, failed: 1, numbers: [0.5, 0.5, 0, 0] },
    { ...none, ...HAND, scoredBy: { ...BY_RULES, version: null, textSet: null }, components: 1, failed: 1 },
    { ...none, ...SMALL, scoredBy: null, components: 2 },
  ]);
  assert.deepEqual(neurons?.pairs, [], "no pair of what has no number");
});

Deno.test("compareExplainers(): scorers, their versions and text sets stand apart; pairs are of the same", () => {
  const byLarge = { scorer: "assistant", assistant: "large", version: "p1", textSet: "corpus" } as const;
  const [neurons] = compareExplainers([
    said(SMALL, "mlp/0/1", [scored(0.5), scored(0.25, null, byLarge)]),
    said(LARGE, "mlp/0/1", [scored(0.75, null, { textSet: "code" }), scored(0.5, null, byLarge)]),
    said(LARGE, "mlp/0/2", [scored(0.75, null, { ...byLarge, version: "p2" })]),
    said(SMALL, "mlp/0/2", [scored(0.75, null, byLarge)]),
    said({ explainer: "imported", assistant: "any" }, "mlp/0/1", [scored(0.3, null, { scorer: "published" })]),
    said({ explainer: "imported", assistant: null }, "mlp/0/2", [scored(0.5, null, { scorer: "published" })]),
  ]);
  const named = ({ assistant, explainer }: ExplainerName) => assistant ?? explainer;
  assert.deepEqual(
    neurons?.rows.map((
      row,
    ) => [named(row), row.scoredBy?.scorer, row.scoredBy?.textSet, row.scoredBy?.version, row.mean]),
    [
      ["small", "assistant", "corpus", "p1", 0.5],
      ["large", "assistant", "corpus", "p1", 0.5],
      ["large", "assistant", "corpus", "p2", 0.75],
      ["imported", "published", "corpus", "v1", 0.4],
      ["large", "statistical", "code", "v1", 0.75],
      ["small", "statistical", "corpus", "v1", 0.5],
    ],
  );
  assert.deepEqual(
    neurons?.pairs.map(({ first, second, scoredBy, ...numbers }) => [named(first), named(second), scoredBy, numbers]),
    [["small", "large", byLarge, { shared: 1, firstBetter: 0, secondBetter: 1, alike: 0, meanDifference: -0.25 }]],
  );
});

Deno.test("compareExplainers(): of several sentences about one component the newest with a number counts, in whatever order they come", () => {
  const older = said(HAND, "mlp/0/1", [scored(0.75, 0.5)], { id: 1 });
  const newer = said(HAND, "mlp/0/1", [scored(0.25, 0.5)], { id: 2 });
  const constant = said(HAND, "mlp/0/1", [scored(null)], { id: 3 });
  const broken = said(HAND, "mlp/0/1", [failed()], { id: 4 });
  for (const order of [[older, newer, constant, broken], [broken, constant, newer, older]]) {
    const [row, ...rows] = compareExplainers(order)[0]?.rows ?? [];
    assert.deepEqual(rows, []);
    assert.deepEqual(
      [row?.components, row?.scored, row?.undecided, row?.failed, row?.mean, row?.beatsControl],
      [1, 1, 0, 0, 0.25, { count: 0, of: 1 }],
    );
  }
  assert.deepEqual(compareExplainers([]), []);
});

/** What the pages tell of a run's dictionaries as a whole. */
import assert from "node:assert/strict";
import type { DictionarySums, RunResult } from "../../../engine/mod.ts";
import { leftOut, partTotals, tokenMeans } from "../../../views/dictionary_figures.ts";
import { PartSums } from "../../../views/charts/part_sums.tsx";
import { SparsityGrid } from "../../../views/charts/sparsity_grid.tsx";
import { EffectsCard } from "../../../views/parts/effects_card.tsx";
import { DEFAULT_VIEW } from "../../../views/view_state.ts";
import { html, layeredRun, parsed, tokensOf } from "./chart_fixtures.ts";

function sums(kind: DictionarySums["kind"], layer: number, changed: Partial<DictionarySums> = {}): DictionarySums {
  const parts = { latents: [2, 1], error: [0.5, 0.25], rest: [-0.125, 0] };
  return {
    dictionary: `${kind}-${layer}`,
    kind,
    layer,
    latentCount: 1024,
    active: [[3, 5], [0, 1]],
    activationNorm: [[4, 2], [1, 1]],
    errorNorm: [[1, 1], [1, 0]],
    directEffect: parts,
    totalEffect: { ...parts, latents: [-4, 0] },
    ...changed,
  };
}

const DICTIONARIES = [sums("attn-latent", 1), sums("mlp-latent", 0), sums("mlp-latent", 1)];

function runWith(changed: Partial<RunResult> = {}): RunResult {
  const run = layeredRun(null, ["left", "right"]);
  const spec = { ...run.spec, dictionaries: [] };
  const sides = run.sides.map((side) => ({ ...side, objective: 8 }));
  return { ...run, spec, sides, dictionaries: DICTIONARIES, ...changed };
}

Deno.test("leftOut() is the share of the squared norm; of nothing, nothing is left out", () => {
  const [own] = DICTIONARIES;
  assert.ok(own);
  assert.equal(leftOut(own, 0, 0), 0.0625);
  assert.equal(leftOut(own, 0, 1), 0.25);
  assert.equal(leftOut({ activationNorm: [[0]], errorNorm: [[0]] }, 0, 0), 0);
  assert.ok(Number.isNaN(leftOut(own, 0, 7)));
  // Each token counts the same, however large its norm.
  assert.deepEqual(tokenMeans(own, 0), { active: 4, leftOut: 0.15625 });
});

Deno.test("partTotals() adds up dictionaries, and their parts", () => {
  const mlps = DICTIONARIES.filter(({ kind }) => kind === "mlp-latent");
  assert.deepEqual(partTotals(mlps, "directEffect", 0), { latents: 4, error: 1, rest: -0.25, whole: 4.75 });
  assert.deepEqual(partTotals(mlps, "totalEffect", 1), { latents: 0, error: 0.5, rest: 0, whole: 0.5 });
});

Deno.test("the grid has a row a dictionary, the last first, with active latents, shares and totals", () => {
  const side = { ...runWith().sides[0], tokens: tokensOf("a", "<b>"), position: 1 } as RunResult["sides"][number];
  const grid = <SparsityGrid dictionaries={DICTIONARIES} side={0} shown={side} window={{ from: 0, end: 2 }} />;
  const document = parsed(grid);
  const rows = [...document.querySelectorAll("tbody tr")].map((row) =>
    [...row.children].map(({ textContent }) => textContent)
  );
  assert.deepEqual(rows[0], ["1 MLP latents of 1,024", "415.6%", "36.3%", "525%"]);
  assert.deepEqual(rows.map(([name]) => name?.slice(0, 3)), ["1 M", "0 M", "1 a"]);
  const totals = [...document.querySelectorAll("tfoot tr > *")].map(({ textContent }) => textContent);
  assert.deepEqual(totals, ["all sum, mean share", "1215.6%", "96.3%", "1525%"]);
  assert.deepEqual([...document.querySelectorAll("tbody tr:first-child td")].map(({ className }) => className), [
    "seq-2",
    "seq-1",
    "seq-3",
  ]);
  assert.ok(html(grid).includes("&lt;b>"), "tokens are escaped");
});

Deno.test("the sums say what is left out of the objective, by the part that dictionaries stand for", () => {
  const document = parsed(<PartSums result={runWith()} pair={[0, 1]} />);
  const sentences = [...document.querySelectorAll(".sums-sentence")].map(({ textContent }) => textContent);
  assert.deepEqual(sentences, [
    "left What the attention dictionary leaves out carries +0.500 of the objective’s +8.000 (6.3%); its latents +2.000.",
    "left What the MLP dictionaries (2 layers) leave out carries +1.000 of the objective’s +8.000 (12.5%); their latents +4.000.",
    "right What the attention dictionary leaves out carries +0.250 of the objective’s +8.000 (3.1%); its latents +1.000.",
    "right What the MLP dictionaries (2 layers) leave out carries +0.500 of the objective’s +8.000 (6.3%); their latents +2.000.",
  ]);
  const [table] = document.querySelectorAll("table");
  const first = [...table?.querySelectorAll("tbody tr:first-child > *") ?? []].map(({ textContent }) => textContent);
  const parts = ["+2.000", "+0.500", "−0.125", "+2.375", "−4.000", "+0.500", "−0.125", "−3.625"];
  assert.deepEqual(first, ["1 MLP latents", ...parts]);
  assert.equal(html(<PartSums result={layeredRun(null)} pair={[0, 1]} />), "", "nothing without dictionaries");
});

Deno.test("a model without what is left out is told apart", () => {
  const run = runWith();
  const without = { ...run, spec: { ...run.spec, dropErrors: true } };
  assert.match(
    html(<PartSums result={without} pair={[0, 1]} />),
    /leaves out is not in this model: it carries nothing/,
  );
});

Deno.test("errors are summed at each token, over layers, as each side counts them", () => {
  const row = (ref: string, refs: readonly (string | null)[], ...totalEffect: readonly (number | null)[]) => ({
    ref,
    refs,
    activation: [1, 1],
    writeNorm: [1, 1],
    directEffect: [0, 0],
    totalEffect,
  });
  const nodes = [
    row("mlp-error/0@1", ["mlp-error/0@1", "mlp-error/0@0"], 0.5, 2),
    row("mlp-error/1@1", ["mlp-error/1@1", "mlp-error/1@0"], 0.25, 4),
    row("mlp-error/1@0", ["mlp-error/1@0", null], 1, null),
    row("attn-error/1@0", ["attn-error/1@0", "attn-error/1@1"], 8, 16),
  ];
  const view = { ...DEFAULT_VIEW, toggled: ["effects"] as const };
  const document = parsed(<EffectsCard result={runWith({ nodes })} view={view} />);
  const values = (title: string) =>
    [...document.querySelectorAll(`ol[aria-label="${title}"]`)].map((list) =>
      [...list.querySelectorAll("li")].map((token) => token.getAttribute("title"))
    );
  assert.deepEqual(values("Left out by the dictionaries of the MLP"), [["+1.000", "+0.750"], ["+6.000", "0.000"]]);
  assert.deepEqual(values("Left out by the dictionaries of the attention"), [["+8.000", "0.000"], [
    "0.000",
    "+16.000",
  ]]);
});

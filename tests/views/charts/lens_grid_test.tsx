import assert from "node:assert/strict";
import type { LensResult } from "../../../engine/mod.ts";
import { LensGrid } from "../../../views/charts/lens_grid.tsx";
import { HOSTILE, html, manyTokens, parsed, sizeBytes, tokensOf } from "./chart_fixtures.ts";

/** Cells whose numbers say where they belong: the rank is 100 × row + token. */
function lensOf(layerCount: number, count: number, from = 0): LensResult {
  return {
    side: "clean",
    tokens: manyTokens(from + count),
    target: { id: 7, text: " Mary" },
    from,
    rows: Array.from({ length: layerCount + 1 }, (_, row) =>
      Array.from({ length: count }, (_, index) => ({
        top: row === layerCount ? { id: 7, text: " Mary" } : { id: 1, text: " to" },
        topLogProb: Math.log(0.5),
        targetLogProb: Math.log(10 ** (row - layerCount)),
        targetRank: 100 * row + from + index,
      }))),
  };
}

Deno.test("cells stand at their layer, the last one on top, and at their token", () => {
  const document = parsed(<LensGrid lens={lensOf(3, 4, 5)} position={7} />);
  const rows = [...document.querySelectorAll("tbody tr")];
  assert.deepEqual(rows.map((row) => row.querySelector("th")?.textContent), ["layer 2", "layer 1", "layer 0", "embed"]);
  const ranks = rows.map((row) =>
    [...row.querySelectorAll(".lens-target")].map(({ textContent }) => textContent?.split(" ")[0])
  );
  assert.deepEqual(ranks[0], ["#305", "#306", "#307", "#308"]);
  assert.deepEqual(ranks[3], ["#5", "#6", "#7", "#8"]);
  assert.deepEqual(
    [...document.querySelectorAll("thead .token-index")].map(({ textContent }) => textContent?.replace(/\D/g, "")),
    [
      "5",
      "6",
      "7",
      "8",
    ],
  );
});

Deno.test("a cell tells the top token, its probability, and the target's", () => {
  const cells = parsed(<LensGrid lens={lensOf(3, 1)} position={0} />).querySelectorAll("td");
  assert.match(cells[1]?.textContent ?? "", /^␣to 50\.0%#200 · 10\.0%$/);
});

Deno.test("the target on top is marked by text and state, and its shade grows with its probability", () => {
  const document = parsed(<LensGrid lens={lensOf(3, 2)} position={1} />);
  const marked = [...document.querySelectorAll("td[data-top='target']")];
  assert.equal(marked.length, 2);
  assert.ok(marked.every(({ textContent }) => textContent?.startsWith("✓")));
  const column = [...document.querySelectorAll("tbody tr td:first-of-type")].map((cell) => cell.getAttribute("class"));
  assert.deepEqual(column, ["seq-10", "seq-8", "seq-6", "seq-4"]);
});

Deno.test("the column where the objective is read is marked, if it is shown at all", () => {
  const shown = parsed(<LensGrid lens={lensOf(2, 3, 4)} position={5} />);
  assert.deepEqual([...shown.querySelectorAll("thead th")].map((head) => head.getAttribute("aria-current")), [
    null,
    null,
    "location",
    null,
  ]);
  assert.equal(shown.querySelectorAll("td[data-read]").length, 3);
  const outside = parsed(<LensGrid lens={lensOf(2, 3, 4)} position={0} />);
  assert.equal(outside.querySelectorAll("[aria-current], [data-read]").length, 0);
});

Deno.test("hostile tokens are text, long ones are cut with the whole in the title, and no rows are no cells", () => {
  const lens = lensOf(1, 1);
  const hostile = { ...lens, tokens: tokensOf(HOSTILE), target: { id: 0, text: HOSTILE } };
  assert.doesNotMatch(html(<LensGrid lens={hostile} position={0} />), /<script/);
  assert.equal(
    parsed(<LensGrid lens={hostile} position={0} />).querySelector("thead .lens-token")?.getAttribute("title"),
    HOSTILE,
  );
  assert.equal(parsed(<LensGrid lens={{ ...lens, rows: [] }} position={0} />).querySelectorAll("td").length, 0);
});

Deno.test("32 tokens of 48 layers stay below 400 kB", () => {
  assert.ok(sizeBytes(<LensGrid lens={lensOf(48, 32)} position={31} />) < 400_000);
});

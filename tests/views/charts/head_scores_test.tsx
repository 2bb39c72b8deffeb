import assert from "node:assert/strict";
import { HEAD_SCORES } from "../../../engine/corpus/component_records.ts";
import { HeadGrid } from "../../../views/charts/head_grid.tsx";
import { formatScore, ScoreBars } from "../../../views/charts/score_bars.tsx";
import { scoreNames } from "../../../views/charts/score_texts.ts";
import { html, numbersOf, parsed, sizeBytes } from "./chart_fixtures.ts";
import { scoresOf } from "./record_fixtures.ts";

const headLink = (ref: string) => ({ href: `/components/${ref}` });

Deno.test("HeadGrid() has the last layer on top, shades up to the largest, and links each head", () => {
  const rows = [
    { component: "head/1/0", scores: scoresOf({ induction: 0.4 }) },
    { component: "head/0/1", scores: scoresOf({ induction: 0.8 }) },
    { component: "head/0/0", scores: null },
    { component: "head/1/1", scores: scoresOf({ induction: 0.0001 }) },
  ];
  const document = parsed(
    <HeadGrid rows={rows} score="induction" layerCount={2} headCount={3} headLink={headLink} />,
  );
  const cells = [...document.querySelectorAll("tbody tr")].map((row) =>
    [...row.querySelectorAll("td")].map((cell) => `${cell.className} ${cell.textContent}`)
  );
  assert.deepEqual(cells, [
    ["seq-5 0.40", "seq-0 <0.01", " –no score"],
    [" –no score", "seq-10 0.80", " –no score"],
  ]);
  assert.deepEqual([...document.querySelectorAll("tbody th")].map((th) => th.textContent), ["layer 1", "layer 0"]);
  const link = document.querySelector("tbody a");
  assert.equal(link?.getAttribute("href"), "/components/head/1/0");
  assert.equal(link?.getAttribute("title"), "head/1/0: 0.4");
  assert.match(document.querySelector(".legend")?.textContent ?? "", /0\.80.*induction/);
});

Deno.test("HeadGrid() without any score, with zeros alone, and of a large model", () => {
  for (const scores of [null, scoresOf({}), scoresOf({ entropy: NaN })]) {
    const picture = (
      <HeadGrid
        rows={[{ component: "head/0/0", scores }]}
        score="entropy"
        layerCount={1}
        headCount={1}
        headLink={headLink}
      />
    );
    assert.doesNotMatch(html(picture), /NaN/);
    assert.equal(parsed(picture).querySelectorAll("tbody td").length, 1);
  }
  const rows = Array.from({ length: 48 * 25 }, (_, i) => ({
    component: `head/${Math.floor(i / 25)}/${i % 25}`,
    scores: scoresOf({ self: i / 1200 }),
  }));
  const bytes = sizeBytes(<HeadGrid rows={rows} score="self" layerCount={48} headCount={25} headLink={headLink} />);
  assert.ok(bytes < 160_000, `${bytes} bytes`);
});

Deno.test("ScoreBars() has a row for each score, bars that grow with it, and words for it", () => {
  const document = parsed(
    <ScoreBars scores={scoresOf({ induction: 0.5, self: 1, firstToken: NaN, entropy: 2.5, copying: 1e-5 })} />,
  );
  const rows = [...document.querySelectorAll("tbody tr")];
  assert.equal(rows.length, HEAD_SCORES.length);
  const widths = rows.map((row) => numbersOf(row.querySelectorAll(".score-bar"), "width")[0] ?? 0);
  assert.deepEqual(widths, [80, 0, 0, 160, 0, 80, 0]);
  assert.deepEqual(rows.map((row) => row.querySelector(".number")?.textContent), [
    "0.50",
    "0.00",
    "0.00",
    "1.00",
    "–",
    "2.50 nats",
    "<0.01",
  ]);
  assert.ok(rows.every((row) => (row.querySelector(".score-meaning")?.textContent ?? "").length > 20));
  assert.doesNotMatch(html(<ScoreBars scores={scoresOf({ entropy: Infinity, self: -1 })} />), /NaN|Infinity|width="-/);
});

Deno.test("scores are named in the engine's order, and a small one is not written as zero", () => {
  assert.deepEqual(scoreNames(), HEAD_SCORES);
  assert.deepEqual([0, 0.004, 0.005, 1, NaN].map(formatScore), ["0.00", "<0.01", "0.01", "1.00", "–"]);
});

import assert from "node:assert/strict";
import {
  countTicks,
  heightOf,
  inRows,
  labelledEdges,
  placeOf,
  shownBins,
} from "../../../views/charts/histogram_bins.ts";
import { HistogramChart } from "../../../views/charts/histogram_chart.tsx";
import { html, numbersOf, parsed, sizeBytes } from "./chart_fixtures.ts";
import { statisticsOf } from "./record_fixtures.ts";

const EDGES = [-1, -0.5, 0.5, 1, 2, 4];

/** As the engine has them: two bins an octave on both sides of zero. */
const POSITIVE = Array.from({ length: 33 }, (_, i) => 2 ** (Math.floor(i / 2) - 8) * (i % 2 === 0 ? 1 : 1.5));
const ENGINE_EDGES = [...POSITIVE.map((edge) => -edge).reverse(), ...POSITIVE];

Deno.test("HistogramChart() draws a bar for each bin that has counts, higher for more, and tells zero from both sides", () => {
  const document = parsed(<HistogramChart statistics={statisticsOf(EDGES, [1, 1000, 0, 10, 0])} />);
  assert.equal(document.querySelectorAll("svg").length, 1);
  const bars = [...document.querySelectorAll("rect")];
  assert.deepEqual(bars.map((bar) => bar.getAttribute("class")), ["bin-below", "bin-zero", "bin-above"]);
  const heights = numbersOf(bars, "height");
  assert.ok(0 < (heights[0] ?? 0) && (heights[0] ?? 0) < (heights[2] ?? 0) && (heights[2] ?? 0) < (heights[1] ?? 0));
  assert.equal(heights[1], 150);
  // Bins without counts keep their place.
  const [below = 0, zero = 0, above = 0] = numbersOf(bars, "x");
  assert.equal(above - zero, 2 * (zero - below));
  assert.deepEqual(bars.map((bar) => bar.textContent), [
    "below −0.5: 1",
    "−0.5 to 0.5: 1,000",
    "1 to 2: 10",
  ]);
  assert.match(document.querySelector("figcaption")?.textContent ?? "", /1,011 values.*log scale/s);
});

Deno.test("the tables of HistogramChart() hold its counts and quantiles", () => {
  const quantiles = [{ share: 0.5, value: 0.25 }, { share: 0.999, value: 3 }];
  const document = parsed(<HistogramChart statistics={statisticsOf(EDGES, [0, 7, 0, 0, 2], quantiles)} />);
  const rows = [...document.querySelectorAll("details tbody tr")].map((row) =>
    [...row.children].map((cell) => cell.textContent)
  );
  assert.deepEqual(rows, [["50%", "0.25"], ["99.9%", "3"], ["−0.5 to 0.5", "7"], ["2 and more", "2"]]);
  assert.deepEqual([...document.querySelectorAll("text.quantile")].map((text) => text.textContent), ["50%", "99.9%"]);
  const [half = 0, almostAll = 0] = numbersOf(document.querySelectorAll("line.quantile-line"), "x1");
  assert.ok(half < almostAll);
});

Deno.test("a histogram without counts says so, and what is not a number is not drawn", () => {
  assert.match(html(<HistogramChart statistics={statisticsOf([], [])} />), /No values/);
  assert.match(html(<HistogramChart statistics={statisticsOf(EDGES, [0, 0, 0, 0, 0])} />), /No values/);
  const odd = statisticsOf([-Infinity, 0, Infinity], [2, 1], [{ share: 0.5, value: NaN }, { share: 1, value: 9 }]);
  const picture = parsed(<HistogramChart statistics={odd} />).querySelector("svg")?.outerHTML ?? "";
  assert.doesNotMatch(picture, /NaN/);
  assert.equal(parsed(<HistogramChart statistics={statisticsOf([0, 1], [5])} />).querySelectorAll("rect").length, 1);
});

Deno.test("labels of 65 bins keep apart, whole octaves from 1 on both sides, zero among them", () => {
  const { bins } = shownBins({ edges: ENGINE_EDGES, counts: new Array(65).fill(3) });
  const labels = labelledEdges(bins, 5.3);
  assert.ok(labels.some(({ value }) => value === 0) && labels.some(({ value }) => value === 1));
  const places = labels.map(({ place }) => place);
  assert.ok(places.slice(1).every((place, index) => place - (places[index] ?? 0) >= 5.3));
  const picture = <HistogramChart statistics={statisticsOf(ENGINE_EDGES, new Array(65).fill(3))} />;
  assert.ok(sizeBytes(picture) < 25_000, `${sizeBytes(picture)} bytes`);
});

Deno.test("a value stands in its bin, linearly; outside of all bins, at the end", () => {
  const { bins } = shownBins({ edges: EDGES, counts: [1, 1, 1, 1, 1] });
  assert.deepEqual([-9, -0.75, 0, 1, 3, 99].map((value) => placeOf(value, bins)), [0, 0.5, 1.5, 3, 4.5, 5]);
});

Deno.test("heights are logarithmic, one value is seen, none is not", () => {
  assert.equal(heightOf(0, 10), 0);
  assert.equal(heightOf(10, 10), 1);
  assert.ok(heightOf(1, 1e6) > 0.04);
  assert.deepEqual(countTicks(0), []);
  assert.deepEqual(countTicks(1), [1]);
  assert.deepEqual(countTicks(1000), [1, 10, 100, 1000]);
  assert.deepEqual(countTicks(2e9), [1, 100, 10_000, 1e6, 1e8]);
});

Deno.test("labels that would overlap go to the next row; without room they are left out", () => {
  const labels = [5, 6, 7, 40].map((x) => ({ x, width: 10 }));
  assert.deepEqual(inRows(labels, 2).map(({ x, row }) => [x, row]), [[5, 0], [6, 1], [40, 0]]);
});

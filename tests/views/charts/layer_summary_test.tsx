import assert from "node:assert/strict";
import { layerRows } from "../../../views/charts/layer_rows.ts";
import { LayerSummary } from "../../../views/charts/layer_summary.tsx";
import { html, layeredRun, numbersOf, parsed } from "./chart_fixtures.ts";

const effects = { attention: [[1, -2], [3, 4]], mlp: [[0.5, 4], [0, 0]] };
const layers = { directEffect: effects, totalEffect: { attention: [[0, 0], [0, 0]], mlp: [[0, 0], [0, 0]] } };

Deno.test("layerRows() has the last layer first and the embeddings, summed over tokens, last", () => {
  const rows = layerRows(layeredRun(layers), "directEffect", 0);
  assert.deepEqual(rows?.map(({ kind, layer, value }) => [kind, layer, value]), [
    ["mlp", 1, 4],
    ["attention", 1, -2],
    ["mlp", 0, 0.5],
    ["attention", 0, 1],
    ["embed", null, 0.75],
  ]);
});

Deno.test("bars are as long as their values and lie on the side of their sign", () => {
  const document = parsed(<LayerSummary result={layeredRun(layers)} pair={[0, 0]} />);
  const [panel] = document.querySelectorAll(".layer-bars svg");
  assert.ok(panel);
  const bars = [...panel.querySelectorAll(".bar-for, .bar-against")];
  const zero = Number(panel.querySelector(".zero-line")?.getAttribute("x1"));
  const [widths, starts] = [numbersOf(bars, "width"), numbersOf(bars, "x")];
  const values = [4, -2, 0.5, 1, 0.75];
  values.forEach((value, index) => {
    const [width = NaN, start = NaN] = [widths[index], starts[index]];
    const unit = (widths[0] ?? 0) / 4;
    assert.ok(Math.abs(width - Math.abs(value) * unit) <= 0.2, `bar ${index} is ${width} long`);
    assert.ok(Math.abs((value < 0 ? start + width : start) - zero) <= 0.2, `bar ${index} begins at zero`);
    assert.equal(bars[index]?.getAttribute("class"), value < 0 ? "bar-against" : "bar-for");
  });
  assert.deepEqual([...panel.querySelectorAll(".bar-value")].map(({ textContent }) => textContent), [
    "+4.000",
    "−2.000",
    "+0.500",
    "+1.000",
    "+0.750",
  ]);
});

Deno.test("two sides have panels of their own on one scale, and the table holds all numbers", () => {
  const document = parsed(<LayerSummary result={layeredRun(layers, ["left", "right"])} pair={[1, 0]} />);
  const titles = [...document.querySelectorAll("figcaption")].map(({ textContent }) => textContent);
  assert.deepEqual(titles, [
    "Direct effect, right",
    "Direct effect, left",
    "Total effect, right",
    "Total effect, left",
  ]);
  const zeros = numbersOf(document.querySelectorAll(".zero-line"), "x1");
  assert.equal(new Set(zeros).size, 1);
  const firstRow = document.querySelector("details tbody tr")?.textContent ?? "";
  assert.match(firstRow, /1 MLP.*0\.000.*\+4\.000/);
  assert.equal(document.querySelectorAll("details tbody tr").length, 5);
});

Deno.test("a run without sums by layer says so", () => {
  const text = html(<LayerSummary result={layeredRun(null)} pair={[0, 0]} />);
  assert.match(text, /stored before layers were summed: ask it again/);
  assert.doesNotMatch(text, /<svg/);
});

Deno.test("zeros, missing sides and what is not a number make no broken picture", () => {
  const broken = { attention: [[NaN, Infinity]], mlp: [[0, 0]] };
  for (const directEffect of [broken, { attention: [], mlp: [] }]) {
    const text = html(<LayerSummary result={layeredRun({ directEffect, totalEffect: broken })} pair={[0, 0]} />);
    assert.doesNotMatch(text, /(?:x|x1|x2|y|width|height)="(?:NaN|-?Infinity|-)/);
  }
});

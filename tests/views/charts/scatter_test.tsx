import assert from "node:assert/strict";
import { Scatter } from "../../../views/charts/scatter.tsx";
import { html, numbersOf, parsed } from "./chart_fixtures.ts";

Deno.test("Scatter() has both axes on one scale and names its points", () => {
  const nodes = [
    { ref: "mlp/0/1@2", directEffect: 0, totalEffect: 2, measured: 1 },
    { ref: "embed@1", directEffect: 0, totalEffect: -1, measured: -1 },
  ];
  const points = [...parsed(<Scatter nodes={nodes} />).querySelectorAll("circle")];
  const [right, down] = [numbersOf(points, "cx"), numbersOf(points, "cy")];
  const [x0 = 0, x1 = 0, y0 = 0, y1 = 0] = [...right, ...down];
  // 3 to the right is as far as 3 upwards.
  assert.ok(Math.abs((x0 - x1) / 3 - (y1 - y0) / 2) < 0.2);
  assert.equal(points[0]?.textContent, "mlp/0/1@2: estimated +2.000, measured +1.000");
});

Deno.test("Scatter() of none, of zeros and of what is not a number is not broken", () => {
  const node = { ref: "embed@1", directEffect: 0, totalEffect: 0, measured: 0 };
  for (const nodes of [[], [node], [{ ...node, measured: NaN }]]) {
    assert.doesNotMatch(html(<Scatter nodes={nodes} />), /="(?:NaN|-?Infinity)/);
  }
});

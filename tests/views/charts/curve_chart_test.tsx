import assert from "node:assert/strict";
import { CurveChart } from "../../../views/charts/curve_chart.tsx";
import { html, numbersOf, parsed } from "./chart_fixtures.ts";

const LINE = [{ step: 10, value: 4 }, { step: 20, value: 2 }, { step: 40, value: 1 }];

Deno.test("CurveChart() draws steps to the right and values upwards, on one scale for line and points", () => {
  const points = [{ step: 40, value: 4 }, { step: 80, value: 1 }];
  const document = parsed(<CurveChart title="Loss" line={LINE} points={points} steps={80} />);
  const line =
    document.querySelector("polyline")?.getAttribute("points")?.split(" ").map((pair) => pair.split(",").map(Number)) ??
      [];
  assert.equal(line.length, 3);
  const [[x0 = 0, y0 = 0] = [], [x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = []] = line;
  assert.ok(Math.abs((x1 - x0) * 2 - (x2 - x1)) < 0.3, "20 steps are twice as far as 10");
  assert.ok(y0 < y1 && y1 < y2, "larger values stand higher");
  const circles = [...document.querySelectorAll("circle")];
  const [cx, cy] = [numbersOf(circles, "cx"), numbersOf(circles, "cy")];
  assert.deepEqual([cx[0], cy], [x2, [y0, y2]]);
  assert.equal(circles[0]?.textContent, "held out, step 40: 4");
  assert.match(document.querySelector("svg")?.getAttribute("aria-label") ?? "", /^Loss: 1 after 40 steps$/);
});

Deno.test("CurveChart() of nothing, of one step, of equal values and of what is no number is not broken", () => {
  const one = [{ step: 1, value: 3 }];
  for (
    const line of [[], one, [...one, { step: 2, value: 3 }], [{ step: 1, value: NaN }, { step: 2, value: Infinity }]]
  ) {
    assert.doesNotMatch(html(<CurveChart title="Loss" line={line} points={line} steps={0} />), /NaN|Infinity/);
  }
  assert.match(html(<CurveChart title="Loss" line={[]} points={[]} steps={9} />), /Loss: nothing yet/);
});

import assert from "node:assert/strict";
import { heatClass } from "../../views/heat.ts";

Deno.test("heatClass() is monotone in the value and keeps its sign", () => {
  const values = Array.from({ length: 41 }, (_, index) => (index - 20) / 20);
  const steps = values.map((value) => heatClass(value, 1)).map((name) => {
    const [, sign, step] = /^heat-([np]?)(\d+)$/.exec(name) ?? [];
    return Number(step) * (sign === "n" ? -1 : 1);
  });
  assert.deepEqual(steps, steps.toSorted((a, b) => a - b));
  assert.deepEqual([steps[0], steps[20], steps[40]], [-10, 0, 10]);
  assert.equal(heatClass(5, 0), "heat-0");
  assert.equal(heatClass(NaN, 1), "heat-0");
  assert.equal(heatClass(50, 1), "heat-p10");
});

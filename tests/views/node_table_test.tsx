import assert from "node:assert/strict";
import type { NodeRow } from "../../engine/mod.ts";
import { heatClass } from "../../views/heat.ts";
import { sortedNodes } from "../../views/node_order.ts";

function row(ref: string, ...directEffect: readonly number[]): NodeRow {
  return { ref, activation: directEffect, writeNorm: directEffect, directEffect, totalEffect: directEffect };
}

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

Deno.test("sortedNodes() sorts by a side or by the difference, either way, and leaves equals in order", () => {
  const nodes = [row("a", 1, 5), row("b", 3, 1), row("c", 1, 2)];
  const refs = (view: Parameters<typeof sortedNodes>[1]) => sortedNodes(nodes, view).map(({ ref }) => ref).join("");
  assert.equal(refs({ sort: "directEffect", direction: "desc", side: 0, pair: [0, 1] }), "bac");
  assert.equal(refs({ sort: "directEffect", direction: "asc", side: 1, pair: [0, 1] }), "bca");
  assert.equal(refs({ sort: "directEffect", direction: "desc", side: "diff", pair: [0, 1] }), "bca");
  assert.equal(refs({ sort: "ref", direction: "desc", side: 0, pair: [0, 1] }), "cba");
});

/** Every state of a measurement that a page can show. */
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import type { Measurement } from "../../engine/mod.ts";
import { MeasuredCard } from "../../views/parts/measured_card.tsx";

const RUNNING: Measurement = {
  run: "abc",
  query: { top: 32, by: "totalEffect" },
  state: "running",
  done: 8,
  total: 32,
  objective: 1,
  nodes: [],
  rankCorrelation: null,
  problem: null,
};

function html(measurement: Measurement | null): string {
  return renderToString(<MeasuredCard id="abc" measurement={measurement} />);
}

Deno.test("a measurement that nobody asked for is offered", () => {
  assert.match(html(null), /<form[^>]*action="\/runs\/abc\/measured"[^>]*>.*Measure the top 32 nodes/);
});

Deno.test("a measurement under way shows how far it is, looks again by itself, and can be cancelled", () => {
  const card = html(RUNNING);
  assert.match(card, /8 of 32 nodes measured/);
  assert.match(card, /<progress[^>]*max="32"[^>]*value="8"/);
  assert.match(card, /hx-get="\/runs\/abc\/measured" hx-trigger="load delay:400ms"/);
  assert.match(card, /action="\/runs\/abc\/measured\/cancel"/);
  assert.match(card, /Look again/);
});

Deno.test("a measurement that was cancelled or failed says so and is offered again", () => {
  assert.match(html({ ...RUNNING, state: "cancelled" }), /Cancelled after 8 of 32 nodes.*Measure the top 32/);
  assert.match(
    html({ ...RUNNING, state: "failed", problem: "Out of memory" }),
    /role="alert">It failed: Out of memory/,
  );
});

Deno.test("a finished measurement has a point and a row for each node, on one scale", () => {
  const nodes = [
    { ref: "mlp/0/1@2", directEffect: 0, totalEffect: 2, measured: 2 },
    { ref: "head/0/1@2<1", directEffect: 0, totalEffect: -1, measured: -1 },
  ];
  const card = html({ ...RUNNING, state: "done", done: 2, total: 2, nodes, rankCorrelation: null });
  const points = [...card.matchAll(/<circle[^>]*cx="([\d.]+)" cy="([\d.]+)"/g)].map((
    [, x, y],
  ) => [Number(x), Number(y)]);
  // Exact estimates lie on the line from the lower left to the upper right.
  assert.deepEqual(points.map(([x = 0, y = 0]) => x + y), [240, 240]);
  assert.match(card, /Too few nodes for a rank correlation/);
  assert.equal([...card.matchAll(/<tr>/g)].length, 3);
});

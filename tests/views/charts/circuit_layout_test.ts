import assert from "node:assert/strict";
import { circuitEdges, drawEdges, MAX_DRAWN_EDGES } from "../../../views/charts/circuit_edges.ts";
import { type Box, layoutCircuit } from "../../../views/charts/circuit_layout.ts";
import { circuitOf } from "./chart_fixtures.ts";

const REFS = [
  "embed@2",
  "embed@4",
  "mlp/0/17@2",
  "head/0/3@3<2",
  "head/2/0@14<6",
  "head/2/0@14<4",
  "mlp/2/301@14",
  "head/3/3@14<2",
];

function doOverlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function assertApart(boxes: readonly Box[]): void {
  boxes.forEach((box, index) => {
    for (const other of boxes.slice(index + 1)) assert.ok(!doOverlap(box, other), JSON.stringify([box, other]));
  });
}

Deno.test("boxes lie inside, do not overlap, and go upwards with the residual stream", () => {
  const layout = layoutCircuit(circuitOf(REFS), { layerCount: 4, position: 14 });
  assert.equal(layout.nodes.length, REFS.length);
  assertApart([...layout.nodes, layout.objective]);
  for (const { x, y, width, height } of [...layout.nodes, layout.objective]) {
    assert.ok(x >= 0 && y >= 0 && x + width <= layout.width && y + height <= layout.height);
  }
  const y = new Map(layout.nodes.map((node) => [node.ref, node.y]));
  const upwards = ["embed@2", "head/0/3@3<2", "mlp/0/17@2", "head/2/0@14<6", "mlp/2/301@14", "head/3/3@14<2"];
  const heights = upwards.map((ref) => y.get(ref) ?? NaN);
  assert.deepEqual(heights, heights.toSorted((a, b) => b - a));
  assert.ok(layout.objective.y < (heights.at(-1) ?? 0));
});

Deno.test("columns hold their nodes; tokens and layers without any are told as left out", () => {
  const { columns, gaps, bands, nodes } = layoutCircuit(circuitOf(REFS), { layerCount: 4, position: 15 });
  assert.deepEqual(columns.map(({ token }) => token), [2, 3, 4, 14, 15]);
  assert.deepEqual(gaps.map(({ first, last }) => [first, last]), [[5, 13]]);
  assert.deepEqual(bands.map(({ label, isEmpty }) => [label, isEmpty]), [
    ["layer 3", false],
    ["layer 2", false],
    ["layer 1", true],
    ["layer 0", false],
  ]);
  const column = columns.find(({ token }) => token === 14);
  const inColumn = nodes.filter(({ ref }) => ref.includes("@14"));
  assert.ok(column && inColumn.every(({ x, width }) => x >= column.x && x + width <= column.x + column.width));
});

Deno.test("runs of empty layers share a band", () => {
  const { bands } = layoutCircuit(circuitOf(["head/3/0@1<0"]), { layerCount: 12, position: 1 });
  assert.deepEqual(bands.map(({ label }) => label), ["layers 4–11", "layer 3", "layers 0–2"]);
});

Deno.test("forty nodes in one cell stand beside and above each other", () => {
  const refs = Array.from({ length: 40 }, (_, head) => `head/5/${head}@14<2`);
  const { nodes, objective } = layoutCircuit(circuitOf(refs), { layerCount: 6, position: 14 });
  assert.equal(nodes.length, 40);
  assertApart([...nodes, objective]);
});

Deno.test("an edge is the wider the larger it is, and begins and ends at its boxes", () => {
  const circuit = circuitOf(REFS, [
    ["embed@2", "head/3/3@14<2", "v", 3],
    ["head/2/0@14<6", "head/3/3@14<2", "q", -1.5],
    ["embed@2", "mlp/0/17@2", null, 0.1],
    ["embed@4", "head/2/0@14<4", "v", 0],
    ["mlp/9/9@9", "head/2/0@14<4", "v", 5],
  ], { "head/3/3@14<2": 2, "embed@2": 0 });
  const layout = layoutCircuit(circuit, { layerCount: 4, position: 14 });
  const edges = drawEdges(circuit, layout).toSorted((a, b) => a.width - b.width);
  assert.deepEqual(edges.map(({ attribution }) => attribution), [0.1, -1.5, 2, 3]);
  assert.ok(edges.every(({ width }, index) => index === 0 || width > (edges[index - 1]?.width ?? 0)));
  for (const { from, to, curve } of edges) {
    const [startX = NaN, startY = NaN] = curve.slice(1).split(/[ C]/).map(Number);
    const [endX = NaN, endY = NaN] = curve.split(" ").slice(-2).map(Number);
    const writer = layout.nodes.find(({ ref }) => ref === from);
    const reader = layout.nodes.find(({ ref }) => ref === to) ?? layout.objective;
    assert.ok(writer && startX > writer.x && startX < writer.x + writer.width && startY === writer.y, curve);
    assert.ok(endX > reader.x && endX < reader.x + reader.width && endY === reader.y + reader.height, curve);
  }
});

Deno.test("a curve passes the box between where there is room", () => {
  const refs = ["embed@14", "mlp/1/7@14", "mlp/3/7@14"];
  const circuit = circuitOf(refs, [["embed@14", "mlp/3/7@14", null, 1]]);
  const layout = layoutCircuit(circuit, { layerCount: 4, position: 14 });
  const [edge] = drawEdges(circuit, layout);
  const between = layout.nodes.find(({ ref }) => ref === "mlp/1/7@14");
  assert.ok(edge && between);
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0, x3 = 0, y3 = 0] = edge.curve.slice(1).split(/[ C]/).map(
    Number,
  );
  for (let t = 0; t <= 1; t += 0.02) {
    const at = (a: number, b: number, c: number, d: number) =>
      (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t ** 2 * c + t ** 3 * d;
    const point = { x: at(x0, x1, x2, x3), y: at(y0, y1, y2, y3), width: 0, height: 0 };
    assert.ok(!doOverlap(point, between), JSON.stringify(point));
  }
});

Deno.test("circuitEdges() leaves out what has no size and reaches the objective by direct effects", () => {
  const circuit = circuitOf(["embed@2", "embed@4", "mlp/0/1@4"], [
    ["embed@2", "mlp/0/1@4", null, NaN],
    ["embed@4", "mlp/0/1@4", null, -1],
  ], { "embed@2": 0, "embed@4": -2, "mlp/0/1@4": null });
  assert.deepEqual(circuitEdges(circuit).map(({ from, to, attribution }) => [from, to, attribution]), [
    ["embed@4", "mlp/0/1@4", -1],
    ["embed@4", "objective", -2],
  ]);
});

Deno.test("of very many edges the strongest are drawn, quickly", () => {
  const refs = Array.from({ length: 40 }, (_, index) => `mlp/${index}/0@${index % 14}`);
  const edges = refs.flatMap((to, reader) =>
    refs.slice(0, reader).map((from, writer) => [from, to, null, 1 + writer + reader * 40] as const)
  );
  const circuit = circuitOf(refs, edges, Object.fromEntries(refs.map((ref) => [ref, 0.1])));
  const started = performance.now();
  const drawn = drawEdges(circuit, layoutCircuit(circuit, { layerCount: 40, position: 14 }));
  assert.ok(performance.now() - started < 1000);
  assert.equal(drawn.length, MAX_DRAWN_EDGES + 40);
  const between = drawn.filter(({ to }) => to !== "objective").map(({ attribution }) => attribution);
  const strongest = edges.map(([, , , size]) => size).toSorted((a, b) => b - a).slice(0, MAX_DRAWN_EDGES);
  assert.deepEqual(between.toSorted((a, b) => b - a), strongest);
});

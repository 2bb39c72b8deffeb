/** Which rows are shown, in which order. */
import assert from "node:assert/strict";
import type { NodeRow, Side } from "../../engine/mod.ts";
import { beyondTopK, filteredNodes, groupedNodes, pageOf, sortedGroups, sortedNodes } from "../../views/node_order.ts";
import { DEFAULT_VIEW, type NodeFilter } from "../../views/view_state.ts";

function row(ref: string, ...directEffect: readonly (number | null)[]): NodeRow {
  return { ref, activation: directEffect, writeNorm: directEffect, directEffect, totalEffect: directEffect };
}

const SIDE: Side = {
  label: "clean",
  tokens: ["<|endoftext|>", "When", " Mary", " and"].map((text, id) => ({ id, text })),
  position: 3,
  objective: 1,
  logits: [],
};
const NODES = [
  row("embed@0", 0.1),
  row("embed@2", -0.3),
  row("head/0/1@3<2", 2),
  row("head/1/1@3<1", -4),
  row("mlp/0/7@3", 1),
  row("mlp/1/7@2", -0.5),
  row("mlp/1/8@3", 0),
];
const CONTEXT = { sides: [SIDE], firstChangedLayer: 1, pair: [0, 1] as const };

function filtered(filter: Partial<NodeFilter>, context = CONTEXT): string {
  return filteredNodes(NODES, { ...DEFAULT_VIEW.filter, ...filter }, context).map(({ ref }) => ref).join(" ");
}

Deno.test("sortedNodes() sorts by a side or the difference, either way or by size, and leaves equals in order", () => {
  const nodes = [row("a", 1, 5), row("b", 3, 1), row("c", 1, 2), row("d", -9, null)];
  const refs = (view: Parameters<typeof sortedNodes>[1]) => sortedNodes(nodes, view).map(({ ref }) => ref).join("");
  const by = { sort: "directEffect", side: 0, pair: [0, 1] } as const;
  assert.equal(refs({ ...by, direction: "desc" }), "bacd");
  assert.equal(refs({ ...by, direction: "asc" }), "dacb");
  assert.equal(refs({ ...by, direction: "size" }), "dbac");
  assert.equal(refs({ ...by, direction: "asc", side: 1 }), "bcad", "rows without a value come last");
  assert.equal(refs({ ...by, direction: "desc", side: "diff" }), "bcad");
  assert.equal(refs({ ...by, sort: "ref", direction: "desc" }), "dcba");
  assert.equal(refs({ ...by, sort: "ref", direction: "asc" }), "abcd");
});

Deno.test("filteredNodes() takes every part of the filter, and all of them together", () => {
  assert.equal(filtered({}), NODES.map(({ ref }) => ref).join(" "));
  assert.equal(filtered({ kinds: ["head", "embed"] }), "embed@0 embed@2 head/0/1@3<2 head/1/1@3<1");
  assert.equal(filtered({ layers: [1, 1] }), "head/1/1@3<1 mlp/1/7@2 mlp/1/8@3");
  assert.equal(filtered({ text: "MLP/1" }), "mlp/1/7@2 mlp/1/8@3");
  assert.equal(filtered({ token: "mary" }), "embed@2 head/0/1@3<2 mlp/1/7@2", "text of any of its tokens");
  assert.equal(filtered({ token: "1" }), "head/1/1@3<1", "an index");
  assert.equal(filtered({ range: { metric: "directEffect", min: 0.5, max: null } }), "head/0/1@3<2 mlp/0/7@3");
  assert.equal(filtered({ range: { metric: "directEffect", min: -1, max: -0.4 } }), "mlp/1/7@2");
  assert.equal(filtered({ hidesEarly: true }), "head/1/1@3<1 mlp/1/7@2 mlp/1/8@3");
  assert.equal(filtered({ kinds: ["neuron"], layers: [1, 3], token: "and" }), "mlp/1/8@3");
});

Deno.test("filteredNodes() finds a node by the tokens that either prompt gives it", () => {
  const other: Side = { ...SIDE, label: "right", tokens: [" John", " Mary"].map((text, id) => ({ id, text })) };
  const nodes = [{ ...row("embed@0", 1, null), refs: ["embed@0", "embed@1"] }];
  const context = { ...CONTEXT, sides: [{ ...SIDE, label: "left" as const }, other] };
  assert.equal(filteredNodes(nodes, { ...DEFAULT_VIEW.filter, token: "Mary" }, context).length, 1);
});

Deno.test("pageOf() has every row on one page, and takes a page past the end for the last", () => {
  const rows = Array.from({ length: 23 }, (_, index) => index);
  const pages = [1, 2, 3].map((page) => pageOf(rows, { page, pageSize: 10 }));
  assert.deepEqual(pages.flatMap(({ rows: shown }) => shown), rows);
  assert.deepEqual(pageOf(rows, { page: 99, pageSize: 10 }), { rows: [20, 21, 22], page: 3, pageCount: 3, start: 20 });
  assert.deepEqual(pageOf([], { page: 2, pageSize: 10 }), { rows: [], page: 1, pageCount: 1, start: 0 });
});

Deno.test("groupedNodes() adds up the rows of a component, a layer, a token; a missing value adds nothing", () => {
  const sums = (grouping: Parameters<typeof groupedNodes>[1]) =>
    groupedNodes(NODES, grouping, CONTEXT).map(({ name, count, directEffect }) => [name, count, directEffect[0]]);
  assert.deepEqual(sums("component").slice(0, 3), [["embed", 2, 0.1 - 0.3], ["head/0/1", 1, 2], ["head/1/1", 1, -4]]);
  assert.deepEqual(sums("layer"), [
    ["embed", 2, 0.1 - 0.3],
    ["attention of layer 0", 1, 2],
    ["attention of layer 1", 1, -4],
    ["MLP of layer 0", 1, 1],
    ["MLP of layer 1", 2, -0.5],
  ]);
  assert.deepEqual(sums("token"), [["@0", 1, 0.1], ["@2", 2, -0.8], ["@3", 4, -1]]);
  const [only] = groupedNodes([row("mlp/0/1@1", 2, null), row("mlp/0/1@2", 3, 5)], "component", {
    sides: [SIDE, { ...SIDE, label: "right" }],
  });
  assert.deepEqual(only?.directEffect, [5, 5]);
  const order = { sort: "directEffect", direction: "size", side: 0, pair: [0, 1] } as const;
  assert.equal(sortedGroups(groupedNodes(NODES, "layer", CONTEXT), order)[0]?.name, "attention of layer 1");
});

Deno.test("beyondTopK() names rows that are not among the k largest, or for effects smallest, of their kind", () => {
  const nodes = [5, 4, 3, 2, 1, -6].map((value, index) => row(`mlp/0/${index}@1`, value));
  const order = { sort: "directEffect", direction: "desc", side: 0, pair: [0, 1] } as const;
  assert.deepEqual([...beyondTopK(nodes, order, 2)], ["mlp/0/2@1", "mlp/0/3@1"]);
  assert.deepEqual([...beyondTopK(nodes, { ...order, sort: "activation" }, 2)], [
    "mlp/0/1@1",
    "mlp/0/2@1",
    "mlp/0/3@1",
    "mlp/0/4@1",
  ], "activations by size: −6 and 5 are the largest");
  assert.deepEqual([...beyondTopK(nodes, { ...order, sort: "ref" }, 2)], []);
  assert.deepEqual([...beyondTopK(nodes, order, 200)], []);
});

Deno.test("latents and errors are filtered and gathered as other nodes are", () => {
  const nodes = [
    row("mlp-latent/1/44@3", 1),
    row("mlp-error/1@3", 0.5),
    row("mlp/1/7@3", 2),
    row("attn-latent/0/44@2", 4),
    row("head/0/1@3<2", 8),
    row("resid-latent/1/4@3", 16),
  ];
  const refs = (filter: Partial<NodeFilter>) =>
    filteredNodes(nodes, { ...DEFAULT_VIEW.filter, ...filter }, CONTEXT).map(({ ref }) => ref);
  assert.deepEqual(refs({ kinds: ["error", "mlp-latent"] }), ["mlp-latent/1/44@3", "mlp-error/1@3"]);
  assert.deepEqual(refs({ layers: [0, 0] }), ["attn-latent/0/44@2", "head/0/1@3<2"]);
  assert.deepEqual(refs({ hidesEarly: true, kinds: ["attn-latent", "resid-latent"] }), ["resid-latent/1/4@3"]);
  const groups = groupedNodes(nodes, "layer", CONTEXT).map(({ name, directEffect }) => [name, directEffect[0]]);
  assert.deepEqual(groups, [
    ["MLP of layer 1", 3.5],
    ["attention of layer 0", 12],
    ["residual stream of layer 1", 16],
  ]);
  assert.ok(groupedNodes(nodes, "component", CONTEXT).some(({ name }) => name === "mlp-error/1"));
});

Deno.test("beyondTopK() counts each kind of latents by itself, and knows that all errors are listed", () => {
  const nodes = [
    ...[5, 4, 3, 2, 1].map((value) => row(`mlp-latent/0/${value}@0`, value)),
    ...[5, 4, 3, 2, 1].map((value) => row(`mlp-error/${value}@0`, value)),
    row("attn-latent/0/1@0", 1),
  ];
  const order = { sort: "directEffect", direction: "desc", side: 0, pair: [0, 1] } as const;
  assert.deepEqual([...beyondTopK(nodes, order, 2)], ["mlp-latent/0/3@0"]);
});

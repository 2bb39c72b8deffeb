import assert from "node:assert/strict";
import { parseHTML } from "linkedom";
import type { CircuitResult } from "../../../engine/mod.ts";
import { CircuitGraph } from "../../../views/charts/circuit_graph.tsx";
import { CircuitText } from "../../../views/charts/circuit_text.tsx";
import { circuitOf, HOSTILE, html, parsed, tokensOf } from "./chart_fixtures.ts";

const CIRCUIT = circuitOf(["embed@2", "head/2/0@14<6", "head/3/3@14<2", "mlp/3/12@14"], [
  ["head/2/0@14<6", "head/3/3@14<2", "q", 1.102],
  ["embed@2", "head/2/0@14<6", "k", -0.4],
  ["embed@2", "mlp/3/12@14", null, -2],
], { "head/3/3@14<2": 2.68 });

function graphOf(circuit: CircuitResult, standalone = false) {
  return (
    <CircuitGraph
      circuit={circuit}
      layerCount={4}
      position={14}
      nodeLink={(ref) => ({ href: `/node?ref=${ref}`, "hx-get": "/x" })}
      standalone={standalone}
    />
  );
}

Deno.test("nodes are links in the colour of their kind, edges say what they are", () => {
  const document = parsed(graphOf(CIRCUIT));
  const links = [...document.querySelectorAll("a.node-box")];
  assert.deepEqual(
    links.map((link) => [link.getAttribute("data-kind"), link.getAttribute("aria-label")?.split(": ")[1]]),
    [
      ["embed", "embed@2"],
      ["head", "head/2/0@14<6"],
      ["head", "head/3/3@14<2"],
      ["neuron", "mlp/3/12@14"],
    ],
  );
  assert.equal(links[2]?.getAttribute("href"), "/node?ref=head/3/3@14<2");
  const titles = [...document.querySelectorAll(".edges path")].map(({ textContent }) => textContent);
  assert.deepEqual(titles, [
    "embed@2 → head/2/0@14<6 (k) −0.400",
    "head/2/0@14<6 → head/3/3@14<2 (q) +1.102",
    "embed@2 → mlp/3/12@14 −2.000",
    "head/3/3@14<2 → objective +2.680",
  ]);
  assert.deepEqual([...document.querySelectorAll(".letters text")].map(({ textContent }) => textContent), ["q", "k"]);
});

Deno.test("a sign is told by colour and by dashes", () => {
  const edges = [...parsed(graphOf(CIRCUIT)).querySelectorAll(".edges path")];
  assert.deepEqual(
    edges.map((edge) => [edge.classList.contains("edge-against"), edge.hasAttribute("stroke-dasharray")]),
    [
      [true, true],
      [false, false],
      [true, true],
      [false, false],
    ],
  );
});

Deno.test("the file of its own is well-formed XML with its own colours and no links", () => {
  const hostile = { ...CIRCUIT, tokens: tokensOf(...Array.from({ length: 15 }, () => `]]>${HOSTILE}`)) };
  for (const circuit of [CIRCUIT, hostile]) {
    const text = html(graphOf(circuit, true));
    assert.match(text, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg" [^>]*width="\d[\d.]*" height="\d[\d.]*"/);
    assert.doesNotMatch(text, /<a |href|hx-|var\(--|light-dark|<script|]]>/);
    // HTML attributes without a value, as HTML may have, are no XML.
    assert.doesNotMatch(text, /<\w+[^<>"]* [\w-]+(?=[ >])(?!=)/);
    const { document } = parseHTML(text);
    assert.equal(document.querySelectorAll(".node-box").length, 4 + 3);
    assert.ok(document.querySelector("style")?.textContent.includes("#"));
  }
});

Deno.test("the legend tells kinds, signs and the largest size, and how many edges are not drawn", () => {
  assert.match(html(graphOf(CIRCUIT)), /neuron.*the way into a head.*for the target.*against it.*widest: 2\.680/s);
  assert.match(html(graphOf(circuitOf(["embed@2"]))), /none among these nodes/);
  const refs = Array.from({ length: 15 }, (_, layer) => `mlp/${layer}/0@1`);
  const edges = refs.flatMap((to, reader) => refs.slice(0, reader).map((from) => [from, to, null, 1] as const));
  const many = <CircuitGraph circuit={circuitOf(refs, edges)} layerCount={15} position={14} nodeLink={() => ({})} />;
  assert.match(html(many), /100 strongest between nodes; 5 weaker ones/);
});

Deno.test("no nodes, one token, hostile tokens and what is not a number make no broken picture", () => {
  const broken = circuitOf(["embed@0", "head/0/0@99<98"], [["embed@0", "head/0/0@99<98", "v", NaN]], {
    "embed@0": NaN,
  });
  for (const circuit of [circuitOf([]), broken, { ...broken, objective: NaN, tokens: tokensOf(HOSTILE) }]) {
    const text = html(graphOf(circuit));
    assert.doesNotMatch(text, /="[^"]*(?:NaN|Infinity)|<script/);
  }
});

Deno.test("the circuit in words has every edge by falling size and every node with its effects", () => {
  const document = parsed(<CircuitText circuit={CIRCUIT} nodeLink={(ref) => ({ href: `/n/${ref}` })} />);
  const [edges, nodes] = [...document.querySelectorAll("tbody")].map((body) =>
    [...body.querySelectorAll("tr")].map(({ textContent }) => textContent ?? "")
  );
  assert.deepEqual(edges, [
    "embed@2 → mlp/3/12@14−2.000",
    "head/2/0@14<6 → head/3/3@14<2 (q)+1.102",
    "embed@2 → head/2/0@14<6 (k)−0.400",
  ]);
  assert.equal(nodes?.length, 4);
  assert.match(nodes?.[2] ?? "", /head\/3\/3@14<2.*1\.000\+2\.680\+0\.500/);
  assert.match(nodes?.[0] ?? "", /not known/);
  assert.match(html(<CircuitText circuit={circuitOf([])} nodeLink={() => ({})} />), /no direct edges/);
});

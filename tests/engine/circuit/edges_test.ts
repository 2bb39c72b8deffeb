/** Edges: direct effects on a node's attribution, against golden tensors and against each other. */
import assert from "node:assert/strict";
import type { HeadPath, Trace, TracedNode } from "../../../engine/circuit/trace.ts";
import { type EdgesKind, writerEdges } from "../../../engine/circuit/edges_graph.ts";
import { type Writer, writerFeeds, writerKind } from "../../../engine/circuit/writer.ts";
import { buildQuestion, questionFeeds } from "../../../engine/circuit/question_graph.ts";
import { lowerGraph } from "../../../engine/onnx/lower.ts";
import { encodeModel } from "../../../engine/onnx/proto.ts";
import type { Value } from "../../../engine/onnx/value.ts";
import { createOrtBackend } from "../../../engine/runtime/ort_backend.ts";
import { Asker, runQuestion, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { goldenAllowance, goldenModelFolder } from "../../support/golden.ts";
import { readSafetensors } from "../../support/safetensors_fixture.ts";

const FOLDER = new URL("../../fixtures/golden/other/", import.meta.url);
const CASE = JSON.parse(await Deno.readTextFile(new URL("tiny.edges.T7.json", FOLDER)));
const { tensors: golden } = readSafetensors(await Deno.readFile(new URL("tiny.edges.T7.safetensors", FOLDER)));
const LAYERS = 3;

const asker = await Asker.open(goldenModelFolder("tiny"));
const QUESTION: TestQuestion = {
  tokens: CASE.request.prompt_ids,
  targets: CASE.request.loss.target_ids,
  distractors: CASE.request.loss.distractor_ids,
};

interface GoldenEdge {
  readonly kind: "out" | "in";
  readonly node: { readonly type: string; readonly layer: number; readonly index: readonly number[] };
  readonly sub?: HeadPath;
  readonly freeze: boolean;
}

function tracedNode({ node: { type, layer, index: [first = 0, second = 0, head = 0] }, sub }: GoldenEdge): TracedNode {
  if (type === "mlp_neuron") return { kind: "mlp", layer, token: first, neuron: second };
  assert.ok(sub);
  return { kind: "head", layer, head, query: first, key: second, path: sub };
}

const READERS = (CASE.request.edges as readonly GoldenEdge[]).map((edge, index) => ({ edge, index })).filter((
  { edge },
) => edge.kind === "out");
assert.equal(READERS.length, 5);

for (const { edge, index } of READERS) {
  const { type, layer } = edge.node;
  Deno.test(`edges from all writers to ${type} of layer ${layer} ${edge.sub ?? ""} match the golden tensors`, async () => {
    const trace: Trace = {
      node: tracedNode(edge),
      towards: null,
      activation: "post",
      freezeNorm: edge.freeze,
      of: "attribution",
    };
    const layers = Array.from({ length: LAYERS }, (_, at) => at);
    const expected: readonly (readonly [string, readonly string[]])[] = [
      ["attn_out_edge_attribution", layers.map((at) => `scalar:direct_effect:head:${at}`)],
      ["mlp_out_edge_attribution", layers.map((at) => `scalar:direct_effect:mlp:${at}`)],
      ["token_out_edge_attribution", ["scalar:direct_effect:embed"]],
      ["grad_of_single_subnode_attribution", [
        `grad:blocks.${layer}.${type === "mlp_neuron" ? "hook_resid_mid" : "hook_resid_pre"}`,
      ]],
    ];
    const tensors = await asker.tensors(expected.flatMap(([, names]) => names), { ...QUESTION, trace });
    for (const [name, parts] of expected) {
      const full = `edge${index}.dst.${name}`;
      const found = parts.flatMap((part) => Array.from(tensors.get(part)?.data ?? []));
      const { max_abs: maxAbs, noise } = CASE.tensors[full];
      assertClose(found, golden.get(full)?.data ?? [], { label: full, absolute: goldenAllowance({ maxAbs, noise }) });
    }
  });
}

Deno.test("an attribution is the total effect of its node", async () => {
  const trace: Trace = {
    node: { kind: "mlp", layer: 2, neuron: 64, token: 6 },
    towards: null,
    activation: "post",
    freezeNorm: true,
    of: "attribution",
  };
  const total = (await asker.tensors(["scalar:total_effect:mlp:2"], QUESTION)).get("scalar:total_effect:mlp:2");
  const [attribution] = (await asker.run([{ ...QUESTION, trace }])).objective;
  assertClose([attribution ?? NaN], [total?.data[6 * (total.shape[1] ?? 0) + 64] ?? NaN], {
    label: "J",
    absolute: 1e-6,
  });
});

const WRITERS = (CASE.request.edges as readonly GoldenEdge[]).map((edge, index) => ({ edge, index })).filter((
  { edge },
) => edge.kind === "in");
assert.equal(WRITERS.length, 2);

for (const { edge, index } of WRITERS) {
  const { type, layer, index: [first = 0, second = 0, head = 0] } = edge.node;
  const writer: Writer = type === "mlp_neuron"
    ? { kind: "mlp", layer, token: first, neuron: second }
    : { kind: "head", layer, head, query: first, key: second };
  Deno.test(`edges from ${type} of layer ${layer} to all readers match the golden tensors`, async () => {
    const attribution = await wholeEdges(writer, edge.freeze, "attribution");
    // These are defined with norms' scales held, whatever holds for attributions.
    const activation = await wholeEdges(writer, true, "activation");
    for (
      const [name, found] of [
        ["attn_query_in_edge_attribution", attribution("q")],
        ["attn_key_in_edge_attribution", attribution("k")],
        ["attn_value_in_edge_attribution", attribution("v")],
        ["mlp_in_edge_attribution", attribution("mlp")],
        ["attn_query_in_edge_activation", activation("q")],
        ["attn_key_in_edge_activation", activation("k")],
        ["mlp_in_edge_activation", activation("mlp")],
      ] as const
    ) {
      const full = `edge${index}.dst.${name}`;
      const { max_abs: maxAbs, noise } = CASE.tensors[full];
      assertClose(found, golden.get(full)?.data ?? [], { label: full, absolute: goldenAllowance({ maxAbs, noise }) });
    }
  });
}

/** Every edge of a writer, by kind: all layers one after another, in the golden axes, 0 where nothing reads. */
async function wholeEdges(
  writer: Writer,
  freezeNorm: boolean,
  which: "attribution" | "activation",
): Promise<(kind: "q" | "k" | "v" | "mlp") => readonly number[]> {
  const { model } = asker;
  const { headCount, mlpWidth } = model.architecture;
  const question = runQuestion([QUESTION], 1);
  const kind: EdgesKind = {
    objective: "logit-diff",
    freezeFinalNorm: true,
    edits: null,
    trace: null,
    dictionaries: [],
    dropsErrors: false,
    writer: writerKind(writer, []),
    freezeNorm,
  };
  const outputs: Record<string, Value> = {};
  for (const edges of writerEdges(model, kind, buildQuestion(model, kind, false))) {
    const value = edges[which];
    if (value !== null) outputs[`${edges.kind} ${edges.layer}`] = value;
  }
  const backend = await createOrtBackend({ device: "cpu" }, new Uint8Array());
  await using session = await backend.prepare(encodeModel(lowerGraph({ outputs })));
  const fetches = await session.execute({ ...questionFeeds(question, model.architecture), ...writerFeeds(writer, 1) });
  const n = QUESTION.tokens.length;
  return (edgeKind) =>
    Array.from({ length: LAYERS }, (_, layer) => {
      const found = fetches[`${edgeKind} ${layer}`]?.data;
      if (edgeKind === "mlp") {
        return found === undefined ? new Array<number>(n * mlpWidth).fill(0) : Array.from(found, Number);
      }
      // [head, query, key] → [query, key, head]
      return Array.from({ length: n * n * headCount }, (_, i) => {
        const [pair, head] = [Math.floor(i / headCount), i % headCount];
        return Number(found?.[head * n * n + pair] ?? 0);
      });
    }).flat();
}

/** Edges: direct effects on a node's attribution, against golden tensors and against each other. */
import assert from "node:assert/strict";
import type { Trace, TracedNode } from "../../../engine/circuit/trace.ts";
import { type EdgesKind, writerEdges } from "../../../engine/circuit/edges_graph.ts";
import { type Writer, writerFeeds, writerKind } from "../../../engine/circuit/writer.ts";
import { buildQuestion, questionFeeds } from "../../../engine/circuit/question_graph.ts";
import { lowerGraph } from "../../../engine/onnx/lower.ts";
import { encodeModel } from "../../../engine/onnx/proto.ts";
import type { Value } from "../../../engine/onnx/value.ts";
import { createOrtBackend } from "../../../engine/runtime/ort_backend.ts";
import { Asker, runQuestion, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { goldenDescription, goldenExpectations, goldenModelFolder } from "../../support/golden.ts";
import { type Counterparts, goldenWriter, testCounterparts, writeOf } from "../../support/golden_nodes.ts";

const NAME = "tiny.edges.T7";
const golden = await goldenExpectations(NAME);
const { edges: EDGES = [] } = (await goldenDescription(NAME)).request;
const LAYERS = 3;

const asker = await Asker.open(goldenModelFolder("tiny"));
const { tokens, targets, distractors } = golden.request;
const QUESTION: TestQuestion = { tokens, targets, distractors };

type GoldenEdge = typeof EDGES[number];

function tracedNode({ node: { type, layer, index: [first = 0, second = 0, head = 0] }, sub }: GoldenEdge): TracedNode {
  if (type === "mlp_neuron") return { kind: "mlp", layer, token: first, neuron: second };
  assert.ok(sub);
  return { kind: "head", layer, head, query: first, key: second, path: sub };
}

/** Tensors of ours one after another. */
function joined(names: readonly string[], trace: Trace | null): () => Promise<readonly number[]> {
  return async () => {
    const tensors = await asker.tensors(names, { ...QUESTION, trace });
    return names.flatMap((name) => Array.from(tensors.get(name)?.data ?? []));
  };
}

/** From all writers to one reader. */
function edgesOut(edge: GoldenEdge): Counterparts {
  const trace: Trace = {
    node: tracedNode(edge),
    towards: null,
    activation: "post",
    freezeNorm: edge.freeze,
    of: "attribution",
  };
  const { type, layer } = edge.node;
  const layers = Array.from({ length: LAYERS }, (_, at) => at);
  return {
    "attn_out_edge_attribution": joined(layers.map((at) => `scalar:direct_effect:head:${at}`), trace),
    "mlp_out_edge_attribution": joined(layers.map((at) => `scalar:direct_effect:mlp:${at}`), trace),
    "token_out_edge_attribution": joined(["scalar:direct_effect:embed"], trace),
    "grad_of_single_subnode_attribution": joined([
      `grad:blocks.${layer}.${type === "mlp_neuron" ? "hook_resid_mid" : "hook_resid_pre"}`,
    ], trace),
  };
}

/** From one writer to all readers. */
function edgesIn({ node, freeze }: GoldenEdge): Counterparts {
  const writer = goldenWriter(node);
  assert.ok(writer.kind === "mlp" || writer.kind === "head");
  const at = writer.kind === "mlp" ? writer.token : writer.query;
  const attribution = (kind: ReaderKind) => async () => (await wholeEdges(writer, freeze, "attribution"))(kind);
  // These are defined with norms' scales held, whatever holds for attributions.
  const activation = (kind: ReaderKind) => async () => (await wholeEdges(writer, true, "activation"))(kind);
  /** 0 at all tokens but the writer's. */
  const there = (values: readonly number[]) =>
    tokens.flatMap((_, token) => token === at ? values : values.map(() => 0));
  return {
    "attn_query_in_edge_attribution": attribution("q"),
    "attn_key_in_edge_attribution": attribution("k"),
    "attn_value_in_edge_attribution": attribution("v"),
    "mlp_in_edge_attribution": attribution("mlp"),
    "attn_query_in_edge_activation": activation("q"),
    "attn_key_in_edge_activation": activation("k"),
    "mlp_in_edge_activation": activation("mlp"),
    "single_node_write": async () => there([...await writeOf(asker, QUESTION, writer)]),
    "single_node_write_to_final_residual_grad": async () => {
      const name = `scalar:direct_effect:${writer.kind}:${writer.layer}`;
      const found = (await asker.tensors([name], QUESTION)).get(name);
      // `[token, neuron]`, or `[query, key, head]`
      const place = writer.kind === "mlp"
        ? at * (found?.shape[1] ?? 0) + writer.neuron
        : (at * tokens.length + writer.key) * (found?.shape[2] ?? 0) + writer.head;
      return there([found?.data[place] ?? NaN]);
    },
  };
}

testCounterparts(
  NAME,
  golden,
  Object.fromEntries(EDGES.flatMap((edge, index) =>
    Object.entries(edge.kind === "out" ? edgesOut(edge) : edgesIn(edge))
      .map(([name, compute]) => [`edge${index}.dst.${name}`, compute])
  )),
);

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

type ReaderKind = "q" | "k" | "v" | "mlp";

/** Every edge of a writer, by kind: all layers one after another, in the golden axes, 0 where nothing reads. */
async function wholeEdges(
  writer: Writer,
  freezeNorm: boolean,
  which: "attribution" | "activation",
): Promise<(kind: ReaderKind) => readonly number[]> {
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

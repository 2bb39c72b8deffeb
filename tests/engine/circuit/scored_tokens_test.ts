/** Vocabulary scores against golden tensors, and the sides of a head against each other. */
import assert from "node:assert/strict";
import type { Writer } from "../../../engine/circuit/writer.ts";
import type { ScoresQuestion } from "../../../engine/circuit/questions.ts";
import { scoredList } from "../../../engine/circuit/scored_tokens.ts";
import type { TracedNode } from "../../../engine/circuit/trace.ts";
import { Asker, runQuestion, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { goldenAllowance, goldenModelFolder } from "../../support/golden.ts";
import { readSafetensors } from "../../support/safetensors_fixture.ts";

const FOLDER = new URL("../../fixtures/golden/other/", import.meta.url);
const CASE = JSON.parse(await Deno.readTextFile(new URL("tiny.tokens.T7.json", FOLDER)));
const { tensors: golden } = readSafetensors(await Deno.readFile(new URL("tiny.tokens.T7.safetensors", FOLDER)));

const asker = await Asker.open(goldenModelFolder("tiny"));
const QUESTION: TestQuestion = {
  tokens: CASE.request.prompt_ids,
  targets: CASE.request.loss.target_ids,
  distractors: CASE.request.loss.distractor_ids,
};

interface GoldenNode {
  readonly type: string;
  readonly layer: number;
  readonly index: readonly number[];
}

function writerOf({ type, layer, index: [first = 0, second = 0, head = 0] }: GoldenNode): Writer {
  if (type === "mlp_neuron") return { kind: "mlp", layer, token: first, neuron: second };
  if (type === "attention_head") return { kind: "head", layer, head, query: first, key: second };
  return { kind: "embed", token: first };
}

function scores(of: ScoresQuestion["of"], traced: TracedNode | null = null): Promise<Float32Array> {
  const trace = traced === null
    ? null
    : { node: traced, towards: null, activation: "pre", freezeNorm: true, of: "value" } as const;
  const { topK: _k, ...question } = runQuestion([{ ...QUESTION, trace }], 1);
  return asker.questioner.scores(asker.model, { ...question, of });
}

function assertGolden(found: ArrayLike<number>, name: string): void {
  const { max_abs: maxAbs, noise } = CASE.tensors[name];
  assertClose(found, golden.get(name)?.data ?? [], { label: name, absolute: goldenAllowance({ maxAbs, noise }) });
}

(CASE.request.nodes as readonly GoldenNode[]).forEach((goldenNode, index) => {
  const { type, layer } = goldenNode;
  Deno.test(`what ${type} ${layer ?? ""} writes and reads in the vocabulary matches the golden tensors (node ${index})`, async () => {
    const writer = writerOf(goldenNode);
    assertGolden(await scores({ writer }), `node${index}.token_write`);
    if (writer.kind !== "mlp") return;
    assertGolden(await scores("read", writer), `node${index}.token_read`);
  });
});

(CASE.request.input_score_nodes as readonly { readonly layer: number; readonly index: number }[]).forEach(
  ({ layer, index: neuron }, index) => {
    Deno.test(`what each token alone does to neuron ${neuron} of layer ${layer} matches the golden tensors`, async () => {
      assertGolden(await scores({ layer, neuron }), `input_score${index}`);
    });
  },
);

Deno.test("a head's query list is about the attending token and its key list about the attended one", async () => {
  const pair = { kind: "head", layer: 1, head: 2, query: 6, key: 1 } as const;
  const [query, key] = [await scores("read", { ...pair, path: "q" }), await scores("read", { ...pair, path: "k" })];
  // W_E[v] · ∂score/∂residual, from the gradients of the score at the two tokens.
  const gradientName = "grad:blocks.1.hook_resid_pre";
  const wte = await embeddingRows();
  for (const [path, found, token] of [["q", query, 6], ["k", key, 1]] as const) {
    const trace = { node: { ...pair, path }, towards: null, activation: "pre", freezeNorm: true, of: "value" } as const;
    const gradient = (await asker.tensors([gradientName], { ...QUESTION, trace })).get(gradientName);
    const width = gradient?.shape[1] ?? 0;
    const direction = gradient?.data.subarray(token * width, (token + 1) * width) ?? new Float32Array();
    assert.ok(direction.some((value) => value !== 0), `the score reads token ${token} through ${path}`);
    const expected = wte.map((row) => row.reduce((sum, value, i) => sum + value * (direction[i] ?? NaN), 0));
    assertClose(found, expected, { label: path, absolute: 1e-5 });
  }
  assert.ok(query.some((value, id) => Math.abs(value - (key[id] ?? NaN)) > 1e-3), "they are two lists");
});

Deno.test("scoredList() gives both ends, strongest first, over the largest of them", () => {
  const { top, bottom } = scoredList([0.5, -4, 2, 0, 1], 2, (id) => ({ id, text: `t${id}` }));
  assert.deepEqual(top.map(({ id, score, normalized }) => [id, score, normalized]), [[2, 2, 0.5], [4, 1, 0.25]]);
  assert.deepEqual(bottom.map(({ id, score, normalized }) => [id, score, normalized]), [[1, -4, -1], [3, 0, 0]]);
});

async function embeddingRows(): Promise<readonly Float64Array[]> {
  const { checkpoint, architecture: { vocabularySize } } = asker.model;
  return await Promise.all(Array.from({ length: vocabularySize }, (_, id) => checkpoint.row("wte.weight", id)));
}

/** Norms of what heads write, from either side, against plain float64. */
import assert from "node:assert/strict";
import { buildGramGraph, normsByGram, writeNorms } from "../../../engine/corpus/write_norms.ts";
import type { ModelWeights } from "../../../engine/model/language_model.ts";
import type { Forward } from "../../../engine/model/transformer.ts";
import { constant } from "../../../engine/onnx/value.ts";
import { float32Data } from "../../../engine/tensor/tensor.ts";
import { executeGraph } from "../../support/execute_graph.ts";

const [HEADS, HEAD_WIDTH, WIDTH] = [2, 3, 4] as const;

/** Rows of W_O of the first head are far apart in size; those of the second are multiples of one, so that most values write nothing. */
const OUTPUT = Float32Array.of(
  ...[1000, -500, 250, 125],
  ...[0.5, 0.25, -1, 2],
  ...[0.001, 0.002, 0.003, -0.001],
  ...[1, -0.75, 0.3, 0.7],
  ...[2, -1.5, 0.6, 1.4],
  ...[0, 0, 0, 0],
);

/** `[token, head, d_head]` */
const VALUES = [
  [[1, -2, 0.5], [2, -1, 7]],
  [[0, 0, 3], [0.1, -0.05, 0]],
  [[0, 0.125, -4], [1, 1, 1]],
  [[0, 0, 0], [0, 0, 0]],
];

function normByHand(value: readonly number[], head: number): number {
  const written = Array.from(
    { length: WIDTH },
    (_, channel) =>
      value.reduce((sum, x, i) => sum + Math.fround(x) * (OUTPUT[(head * HEAD_WIDTH + i) * WIDTH + channel] ?? NaN), 0),
  );
  return Math.hypot(...written);
}

Deno.test("norms of what is written are those of float64, by the matrices' products too, and 0 where nothing is", async () => {
  const weight = constant("float32", [HEADS * HEAD_WIDTH, WIDTH], OUTPUT);
  const model = {
    architecture: { layerCount: 1, headCount: HEADS, headWidth: HEAD_WIDTH, modelWidth: WIDTH },
    weights: { blocks: [{ attentionOut: { weight } }] },
  } as unknown as ModelWeights;
  const shape = [1, VALUES.length, HEADS, HEAD_WIDTH];
  const hooks = new Map([["blocks.0.attn.hook_v", constant("float32", shape, Float32Array.from(VALUES.flat(2)))]]);
  const forward = { hooks } as unknown as Forward;
  const grams = await executeGraph(buildGramGraph(model).outputs, {});
  const { direct, byGram } = await executeGraph({
    direct: writeNorms(model, forward, 0),
    byGram: normsByGram(model, forward, 0),
  }, grams);
  for (let head = 0; head < HEADS; head++) {
    for (const [token, values] of VALUES.entries()) {
      const expected = normByHand(values[head] ?? [], head);
      for (const norms of [direct, byGram]) {
        const found = norms === undefined ? NaN : float32Data(norms)[head * VALUES.length + token] ?? NaN;
        assert.ok(Math.abs(found - expected) <= 1e-6 * expected + 1e-8, `${head} ${token}: ${found}, not ${expected}`);
      }
    }
  }
});

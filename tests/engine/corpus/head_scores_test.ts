/** Scores of heads against the reference transformer and plain loops over the weights. */
import assert from "node:assert/strict";
import { copiedTokens, PROMOTED_TOKENS, repeatedSequences } from "../../../engine/corpus/head_scores.ts";
import { sampleOf } from "../../../engine/corpus/random.ts";
import { Sequences } from "../../../engine/corpus/sequences.ts";
import { assertClose } from "../../support/assert_close.ts";
import { openSweptEngine, sweepToTheEnd, type SweptModel, withSweptModel } from "../../support/swept_model.ts";
import { bruteForce } from "./brute_force.ts";

function sequencesOf(lists: readonly (readonly number[])[]): Sequences {
  const starts = [0];
  for (const { length } of lists) starts.push((starts.at(-1) ?? 0) + length);
  return new Sequences(Int32Array.from(lists.flat()), Uint32Array.from(starts));
}

/** Which share of tokens a head promotes when it reads them, in plain loops over the weights. */
function copyingByHand(
  { tiny }: SweptModel,
  tokens: readonly number[],
  at: readonly [layer: number, head: number],
): number {
  const [layer, head] = at;
  const weight = (name: string) => tiny.weights.get(`transformer.${name}`)?.data ?? new Float64Array();
  const { "n_embd": width, "n_head": heads, "vocab_size": vocab } = tiny.config;
  const headWidth = width / heads;
  const [embedding, gain1, gainF] = [weight("wte.weight"), weight(`h.${layer}.ln_1.weight`), weight("ln_f.weight")];
  const [qkv, output] = [weight(`h.${layer}.attn.c_attn.weight`), weight(`h.${layer}.attn.c_proj.weight`)];
  const n = (values: Float64Array, i: number) => values[i] ?? NaN;
  const range = (count: number) => Array.from({ length: count }, (_, i) => i);
  const sum = (count: number, term: (i: number) => number) => range(count).reduce((total, i) => total + term(i), 0);
  const copied = tokens.filter((token) => {
    const read = range(width).map((c) => n(embedding, token * width + c) * n(gain1, c));
    const value = range(headWidth).map((i) =>
      sum(width, (c) => (read[c] ?? NaN) * n(qkv, c * 3 * width + 2 * width + head * headWidth + i))
    );
    const written = range(width).map((c) =>
      n(gainF, c) * sum(headWidth, (i) => (value[i] ?? NaN) * n(output, (head * headWidth + i) * width + c))
    );
    const scores = range(vocab).map((id) => sum(width, (c) => (written[c] ?? NaN) * n(embedding, id * width + c)));
    return scores.filter((score) => score > (scores[token] ?? NaN)).length < PROMOTED_TOKENS;
  });
  return copied.length / tokens.length;
}

Deno.test("induction, duplicate-token and copying scores are what repeated sequences and weights show", () =>
  withSweptModel(20, async (model) => {
    const ordinary = sequencesOf(model.sequences).ordinaryTokens(null);
    const { sequences, period } = repeatedSequences(ordinary, { bosId: null, contextLength: 24 });
    assert.equal(period, 12);
    const { patterns } = bruteForce(model.tiny, sequences);
    const engine = await openSweptEngine(model, 100);
    try {
      await sweepToTheEnd(engine);
      for (const { component, scores } of (await engine.catalogue({ kind: "head" })).rows) {
        const rows = (patterns.get(component) ?? []).flatMap((pattern) => pattern.slice(period));
        const average = (distance: number) =>
          rows.reduce((sum, row) => sum + (row.at(-1 - distance) ?? NaN), 0) / rows.length;
        assertClose([scores?.induction ?? NaN], [average(period - 1)], { label: component, absolute: 1e-5 });
        assertClose([scores?.duplicateToken ?? NaN], [average(period)], { label: component, absolute: 1e-5 });
        const [, layer = 0, head = 0] = component.split("/").map(Number);
        assert.equal(scores?.copying, copyingByHand(model, copiedTokens(ordinary), [layer, head]), component);
      }
    } finally {
      await engine.close();
    }
  }));

Deno.test("a repeated sequence holds each of its tokens twice, after BOS, and fits the context", () => {
  const ordinary = Array.from({ length: 50 }, (_, i) => i + 10);
  const { sequences, period } = repeatedSequences(ordinary, { bosId: 3, contextLength: 1024 });
  assert.equal(period, 20);
  for (const [bos, ...tokens] of sequences) {
    assert.equal(bos, 3);
    assert.deepEqual(tokens.slice(0, period), tokens.slice(period));
    assert.equal(new Set(tokens).size, period);
  }
  assert.equal(new Set(sequences.map(String)).size, sequences.length, "no two are the same");
  assert.equal(repeatedSequences([1, 2], { bosId: null, contextLength: 24 }).period, 2);
  assert.equal(repeatedSequences(ordinary, { bosId: 3, contextLength: 8 }).sequences[0]?.length, 7);
});

Deno.test("sampleOf() draws different numbers, the same each time, and its beginning is a smaller sample", () => {
  const sample = sampleOf(1000, 64, 1);
  assert.equal(new Set(sample).size, 64);
  assert.deepEqual(sampleOf(1000, 10, 1), sample.slice(0, 10));
  assert.notDeepEqual(sampleOf(1000, 64, 2), sample);
  assert.deepEqual(sampleOf(3, 64, 1).toSorted(), [0, 1, 2]);
});

/** One head's pairs against the float64 reference and against whole tensors, on every side. */
import assert from "node:assert/strict";
import { type Metric, METRICS } from "../../../engine/circuit/metrics.ts";
import type { AttentionQuestion } from "../../../engine/circuit/questions.ts";
import type { Trace } from "../../../engine/circuit/trace.ts";
import { Asker, runQuestion, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { referenceIntervention } from "../../support/reference_edits.ts";
import { referenceRun, referenceTensor } from "../../support/reference_transformer.ts";
import { writeTinyModel } from "../../support/tiny_model.ts";

const TOKENS = [3, 41, 17, 5, 66, 3, 29];
const QUESTION: TestQuestion = {
  tokens: TOKENS,
  targets: [7, 9],
  distractors: [11],
  edits: [{ hook: "blocks.0.mlp.hook_post", row: 0, index: [2, 1], keep: 0, patch: null, added: -1 }],
};
const NAMES: Readonly<Record<Metric, string>> = {
  activation: "activation",
  writeNorm: "write_norm",
  directEffect: "direct_effect",
  totalEffect: "total_effect",
};

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const { weights, config } = await writeTinyModel(folder, { seed: 41, heads: 4 });
const asker = await Asker.open(folder);

/** The pairs of a head in `[query, key, head]`, up to the query. */
function pairsOf(data: ArrayLike<number>, head: number, tokenCount: number): readonly (readonly number[])[] {
  return Array.from(
    { length: tokenCount },
    (_, query) => Array.from({ length: query + 1 }, (_, key) => data[(query * tokenCount + key) * 4 + head] ?? NaN),
  );
}

function assertPairs(
  found: readonly (readonly number[])[],
  expected: readonly (readonly number[])[],
  label: string,
): void {
  assert.deepEqual(found.map(({ length }) => length), expected.map(({ length }) => length), label);
  assertClose(found.flat(), expected.flat(), { label, relative: 1e-5, absolute: 2e-6 });
}

for (const metric of METRICS) {
  Deno.test(`${metric} of every head equals the float64 reference, interventions done`, async () => {
    const run = referenceRun(weights, config, {
      tokens: TOKENS,
      objective: { kind: "logit-diff", targets: QUESTION.targets, distractors: [11] },
      interventions: (QUESTION.edits ?? []).map(referenceIntervention),
    });
    for (const [layer, head] of [[0, 0], [0, 3], [1, 1], [1, 2]] as const) {
      const question: AttentionQuestion = { ...runQuestion([QUESTION], 1), side: 0, layer, head, metric };
      const { data } = referenceTensor(run, `scalar:${NAMES[metric]}:head:${layer}`);
      const found = await asker.questioner.attention(asker.model, question);
      assertPairs(found, pairsOf(data, head, TOKENS.length), `${metric} of head ${layer}/${head}`);
      if (metric !== "activation") continue;
      assertClose(found.map((row) => row.reduce((sum, value) => sum + value, 0)), TOKENS.map(() => 1), {
        label: "rows of attention",
        absolute: 1e-6,
      });
    }
  });
}

Deno.test("effects of a head are those of the trace", async () => {
  const trace: Trace = {
    node: { kind: "mlp", layer: 1, neuron: 5, token: 6 },
    towards: null,
    activation: "pre",
    freezeNorm: true,
    of: "value",
  };
  for (const metric of ["directEffect", "totalEffect"] as const) {
    const name = `scalar:${NAMES[metric]}:head:1`;
    const whole = (await asker.tensors([name], { ...QUESTION, trace })).get(name);
    const question = { ...runQuestion([{ ...QUESTION, trace }], 1), side: 0, layer: 1, head: 2, metric };
    const found = await asker.questioner.attention(asker.model, question);
    assertPairs(found, pairsOf(whole?.data ?? [], 2, TOKENS.length), metric);
    assert.ok(found.flat().some((value) => value !== 0));
  }
});

Deno.test("a side with empty slots has the matrix that it has alone", async () => {
  const shorter: TestQuestion = { ...QUESTION, tokens: [3, 41, 5, 66, 3, 29], edits: [] };
  const { rows: [row], ...shared } = runQuestion([{ ...QUESTION, edits: [] }], 1);
  assert.ok(row);
  const rows = [row, { ...row, tokens: [3, 41, null, 5, 66, 3, 29] }];
  for (const metric of METRICS) {
    const of = { layer: 1, head: 3, metric };
    const beside = await asker.questioner.attention(asker.model, { ...shared, rows, side: 1, ...of });
    const alone = await asker.questioner.attention(asker.model, { ...runQuestion([shorter], 1), side: 0, ...of });
    assert.equal(beside.length, 6);
    assertPairs(beside, alone, metric);
  }
});

Deno.test("heads, sides and other objectives need no other graph of what is attended to", async () => {
  const own = await Asker.open(folder);
  const ask = (question: TestQuestion, head: number) =>
    own.questioner.attention(own.model, {
      ...runQuestion([question, question], 1),
      side: head % 2,
      layer: 1,
      head,
      metric: "activation",
    });
  await ask({ ...QUESTION, edits: [] }, 0);
  await ask({ ...QUESTION, edits: [] }, 3);
  await ask({ ...QUESTION, edits: [], objective: "prob", distractors: [] }, 1);
  assert.equal(own.questioner.sessions.compiled, 1);
});

/** Interventions against the float64 reference, against each other, and against doing nothing. */
import assert from "node:assert/strict";
import { type Edit, EMBEDDING_SITE } from "../../../engine/circuit/edits.ts";
import { tensorNames } from "../../../engine/circuit/tensor_names.ts";
import { Asker, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { referenceIntervention } from "../../support/reference_edits.ts";
import { referenceRun, referenceTensor, type RefRun } from "../../support/reference_transformer.ts";
import { writeTinyModel } from "../../support/tiny_model.ts";

const TOKENS = [3, 41, 17, 5, 66, 3, 29];
const QUESTION: TestQuestion = { tokens: TOKENS, targets: [7, 9], distractors: [11] };

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const { weights, config } = await writeTinyModel(folder, { seed: 21 });
const asker = await Asker.open(folder);

function edit(hook: Edit["hook"], index: readonly number[], change: Partial<Edit>): Edit {
  return { hook, row: 0, index, keep: 0, patch: null, added: 0, ...change };
}

function reference(edits: readonly Edit[], question = QUESTION): RefRun {
  const { tokens, targets, distractors = [] } = question;
  return referenceRun(weights, config, {
    tokens,
    objective: { kind: "logit-diff", targets, distractors },
    interventions: edits.map(referenceIntervention),
  });
}

async function assertEqualsReference(edits: readonly Edit[], expected: RefRun): Promise<void> {
  const names = [...tensorNames(asker.model).keys()];
  const tensors = await asker.tensors(names, { ...QUESTION, edits });
  assertClose(tensors.get("objective")?.data ?? [], [expected.objective], { label: "objective", absolute: 1e-4 });
  for (const name of names) {
    const { data } = referenceTensor(expected, name);
    const largest = Math.max(...Array.from(data, (x) => Number.isFinite(x) ? Math.abs(x) : 0));
    assertClose(tensors.get(name)?.data ?? [], data, { label: name, absolute: Math.max(2e-5 * largest, 2e-6) });
  }
}

const SET: Readonly<Record<string, readonly Edit[]>> = {
  "a neuron": [edit("blocks.1.mlp.hook_post", [4, 9], { added: 2.5 })],
  "one pair of a head": [edit("blocks.0.attn.hook_pattern", [1, 5, 2], { added: 0 })],
  "a row of a head": [0, 1, 2, 3].map((key) => edit("blocks.1.attn.hook_pattern", [0, 3, key], { added: 0.25 })),
  "several at once, in every layer": [
    edit("blocks.0.mlp.hook_post", [2, 1], { added: -1 }),
    edit("blocks.0.attn.hook_pattern", [0, 6, 6], { added: 0 }),
    edit("blocks.1.mlp.hook_post", [6, 0], { added: 0 }),
    edit("blocks.1.attn.hook_pattern", [1, 6, 0], { added: 0.9 }),
  ],
};

for (const [what, edits] of Object.entries(SET)) {
  Deno.test(`every tensor with ${what} set equals the float64 reference`, async () => {
    await assertEqualsReference(edits, reference(edits));
  });
}

Deno.test("an embedding set to x writes x times as much", async () => {
  const embedding = reference([]).hooks.get(EMBEDDING_SITE);
  assert.ok(embedding);
  const [, width = 0] = embedding.shape;
  const halved = Array.from(
    { length: width },
    (_, channel) => edit(EMBEDDING_SITE, [4, channel], { added: 0.5 * (embedding.data[4 * width + channel] ?? NaN) }),
  );
  const expected = reference(halved);
  const { objective } = await objectives([edit(EMBEDDING_SITE, [4], { keep: 0.5 })]);
  assertClose([objective], [expected.objective], { label: "objective", absolute: 1e-4 });
});

Deno.test("scaling a node equals setting it to its scaled value, gradients upstream aside", async () => {
  const hook = "blocks.0.mlp.hook_post";
  const activation = (await asker.tensors([hook], QUESTION)).get(hook);
  const width = activation?.shape[1] ?? 0;
  const value = activation?.data[3 * width + 5] ?? NaN;
  const scaled = await objectives([edit(hook, [3, 5], { keep: -2 })]);
  const set = await objectives([edit(hook, [3, 5], { added: -2 * value })]);
  assertClose([scaled.objective], [set.objective], { label: "objective", absolute: 1e-5 });
});

Deno.test("a no-op intervention changes nothing", async () => {
  const names = [...tensorNames(asker.model).keys()];
  const clean = await asker.tensors(names, QUESTION);
  const noop = await asker.tensors(names, {
    ...QUESTION,
    edits: [
      edit("blocks.0.mlp.hook_post", [3, 5], { keep: 1 }),
      edit("blocks.1.attn.hook_pattern", [0, 4, 4], { keep: 1 }),
    ],
  });
  for (const name of names) {
    assertClose(noop.get(name)?.data ?? [], clean.get(name)?.data ?? [], { label: name, absolute: 1e-6 });
  }
});

Deno.test("a patched node has the value of the other prompt, unpatched, and sends no gradient there", async () => {
  const other: TestQuestion = { ...QUESTION, tokens: [3, 41, 50, 5, 66, 8, 29] };
  const hook = "blocks.0.mlp.hook_post";
  const source = (await asker.tensors([hook], other)).get(hook);
  const width = source?.shape[1] ?? 0;
  const value = source?.data[2 * width + 4] ?? NaN;
  const patched = await asker.run([
    { ...QUESTION, edits: [edit(hook, [2, 4], { patch: { row: 1, index: [2, 4] } })] },
    other,
  ], 200);
  const set = await asker.run([{ ...QUESTION, edits: [edit(hook, [2, 4], { added: value })] }, other], 200);
  assertClose(patched.objective, set.objective, { label: "objectives", absolute: 1e-5 });
  for (const metric of ["directEffect", "totalEffect"] as const) {
    patched.embed[metric].forEach((values, side) =>
      assertClose(values, set.embed[metric][side] ?? [], { label: `${metric} of side ${side}`, absolute: 1e-5 })
    );
  }
});

Deno.test("other nodes, values and layers need no other graph", async () => {
  await objectives([edit("blocks.0.mlp.hook_post", [3, 5], { added: 1 })]);
  const { compiled } = asker.questioner.sessions;
  await objectives([edit("blocks.1.mlp.hook_post", [6, 1], { added: -3 })]);
  await objectives([
    edit("blocks.1.attn.hook_pattern", [1, 5, 2], { added: 0.5 }),
    edit("blocks.0.attn.hook_pattern", [1, 5, 2], { added: 0 }),
  ]);
  assert.equal(asker.questioner.sessions.compiled, compiled);
});

Deno.test("a graph that was written ahead is the one that its first question asks for", async () => {
  const own = await Asker.open(folder);
  const kind = { objective: "logit-diff", freezeFinalNorm: true } as const;
  let count = 0;
  while (own.questioner.writeAhead(own.model, kind)) count++;
  assert.equal(count, 5, "four objectives and interventions");
  const edits = [edit("blocks.0.mlp.hook_post", [3, 5], { added: 1 })];
  const [ahead, fresh] = [await own.run([{ ...QUESTION, edits }]), await asker.run([{ ...QUESTION, edits }])];
  assert.deepEqual(ahead.objective, fresh.objective);
  assert.equal(own.questioner.writeAhead(own.model, kind), false, "what is compiled is not written again");
});

async function objectives(edits: readonly Edit[]): Promise<{ readonly objective: number }> {
  const { objective: [objective = NaN] } = await asker.run([{ ...QUESTION, edits }]);
  return { objective };
}

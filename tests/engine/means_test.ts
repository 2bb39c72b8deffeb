/** Mean values over reference texts, against averages taken text by text; and the interventions that use them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Engine, NotFoundError, openEngine, type RunSpecInput, ValidationError } from "../../engine/mod.ts";
import { Asker } from "../support/asker.ts";
import { assertClose } from "../support/assert_close.ts";

const DEMO = new URL("../../models/demo", import.meta.url).pathname;
const TEXTS = [
  "The doctor needs some help.",
  "Mary gave the book to John.",
  "Once upon a time there was a big girl named Mary.",
];
const QUESTION: RunSpecInput = {
  prompts: [{
    text: "When Mary and John went to the store, John gave a drink to",
    targets: [" Mary"],
    distractors: [" John"],
  }],
};

/** The demo model beside a corpus of three texts. */
async function withEngine(
  use: (engine: Engine, folder: string) => Promise<void>,
  corpus: string | null = null,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const model = join(folder, "demo");
  await Deno.mkdir(model);
  for (const file of ["config.json", "model.safetensors", "tokenizer.json"]) {
    await Deno.copyFile(join(DEMO, file), join(model, file));
  }
  await Deno.writeTextFile(join(model, "corpus.txt"), corpus ?? TEXTS.join("\n<|endoftext|>\n"));
  const engine = await openEngine({
    modelFolders: [model],
    dataFolder: join(folder, "data"),
    device: "cpu",
    version: "test",
  });
  try {
    await use(engine, model);
  } finally {
    await engine.close();
    await Deno.remove(folder, { recursive: true });
  }
}

async function computeMeans(engine: Engine): Promise<void> {
  const { id } = await engine.startJob({ kind: "means" });
  const job = await engine.finishedJob(id);
  assert.deepEqual([job.state, job.problem], ["done", null]);
}

Deno.test("an intervention by the mean gives a neuron its average over all tokens of the reference texts", () =>
  withEngine(async (engine, folder) => {
    const asker = await Asker.open(folder);
    const [layer, neuron] = [2, 17];
    let [sum, count] = [0, 0];
    for (const text of TEXTS) {
      const tokens = engine.tokenize("demo", text, true).map(({ id }) => id);
      const name = `blocks.${layer}.mlp.hook_post`;
      const post = (await asker.tensors([name], { tokens, targets: [1] })).get(name);
      const width = post?.shape[1] ?? 0;
      tokens.forEach((_, token) => sum += post?.data[token * width + neuron] ?? NaN);
      count += tokens.length;
    }
    const ref = `mlp/${layer}/${neuron}@14`;
    await assert.rejects(
      engine.run({ ...QUESTION, interventions: [{ node: ref, method: "mean" }] }),
      (error: unknown) => {
        assert.ok(error instanceof ValidationError);
        assert.match(error.message, /means are not known yet: ask for them with POST \/api\/v1\/jobs/);
        return true;
      },
    );
    await computeMeans(engine);
    const byMean = await engine.run({ ...QUESTION, interventions: [{ node: ref, method: "mean" }] });
    const bySet = await engine.run({ ...QUESTION, interventions: [{ node: ref, set: sum / count }] });
    assertClose(
      byMean.result.sides.map(({ objective }) => objective),
      bySet.result.sides.map(({ objective }) => objective),
      { label: "objectives", absolute: 1e-4 },
    );
    // It says which method made the value.
    assert.deepEqual(byMean.result.spec.interventions, [{ node: ref, prompt: 0, method: "mean" }]);
    assert.notEqual(byMean.result.id, bySet.result.id);
  }));

Deno.test("a head's mean is its average probability at that distance, the first token apart", () =>
  withEngine(async (engine, folder) => {
    const asker = await Asker.open(folder);
    await computeMeans(engine);
    const [layer, head] = [3, 3];
    for (const [query, key] of [[5, 2], [5, 0]] as const) {
      let [sum, count] = [0, 0];
      for (const text of TEXTS) {
        const tokens = engine.tokenize("demo", text, true).map(({ id }) => id);
        const name = `blocks.${layer}.attn.hook_pattern`;
        const pattern = (await asker.tensors([name], { tokens, targets: [1] })).get(name);
        const heads = pattern?.shape[2] ?? 0;
        tokens.forEach((_, q) =>
          tokens.forEach((_, k) => {
            const counts = key === 0 ? k === 0 && q === query : k > 0 && q - k === query - key;
            if (!counts) return;
            sum += pattern?.data[(q * tokens.length + k) * heads + head] ?? NaN;
            count++;
          })
        );
      }
      const { result } = await engine.run({
        ...QUESTION,
        topK: 200,
        interventions: [{ node: `head/${layer}/${head}@${query}<${key}`, method: "mean" }],
      });
      const found = result.nodes.find(({ ref }) => ref === `head/${layer}/${head}@${query}<${key}`);
      const expected = sum / count;
      if (found !== undefined) {
        assertClose([found.activation[0] ?? NaN], [expected], { label: `${query}<${key}`, absolute: 1e-5 });
      }
      const bySet = await engine.run({
        ...QUESTION,
        interventions: [{ node: `head/${layer}/${head}@${query}<${key}`, set: expected }],
      });
      assertClose([result.sides[0]?.objective ?? NaN], [bySet.result.sides[0]?.objective ?? NaN], {
        label: `${query}<${key}`,
        absolute: 1e-3,
      });
    }
    // No text is long enough for a pair thirteen tokens apart.
    await assert.rejects(
      engine.run({ ...QUESTION, interventions: [{ node: "head/3/3@14<1", method: "mean" }] }),
      /No reference text is long enough/,
    );
  }));

Deno.test("an embedding's mean is the average write of all tokens, and a row's mean that of its pairs", () =>
  withEngine(async (engine, folder) => {
    await computeMeans(engine);
    const { result } = await engine.run({ ...QUESTION, interventions: [{ node: "embed@3", method: "mean" }] });
    const asker = await Asker.open(folder);
    const width = asker.model.architecture.modelWidth;
    const mean = new Float64Array(width);
    let count = 0;
    for (const text of TEXTS) {
      const tokens = engine.tokenize("demo", text, true).map(({ id }) => id);
      const written = (await asker.tensors(["blocks.0.hook_resid_pre"], { tokens, targets: [1] })).get(
        "blocks.0.hook_resid_pre",
      );
      written?.data.forEach((value, i) => mean[i % width] = (mean[i % width] ?? 0) + value);
      count += tokens.length;
    }
    const norm = Math.hypot(...mean.map((value) => value / count));
    const row = result.nodes.find(({ ref }) => ref === "embed@3");
    assertClose([row?.writeNorm[0] ?? NaN], [norm], { label: "‖mean‖", absolute: 1e-4 });
    const ofRow = await engine.run({ ...QUESTION, interventions: [{ node: "head/1/1@4<*", method: "mean" }] });
    assert.ok(ofRow.result.checks.every(({ ok }) => ok));
  }));

Deno.test("a job is found again when it is done, can be cancelled, and is refused without texts", async () => {
  await withEngine(async (engine) => {
    assert.deepEqual(engine.jobs(), []);
    const begun = await engine.startJob({ kind: "means" });
    assert.deepEqual([begun.id, begun.state, begun.total], ["means:demo", "running", 3]);
    await engine.finishedJob(begun.id);
    assert.equal((await engine.startJob({ kind: "means", model: "demo" })).state, "done");
    assert.throws(() => engine.cancelJob("means:other"), NotFoundError);
    await assert.rejects(engine.startJob({ kind: "means", model: "other" }), NotFoundError);
  });
  await withEngine(async (engine) => {
    const other = engine.run(QUESTION);
    const { id } = await engine.startJob({ kind: "means" });
    engine.cancelJob(id);
    assert.equal((await engine.finishedJob(id)).state, "cancelled");
    await other;
  }, Array(400).fill("Mary gave the book to John.").join("\n<|endoftext|>\n"));
  await withEngine(async (engine, folder) => {
    await Deno.remove(join(folder, "corpus.txt"));
    await assert.rejects(engine.startJob({ kind: "means" }), /has no reference texts: put corpus\.txt into its folder/);
  });
});

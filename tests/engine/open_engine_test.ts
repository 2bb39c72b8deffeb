/** The whole engine: models, store and engine thread together, on the model that ships inside. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  CancelledError,
  type Engine,
  NotFoundError,
  openEngine,
  type OpenEngineOptions,
  parseNodeRef,
  type RunSpecInput,
  StartError,
  ValidationError,
} from "../../engine/mod.ts";
import { readSafetensors } from "../support/safetensors_fixture.ts";
import { writeTinyModel } from "../support/tiny_model.ts";

const DEMO = new URL("../../models/demo", import.meta.url).pathname;
const PROMPT = "When Mary and John went to the store, John gave a drink to";
const QUESTION: RunSpecInput = { prompts: [{ text: PROMPT, targets: [" Mary"], distractors: [" John"] }] };

async function withEngine(
  use: (engine: Engine) => Promise<void>,
  options: Partial<OpenEngineOptions> = {},
): Promise<void> {
  const dataFolder = await Deno.makeTempDir();
  try {
    const engine = await openEngine({ modelFolders: [DEMO], dataFolder, device: "cpu", version: "test", ...options });
    try {
      await use(engine);
    } finally {
      await engine.close();
    }
  } finally {
    await Deno.remove(dataFolder, { recursive: true });
  }
}

Deno.test('run() answers the demo question: " Mary", a large logit difference, every check ok', () =>
  withEngine(async (engine) => {
    const { result, isNew } = await engine.run(QUESTION);
    assert.equal(isNew, true);
    const [side] = result.sides;
    assert.ok(side);
    assert.equal(side.label, "clean");
    assert.equal(side.logits[0]?.text, " Mary");
    assert.equal(side.logits[0]?.rank, 1);
    assert.ok(side.objective > 10, `objective ${side.objective}`);
    assert.equal(side.tokens[0]?.text, "<|endoftext|>");
    assert.equal(side.position, side.tokens.length - 1);
    assert.equal(result.checks.length, 3);
    assert.ok(result.checks.every(({ ok }) => ok), JSON.stringify(result.checks));
    assert.match(result.provenance.weights, /^sha256:[0-9a-f]{64}$/);
    // The heads that the model card names as the most important ones stand out by direct effect.
    const byEffect = result.nodes.toSorted((a, b) => (b.directEffect[0] ?? 0) - (a.directEffect[0] ?? 0));
    const heads = byEffect.slice(0, 4).map(({ ref }) => parseNodeRef(ref)).map((found) =>
      found.kind === "head" ? `${found.layer}.${found.head}` : found.kind
    );
    assert.ok(heads.includes("3.3"), heads.join());
    for (const { ref } of result.nodes) parseNodeRef(ref);
  }));

Deno.test("run() finds a question that was asked before, in whatever words", () =>
  withEngine(async (engine) => {
    const first = await engine.run(QUESTION);
    const [targetId] = engine.tokenize("demo", " Mary", false);
    const again = await engine.run({
      model: "demo",
      prompts: [{ text: PROMPT, targets: [targetId?.id ?? 0], distractors: [" John"] }],
      bos: true,
      objective: { kind: "logit-diff", position: 14 },
      topK: 10,
    });
    assert.equal(again.isNew, false);
    assert.deepEqual(again.result, first.result);
    assert.deepEqual(engine.storedRun(first.result.id), first.result);
    assert.deepEqual(engine.recentRuns(5).map(({ id }) => id), [first.result.id]);
    assert.equal(engine.status().sessions.reused >= 1, true);
  }));

Deno.test("the canonical spec of a run is a question with the same canonical spec", () =>
  withEngine(async (engine) => {
    const specs: RunSpecInput[] = [
      QUESTION,
      { prompts: [{ tokens: [1535, 3, 4], targets: [530] }], objective: { kind: "prob", position: 1 }, topK: 3 },
      {
        prompts: [{ text: " a b", targets: ["x"] }, { text: " a c", targets: ["y"] }],
        bos: false,
        freezeFinalNorm: false,
      },
    ];
    for (const spec of specs) {
      const canonical = await engine.canonicalize(spec);
      assert.deepEqual(await engine.canonicalize(JSON.parse(JSON.stringify(canonical))), canonical);
    }
  }));

Deno.test("run() computes a question once that is asked twice at the same time", () =>
  withEngine(async (engine) => {
    const answers = await Promise.all([engine.run(QUESTION), engine.run(QUESTION), engine.run(QUESTION)]);
    assert.equal(new Set(answers.map(({ result }) => JSON.stringify(result))).size, 1);
    assert.equal(engine.status().storedRuns, 1);
    assert.equal(engine.status().sessions.reused, 1);
  }));

Deno.test("run() of two prompts has two sides that list the same tokens and nodes", () =>
  withEngine(async (engine) => {
    const { result } = await engine.run({
      prompts: [
        { text: PROMPT, targets: [" Mary"], distractors: [" John"] },
        { text: PROMPT.replace(", John", ", Mary"), targets: [" Mary"], distractors: [" John"] },
      ],
    });
    const [left, right] = result.sides;
    assert.deepEqual([left?.label, right?.label], ["left", "right"]);
    assert.ok((left?.objective ?? 0) > 0 && (right?.objective ?? 0) < 0);
    const ids = (side: typeof left) => side?.logits.map(({ id }) => id).sort((a, b) => a - b);
    assert.deepEqual(ids(left), ids(right));
    for (const { totalEffect } of result.nodes) assert.equal(totalEffect.length, 2);
    assert.ok(result.checks.every(({ ok }) => ok));
  }));

Deno.test("run() rejects an aborted request with CancelledError", () =>
  withEngine(async (engine) => {
    await assert.rejects(engine.run(QUESTION, { signal: AbortSignal.abort() }), CancelledError);
    const controller = new AbortController();
    const asked = engine.run({ ...QUESTION, topK: 7 }, { signal: controller.signal });
    controller.abort();
    await assert.rejects(asked, CancelledError);
    assert.equal((await engine.run(QUESTION)).isNew, true);
  }));

const REFUSED: Readonly<Record<string, readonly [unknown, string, RegExp]>> = {
  "nothing": [{}, "prompts", /Expected a list of one or two prompts/],
  "three prompts": [{ prompts: Array(3).fill({ text: "a", targets: ["b"] }) }, "prompts", /one or two/],
  "an empty prompt without BOS": [
    { prompts: [{ text: "", targets: [" Mary"] }], bos: false },
    "prompts.0.text",
    /The prompt is empty/,
  ],
  "a prompt with text and tokens": [
    { prompts: [{ text: "a", tokens: [1], targets: [" Mary"] }] },
    "prompts.0",
    /Unrecognized key/,
  ],
  "a prompt that is too long": [
    { prompts: [{ text: " the".repeat(200), targets: [" Mary"] }] },
    "prompts.0.text",
    /has 201 tokens: this model reads at most 128/,
  ],
  "an unknown token": [
    { prompts: [{ tokens: [1, 1536], targets: [" Mary"] }] },
    "prompts.0.tokens.1",
    /Token 1536 is not in the vocabulary: expected 0\.\.1535/,
  ],
  "no targets": [{ prompts: [{ text: "a", targets: [] }] }, "prompts.0.targets", /at least one target/],
  "a target of several tokens": [
    { prompts: [{ text: "a", targets: [" Mary John"] }] },
    "prompts.0.targets.0",
    /" Mary John" is 2 tokens, " Mary" \(530\), " John" \(\d+\): expected exactly one/,
  ],
  "a target id out of range": [
    { prompts: [{ text: "a", targets: [9999] }] },
    "prompts.0.targets.0",
    /expected 0\.\.1535/,
  ],
  "a distractor that is a target": [
    { prompts: [{ text: "a", targets: [" Mary"], distractors: [530] }] },
    "prompts.0",
    /" Mary" is given twice/,
  ],
  "distractors of a probability": [
    { prompts: [{ text: "a", targets: [" Mary"], distractors: [" John"] }], objective: { kind: "prob" } },
    "prompts.0.distractors",
    /expected none for prob/,
  ],
  "an unknown objective": [
    { ...QUESTION, objective: { kind: "loss" } },
    "objective.kind",
    /logit-diff, logit, log-prob, prob/,
  ],
  "a position outside": [
    { ...QUESTION, objective: { position: 15 } },
    "objective.position",
    /Position 15 is outside the prompt: expected -15\.\.14/,
  ],
  "k of zero": [{ ...QUESTION, topK: 0 }, "topK", /1\.\.200/],
  "a fraction for k": [{ ...QUESTION, topK: 1.5 }, "topK", /1\.\.200/],
  "an intervention without a method": [
    { ...QUESTION, interventions: [{ node: "mlp/0/0@0" }] },
    "interventions.0",
    /exactly one of "set"/,
  ],
  "an intervention on nothing": [
    { ...QUESTION, interventions: [{ node: "mlp/0/0", set: 0 }] },
    "interventions.0.node",
    /expected mlp\/LAYER\/NEURON@TOKEN/,
  ],
  "an intervention on a missing layer": [
    { ...QUESTION, interventions: [{ node: "head/4/0@3<*", set: 0 }] },
    "interventions.0.node",
    /There is no layer 4: expected 0\.\.3/,
  ],
  "an intervention on a missing token": [
    { ...QUESTION, interventions: [{ node: "embed@15", set: 0 }] },
    "interventions.0.node",
    /There is no token 15: expected 0\.\.14/,
  ],
  "an intervention on a later token": [
    { ...QUESTION, interventions: [{ node: "head/0/0@3<4", set: 0 }] },
    "interventions.0.node",
    /cannot attend to the later token 4/,
  ],
  "a node set twice": [
    { ...QUESTION, interventions: [{ node: "mlp/0/0@0", set: 0 }, { node: "mlp/0/0@0", set: 1 }] },
    "interventions.1.node",
    /set the same value/,
  ],
  "a row and one of its pairs": [
    { ...QUESTION, interventions: [{ node: "head/0/0@3<*", set: 0 }, { node: "head/0/0@3<1", set: 1 }] },
    "interventions.1.node",
    /head\/0\/0@3<1 and head\/0\/0@3<\* set the same value/,
  ],
  "a patch with one prompt": [
    { ...QUESTION, interventions: [{ node: "mlp/0/0@0", patch: { from: "right" } }] },
    "interventions.0.patch",
    /expected two prompts/,
  ],
  "a trace of an embedding": [{ ...QUESTION, trace: { node: "embed@0" } }, "trace.node", /upstream of an embedding/],
  "a trace of a head without a path": [
    { ...QUESTION, trace: { node: "head/1/0@3<1" } },
    "trace.path",
    /expected one of q, k, qk, v/,
  ],
  "a path into a neuron": [{ ...QUESTION, trace: { node: "mlp/1/0@3", path: "q" } }, "trace.path", /expected null/],
  "a neuron traced towards something": [
    { ...QUESTION, trace: { node: "mlp/1/0@3", towards: "mlp/2/0@3" } },
    "trace.towards",
    /Only a head's path v/,
  ],
  "a value traced towards what came before": [
    { ...QUESTION, trace: { node: "head/2/0@3<1", path: "v", towards: "head/2/1@3<1", towardsPath: "q" } },
    "trace.towards",
    /expected a later node/,
  ],
  "a trace of a token that the second prompt lacks": [
    {
      prompts: [{ tokens: [1, 2, 3, 4], targets: [5] }, { tokens: [1, 4], targets: [5] }],
      trace: { node: "mlp/1/0@1" },
    },
    "trace.node",
    /The second prompt has no counterpart/,
  ],
  "a BOS before tokens": [{ prompts: [{ tokens: [1], targets: [2] }], bos: true }, "bos", /never prepended to tokens/],
  "an unknown field": [{ ...QUESTION, topk: 3 }, "", /topk/],
};

Deno.test("run() refuses what it cannot honour, with the field and what would be right", async (t) => {
  await withEngine(async (engine) => {
    for (const [what, [spec, path, message]] of Object.entries(REFUSED)) {
      await t.step(what, async () => {
        await assert.rejects(engine.run(spec as RunSpecInput), (error: unknown) => {
          assert.ok(error instanceof ValidationError, String(error));
          const issue = error.issues.find((candidate) => candidate.path === path);
          assert.ok(issue, error.message);
          assert.match(issue.message, message);
          return true;
        });
      });
    }
    await assert.rejects(engine.run({ ...QUESTION, model: "gpt5" }), NotFoundError);
  });
});

Deno.test("tensors() answers a safetensors file with shapes, J and the canonical question", () =>
  withEngine(async (engine) => {
    const names = [
      "logits",
      "blocks.0.attn.hook_pattern",
      "grad:blocks.0.hook_resid_pre",
      "scalar:direct_effect:mlp:0",
    ];
    const file = await engine.tensors({ ...QUESTION, tensors: names });
    const { tensors, metadata } = readSafetensors(file);
    assert.deepEqual([...tensors.keys()], names);
    assert.deepEqual(names.map((name) => [...tensors.get(name)?.shape ?? []]), [[15, 1536], [15, 15, 8], [15, 128], [
      15,
      512,
    ]]);
    const { result } = await engine.run(QUESTION);
    assert.ok(Math.abs(Number(metadata?.["objective"]) - (result.sides[0]?.objective ?? 0)) < 1e-4);
    assert.equal(JSON.parse(metadata?.["spec"] ?? "{}").prompts[0].text, PROMPT);
  }));

Deno.test("tensors() suggests names near an unknown one, and refuses too large an answer with its size", () =>
  withEngine(async (engine) => {
    await assert.rejects(
      engine.tensors({ ...QUESTION, tensors: ["logits", "blocks.0.hook_resid_prev"] }),
      /tensors\.1: Unknown tensor "blocks\.0\.hook_resid_prev"; the nearest names are "blocks\.0\.hook_resid_pre"/,
    );
    await assert.rejects(engine.tensors({ ...QUESTION, tensors: ["constructor"] }), ValidationError);
    await assert.rejects(engine.tensors({ ...QUESTION, tensors: [] }), ValidationError);
  }));

Deno.test("a model without tokenizer works by token ids, which stand in for its texts", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await writeTinyModel(join(folder, "bare"), {});
    await withEngine(async (engine) => {
      assert.deepEqual(engine.models().map(({ id, hasTokenizer }) => [id, hasTokenizer]), [["demo", true], [
        "bare",
        false,
      ]]);
      const { result } = await engine.run({
        model: "bare",
        prompts: [{ text: "3 5 8", targets: ["7"], distractors: [9] }],
      });
      assert.deepEqual(result.sides[0]?.tokens, [{ id: 3, text: "3" }, { id: 5, text: "5" }, { id: 8, text: "8" }]);
      assert.deepEqual(result.spec.prompts[0]?.targets, [7]);
      await assert.rejects(
        engine.run({ model: "bare", prompts: [{ text: "hello", targets: [1] }] }),
        /texts are token ids/,
      );
      await assert.rejects(
        engine.run({ model: "bare", prompts: [{ text: "1 999", targets: [1] }] }),
        /Token 999 is not in the vocabulary/,
      );
    }, { modelFolders: [DEMO, folder] });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("openEngine() refuses folders that hold no model, damaged models and equal names, each with one line", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(folder, "empty"));
    await writeTinyModel(join(folder, "broken"), {});
    await Deno.truncate(join(folder, "broken", "model.safetensors"), 1000);
    await writeTinyModel(join(folder, "other", "llama"), { config: { "model_type": "llama" } });
    await writeTinyModel(join(folder, "twin", "demo"), {});
    const refuse = async (path: string, message: RegExp) => {
      await assert.rejects(withEngine(() => Promise.resolve(), { modelFolders: [DEMO, path] }), (error: unknown) => {
        assert.ok(error instanceof StartError, String(error));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    };
    await refuse(join(folder, "empty"), /Cannot find a model in/);
    await refuse(join(folder, "broken"), /Cannot load model "broken": Cannot read model\.safetensors/);
    await refuse(join(folder, "other"), /Cannot load model "llama": Cannot use config\.json: model_type/);
    await refuse(join(folder, "twin"), /two models are named "demo"/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("openEngine() refuses cuda where it is absent, in one line", async () => {
  await assert.rejects(withEngine(() => Promise.resolve(), { device: "cuda" }), (error: unknown) => {
    assert.ok(error instanceof StartError, String(error));
    assert.match(error.message, /Cannot use device cuda.*--device cpu/);
    return true;
  });
});

Deno.test("the heads of the demo model are where its card says", () =>
  withEngine(async (engine) => {
    const { result } = await engine.run({ ...QUESTION, topK: 50 });
    const total = new Map<string, number>();
    for (const { ref, directEffect } of result.nodes) {
      const found = parseNodeRef(ref);
      if (found.kind !== "head") continue;
      const key = `${found.layer}.${found.head}`;
      total.set(key, (total.get(key) ?? 0) + (directEffect[0] ?? 0));
    }
    const [[best] = []] = [...total].sort((a, b) => b[1] - a[1]);
    assert.equal(best, "3.3");
  }));

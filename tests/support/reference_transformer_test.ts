import assert from "node:assert/strict";
import { assertClose } from "./assert_close.ts";
import { goldenAllowance, type GoldenCase, goldenCaseNames, goldenExpectations } from "./golden.ts";
import {
  type RefConfig,
  referenceRun,
  referenceTensor,
  type RefQuestion,
  type RefRun,
  type RefTensor,
  type RefWeights,
} from "./reference_transformer.ts";
import { referenceIntervention } from "./reference_edits.ts";
import { readSafetensors } from "./safetensors_fixture.ts";

for (const caseName of goldenCaseNames().filter((name) => !/\.(trace|ae)_/.test(name))) {
  Deno.test(`referenceRun() matches the golden tensors of ${caseName}`, async () => {
    const golden = await goldenExpectations(caseName);
    const run = runGolden(golden);
    assertClose([run.objective], [golden.objective], { label: "objective", absolute: 1e-9 });
    for (const expectation of golden.expectations) {
      const actual = expectation.compute((name) => lookUp(run, name, expectation.needs));
      assertClose(actual, expectation.expected, {
        label: `${caseName} ${expectation.goldenName}`,
        absolute: goldenAllowance(expectation),
      });
    }
  });
}

const QUESTION: RefQuestion = {
  tokens: [100, 65, 92, 95, 92],
  objective: { kind: "logit-diff", targets: [54, 7], distractors: [76], position: -1 },
  freezeFinalNorm: false,
};

const OBJECTIVES: readonly RefQuestion["objective"][] = [
  { kind: "logit-diff", targets: [54, 7], distractors: [76], position: 3 },
  { kind: "logit", targets: [54, 7] },
  { kind: "log-prob", targets: [54, 7, 7] },
  { kind: "prob", targets: [54, 95] },
];

for (const objective of OBJECTIVES) {
  Deno.test(`referenceRun() gives gradients of ${objective.kind} that equal finite differences at every hook point`, () => {
    const { weights, config } = loadModel("tiny");
    const question = { ...QUESTION, objective };
    assertGradients(weights, config, question);
  });
}

Deno.test("referenceRun() with a frozen final norm gives the gradients of a model whose final scale is constant", () => {
  const { weights, config } = loadModel("tiny");
  const free = referenceRun(weights, config, QUESTION);
  const scales = free.hooks.get("ln_final.hook_scale");
  assert.ok(scales);
  const held = Array.from(scales.data, (value, token) => ({ hook: "ln_final.hook_scale", index: [token], value }));
  const frozen = referenceRun(weights, config, { ...QUESTION, freezeFinalNorm: true });
  const constant = referenceRun(weights, config, { ...QUESTION, interventions: held });
  for (const [name, { data }] of constant.gradients) {
    assertClose(frozen.gradients.get(name)?.data ?? [], data, { label: name, absolute: 1e-14 });
  }
  assert.notDeepEqual(frozen.gradients.get("hook_embed"), free.gradients.get("hook_embed"));
});

Deno.test("referenceRun() lets interventions reach everything downstream and nothing upstream", () => {
  const { weights, config } = loadModel("tiny");
  const interventions = [
    { hook: "blocks.1.mlp.hook_post", index: [3, 17], value: 4 },
    { hook: "blocks.1.attn.hook_pattern", index: [4, 1, 2], value: 0 },
    { hook: "blocks.2.ln1.hook_scale", index: [4], value: 0.8 },
    { hook: "blocks.0.hook_attn_out", index: [1, 5], value: -1 },
  ];
  const clean = referenceRun(weights, config, QUESTION);
  const changed = referenceRun(weights, config, { ...QUESTION, interventions });
  for (const { hook, index, value } of interventions) assert.equal(entry(changed, hook, index), value);
  assert.deepEqual(changed.hooks.get("blocks.0.attn.hook_z"), clean.hooks.get("blocks.0.attn.hook_z"));
  assert.notDeepEqual(changed.hooks.get("blocks.1.attn.hook_q"), clean.hooks.get("blocks.1.attn.hook_q"));
  assert.notEqual(changed.objective, clean.objective);
  assertGradients(weights, config, { ...QUESTION, interventions });
});

Deno.test("referenceRun() makes direct effects and output biases add up to the logit difference", () => {
  const { weights, config } = loadModel("tiny");
  const run = referenceRun(weights, config, { ...QUESTION, freezeFinalNorm: true });
  let sum = 0;
  for (const [name, { data }] of run.scalars) {
    if (name.startsWith("scalar:direct_effect:")) sum += data.reduce((total, value) => total + value, 0);
  }
  const direction = run.gradients.get("blocks.2.hook_resid_post")?.data.subarray(4 * 48) ?? [];
  for (const layer of [0, 1, 2]) {
    for (const part of ["attn", "mlp"]) {
      sum += dot(direction, weights.get(`h.${layer}.${part}.c_proj.bias`)?.data ?? []);
    }
  }
  // The final norm's own bias also reaches the logits, through the unembedding.
  const gradient = run.gradients.get("logits")?.data.subarray(4 * 101) ?? [];
  const [wte, bias] = [weights.get("wte.weight")?.data ?? [], weights.get("ln_f.bias")?.data ?? []];
  sum += Array.from(gradient, (g, id) => g * dot(Array.from(wte).slice(id * 48, (id + 1) * 48), bias))
    .reduce((a, b) => a + b, 0);
  assertClose([sum], [run.objective], { label: "sum of direct effects", absolute: 1e-11 });
});

Deno.test("referenceRun() reads weights with the transformer prefix and a separate output matrix", () => {
  const { weights, config } = loadModel("tiny");
  const prefixed = new Map([...weights].map(([name, weight]) => [`transformer.${name}`, weight]));
  const plain = referenceRun(weights, config, QUESTION);
  assert.equal(referenceRun(prefixed, config, QUESTION).objective, plain.objective);
  const wte = weights.get("wte.weight");
  assert.ok(wte);
  const doubled = new Map(prefixed).set("lm_head.weight", { ...wte, data: Array.from(wte.data, (value) => 2 * value) });
  assert.equal(referenceRun(doubled, config, QUESTION).objective, 2 * plain.objective);
});

Deno.test("referenceRun() names the weight that is missing", () => {
  const { config } = loadModel("tiny");
  assert.throws(() => referenceRun(new Map(), config, QUESTION), /Expected "transformer.wte.weight"/);
});

/** Two entries of every hook point: overwrite the entry by ±h and compare the slope with the gradient reported there. */
function assertGradients(weights: RefWeights, config: RefConfig, question: RefQuestion): void {
  const { hooks, gradients } = referenceRun(weights, config, question);
  assert.deepEqual([...gradients.keys()].sort(), [...hooks.keys()].sort());
  const step = 1e-5;
  let seed = 1;
  for (const [hook, { shape, data }] of hooks) {
    const gradient = gradients.get(hook);
    assert.ok(gradient);
    for (let sample = 0; sample < 2; sample++) {
      const offset = (seed = seed * 48271 % 2147483647) % data.length;
      const value = data[offset] ?? NaN;
      if (!Number.isFinite(value)) continue;
      const index = unravel(offset, shape);
      const objectiveAt = (shifted: number) =>
        referenceRun(weights, config, {
          ...question,
          interventions: [...question.interventions ?? [], { hook, index, value: shifted }],
        }).objective;
      const slope = (objectiveAt(value + step) - objectiveAt(value - step)) / (2 * step);
      assertClose([gradient.data[offset] ?? NaN], [slope], {
        label: `${hook}[${index}]`,
        absolute: 2e-9 + 1e-7 * Math.abs(slope),
      });
    }
  }
}

function loadModel(name: string): { weights: RefWeights; config: RefConfig } {
  const folder = new URL(`../fixtures/golden/models/${name}/`, import.meta.url);
  return {
    weights: readSafetensors(Deno.readFileSync(new URL("model.safetensors", folder))).tensors,
    config: JSON.parse(Deno.readTextFileSync(new URL("config.json", folder))),
  };
}

function runGolden({ request }: GoldenCase): RefRun {
  const { weights, config } = loadModel(request.modelFolder.split("/").at(-1) ?? "");
  const { tokens, targets, distractors, objectiveKind, freezeFinalNorm, edits } = request;
  return referenceRun(weights, config, {
    tokens,
    objective: { kind: objectiveKind, targets, distractors },
    freezeFinalNorm,
    interventions: edits.map(referenceIntervention),
  });
}

function lookUp(run: RefRun, name: string, needs: readonly string[]): RefTensor {
  assert.ok(needs.includes(name), `${name} is not among the needed names`);
  return referenceTensor(run, name);
}

function entry(run: RefRun, hook: string, index: readonly number[]): number | undefined {
  const tensor = run.hooks.get(hook);
  return tensor?.data[index.reduce((offset, i, axis) => offset * (tensor.shape[axis] ?? NaN) + i, 0)];
}

function unravel(offset: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (const size of shape.toReversed()) {
    index.unshift(offset % size);
    offset = Math.floor(offset / size);
  }
  return index;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? NaN) * (b[i] ?? NaN);
  return sum;
}

/** The engine against the plain float64 transformer: every hook point, every gradient, every scalar, by name. */
import assert from "node:assert/strict";
import { hookPoints } from "../../../engine/model/hook_points.ts";
import { tensorNames } from "../../../engine/circuit/tensor_names.ts";
import type { ObjectiveKind } from "../../../engine/circuit/run_spec.ts";
import { Asker, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { referenceRun, referenceTensor, type RefRun } from "../../support/reference_transformer.ts";
import { type TinyModelOptions, writeTinyModel } from "../../support/tiny_model.ts";

const TOKENS = [3, 41, 17, 5, 66, 3, 29];

const VARIANTS: Readonly<Record<string, TinyModelOptions>> = {
  "float32 in place": {},
  "names without prefix": { prefix: "", seed: 2 },
  "a separate output matrix": { tied: false, seed: 3 },
  "three shards with an index": { shards: 3, seed: 4 },
  "float16 weights": { dtype: "F16", seed: 5 },
  "bfloat16 weights": { dtype: "BF16", seed: 6 },
  "mask buffers of old checkpoints": { maskBuffers: true, seed: 7 },
  "four layers, three heads, narrow MLP": { layers: 4, width: 24, heads: 3, inner: 40, seed: 8 },
};

for (const [what, options] of Object.entries(VARIANTS)) {
  Deno.test(`every tensor of a model with ${what} equals the float64 reference`, async () => {
    await withModel(options, async (asker, reference) => {
      const question: TestQuestion = { tokens: TOKENS, targets: [7, 9], distractors: [11] };
      await compareAll(asker, reference(question), question);
    });
  });
}

for (const objective of ["logit-diff", "logit", "log-prob", "prob"] satisfies ObjectiveKind[]) {
  for (const freezeFinalNorm of [true, false]) {
    const norm = freezeFinalNorm ? "frozen" : "free";
    Deno.test(`every tensor under ${objective} with the final norm ${norm} equals the float64 reference`, async () => {
      await withModel({ seed: 9 }, async (asker, reference) => {
        const distractors = objective === "logit-diff" ? [11, 12] : [];
        const question: TestQuestion = {
          tokens: TOKENS,
          targets: [7, 9],
          distractors,
          objective,
          freezeFinalNorm,
          position: 4,
        };
        await compareAll(asker, reference(question), question);
      });
    });
  }
}

Deno.test("a run's sums by layer equal the float64 reference, and add up to its sums by token", async () => {
  await withModel({ layers: 4, seed: 12 }, async (asker, reference) => {
    const question: TestQuestion = { tokens: TOKENS, targets: [7, 9], distractors: [11] };
    const expected = reference(question);
    const { sums } = await asker.run([question]);
    const total = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0);
    for (const [effect, name] of [["directEffect", "direct_effect"], ["totalEffect", "total_effect"]] as const) {
      const { mlp, byQuery, byKey, layers } = sums[effect];
      for (const [kind, found] of [["mlp", layers.mlp], ["head", layers.attention]] as const) {
        const byLayer = [0, 1, 2, 3].map((layer) =>
          total(referenceTensor(expected, `scalar:${name}:${kind}:${layer}`).data)
        );
        assertClose(found[0] ?? [], byLayer, { label: `${effect} of ${kind}`, relative: 1e-5, absolute: 1e-5 });
      }
      assertClose(
        [total(layers.mlp[0] ?? []), total(layers.attention[0] ?? []), total(layers.attention[0] ?? [])],
        [total(mlp[0] ?? []), total(byQuery[0] ?? []), total(byKey[0] ?? [])],
        { label: `${effect}: layers against tokens`, absolute: 1e-5 },
      );
    }
  });
});

Deno.test("a prompt of one token and a prompt as long as the context equal the float64 reference", async () => {
  await withModel({ seed: 10 }, async (asker, reference) => {
    const longest = Array.from({ length: asker.model.architecture.contextLength }, (_, i) => (i * 31) % 67);
    for (const tokens of [[5], longest]) {
      const question: TestQuestion = { tokens, targets: [1], distractors: [2] };
      await compareAll(asker, reference(question), question);
    }
  });
});

Deno.test("a prompt that is padded beside a longer one has exactly the numbers it has alone", async () => {
  await withModel({ seed: 11 }, async (asker) => {
    const short: TestQuestion = { tokens: TOKENS.slice(0, 3), targets: [7], distractors: [9] };
    const long: TestQuestion = { tokens: TOKENS, targets: [7], distractors: [9] };
    const alone = await asker.run([short], 200);
    const both = await asker.run([long, short], 200);
    const byId = (numbers: typeof alone, side: number) =>
      numbers.logits[side]?.toSorted((a, b) => a.id - b.id).map(({ logit }) => logit) ?? [];
    assertClose(byId(both, 1), byId(alone, 0), { label: "logits", absolute: 1e-5 });
    for (const effect of ["directEffect", "totalEffect"] as const) {
      for (const sum of ["mlp", "byQuery", "byKey"] as const) {
        assertClose(both.sums[effect][sum][1] ?? [], alone.sums[effect][sum][0] ?? [], {
          label: `${effect} ${sum}`,
          absolute: 1e-5,
        });
      }
      assertClose(both.embed[effect][1] ?? [], alone.embed[effect][0] ?? [], {
        label: `embed ${effect}`,
        absolute: 1e-5,
      });
    }
  });
});

async function withModel(
  options: TinyModelOptions,
  use: (asker: Asker, reference: (question: TestQuestion) => RefRun) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const { weights, config } = await writeTinyModel(folder, options);
    await use(
      await Asker.open(folder),
      ({ tokens, targets, distractors = [], objective = "logit-diff", freezeFinalNorm, position }) =>
        referenceRun(weights, config, {
          tokens,
          objective: { kind: objective, targets, distractors, ...position === undefined ? {} : { position } },
          ...freezeFinalNorm === undefined ? {} : { freezeFinalNorm },
        }),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function compareAll(asker: Asker, reference: RefRun, question: TestQuestion): Promise<void> {
  const names = [...tensorNames(asker.model).keys()];
  assert.ok(names.length > 2 * hookPoints(asker.model.architecture).length);
  const tensors = await asker.tensors(names, question);
  assertClose(tensors.get("objective")?.data ?? [], [reference.objective], {
    label: "objective",
    relative: 1e-5,
    absolute: 1e-6,
  });
  for (const name of names) {
    const expected = referenceTensor(reference, name);
    const found = tensors.get(name);
    assert.deepEqual(withoutOnes(found?.shape ?? []), withoutOnes(expected.shape), `shape of ${name}`);
    assertClose(found?.data ?? [], expected.data, { label: name, relative: 1e-5, absolute: 2e-6 });
  }
}

/** A scale has an axis of 1 here and none there. */
function withoutOnes(shape: readonly number[]): readonly number[] {
  return shape.filter((dim) => dim !== 1);
}

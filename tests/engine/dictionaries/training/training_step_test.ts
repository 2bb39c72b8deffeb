/** Steps of training against float64 loops, and against finite differences. */
import assert from "node:assert/strict";
import { buildTrainingGraph } from "../../../../engine/dictionaries/training/training_graph.ts";
import {
  TRAINED_ARCHITECTURES,
  type TrainedArchitecture,
  type TrainingSpec,
} from "../../../../engine/dictionaries/training/training_spec.ts";
import {
  firstState,
  measureNormalization,
  type StateName,
  tensorOf,
  type TrainingState,
} from "../../../../engine/dictionaries/training/training_state.ts";
import { float32, float32Data, type Tensor } from "../../../../engine/tensor/tensor.ts";
import { assertClose } from "../../../support/assert_close.ts";
import { executeGraph } from "../../../support/execute_graph.ts";
import { randomNumbers } from "../../../support/random_numbers.ts";
import { referenceLoss, referenceState, referenceStep } from "../../../support/reference_training.ts";
import { noModel, sparseRows, tinySpec, trainer } from "../../../support/train.ts";

const CHANGES: Readonly<Record<TrainedArchitecture, Partial<TrainingSpec>>> = {
  relu: { k: null, sparsity: 0.8, learningRate: 0.01 },
  topk: { learningRate: 0.01 },
  batchtopk: { learningRate: 0.01 },
  jumprelu: { k: null, sparsity: 0.5, learningRate: 0.01 },
};

function specOf(architecture: TrainedArchitecture): TrainingSpec {
  return tinySpec({ architecture, deadAfterSteps: 1000, ...CHANGES[architecture] });
}

function start(spec: TrainingSpec): TrainingState {
  return firstState(spec, measureNormalization(sparseRows(500, spec.width, 1), spec.width));
}

for (const architecture of TRAINED_ARCHITECTURES) {
  Deno.test(`50 steps of ${architecture} are those of float64 loops: loss, latents in use, weights and moments`, async () => {
    const spec = specOf(architecture);
    let state = start(spec);
    const expected = referenceState(state);
    const losses: [number[], number[]] = [[], []];
    for (let step = 0; step < 50; step++) {
      const rows = sparseRows(spec.batch, spec.width, 10 + 2 * step);
      const { latents, loss } = referenceStep(spec, expected, { rows, step });
      const active = latents.flatMap((z) => [...z]).filter((value) => value !== 0).length;
      const taken = await trainer.step(noModel, { spec, state }, rows);
      state = taken.state;
      assert.equal(taken.report.l0, active / spec.batch, `active latents of step ${step}`);
      losses[0].push(taken.report.loss);
      losses[1].push(loss);
    }
    assert.equal(state.step, 50);
    assertClose(losses[0], losses[1], { label: "loss", relative: 2e-5 });
    for (const [name, values] of expected) {
      if (name === "idle") continue;
      assertClose(tensorOf(state, name), values, { label: name, relative: 1e-3 });
    }
    const [first = NaN, last = NaN] = [losses[0][0], losses[0].at(-1)];
    assert.ok(last < 0.9 * first, `the loss falls: from ${first} to ${last}`);
    const norms = rowNorms(tensorOf(state, "W_dec"), spec.width);
    assertClose(norms, norms.map(() => 1), { label: "decoder norms", absolute: 1e-6 });
  });

  Deno.test(`gradients of ${architecture} are those of float64 loops after a few steps, entry by entry`, async () => {
    const spec = specOf(architecture);
    let state = start(spec);
    for (let step = 0; step < 5; step++) {
      ({ state } = await trainer.step(noModel, { spec, state }, sparseRows(spec.batch, spec.width, 70 + step)));
    }
    const rows = sparseRows(spec.batch, spec.width, 99);
    const fetches = await executeGraph(buildTrainingGraph(spec).outputs, feedsOf(spec, state, rows));
    const expected = referenceLoss(spec, referenceState(state), { rows, sparsity: 0.3 });
    for (const name of Object.keys(fetches).filter((name) => name.startsWith("grad."))) {
      const gradient = expected.gradients.get(name.slice(5)) ?? assert.fail(name);
      assertClose(dataOf(fetches, name), gradient, { label: name, relative: 1e-4 });
      assert.ok(gradient.some((slope) => slope !== 0), `${name} is not all zero`);
    }
    assertClose(dataOf(fetches, "penalty"), [expected.penalty], { label: "penalty", relative: 1e-5 });
  });
}

Deno.test("gradients of relu and topk are central differences of the float64 loss, in random directions", () => {
  for (const architecture of ["relu", "topk"] as const) {
    const spec = specOf(architecture);
    const state = referenceState(start(spec));
    const rows = sparseRows(spec.batch, spec.width, 5);
    const lossOf = (at: ReturnType<typeof referenceState>) => {
      const { unexplained, penalty } = referenceLoss(spec, at, { rows, sparsity: 0.3 });
      return unexplained + 0.3 * penalty / spec.width;
    };
    const { gradients } = referenceLoss(spec, state, { rows, sparsity: 0.3 });
    for (const [seed, name] of (["W_enc", "b_enc", "W_dec", "b_dec"] as const satisfies StateName[]).entries()) {
      const values = state.get(name) ?? assert.fail(name);
      const direction = randomNumbers(values.length, seed);
      const moved = (size: number) =>
        lossOf(new Map(state).set(name, values.map((x, i) => x + size * (direction[i] ?? 0))));
      const slope = (gradients.get(name) ?? assert.fail(name)).reduce((sum, g, i) => sum + g * (direction[i] ?? 0), 0);
      assertClose([(moved(1e-6) - moved(-1e-6)) / 2e-6], [slope], { label: `${architecture} ${name}`, relative: 1e-5 });
    }
  }
});

function feedsOf(spec: TrainingSpec, state: TrainingState, rows: Float32Array): Record<string, Tensor> {
  const { width, latents } = spec;
  const shapes = {
    "W_enc": [width, latents],
    "b_enc": [latents],
    "W_dec": [latents, width],
    "b_dec": [width],
  } as const;
  const parameters = Object.entries(shapes).map(([name, shape]) =>
    [name, float32(shape, tensorOf(state, name as keyof typeof shapes))] as const
  );
  return {
    x: float32([spec.batch, width], rows),
    mean: float32([width], tensorOf(state, "mean")),
    scale: float32([], tensorOf(state, "scale")),
    sparsity: float32([], [0.3]),
    ...Object.fromEntries(parameters),
    ...spec.architecture === "jumprelu"
      ? { "log_threshold": float32([latents], tensorOf(state, "log_threshold")) }
      : {},
  };
}

function rowNorms(matrix: Float32Array, width: number): number[] {
  return Array.from(
    { length: matrix.length / width },
    (_, j) => Math.hypot(...matrix.subarray(j * width, (j + 1) * width)),
  );
}

function dataOf(fetches: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  return float32Data(fetches[name] ?? assert.fail(name));
}

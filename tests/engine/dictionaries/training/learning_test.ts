/** That trainings learn: directions that tokens are made of are found, and dead latents come to life again. */
import assert from "node:assert/strict";
import { resample } from "../../../../engine/dictionaries/training/resample.ts";
import type { StepReport } from "../../../../engine/dictionaries/training/trainer.ts";
import {
  learningRateAt,
  resamplesAfter,
  sparsityAt,
  TRAINED_ARCHITECTURES,
  type TrainedArchitecture,
  type TrainingSpec,
} from "../../../../engine/dictionaries/training/training_spec.ts";
import {
  firstState,
  measureNormalization,
  tensorOf,
  type TrainingState,
} from "../../../../engine/dictionaries/training/training_state.ts";
import { assertClose } from "../../../support/assert_close.ts";
import { randomNumbers } from "../../../support/random_numbers.ts";
import { noModel, sparseRows, sparserRows, tinySpec, trainer } from "../../../support/train.ts";

const WIDTH = 8;
/** Of the tokens whose directions are to be found. */
const WIDER = 16;

function start(spec: TrainingSpec): TrainingState {
  return firstState(spec, measureNormalization(sparseRows(500, spec.width, 1), spec.width));
}

const CHANGES: Readonly<Record<TrainedArchitecture, Partial<TrainingSpec>>> = {
  relu: { k: null, sparsity: 1 },
  topk: {},
  batchtopk: {},
  jumprelu: { k: null, sparsity: 1 },
};

for (const architecture of TRAINED_ARCHITECTURES) {
  Deno.test(`${architecture} finds most of the directions that tokens are made of`, async () => {
    const spec = tinySpec({
      architecture,
      width: WIDER,
      latents: 64,
      k: 3,
      batch: 128,
      steps: 1500,
      warmUpSteps: 75,
      decaySteps: 300,
      deadAfterSteps: 50,
      learningRate: 0.01,
      ...CHANGES[architecture],
    });
    let state = firstState(spec, measureNormalization(sparserRows(1000, WIDER, 1), WIDER));
    const reports: StepReport[] = [];
    for (let step = 0; step < spec.steps; step++) {
      const taken = await trainer.step(noModel, { spec, state }, sparserRows(spec.batch, WIDER, 1000 + 2 * step));
      state = taken.state;
      reports.push(taken.report);
    }
    const found = Array.from({ length: 2 * WIDER }, (_, j) => closest(state, randomNumbers(WIDER, 100 + j)));
    const share = found.filter((cosine) => cosine > 0.9).length / found.length;
    const active = reports.at(-1)?.l0;
    assert.ok(share >= 0.8, `${active} active; ${found.map((cosine) => cosine.toFixed(2)).join(" ")}`);
    assert.ok((reports.at(-1)?.unexplained ?? NaN) < 0.2, `not explained: ${reports.at(-1)?.unexplained}`);
  });
}

Deno.test("dead latents begin anew at what is left over of tokens with a large loss, and their moments are forgotten", () => {
  const spec = tinySpec({ deadAfterSteps: 3 });
  const state = start(spec);
  for (const values of state.tensors.values()) if (values.every((value) => value === 0)) values.fill(0.5);
  tensorOf(state, "idle").fill(0).set([3], 4);
  tensorOf(state, "idle").set([2], 5);
  const before = new Map([...state.tensors].map(([name, values]) => [name, values.slice()]));
  const errors = new Float32Array(spec.batch * spec.width);
  // Only two tokens have any loss; one of them nearly all of it.
  errors.set([3, 4], 6 * spec.width);
  errors.set([0, 0.01], 7 * spec.width);
  resample(spec, state, errors);
  const row = (values: Float32Array, j: number) => values.slice(j * spec.width, (j + 1) * spec.width);
  assertClose(row(tensorOf(state, "W_dec"), 4), [0.6, 0.8, 0, 0, 0, 0, 0, 0], { label: "decoder", absolute: 1e-6 });
  const column = Array.from({ length: spec.width }, (_, c) => tensorOf(state, "W_enc")[c * spec.latents + 4] ?? NaN);
  assertClose(column, [0.6, 0.8, 0, 0, 0, 0, 0, 0], { label: "encoder", absolute: 1e-6 });
  assert.equal(tensorOf(state, "b_enc")[4], 0);
  assert.equal(tensorOf(state, "idle")[4], 0);
  assert.deepEqual([...row(tensorOf(state, "first.W_dec"), 4)], new Array(spec.width).fill(0));
  assert.equal(tensorOf(state, "second.W_enc")[2 * spec.latents + 4], 0);
  assert.equal(tensorOf(state, "first.b_dec")[4], 0.5, "of the output bias nothing is forgotten");
  // All other latents are as they were.
  assert.deepEqual(row(tensorOf(state, "W_dec"), 5), row(before.get("W_dec") ?? assert.fail(), 5));
  assert.equal(tensorOf(state, "second.W_enc")[5], 0.5);
});

Deno.test("a latent that nothing reaches is brought back, and dead ones are counted until then", async () => {
  const spec = tinySpec({ steps: 100, deadAfterSteps: 10, warmUpSteps: 0, decaySteps: 20 });
  let state = start(spec);
  tensorOf(state, "b_enc").fill(-100, 0, 5);
  const dead: number[] = [];
  for (let step = 0; step < 40; step++) {
    const taken = await trainer.step(noModel, { spec, state }, sparseRows(spec.batch, WIDTH, 10 + 2 * step));
    state = taken.state;
    dead.push(taken.report.dead);
  }
  assert.equal(dead[8], 0, "not idle for long enough");
  assert.ok((dead[9] ?? 0) >= 5, `${dead[9]}`);
  assert.ok((dead.at(-1) ?? NaN) < 5, dead.join(" "));
});

Deno.test("the learning rate rises and falls in straight lines, λ only rises, and nothing is begun anew near the end", () => {
  const spec = tinySpec({
    steps: 100,
    warmUpSteps: 10,
    decaySteps: 20,
    learningRate: 2,
    sparsity: 3,
    deadAfterSteps: 5,
  });
  const rates = [0, 4, 9, 50, 80, 90, 99].map((step) => learningRateAt(spec, step));
  assertClose(rates, [0.2, 1, 2, 2, 2, 1, 0.1], { label: "rates", absolute: 1e-12 });
  assertClose([0, 9, 99].map((step) => sparsityAt(spec, step)), [0.3, 3, 3], { label: "λ", absolute: 1e-12 });
  assert.equal(sparsityAt(tinySpec(), 50), 0);
  const steps = Array.from({ length: 100 }, (_, step) => step).filter((step) => resamplesAfter(spec, step));
  assert.deepEqual(steps, [4, 9, 14, 19, 24, 29, 34, 39, 44, 49, 54, 59, 64, 69, 74]);
});

Deno.test("activations that do not vary, or are not finite, cannot be trained on", () => {
  for (const rows of [new Float32Array(80).fill(2), new Float32Array(80).fill(NaN)]) {
    assert.throws(() => measureNormalization(rows, 8), /expected finite numbers that are not all the same/);
  }
});

Deno.test("a loss that is not finite ends a training with a sentence", async () => {
  const spec = tinySpec();
  const state = start(spec);
  tensorOf(state, "W_enc").fill(1e30);
  await assert.rejects(
    trainer.step(noModel, { spec, state }, sparseRows(spec.batch, WIDTH, 3)),
    /The loss is not finite at step 1: try a smaller learning rate/,
  );
});

/** The largest cosine between a direction and a decoder row. */
function closest(state: TrainingState, direction: readonly number[]): number {
  const decoder = tensorOf(state, "W_dec");
  const norm = Math.hypot(...direction);
  const cosines = Array.from(
    { length: decoder.length / WIDTH },
    (_, j) => direction.reduce((sum, value, c) => sum + value / norm * (decoder[j * WIDTH + c] ?? 0), 0),
  );
  return Math.max(...cosines);
}

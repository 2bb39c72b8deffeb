/** The engine thread's part of training: executes steps, and changes the state in place. */
import type { Questioner } from "../../circuit/questioner.ts";
import { EngineError } from "../../errors.ts";
import type { ModelWeights } from "../../model/language_model.ts";
import { float32, float32Data, type Tensor } from "../../tensor/tensor.ts";
import { adam, adamOfUnitRows, type AdamStep, type Trained } from "./adam.ts";
import { resample } from "./resample.ts";
import {
  buildTrainingGraph,
  type ParameterName,
  PARAMETERS,
  parameterShapes,
  type TrainingKind,
} from "./training_graph.ts";
import { learningRateAt, resamplesAfter, sparsityAt, type TrainingSpec } from "./training_spec.ts";
import { tensorOf, type TrainingState } from "./training_state.ts";

/** What a step tells. */
export interface StepReport {
  /** The part of the loss that is the share of variance that is not explained, and all of it. */
  readonly unexplained: number;
  readonly loss: number;
  /** Active latents a token. */
  readonly l0: number;
  /** Latents that have not been active for `deadAfterSteps`. */
  readonly dead: number;
}

/** How fast the running mean of the threshold of batchtopk follows: SAELens's default. */
const THRESHOLD_RATE = 0.01;

export class Trainer {
  readonly #questioner: Pick<Questioner, "execute">;

  constructor(questioner: Pick<Questioner, "execute">) {
    this.#questioner = questioner;
  }

  /** Takes one step a batch. Arguments and errors as `step`. */
  async steps(
    model: ModelWeights,
    { spec, state: before }: { readonly spec: TrainingSpec; readonly state: TrainingState },
    batches: readonly Float32Array<ArrayBuffer>[],
  ): Promise<{ readonly state: TrainingState; readonly reports: readonly StepReport[] }> {
    let state = before;
    const reports: StepReport[] = [];
    for (const rows of batches) {
      const taken = await this.step(model, { spec, state }, rows);
      state = taken.state;
      reports.push(taken.report);
    }
    return { state, reports };
  }

  /**
   * Takes one step.
   *
   * @param rows Activations `[token, channel]`, as many tokens as the specification says
   * @returns The state after it: the same tensors, changed in place
   * @throws {EngineError} if the loss is not finite
   */
  async step(
    model: ModelWeights,
    { spec, state }: { readonly spec: TrainingSpec; readonly state: TrainingState },
    rows: Float32Array<ArrayBuffer>,
  ): Promise<{ readonly state: TrainingState; readonly report: StepReport }> {
    const kind = kindOf(spec);
    const compiled = { key: ["train", kind], build: () => buildTrainingGraph(kind) };
    const fetches = await this.#questioner.execute(model, compiled, feedsOf(spec, state, rows));
    const output = (name: string) => outputOf(fetches, name);
    const unexplained = output("unexplained")[0] ?? NaN;
    const penalty = output("penalty")[0] ?? NaN;
    const loss = unexplained + sparsityAt(spec, state.step) * penalty / spec.width;
    if (!Number.isFinite(loss)) {
      throw new EngineError(`The loss is not finite at step ${state.step + 1}: try a smaller learning rate`);
    }
    update(spec, state, output);
    const active = output("active");
    const dead = countIdle(tensorOf(state, "idle"), active, spec.deadAfterSteps);
    if (spec.architecture === "batchtopk") followThreshold(state, output("least")[0] ?? NaN);
    if (resamplesAfter(spec, state.step)) resample(spec, state, output("errors"));
    const l0 = active.reduce((sum, count) => sum + count, 0) / spec.batch;
    return { state: { ...state, step: state.step + 1 }, report: { unexplained, loss, l0, dead } };
  }
}

function kindOf({ architecture, site, width, latents, k, batch }: TrainingSpec): TrainingKind {
  return { architecture, site, width, latents, k, batch };
}

function feedsOf(
  spec: TrainingSpec,
  state: TrainingState,
  rows: Float32Array<ArrayBuffer>,
): Readonly<Record<string, Tensor>> {
  return {
    x: float32([spec.batch, spec.width], rows),
    mean: float32([spec.width], tensorOf(state, "mean")),
    scale: float32([], tensorOf(state, "scale")),
    sparsity: float32([], [sparsityAt(spec, state.step)]),
    ...Object.fromEntries(
      [...parameterShapes(spec)].map(([name, shape]) => [name, float32(shape, tensorOf(state, name))]),
    ),
  };
}

function update(spec: TrainingSpec, state: TrainingState, output: (name: string) => Float32Array): void {
  const step: AdamStep = { learningRate: learningRateAt(spec, state.step), count: state.step + 1 };
  for (const name of PARAMETERS.filter((parameter) => state.tensors.has(parameter))) {
    const trained = trainedOf(state, name, output(`grad.${name}`));
    if (name === "W_dec") adamOfUnitRows(trained, spec.width, step);
    else adam(trained, step);
  }
}

function trainedOf(state: TrainingState, name: ParameterName, gradient: Float32Array): Trained {
  return {
    parameter: tensorOf(state, name),
    first: tensorOf(state, `first.${name}`),
    second: tensorOf(state, `second.${name}`),
    gradient,
  };
}

/** Counts on, and tells how many latents have been idle for too long. */
function countIdle(idle: Float32Array, active: Float32Array, limit: number): number {
  let dead = 0;
  for (let j = 0; j < idle.length; j++) {
    const steps = (active[j] ?? 0) > 0 ? 0 : (idle[j] ?? 0) + 1;
    idle[j] = steps;
    if (steps >= limit) dead++;
  }
  return dead;
}

/** @param least The smallest active latent of the batch; ∞ if none is active */
function followThreshold(state: TrainingState, least: number): void {
  if (!Number.isFinite(least)) return;
  const threshold = tensorOf(state, "threshold");
  const before = threshold[0] ?? NaN;
  threshold[0] = Number.isNaN(before) ? least : before + THRESHOLD_RATE * (least - before);
}

function outputOf(fetches: Readonly<Record<string, Tensor>>, name: string): Float32Array<ArrayBuffer> {
  const tensor = fetches[name];
  if (tensor === undefined) throw new Error(`Internal: the graph has no output ${name}`);
  return float32Data(tensor);
}

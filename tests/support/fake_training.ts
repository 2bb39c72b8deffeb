/** What the fake engine tells of trainings and dictionaries: curves that fall and rise smoothly. */
import type {
  CurveMeasurement,
  DictionaryMetrics,
  DictionaryReport,
  Job,
  MeasureDictionaryRequest,
  TrainingReport,
  TrainingSpec,
} from "../../engine/mod.ts";

const STEPS = 200;

export const FAKE_TRAINING_SPEC: TrainingSpec = {
  name: "mlp-out-1",
  site: "blocks.1.hook_mlp_out",
  architecture: "topk",
  width: 128,
  latents: 512,
  k: 16,
  sparsity: null,
  steps: STEPS,
  batch: 1024,
  learningRate: 1e-3,
  warmUpSteps: 10,
  decaySteps: 40,
  deadAfterSteps: 10,
  seed: 0,
};

export function fakeMetrics(share: number): DictionaryMetrics {
  const crossEntropy = { model: 0.8, dictionary: 3.8 - 3 * share, zero: 3.8 };
  return {
    tokens: 4000,
    predicted: 4090,
    l0: 16,
    explainedVariance: share,
    crossEntropy,
    recovered: share,
    dead: Math.round(50 * (1 - share)),
    latents: 512,
  };
}

export const FAKE_TRAINING_JOB: Job = {
  id: "train:demo:mlp-out-1",
  kind: "train",
  model: "demo",
  textSet: "corpus",
  state: "running",
  done: 100,
  total: STEPS,
  unit: "steps",
  perSecond: 20,
  etaSeconds: 5,
  problem: null,
  training: FAKE_TRAINING_SPEC,
};

export function fakeTraining(_jobId: string): Promise<TrainingReport> {
  const steps = Array.from({ length: 20 }, (_, i) => 5 * (i + 1));
  const measurements = [50, 100].map((step): CurveMeasurement => ({ step, metrics: fakeMetrics(1 - 5 / step) }));
  return Promise.resolve({
    job: FAKE_TRAINING_JOB,
    spec: FAKE_TRAINING_SPEC,
    points: steps.map((step) => ({ step, loss: 5 / step, explained: 1 - 5 / step, l0: 16, dead: 100 - step })),
    measurements,
  });
}

export function fakeDictionaryReport(
  { model = "demo", dictionary, textSet = "corpus" }: MeasureDictionaryRequest,
): Promise<DictionaryReport> {
  return Promise.resolve({ model, dictionary, textSet, metrics: fakeMetrics(0.95) });
}

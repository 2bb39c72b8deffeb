/** How a training went: means over stretches of steps, and what was measured now and then. Plain data. */
import type { DictionaryMetrics } from "../metrics.ts";
import type { TrainingSpec } from "./training_spec.ts";
import type { StepReport } from "./trainer.ts";

/** Points of a curve at most, and measurements on held-out text. */
const MAX_POINTS = 200;
const MEASUREMENTS = 20;

/** Means over the steps since the point before. */
export interface CurvePoint {
  /** Steps done. */
  readonly step: number;
  readonly loss: number;
  /** 1 − the share of variance that is not explained, on the batches themselves. */
  readonly explained: number;
  readonly l0: number;
  /** Dead latents after its last step. */
  readonly dead: number;
}

/** What was measured on held-out text after a step. */
export interface CurveMeasurement {
  readonly step: number;
  readonly metrics: DictionaryMetrics;
}

export interface TrainingCurve {
  readonly points: readonly CurvePoint[];
  readonly measurements: readonly CurveMeasurement[];
  /** Sums over the steps since the last point. */
  readonly pending: {
    readonly steps: number;
    readonly loss: number;
    readonly unexplained: number;
    readonly l0: number;
  };
}

const NOTHING = { steps: 0, loss: 0, unexplained: 0, l0: 0 } as const;

export const EMPTY_CURVE: TrainingCurve = { points: [], measurements: [], pending: NOTHING };

/** A curve with one more step. @param step Steps done, this one included */
export function withStep(
  { points, pending, ...rest }: TrainingCurve,
  { spec, step, report }: { readonly spec: TrainingSpec; readonly step: number; readonly report: StepReport },
): TrainingCurve {
  const sums = {
    steps: pending.steps + 1,
    loss: pending.loss + report.loss,
    unexplained: pending.unexplained + report.unexplained,
    l0: pending.l0 + report.l0,
  };
  const isPoint = step % Math.ceil(spec.steps / MAX_POINTS) === 0 || step === spec.steps;
  if (!isPoint) return { ...rest, points, pending: sums };
  const mean = (sum: number) => sum / sums.steps;
  const point: CurvePoint = {
    step,
    loss: mean(sums.loss),
    explained: 1 - mean(sums.unexplained),
    l0: mean(sums.l0),
    dead: report.dead,
  };
  return { ...rest, points: [...points, point], pending: NOTHING };
}

export function withMeasurement(curve: TrainingCurve, measurement: CurveMeasurement): TrainingCurve {
  return { ...curve, measurements: [...curve.measurements, measurement] };
}

/** Steps until the dictionary is measured again; the end is measured anyway. @param step Steps done */
export function stepsToMeasurement({ steps }: TrainingSpec, step: number): number {
  const every = Math.ceil(steps / MEASUREMENTS);
  return Math.min(steps - step, every - step % every);
}

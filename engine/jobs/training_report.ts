/** What is told of the job that trains a dictionary. */
import type { CurveMeasurement, CurvePoint } from "../dictionaries/training/training_curve.ts";
import type { TrainingSpec } from "../dictionaries/training/training_spec.ts";
import type { Job } from "./job.ts";

/** How a training went so far: plain data. */
export interface TrainingReport {
  readonly job: Job;
  readonly spec: TrainingSpec;
  /** Means over stretches of steps. */
  readonly points: readonly CurvePoint[];
  /** What was measured on held-out text; of one that is done, the last is the dictionary's. */
  readonly measurements: readonly CurveMeasurement[];
}

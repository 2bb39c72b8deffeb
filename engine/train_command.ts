/** Training without a server: progress on one line, what was measured on lines of their own; Ctrl-C leaves what is done for the next time. */
import type { DictionaryMetrics } from "./dictionaries/metrics.ts";
import type { CurveMeasurement } from "./dictionaries/training/training_curve.ts";
import type { Engine } from "./engine.ts";
import { NotFoundError, StartError, ValidationError } from "./errors.ts";
import type { Job } from "./jobs/job.ts";
import { followJob } from "./follow_job.ts";
import { flagOf, type TrainingOrder } from "./training_flags.ts";

export interface TrainCommandOptions {
  readonly order: TrainingOrder;
  /** Writes text where a person reads it. */
  readonly write: (text: string) => void;
}

/** @throws {StartError} if it cannot be trained as asked, or fails */
export async function trainCommand(engine: Engine, { order, write }: TrainCommandOptions): Promise<void> {
  const job = await begin(engine, order);
  const { state, id } = await followJob(engine, job, { write, what: "train" });
  const { measurements } = await engine.training(id);
  for (const measurement of measurements) write(`${measurementLine(measurement)}\n`);
  if (state === "done") write(`written: ${order.trainedFolder}/${order.training.name}\n`);
}

async function begin(engine: Engine, { model, textSet, training }: TrainingOrder): Promise<Job> {
  try {
    return await engine.startJob({
      kind: "train",
      training,
      ...model === null ? {} : { model },
      ...textSet === null ? {} : { textSet },
    });
  } catch (error) {
    if (error instanceof NotFoundError) throw new StartError(`Cannot train: ${error.message}`, { cause: error });
    if (!(error instanceof ValidationError)) throw error;
    const [issue] = error.issues;
    throw new StartError(`Cannot train: ${flagOf(issue?.path ?? "")}: ${issue?.message ?? error.message}`, {
      cause: error,
    });
  }
}

/** `step 500: 16.0 active latents a token, 91.2 % of the variance explained, …` */
export function measurementLine({ step, metrics }: CurveMeasurement): string {
  return `step ${step}: ${metricsText(metrics)}`;
}

function metricsText({ l0, explainedVariance, recovered, dead, latents, tokens }: DictionaryMetrics): string {
  const percent = (share: number | null) => share === null ? "no" : `${(100 * share).toFixed(1)} %`;
  return `${l0.toFixed(1)} active latents a token, ${percent(explainedVariance)} of the variance explained, ` +
    `${
      percent(recovered)
    } of the cross-entropy recovered, ${dead} of ${latents} latents dead (${tokens} held-out tokens)`;
}

/** The kinds of long work: how each begins, and how it is done. */
import type { Explanations } from "./explanations.ts";
import { explainMany, newExplainJob } from "./explain_work.ts";
import type { JobSource } from "./job_source.ts";
import type { Job, JobKind, JobSpec } from "./jobs/job.ts";
import type { Work } from "./jobs/job_queue.ts";
import { computeMeans, newMeansJob } from "./means_work.ts";
import type { LanguageModel } from "./model/language_model.ts";
import { newSweepJob, sweep } from "./sweep_work.ts";

export interface JobWorksSource {
  readonly source: JobSource;
  readonly explanations: Explanations;
}

/** @param open What works need, when the first begins */
export function jobWorks(open: () => JobWorksSource): Readonly<Record<JobKind, Work>> {
  return {
    means: (job, control) => computeMeans(job, control, open().source),
    sweep: (job, control) => sweep(job, control, open().source),
    explain: (job, control) => explainMany(job, control, open()),
  };
}

/** A job as it is when it is asked for. @throws {ValidationError} */
export async function newJob(
  model: LanguageModel,
  { kind, textSet, explain: task }: JobSpec,
  { source, explanations }: JobWorksSource,
): Promise<Job> {
  switch (kind) {
    case "means":
      return await newMeansJob(model, source);
    case "sweep":
      return await newSweepJob(model, textSet, source);
    case "explain":
      return newExplainJob(model, { task, textSet }, explanations);
  }
}

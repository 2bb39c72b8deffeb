/** Training dictionaries: what is to be trained, and how those go that were asked for. */
import type { VNode } from "preact";
import type { Job, ModelSummary, TrainingReport } from "../../engine/mod.ts";
import { JobProgress } from "../parts/job_progress.tsx";
import { TrainingCurves } from "../parts/training_curves.tsx";
import { TrainingForm, type TrainingFormProps } from "../parts/training_form.tsx";
import { jobsUrl, trainingUrl } from "../urls.ts";

export const TRAININGS_ID = "trainings";

/** A training with its curves, or with the reason why they cannot be read. */
export interface ShownTraining {
  readonly job: Job;
  readonly report: TrainingReport | null;
  readonly problem: string | null;
}

export interface TrainingPageProps extends TrainingFormProps {
  readonly models: readonly ModelSummary[];
  /** The newest first. */
  readonly trainings: readonly ShownTraining[];
  /** Older ones, of which only the jobs page tells. */
  readonly olderCount: number;
}

export function TrainingPage(props: TrainingPageProps): VNode {
  return (
    <div class="page training-page">
      <h1>Train a dictionary</h1>
      <p class="lead">
        A sparse autoencoder learns to write the activations of one place as sums of a few directions. It is trained on
        the model’s texts behind your questions, goes on after a restart, and is there at the next start.
      </p>
      <TrainingForm {...props} />
      <TrainingsContent {...props} />
    </div>
  );
}

/** The part that looks again by itself. */
export function TrainingsContent(
  { trainings, olderCount }: Pick<TrainingPageProps, "trainings" | "olderCount">,
): VNode {
  const underWay = trainings.find(({ job: { state } }) => state === "running" || state === "queued");
  return (
    <div id={TRAININGS_ID} class="component">
      {trainings.length === 0
        ? <p class="card empty-state">Nothing has been trained here yet.</p>
        : trainings.map(({ job, report, problem }) => (
          <section class="training" aria-label={`Training ${job.training?.name ?? job.id}`}>
            <JobProgress
              job={job}
              href={trainingUrl()}
              targetId={TRAININGS_ID}
              looksAgain={job.id === underWay?.job.id}
            />
            {problem === null ? null : <p class="error-note" role="alert">Its curves cannot be read: {problem}</p>}
            {report === null ? null : <TrainingCurves report={report} />}
          </section>
        ))}
      {olderCount === 0 ? null : (
        <p class="fine-print">
          {olderCount} older ones are among <a href={jobsUrl()}>all jobs</a>.
        </p>
      )}
    </div>
  );
}

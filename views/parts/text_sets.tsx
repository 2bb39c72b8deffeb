/** How far each text set of a model has been swept, with what goes on or begins it. */
import type { VNode } from "preact";
import type { Job, ModelSummary, SweepSummary } from "../../engine/mod.ts";
import { formatCount } from "../format.ts";
import { jobsUrl, sweepUrl } from "../urls.ts";

export interface TextSetsProps {
  readonly model: ModelSummary;
  /** Of this model. */
  readonly sweeps: readonly SweepSummary[];
  /** Sweeps that are under way, rest or failed. */
  readonly jobs: readonly Job[];
}

export function TextSets({ model, sweeps, jobs }: TextSetsProps): VNode {
  if (sweeps.length === 0) {
    return (
      <span class="fine-print">
        none: put <code>corpus.txt</code> into its folder, or start with <code>--corpus</code>
      </span>
    );
  }
  return (
    <ul class="text-sets">
      {sweeps.map((sweep) => {
        const job = jobs.find((own) =>
          own.model === model.id && own.textSet === sweep.textSet && own.dictionary === undefined
        ) ?? null;
        return (
          <li>
            <span>
              {sweep.textSet}: {inWords(sweep, job)}
            </span>
            <Action model={model} sweep={sweep} job={job} />
          </li>
        );
      })}
    </ul>
  );
}

function inWords({ state, sequencesDone, sequenceCount }: SweepSummary, job: Job | null): string {
  const far = `${formatCount(sequencesDone)} of ${formatCount(sequenceCount)} texts`;
  if (job?.state === "failed") return `failed at ${far}`;
  if (job?.state === "running" || job?.state === "queued") return sequenceCount === 0 ? "begins" : far;
  return state === "done" ? "swept" : state === "none" ? "not swept yet" : far;
}

/** A job that was asked for before goes on where it stopped. */
function Action(
  { model, sweep: { textSet, state }, job }: Omit<TextSetsProps, "sweeps" | "jobs"> & {
    readonly sweep: SweepSummary;
    readonly job: Job | null;
  },
): VNode | null {
  if (job?.state === "running" || job?.state === "queued") return <a href={jobsUrl()}>under way</a>;
  if (state === "done") return null;
  return (
    <form method="post" action={sweepUrl(model.id)}>
      <input type="hidden" name="textSet" value={textSet} />
      <button type="submit" class="small">
        {state === "none" ? "Sweep" : "Continue"}
        <span class="visually-hidden">: {model.id} over {textSet}</span>
      </button>
    </form>
  );
}

/** A job as pages show it: how far it is, how fast, how long it still takes, and what can be done with it. */
import type { VNode } from "preact";
import type { Job } from "../../engine/mod.ts";
import { formatCount, formatDuration } from "../format.ts";
import { jobActionUrl, jobsUrl } from "../urls.ts";

export interface JobProgressProps {
  readonly job: Job;
  /** Address that shows this again, and the id of what its answer replaces. */
  readonly href: string;
  readonly targetId: string;
  /** Whether it looks again by itself; of several on a page one is enough. */
  readonly looksAgain?: boolean;
}

/** Looks again by itself while the job is under way. */
export function JobProgress({ job, href, targetId, looksAgain = true }: JobProgressProps): VNode {
  const isUnderWay = job.state === "queued" || job.state === "running";
  return (
    <div
      class="card job"
      data-state={job.state}
      {...isUnderWay && looksAgain
        ? {
          "hx-get": href,
          "hx-target": `#${targetId}`,
          "hx-select": `#${targetId}`,
          "hx-swap": "outerHTML",
          "hx-trigger": "load delay:1s",
        }
        : {}}
    >
      <p role="status">
        <strong>{titleOf(job)}</strong>
        {job.textSet === null ? "" : ` over “${job.textSet}”`}: {inWords(job)}
      </p>
      <progress max={Math.max(1, job.total)} value={job.done} aria-label={`${TITLES[job.kind]}: ${job.unit} done`} />
      {job.problem === null ? null : <p class="error-note" role="alert">{job.problem}</p>}
      <JobActions job={job} />
      {isUnderWay && looksAgain
        ? (
          <p class="fine-print">
            <a href={href}>Look again</a> if this page does not do so by itself. <a href={jobsUrl()}>All jobs</a>
          </p>
        )
        : null}
    </div>
  );
}

const TITLES: Readonly<Record<Job["kind"], string>> = {
  means: "Means",
  sweep: "Sweep",
  train: "Training",
  explain: "Explanations",
};

function titleOf({ kind, model, dictionary, training, explain }: Job): string {
  const part = training?.name ?? dictionary ?? explainedPart(explain);
  return `${TITLES[kind]} of ${part === null ? model : `${part} for ${model}`}`;
}

/** What a job explains; null for none. */
function explainedPart(task: Job["explain"]): string | null {
  if (task === undefined) return null;
  const { layer, components, dictionary } = task;
  const part = layer === undefined
    ? `${formatCount(components?.length ?? 0)} components`
    : `${layer.kind}/${layer.index}`;
  return dictionary === undefined ? part : `${part} (${dictionary})`;
}

function inWords({ state, done, total, unit, perSecond, etaSeconds }: Job): string {
  const far = `${formatCount(done)} of ${formatCount(total)} ${unit}`;
  switch (state) {
    case "queued":
      return `waits for its turn, ${far}`;
    case "running": {
      const rate = perSecond === null ? "" : `, ${formatCount(Math.round(perSecond))} a second`;
      const rest = etaSeconds === null ? "" : `, about ${formatDuration(etaSeconds * 1000)} left`;
      return `${far}${rate}${rest}`;
    }
    case "paused":
      return `paused at ${far}`;
    case "done":
      return `done, ${formatCount(total)} ${unit}`;
    case "cancelled":
      return `cancelled at ${far}; what it has is kept`;
    case "failed":
      return `failed at ${far}`;
  }
}

const ACTIONS: Readonly<Record<Job["state"], readonly (readonly [string, string])[]>> = {
  queued: [["pause", "Pause"], ["cancel", "Cancel"]],
  running: [["pause", "Pause"], ["cancel", "Cancel"]],
  paused: [["resume", "Resume"], ["cancel", "Cancel"]],
  done: [],
  cancelled: [["resume", "Go on"]],
  failed: [["resume", "Try again"], ["cancel", "Give up"]],
};

/** Plain forms: what they lead to is the page that they stand on. */
function JobActions({ job: { id, state } }: { readonly job: Job }): VNode | null {
  const actions = ACTIONS[state];
  if (actions.length === 0) return null;
  return (
    <div class="links">
      {actions.map(([action, title]) => (
        <form method="post" action={jobActionUrl(id, action)}>
          <button type="submit" class="small">{title}</button>
        </form>
      ))}
    </div>
  );
}

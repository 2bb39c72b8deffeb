/** A job without a server: how far it is, on one line that is written anew. */
import type { Engine } from "./engine.ts";
import { StartError } from "./errors.ts";
import type { Job } from "./jobs/job.ts";

/** How often the line is written anew, in ms. */
const INTERVAL_MS = 500;

export interface FollowOptions {
  /** Writes text where a person reads it. */
  readonly write: (text: string) => void;
  /** What cannot be done if it fails: `sweep`. */
  readonly what: string;
}

/** A job when it is over, or was stopped. @throws {StartError} if it failed */
export async function followJob(engine: Engine, { id }: Job, { write, what }: FollowOptions): Promise<Job> {
  const show = () => {
    const job = engine.jobs().find((candidate) => candidate.id === id);
    if (job !== undefined) write(`\r${progressLine(job)}`);
  };
  const timer = setInterval(show, INTERVAL_MS);
  try {
    const job = await engine.finishedJob(id);
    show();
    if (job.state === "failed") throw new StartError(`Cannot ${what}: ${job.problem}`);
    return job;
  } finally {
    clearInterval(timer);
    write("\n");
  }
}

/** `sweep:demo:corpus  1200 of 3016 sequences, 140 a second, 13 s left`, always as wide. */
export function progressLine({ id, state, done, total, unit, perSecond, etaSeconds }: Job): string {
  const pace = perSecond === null ? "" : `, ${perSecond.toFixed(0)} a second`;
  const left = etaSeconds === null ? "" : `, ${durationText(etaSeconds)} left`;
  const doing = total === 0 ? "reading texts" : `${done} of ${total} ${unit}`;
  return `${id}  ${doing}${pace}${left}${state === "running" ? "" : `, ${state}`}`.padEnd(79);
}

function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** A sweep without a server: progress on one line, and Ctrl-C leaves what is done for the next time. */
import type { Engine } from "./engine.ts";
import { StartError } from "./errors.ts";
import type { Job, JobRequest } from "./jobs/job.ts";

/** How often the line is written anew, in ms. */
const INTERVAL_MS = 500;

export interface SweepCommandOptions {
  /** Only this model; null: all that are loaded. */
  readonly model: string | null;
  /** Only the latents of this dictionary, or with "all" of every one; null: the models' own components. */
  readonly dictionary: string | null;
  /** Writes text where a person reads it. */
  readonly write: (text: string) => void;
}

/** All dictionaries that are loaded. */
const ALL = "all";

/**
 * Sweeps models, or dictionaries of theirs, over all of the models' text sets, one after the other.
 *
 * @throws {StartError} if there is nothing to sweep, or a sweep fails
 */
export async function sweepCommand(engine: Engine, options: SweepCommandOptions): Promise<void> {
  const { model, dictionary, write } = options;
  const models = engine.models().map(({ id }) => id).filter((id) => model === null || id === model);
  if (models.length === 0) throw new StartError(`Cannot sweep: there is no model "${model}"`);
  const targets = models.flatMap((id) => targetsOf(engine, id, dictionary));
  if (targets.length === 0) throw new StartError(`Cannot sweep: ${noDictionary(engine, models, options)}`);
  let count = 0;
  for (const target of targets) {
    for (const { id: textSet } of await engine.textSets(target.model)) {
      count++;
      const job = await follow(engine, await engine.startJob({ kind: "sweep", ...target, textSet }), write);
      // Whoever stopped it, or ended the program, wants no other one.
      if (job.state !== "done") return;
    }
  }
  if (count === 0) {
    throw new StartError("Cannot sweep: no model has texts; put corpus.txt into its folder, or give --corpus FILE");
  }
}

type Target = Pick<JobRequest, "dictionary"> & { readonly model: string };

/** What is swept of a model. */
function targetsOf(engine: Engine, model: string, dictionary: string | null): readonly Target[] {
  if (dictionary === null) return [{ model }];
  return idsOf(engine, model).filter((id) => dictionary === ALL || id === dictionary).map((id) => ({
    model,
    dictionary: id,
  }));
}

function idsOf(engine: Engine, model: string): readonly string[] {
  return engine.model(model).dictionaries.map(({ id }) => id);
}

function noDictionary(
  engine: Engine,
  models: readonly string[],
  { dictionary }: Pick<SweepCommandOptions, "dictionary">,
): string {
  const known = models.flatMap((model) => idsOf(engine, model));
  if (known.length === 0) return "no dictionary is loaded, give --dictionaries DIR";
  return `there is no dictionary "${dictionary}", expected all or one of ${known.join(", ")}`;
}

async function follow(engine: Engine, { id }: Job, write: (text: string) => void): Promise<Job> {
  const show = () => {
    const job = engine.jobs().find((candidate) => candidate.id === id);
    if (job !== undefined) write(`\r${progressLine(job)}`);
  };
  const timer = setInterval(show, INTERVAL_MS);
  try {
    const job = await engine.finishedJob(id);
    show();
    if (job.state === "failed") throw new StartError(`Cannot sweep: ${job.problem}`);
    return job;
  } finally {
    clearInterval(timer);
    write("\n");
  }
}

/** `sweep:demo:corpus  1200 of 3016 sequences, 140 a second, 13 s left`, always as wide. */
export function progressLine({ id, state, done, total, perSecond, etaSeconds }: Job): string {
  const pace = perSecond === null ? "" : `, ${perSecond.toFixed(0)} a second`;
  const left = etaSeconds === null ? "" : `, ${durationText(etaSeconds)} left`;
  const doing = total === 0 ? "reading texts" : `${done} of ${total} sequences`;
  return `${id}  ${doing}${pace}${left}${state === "running" ? "" : `, ${state}`}`.padEnd(79);
}

function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

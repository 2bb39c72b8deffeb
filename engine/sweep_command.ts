/** A sweep without a server: progress on one line, and Ctrl-C leaves what is done for the next time. */
import type { Engine } from "./engine.ts";
import { StartError } from "./errors.ts";
import { followJob } from "./follow_job.ts";
import type { JobRequest } from "./jobs/job.ts";

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
      const job = await followJob(engine, await engine.startJob({ kind: "sweep", ...target, textSet }), {
        write,
        what: "sweep",
      });
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

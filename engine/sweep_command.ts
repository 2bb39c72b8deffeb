/** A sweep without a server: progress on one line, and Ctrl-C leaves what is done for the next time. */
import type { Engine } from "./engine.ts";
import { StartError } from "./errors.ts";
import { followJob } from "./follow_job.ts";

export interface SweepCommandOptions {
  /** Only this model; null: all that are loaded. */
  readonly model: string | null;
  /** Writes text where a person reads it. */
  readonly write: (text: string) => void;
}

/**
 * Sweeps models over all of their text sets, one after the other.
 *
 * @throws {StartError} if there is nothing to sweep, or a sweep fails
 */
export async function sweepCommand(engine: Engine, { model, write }: SweepCommandOptions): Promise<void> {
  const models = engine.models().map(({ id }) => id).filter((id) => model === null || id === model);
  if (models.length === 0) throw new StartError(`Cannot sweep: there is no model "${model}"`);
  let count = 0;
  for (const id of models) {
    for (const textSet of await engine.textSets(id)) {
      count++;
      const job = await followJob(engine, await engine.startJob({ kind: "sweep", model: id, textSet: textSet.id }), {
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

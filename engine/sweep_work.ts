/** The job that sweeps a model over a text set: step by step on the background lane, its state stored as it goes. */
import { createHash } from "node:crypto";
import { Sequences } from "./corpus/sequences.ts";
import { SWEEP_VERSION, SweepPlan, tokensPerStep } from "./corpus/sweep_plan.ts";
import { emptyState, type SweepState, type SweepStep } from "./corpus/sweeper.ts";
import { findTextSets, readSequences, type TextSetFile } from "./corpus/text_sets.ts";
import { EngineUnavailableError, NotFoundError, ValidationError } from "./errors.ts";
import type { JobSource } from "./job_source.ts";
import type { Job } from "./jobs/job.ts";
import type { JobControl } from "./jobs/job_queue.ts";
import { digestFile } from "./model/checkpoint.ts";
import type { LanguageModel } from "./model/language_model.ts";
import { patientCall } from "./patient_call.ts";
import type { SweepProgress, SweepRow } from "./store/sweep_rows.ts";
import type { Store } from "./store/store.ts";

/** Share of a sweep's time that may go into storing its state: for a large model that is tens of megabytes. */
const STORING_SHARE = 0.1;
/** How often in a row the engine thread may die under the same step. */
const MAX_ATTEMPTS = 3;

/** The job of a model over a text set as it is when it is asked for. @throws {ValidationError} if there is no such text set */
export async function newSweepJob(
  model: LanguageModel,
  textSet: string | undefined,
  source: JobSource,
): Promise<Job> {
  const set = await findTextSet(model, textSet, source);
  const row = source.store.sweeps.find(await sweepKey(model, set, source));
  const isDone = row !== null && row.progress.step === row.progress.stepCount;
  return {
    id: `sweep:${model.id}:${set.id}`,
    kind: "sweep",
    model: model.id,
    textSet: set.id,
    state: isDone ? "done" : "queued",
    done: row?.progress.sequencesDone ?? 0,
    total: row?.progress.sequenceCount ?? 0,
    unit: "sequences",
    perSecond: null,
    etaSeconds: null,
    problem: null,
  };
}

/** Does the job, from where its state was last stored. */
export async function sweep(job: Job, control: JobControl, source: JobSource): Promise<"done" | "stopped"> {
  const { sweeps } = source.store;
  const model = source.model(job.model);
  const set = await findTextSet(model, job.textSet ?? undefined, source);
  const key = await sweepKey(model, set, source);
  if (sweeps.find(key) === null) {
    const sequences = await readSequences(set, model);
    const { stepCount } = new SweepPlan(model.architecture, sequences, stepTokensOf(model, source));
    const progress = { step: 0, stepCount, sequencesDone: 0, sequenceCount: sequences.count, tokensDone: 0 };
    sweeps.begin(
      { key, model: model.id, weights: await source.digest(model), textSet: set.id, progress },
      sequences,
    );
  }
  const texts = sweeps.texts(key);
  if (texts === null) throw new EngineUnavailableError("The texts of the sweep cannot be stored: see the log");
  const plan = new SweepPlan(
    model.architecture,
    new Sequences(texts.tokens, texts.starts),
    stepTokensOf(model, source),
  );
  for (let attempt = 1;; attempt++) {
    const before = sweeps.find(key)?.progress.step;
    try {
      return await new SweepRun(source, { model, plan, key, control }).toTheEnd();
    } catch (error) {
      // The state went with the engine thread; what was stored of it is still there.
      if (!(error instanceof EngineUnavailableError) || control.isStopping()) throw error;
      if (sweeps.find(key)?.progress.step !== before) attempt = 1;
      if (attempt >= MAX_ATTEMPTS) throw error;
    }
  }
}

/** What identifies a sweep: the same weights, texts and steps are gone on with, whatever they are called. */
export async function sweepKey(model: LanguageModel, set: TextSetFile, source: JobSource): Promise<string> {
  const parts = [
    SWEEP_VERSION,
    await source.digest(model),
    await textSetDigest(set, source.store),
    stepTokensOf(model, source),
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** @throws {ValidationError} that lists those there are */
export async function findTextSet(
  model: LanguageModel,
  id: string | undefined,
  { corpusFiles }: JobSource,
): Promise<TextSetFile> {
  const sets = await findTextSets(model, corpusFiles);
  const found = id === undefined ? sets[0] : sets.find((set) => set.id === id);
  if (found !== undefined) return found;
  throw new ValidationError([{
    path: "textSet",
    message: sets.length === 0
      ? `Model "${model.id}" has no text set: put corpus.txt into its folder, or start with --corpus FILE`
      : `There is no text set "${id}": expected one of ${sets.map((set) => set.id).join(", ")}`,
  }]);
}

function stepTokensOf({ architecture }: LanguageModel, { stepTokens }: JobSource): number {
  return stepTokens ?? tokensPerStep(architecture);
}

/** Digest of a text set's file, computed once for each version of it. */
export async function textSetDigest({ path, sizeBytes, modifiedMs }: TextSetFile, store: Store): Promise<string> {
  const stamp = { path, sizeBytes, modifiedMs };
  const digest = store.findDigest(stamp) ?? await digestFile(path);
  store.saveDigest(stamp, digest);
  return digest;
}

interface SweepTask {
  readonly model: LanguageModel;
  readonly plan: SweepPlan;
  readonly key: string;
  readonly control: JobControl;
}

/** A sweep from one stored state to the end, a stop, or a failure. */
class SweepRun {
  readonly #source: JobSource;
  readonly #task: SweepTask;
  #row: SweepRow;
  #progress: SweepProgress;
  #state: SweepState;
  #storeAt = 0;

  /** @throws {NotFoundError} if nothing of the sweep is stored */
  constructor(source: JobSource, task: SweepTask) {
    const row = source.store.sweeps.find(task.key);
    if (row === null) throw new NotFoundError(`There is no sweep ${task.key}`);
    this.#source = source;
    this.#task = task;
    this.#row = row;
    this.#progress = row.progress;
    this.#state = this.#storedState();
  }

  async toTheEnd(): Promise<"done" | "stopped"> {
    const { plan, control } = this.#task;
    this.#tell();
    while (this.#progress.step < plan.stepCount) {
      if (control.isStopping()) {
        await this.#store();
        return "stopped";
      }
      await this.#step(plan.step(this.#progress.step));
      this.#tell();
      if (performance.now() >= this.#storeAt) await this.#store();
    }
    await this.#store();
    return "done";
  }

  async #step(step: SweepStep): Promise<void> {
    const { model, plan, control: { signal } } = this.#task;
    const input = { modelId: model.id, state: this.#state, step };
    const { state } = await patientCall(this.#source.worker, "sweep", {
      input,
      signal,
      transfer: [...this.#state.values()],
    });
    this.#state = state;
    const { sequences, tokens } = plan.progressOf(this.#progress.step);
    this.#progress = {
      ...this.#progress,
      step: this.#progress.step + 1,
      sequencesDone: this.#progress.sequencesDone + sequences,
      tokensDone: this.#progress.tokensDone + tokens,
    };
  }

  async #store(): Promise<void> {
    if (this.#progress.step === this.#row.progress.step) return;
    const startedAt = performance.now();
    const generation = await this.#source.store.sweeps.save(this.#row, this.#state, this.#progress);
    this.#row = { ...this.#row, generation, progress: this.#progress };
    const now = performance.now();
    this.#storeAt = now + (now - startedAt) * (1 / STORING_SHARE - 1);
  }

  /** What was stored last; nothing yet if nothing was. */
  #storedState(): SweepState {
    const empty = emptyState(this.#task.model);
    if (this.#row.generation === 0) return empty;
    return new Map([...empty.keys()].map((name): [string, ArrayBuffer] => {
      const group = this.#source.store.sweeps.group(this.#row, name);
      if (group === null) {
        throw new NotFoundError(`What the sweep has collected of ${name} cannot be read: see the log`);
      }
      return [name, group];
    }));
  }

  #tell(): void {
    this.#task.control.progress(this.#progress.sequencesDone, this.#progress.sequenceCount);
  }
}

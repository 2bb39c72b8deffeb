/** The job that sweeps a model, or one of its dictionaries, over a text set: step by step on the background lane, its state stored after each. */
import { createHash } from "node:crypto";
import { Sequences } from "./corpus/sequences.ts";
import type { Scope } from "./corpus/scope.ts";
import {
  LatentSweepPlan,
  latentTokensPerStep,
  type Plan,
  SWEEP_VERSION,
  SweepPlan,
  tokensPerStep,
} from "./corpus/sweep_plan.ts";
import { emptyState, type SweepState, type SweepStep } from "./corpus/sweeper.ts";
import { findTextSets, readSequences, type TextSetFile } from "./corpus/text_sets.ts";
import { EngineUnavailableError, NotFoundError, ValidationError } from "./errors.ts";
import type { JobSource } from "./job_source.ts";
import type { Job } from "./jobs/job.ts";
import type { JobControl } from "./jobs/job_queue.ts";
import { digestFile } from "./model/checkpoint.ts";
import type { Dictionary } from "./model/dictionary.ts";
import type { LanguageModel } from "./model/language_model.ts";
import { patientCall } from "./patient_call.ts";
import type { SweepProgress, SweepRow, SweepRows } from "./store/sweep_rows.ts";
import type { Store } from "./store/store.ts";

/** How often in a row the engine thread may die under the same step. */
const MAX_ATTEMPTS = 3;

/** Whose components are swept. */
type SweptScope = Scope<LanguageModel>;

/** The job of a scope over a text set as it is when it is asked for. @throws {ValidationError} if there is no such text set */
export async function newSweepJob(
  scope: SweptScope,
  textSet: string | undefined,
  source: JobSource,
): Promise<Job> {
  const { model, dictionary } = scope;
  const set = await findTextSet(model, textSet, source);
  const row = source.store.sweeps.find(await sweepKey(scope, set, source));
  const isDone = row !== null && row.progress.step === row.progress.stepCount &&
    storedState(scope, { row, sweeps: source.store.sweeps }) !== null;
  const own = dictionary === null ? null : dictionary.detail.id;
  return {
    id: `sweep:${model.id}:${set.id}${own === null ? "" : `:${own}`}`,
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
    ...own === null ? {} : { dictionary: own },
  };
}

/** Does the job, from where its state was last stored. */
export async function sweep(job: Job, control: JobControl, source: JobSource): Promise<"done" | "stopped"> {
  const { sweeps } = source.store;
  const model = source.model(job.model);
  const scope: SweptScope = { model, dictionary: dictionaryOfJob(job, model) };
  const set = await findTextSet(model, job.textSet ?? undefined, source);
  const key = await sweepKey(scope, set, source);
  if (sweeps.find(key) === null) {
    const sequences = await readSequences(set, model);
    const { stepCount } = planOf(scope, sequences, source);
    const progress = { ...NOTHING_DONE, stepCount, sequenceCount: sequences.count };
    sweeps.begin(
      { key, model: model.id, weights: await weightsOf(scope, source), textSet: set.id, progress },
      sequences,
    );
  }
  const texts = sweeps.texts(key);
  if (texts === null) throw new EngineUnavailableError("The texts of the sweep cannot be stored: see the log");
  const plan = planOf(scope, new Sequences(texts.tokens, texts.starts), source);
  for (let attempt = 1;; attempt++) {
    const before = sweeps.find(key)?.progress.step;
    try {
      return await new SweepRun(source, { scope, plan, key, control }).toTheEnd();
    } catch (error) {
      // The state went with the engine thread; what was stored of it is still there.
      if (!(error instanceof EngineUnavailableError) || control.isStopping()) throw error;
      if (sweeps.find(key)?.progress.step !== before) attempt = 1;
      if (attempt >= MAX_ATTEMPTS) throw error;
    }
  }
}

/** What identifies a sweep: the same weights, texts and steps are gone on with, whatever they are called. */
export async function sweepKey(scope: SweptScope, set: TextSetFile, source: JobSource): Promise<string> {
  const parts = [
    SWEEP_VERSION,
    await weightsOf(scope, source),
    await textSetDigest(set, source.store),
    stepTokensOf(scope, source),
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

/** Digest of all weights that enter. */
function weightsOf({ model, dictionary }: SweptScope, { digest }: JobSource): Promise<string> {
  return digest(model, dictionary === null ? [] : [dictionary]);
}

/** @throws {NotFoundError} if the dictionary is not loaded any more */
function dictionaryOfJob({ dictionary: id }: Job, model: LanguageModel): Dictionary | null {
  if (id === undefined) return null;
  const found = model.dictionaries.find(({ detail }) => detail.id === id);
  if (found !== undefined) return found;
  throw new NotFoundError(`Dictionary "${id}" is not loaded: start with its folder among --dictionaries`);
}

function planOf(scope: SweptScope, sequences: Sequences, source: JobSource): Plan {
  const { model, dictionary } = scope;
  const stepTokens = stepTokensOf(scope, source);
  return dictionary === null
    ? new SweepPlan(model.architecture, sequences, stepTokens)
    : new LatentSweepPlan(sequences, { dictionary: dictionary.detail.id, stepTokens });
}

function stepTokensOf({ model: { architecture }, dictionary }: SweptScope, { stepTokens }: JobSource): number {
  if (stepTokens !== null) return stepTokens;
  return dictionary === null ? tokensPerStep(architecture) : latentTokensPerStep(architecture, dictionary.detail);
}

/** Digest of a text set's file, computed once for each version of it. */
export async function textSetDigest({ path, sizeBytes, modifiedMs }: TextSetFile, store: Store): Promise<string> {
  const stamp = { path, sizeBytes, modifiedMs };
  const digest = store.findDigest(stamp) ?? await digestFile(path);
  store.saveDigest(stamp, digest);
  return digest;
}

interface SweepTask {
  readonly scope: SweptScope;
  readonly plan: Plan;
  readonly key: string;
  readonly control: JobControl;
}

/** How far a sweep is of which there is no state. */
const NOTHING_DONE = { step: 0, sequencesDone: 0, tokensDone: 0 } as const;

/** A sweep from one stored state to the end, a stop, or a failure. */
class SweepRun {
  readonly #source: JobSource;
  readonly #task: SweepTask;
  #row: SweepRow;
  #progress: SweepProgress;
  #state: SweepState;

  /** @throws {NotFoundError} if nothing of the sweep is stored */
  constructor(source: JobSource, task: SweepTask) {
    const row = source.store.sweeps.find(task.key);
    if (row === null) throw new NotFoundError(`There is no sweep ${task.key}`);
    this.#source = source;
    this.#task = task;
    this.#row = row;
    const stored = storedState(task.scope, { row, sweeps: source.store.sweeps });
    this.#progress = stored === null ? { ...row.progress, ...NOTHING_DONE } : row.progress;
    this.#state = stored ?? emptyState(task.scope);
  }

  async toTheEnd(): Promise<"done" | "stopped"> {
    const { plan, control } = this.#task;
    this.#tell();
    while (this.#progress.step < plan.stepCount) {
      if (control.isStopping()) return "stopped";
      await this.#step(plan.step(this.#progress.step));
      await this.#store();
      this.#tell();
    }
    return "done";
  }

  async #step(step: SweepStep): Promise<void> {
    const { scope: { model }, plan, control: { signal } } = this.#task;
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
    const generation = await this.#source.store.sweeps.save(this.#row, this.#state, this.#progress);
    this.#row = { ...this.#row, generation, progress: this.#progress };
  }

  #tell(): void {
    this.#task.control.progress(this.#progress.sequencesDone, this.#progress.sequenceCount);
  }
}

/** What was stored last; null if nothing was, or it cannot be read: then all is done anew. */
function storedState(
  scope: SweptScope,
  { row, sweeps }: { readonly row: SweepRow; readonly sweeps: Pick<SweepRows, "group"> },
): SweepState | null {
  const groups: (readonly [string, ArrayBuffer])[] = [];
  for (const name of emptyState(scope).keys()) {
    const group = row.generation === 0 ? null : sweeps.group(row, name);
    if (group === null) return null;
    groups.push([name, group]);
  }
  return new Map(groups);
}

/** The job that trains a dictionary: a few steps at a time on the background lane, its state stored as it goes, measured now and then. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { ActivationStream } from "./activation_stream.ts";
import { MAX_SEQUENCE_TOKENS } from "./corpus/sweep_graph.ts";
import { tokensPerStep } from "./corpus/sweep_plan.ts";
import type { Sequences } from "./corpus/sequences.ts";
import { readSequences, type TextSetFile } from "./corpus/text_sets.ts";
import { isThere, readTrainingFile, writeSaeLensFolder } from "./dictionaries/saelens_folder.ts";
import {
  type Checkpoint,
  readCheckpoint,
  readCheckpointCurve,
  removeCheckpoint,
  writeCheckpoint,
} from "./dictionaries/training/checkpoint.ts";
import { foldedDictionary } from "./dictionaries/training/fold.ts";
import {
  EMPTY_CURVE,
  stepsToMeasurement,
  type TrainingCurve,
  withMeasurement,
  withStep,
} from "./dictionaries/training/training_curve.ts";
import { resolveTraining, type trainingSchema, type TrainingSpec } from "./dictionaries/training/training_spec.ts";
import { firstState, measureNormalization } from "./dictionaries/training/training_state.ts";
import { EngineError, EngineUnavailableError, ValidationError } from "./errors.ts";
import { measureOnHeldOut } from "./held_out_metrics.ts";
import type { JobSource } from "./job_source.ts";
import type { Job } from "./jobs/job.ts";
import type { JobControl } from "./jobs/job_queue.ts";
import type { LanguageModel } from "./model/language_model.ts";
import { patientCall } from "./patient_call.ts";
import { findTextSet, textSetDigest } from "./sweep_work.ts";
import type { z } from "zod";

/** Changes with what a step does, or how texts are read: what an older program has stored is then not gone on with. */
const TRAINING_VERSION = 1;
/** Share of a training's time that may go into storing its state. */
const STORING_SHARE = 0.1;
/** How long the engine thread is asked for at a time, in ms: a question waits for it. */
const TURN_MS = 200;
/** Steps at a time, however fast they are. */
const MAX_TURN_STEPS = 64;
/** Held-out tokens that a dictionary is measured on while it is trained, and when it is done. */
const LIVE_TOKENS = 4096;
const FINAL_TOKENS = 65_536;
/** How often in a row the engine thread may die under the same steps. */
const MAX_ATTEMPTS = 3;

/** What `training.json` says beside a dictionary. */
interface TrainingRecord extends Omit<TrainingCurve, "pending"> {
  /** Says which training it was. */
  readonly key: string;
  readonly model: string;
  readonly textSet: string;
  readonly spec: TrainingSpec;
}

/** The job as it is when it is asked for. @throws {ValidationError} if it cannot be, or its name is taken */
export async function newTrainJob(
  model: LanguageModel,
  { textSet, training }: { readonly textSet: string | undefined; readonly training: z.output<typeof trainingSchema> },
  source: JobSource,
): Promise<Job> {
  const spec = resolveTraining(training, model.architecture);
  const set = await findTextSet(model, textSet, source);
  const task = await taskOf({ model, set, spec }, source);
  const known = await findRecord(task);
  if (known === null && await isThere(task.folder)) {
    throw new ValidationError([{
      path: "training.name",
      message: `There is a dictionary "${spec.name}" already: expected another name`,
    }]);
  }
  const curve = known === null ? await readCheckpointCurve(task.checkpoint, task) : null;
  return {
    id: `train:${model.id}:${spec.name}`,
    kind: "train",
    model: model.id,
    textSet: set.id,
    state: known === null ? "queued" : "done",
    done: known === null ? curve?.points.at(-1)?.step ?? 0 : spec.steps,
    total: spec.steps,
    unit: "steps",
    perSecond: null,
    etaSeconds: null,
    problem: null,
    training: spec,
  };
}

/** Told of every change. */
export type CurveListener = (curve: TrainingCurve) => void;

/** Does the job, from where its state was last stored. */
export async function train(
  job: Job,
  control: JobControl,
  { source, onCurve }: { readonly source: JobSource; readonly onCurve: CurveListener },
): Promise<"done" | "stopped"> {
  const model = source.model(job.model);
  if (job.training === undefined) throw new EngineError("The job does not say what is to be trained: ask for it again");
  const set = await findTextSet(model, job.textSet ?? undefined, source);
  const task = await taskOf({ model, set, spec: job.training }, source);
  if (await findRecord(task) !== null) return "done";
  const sequences = await readSequences(set, model);
  const run = new TrainRun(source, { ...task, sequences, control, onCurve });
  for (let attempt = 1;; attempt++) {
    const before = run.step;
    try {
      return await run.toTheEnd();
    } catch (error) {
      // The state went with the engine thread; what was stored of it is still there.
      if (!(error instanceof EngineUnavailableError) || control.isStopping()) throw error;
      if (run.step !== before) attempt = 1;
      if (attempt >= MAX_ATTEMPTS) throw error;
    }
  }
}

/** How far a training is, from what is stored of it; null if nothing is. */
export async function storedCurve(job: Job, source: JobSource): Promise<TrainingCurve | null> {
  if (job.training === undefined) return null;
  const model = source.model(job.model);
  const set = await findTextSet(model, job.textSet ?? undefined, source);
  const task = await taskOf({ model, set, spec: job.training }, source);
  const record = await findRecord(task);
  return record === null ? await readCheckpointCurve(task.checkpoint, task) : { ...EMPTY_CURVE, ...record };
}

interface TrainTask {
  readonly model: LanguageModel;
  readonly set: TextSetFile;
  readonly spec: TrainingSpec;
  /** Identifies the training: the same weights, texts and choices are gone on with. */
  readonly key: string;
  /** Path of the file with its state. */
  readonly checkpoint: string;
  /** Where the dictionary is written. */
  readonly folder: string;
}

async function taskOf(
  { model, set, spec }: Pick<TrainTask, "model" | "set" | "spec">,
  source: JobSource,
): Promise<TrainTask> {
  const parts = [TRAINING_VERSION, await source.digest(model), await textSetDigest(set, source.store), spec];
  return {
    model,
    set,
    spec,
    key: createHash("sha256").update(JSON.stringify(parts)).digest("hex"),
    checkpoint: join(source.dataFolder, "trainings", model.id, spec.name, "state.safetensors"),
    folder: join(source.trainedFolder(model), spec.name),
  };
}

/** What was written when the training was done; null if it was not, or something else is there. */
async function findRecord({ folder, key }: TrainTask): Promise<TrainingRecord | null> {
  const record = await readTrainingFile(folder);
  return typeof record === "object" && record !== null && "key" in record && record.key === key
    ? record as TrainingRecord
    : null;
}

interface RunTask extends TrainTask {
  readonly sequences: Sequences;
  readonly control: JobControl;
  readonly onCurve: CurveListener;
}

/** A training from one stored state to the end, a stop, or a failure. */
class TrainRun {
  readonly #source: JobSource;
  readonly #task: RunTask;
  readonly #stream: ActivationStream;
  #current: Checkpoint | null = null;
  #storedStep = 0;
  #storeAt = 0;
  /** Steps that the engine thread is asked for at a time. */
  #turn = 1;

  constructor(source: JobSource, task: RunTask) {
    const { model, spec, sequences, control } = task;
    const stepTokens = tokensPerStep(model.architecture);
    this.#source = source;
    this.#task = task;
    this.#stream = new ActivationStream({ worker: source.worker, model, spec, sequences, stepTokens, control });
  }

  /** Steps that were stored. */
  get step(): number {
    return this.#storedStep;
  }

  async toTheEnd(): Promise<"done" | "stopped"> {
    const { spec, control } = this.#task;
    this.#current = await this.#begin();
    if (this.#current === null) return "stopped";
    this.#storedStep = this.#current.state.step;
    this.#tell(this.#current);
    while (this.#current.state.step < spec.steps) {
      if (control.isStopping() || !await this.#take(this.#current)) {
        await this.#store(this.#current);
        return "stopped";
      }
      this.#tell(this.#current);
      if (performance.now() >= this.#storeAt) await this.#store(this.#current);
    }
    // Whatever comes of the rest, no step is lost.
    await this.#store(this.#current);
    await this.#finish(this.#current);
    return "done";
  }

  /** What was stored, or the state before the first step; null if it is to stop before that is known. */
  async #begin(): Promise<Checkpoint | null> {
    const { spec, checkpoint } = this.#task;
    const stored = await readCheckpoint(checkpoint, this.#task);
    if (stored !== null) return stored;
    const rows = await this.#stream.firstBlock();
    if (rows === null) return null;
    return { state: firstState(spec, measureNormalization(rows, spec.width)), curve: EMPTY_CURVE };
  }

  /** Takes some steps. @returns Whether it could; if not, nothing has changed */
  async #take({ state, curve }: Checkpoint): Promise<boolean> {
    const { spec, model, control: { signal } } = this.#task;
    const count = Math.min(this.#turn, stepsToMeasurement(spec, state.step));
    const batches: Float32Array<ArrayBuffer>[] = [];
    for (let i = 0; i < count; i++) {
      const rows = await this.#stream.batchOf(state.step + i);
      if (rows === null) return false;
      batches.push(rows);
    }
    const startedAt = performance.now();
    const buffers = [...state.tensors.values(), ...batches].map(({ buffer }) => buffer);
    const input = { modelId: model.id, spec, state, batches };
    const taken = await patientCall(this.#source.worker, "train", { input, signal, transfer: buffers });
    const perStep = (performance.now() - startedAt) / count;
    this.#turn = Math.max(1, Math.min(MAX_TURN_STEPS, 2 * count, Math.floor(TURN_MS / perStep)));
    let grown = curve;
    for (const [i, report] of taken.reports.entries()) {
      grown = withStep(grown, { spec, step: state.step + i + 1, report });
    }
    this.#current = { state: taken.state, curve: grown };
    const isDue = stepsToMeasurement(spec, state.step) === count && taken.state.step < spec.steps;
    if (isDue) this.#current = await this.#measured(this.#current, LIVE_TOKENS);
    return true;
  }

  async #measured({ state, curve }: Checkpoint, maxTokens: number): Promise<Checkpoint> {
    const { model, spec, sequences, control: { signal } } = this.#task;
    const metrics = await measureOnHeldOut(this.#source.worker, foldedDictionary(spec, state), {
      model,
      sequences,
      maxTokens,
      lane: "background",
      signal,
    });
    return { state, curve: withMeasurement(curve, { step: state.step, metrics }) };
  }

  async #store(checkpoint: Checkpoint): Promise<void> {
    if (checkpoint.state.step === this.#storedStep) return;
    const startedAt = performance.now();
    await written("the state of the training", writeCheckpoint(this.#task.checkpoint, this.#task, checkpoint));
    this.#storedStep = checkpoint.state.step;
    const now = performance.now();
    this.#storeAt = now + (now - startedAt) * (1 / STORING_SHARE - 1);
  }

  async #finish(checkpoint: Checkpoint): Promise<void> {
    const { model, set, spec, key, folder } = this.#task;
    const { architecture: { bosId, contextLength } } = model;
    const { state, curve: { pending: _pending, ...curve } } = await this.#measured(checkpoint, FINAL_TOKENS);
    this.#task.onCurve({ ...EMPTY_CURVE, ...curve });
    const record: TrainingRecord = { key, model: model.id, textSet: set.id, spec, ...curve };
    const writing = writeSaeLensFolder(folder, foldedDictionary(spec, state), {
      metadata: {
        modelName: model.id,
        contextSize: Math.min(MAX_SEQUENCE_TOKENS, contextLength),
        prependsBos: bosId !== null,
      },
      training: record,
    });
    await written("the dictionary", writing);
    await removeCheckpoint(this.#task.checkpoint);
  }

  #tell({ state, curve }: Checkpoint): void {
    this.#task.onCurve(curve);
    this.#task.control.progress(state.step, this.#task.spec.steps);
  }
}

/** Waits until something is written. @throws {EngineError} that says why it cannot be, and names no path: who reads it may be anybody */
async function written(what: string, writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause)) throw cause;
    throw new EngineError(`Cannot write ${what}: ${cause.code}`, { cause });
  }
}

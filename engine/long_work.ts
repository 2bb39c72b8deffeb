/** Long work of every kind: begun, gone on with after a start, and asked how it goes. */
import { isDeepStrictEqual } from "node:util";
import { parseOrThrow } from "./circuit/field_issues.ts";
import { scopeOf } from "./corpus/scope.ts";
import type { TrainingCurve } from "./dictionaries/training/training_curve.ts";
import { NotFoundError, ValidationError } from "./errors.ts";
import { explainMany, newExplainJob } from "./explain_work.ts";
import type { Explanations } from "./explanations.ts";
import type { JobSource } from "./job_source.ts";
import { type Job, type JobRequest, jobRequestSchema } from "./jobs/job.ts";
import { JobQueue } from "./jobs/job_queue.ts";
import type { TrainingReport } from "./jobs/training_report.ts";
import { computeMeans, newMeansJob } from "./means_work.ts";
import { newSweepJob, sweep } from "./sweep_work.ts";
import { newTrainJob, storedCurve, train } from "./train_work.ts";

/** What is wrong with asking for other choices under the name of a training that can go on. */
const UNENDED: Readonly<Partial<Record<Job["state"], string>>> = {
  queued: "is under way with other choices",
  running: "is under way with other choices",
  paused: "is paused, with other choices; cancel it to give it up",
  failed: "has failed on the way, with other choices, and can be tried again; cancel it to give it up",
};

export class LongWork {
  readonly queue: JobQueue;
  readonly #source: JobSource;
  readonly #defaultModel: () => string;
  readonly #explanations: () => Explanations;
  /** Of trainings under way, by job. */
  readonly #curves = new Map<string, TrainingCurve>();

  constructor(
    source: JobSource,
    { defaultModel, explanations }: {
      readonly defaultModel: () => string;
      /** Asked for when a job needs them: they are made later. */
      readonly explanations: () => Explanations;
    },
  ) {
    this.#source = source;
    this.#defaultModel = defaultModel;
    this.#explanations = explanations;
    this.queue = new JobQueue(source.store.jobs, {
      means: (job, control) => computeMeans(job, control, source),
      sweep: (job, control) => sweep(job, control, source),
      explain: (job, control) => explainMany(job, control, { source, explanations: explanations() }),
      train: (job, control) =>
        train(job, control, { source, onCurve: (curve) => this.#curves.set(job.id, curve) }).finally(() =>
          this.#curves.delete(job.id)
        ),
    });
  }

  /** @throws {ValidationError | NotFoundError} */
  async start(request: JobRequest): Promise<Job> {
    const { kind, model: id = this.#defaultModel(), textSet, dictionary, training, explain } = parseOrThrow(
      jobRequestSchema,
      request,
    );
    const model = this.#source.model(id);
    if (explain !== undefined) {
      const job = newExplainJob(model, { task: explain, textSet }, this.#explanations());
      this.#requireSameTerms(job);
      return this.queue.add(job);
    }
    if (training !== undefined) {
      const job = await newTrainJob(model, { textSet, training }, this.#source);
      this.#requireSameTraining(job);
      return this.queue.add(job);
    }
    return this.queue.add(
      kind === "means"
        ? await newMeansJob(model, this.#source)
        : await newSweepJob(scopeOf(model, dictionary), textSet, this.#source),
    );
  }

  /** @throws {ValidationError} if the same components are being explained on other terms: those under way would hold, and cost what they may */
  #requireSameTerms({ id, explain }: Job): void {
    const other = this.queue.list().find((job) => job.id === id && ["queued", "running"].includes(job.state));
    const terms = (task: Job["explain"]) => [task?.budget, task?.candidates];
    if (other === undefined || isDeepStrictEqual(terms(other.explain), terms(explain))) return;
    throw new ValidationError([{
      path: "explain.budget",
      message:
        "They are being explained already, with another budget or number of candidates: pause or cancel that job first",
    }]);
  }

  /** @throws {ValidationError} if a training of that name has not ended and has other choices: its state would be lost */
  #requireSameTraining({ id, textSet, training }: Job): void {
    const other = this.queue.list().find((job) => job.id === id);
    const problem = other === undefined ? undefined : UNENDED[other.state];
    if (problem === undefined || isDeepStrictEqual([other?.textSet, other?.training], [textSet, training])) return;
    throw new ValidationError([{
      path: "training.name",
      message: `A training named ${JSON.stringify(training?.name)} ${problem}: expected another name`,
    }]);
  }

  /** @throws {NotFoundError} if there is no such job, or it trains nothing */
  async training(jobId: string): Promise<TrainingReport> {
    const job = this.queue.list().find(({ id }) => id === jobId);
    if (job?.training === undefined) {
      throw new NotFoundError(`There is no training "${jobId.slice(0, 200)}": GET /api/v1/jobs lists all jobs`);
    }
    const curve = this.#curves.get(jobId) ?? await storedCurve(job, this.#source);
    return {
      job,
      spec: job.training,
      points: curve?.points ?? [],
      measurements: curve?.measurements ?? [],
    };
  }
}

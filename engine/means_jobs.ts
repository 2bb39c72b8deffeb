/** Jobs that compute a model's means: batch by batch behind whatever people are waiting for, cancellable, kept when done. */
import { addMeanSums, type MeanSums } from "./circuit/means_graph.ts";
import { meansOf, type ModelMeans } from "./circuit/model_means.ts";
import type { Job } from "./jobs/job.ts";
import { CancelledError, NotFoundError } from "./errors.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { EngineRequests } from "./protocol.ts";
import type { ReferenceTexts } from "./reference_texts.ts";
import type { WorkerClient } from "./runtime/worker_client.ts";
import type { Store } from "./store/store.ts";

/** Texts of one execution. */
const BATCH = 16;

interface Underway {
  readonly controller: AbortController;
  finished: Promise<Job>;
  status: Job;
}

export class MeansJobs {
  readonly #worker: WorkerClient<EngineRequests>;
  readonly #store: Store;
  readonly #jobs = new Map<string, Underway>();

  constructor(worker: WorkerClient<EngineRequests>, store: Store) {
    this.#worker = worker;
    this.#store = store;
  }

  list(): readonly Job[] {
    return [...this.#jobs.values()].map(({ status }) => status);
  }

  /** Begins the job of a model, or finds it under way or done. */
  begin(model: LanguageModel, reference: ReferenceTexts, weights: string): Job {
    const id = `means:${model.id}`;
    const known = this.#jobs.get(id)?.status;
    if (known?.state === "running") return known;
    const total = reference.texts.length;
    const isDone = this.#store.findMeans(weights, reference.digest) !== null;
    const status: Job = {
      id,
      kind: "means",
      model: model.id,
      textSet: null,
      unit: "texts",
      perSecond: null,
      etaSeconds: null,
      state: isDone ? "done" : "running",
      done: isDone ? total : 0,
      total,
      problem: null,
    };
    const entry: Underway = { controller: new AbortController(), status, finished: Promise.resolve(status) };
    this.#jobs.set(id, entry);
    if (!isDone) entry.finished = this.#compute(model, entry, { reference, weights });
    return entry.status;
  }

  /** A job when it is over. @throws {NotFoundError} */
  finished(id: string): Promise<Job> {
    return this.#job(id).finished;
  }

  /** Drops what of a job has not been executed. @throws {NotFoundError} */
  cancel(id: string): void {
    this.#job(id).controller.abort();
  }

  #job(id: string): Underway {
    const job = this.#jobs.get(id);
    if (job === undefined) {
      throw new NotFoundError(`There is no job "${id.slice(0, 200)}": GET /api/v1/jobs lists them`);
    }
    return job;
  }

  async #compute(
    model: LanguageModel,
    entry: Underway,
    { reference: { texts, digest }, weights }: { readonly reference: ReferenceTexts; readonly weights: string },
  ): Promise<Job> {
    const { signal } = entry.controller;
    let sums: MeanSums | null = null;
    try {
      for (let at = 0; at < texts.length; at += BATCH) {
        const some = texts.slice(at, at + BATCH);
        const { output } = await this.#worker.call("means", { modelId: model.id, texts: some }, {
          lane: "background",
          signal,
        });
        sums = sums === null ? output.sums : addMeanSums(sums, output.sums);
        entry.status = { ...entry.status, done: at + some.length };
      }
      if (sums !== null) this.#store.saveMeans(weights, digest, meansOf(sums, texts.length) satisfies ModelMeans);
      entry.status = { ...entry.status, state: "done" };
    } catch (error) {
      const isCancelled = error instanceof CancelledError;
      const problem = isCancelled ? null : error instanceof Error ? error.message : String(error);
      entry.status = { ...entry.status, state: isCancelled ? "cancelled" : "failed", problem };
    }
    return entry.status;
  }
}

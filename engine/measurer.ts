/** Measurements under way and finished: chunk by chunk behind whatever people are waiting for, cancellable, kept when done. */
import { CancelledError, NotFoundError } from "./errors.ts";
import {
  type MeasureCandidate,
  measureCandidates,
  type Measurement,
  type MeasureQuery,
  rankCorrelation,
  variantsAtOnce,
} from "./circuit/measurement.ts";
import type { ResolvedQuestion } from "./circuit/resolve_spec.ts";
import type { RunResult } from "./circuit/run_result.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { EngineRequests } from "./protocol.ts";
import type { WorkerClient } from "./runtime/worker_client.ts";
import type { Store } from "./store/store.ts";

interface Underway {
  readonly controller: AbortController;
  finished: Promise<Measurement>;
  status: Measurement;
}

export interface MeasureInput {
  readonly model: LanguageModel;
  readonly run: RunResult;
  readonly resolved: ResolvedQuestion;
  readonly query: MeasureQuery;
}

export class Measurer {
  readonly #worker: WorkerClient<EngineRequests>;
  readonly #store: Store;
  readonly #underway = new Map<string, Underway>();

  constructor(worker: WorkerClient<EngineRequests>, store: Store) {
    this.#worker = worker;
    this.#store = store;
  }

  /** Finds a finished measurement or one under way, or begins it; its state as it is now. */
  begin(input: MeasureInput): Measurement {
    const { run: { id }, query } = input;
    const known = this.find(id, query);
    if (known !== null && known.state !== "cancelled" && known.state !== "failed") return known;
    const controller = new AbortController();
    const candidates = measureCandidates(input.run, query, input.resolved);
    const status: Measurement = {
      run: id,
      query,
      state: "running",
      done: 0,
      total: candidates.length,
      objective: null,
      nodes: [],
      rankCorrelation: null,
      problem: null,
    };
    const entry: Underway = { controller, status, finished: Promise.resolve(status) };
    this.#underway.set(keyOf(id, query), entry);
    entry.finished = this.#measure(input, candidates, entry);
    return entry.status;
  }

  /** The state of a measurement, null if nobody asked for it. */
  find(run: string, query: MeasureQuery): Measurement | null {
    return this.#underway.get(keyOf(run, query))?.status ?? this.#store.findMeasurement(run, query);
  }

  /** The measurement when it is over, whatever became of it. @throws {NotFoundError} if nobody asked for it. */
  async finished(run: string, query: MeasureQuery): Promise<Measurement> {
    const underway = this.#underway.get(keyOf(run, query));
    const measurement = underway === undefined ? this.#store.findMeasurement(run, query) : await underway.finished;
    if (measurement === null) throw new NotFoundError("This run has not been measured: ask for it with POST");
    return measurement;
  }

  /** Drops what has not been executed yet. */
  cancel(run: string, query: MeasureQuery): void {
    this.#underway.get(keyOf(run, query))?.controller.abort();
  }

  async #measure(
    { model, resolved }: MeasureInput,
    candidates: readonly MeasureCandidate[],
    entry: Underway,
  ): Promise<Measurement> {
    const { topK: _k, ...question } = resolved.question;
    const { signal } = entry.controller;
    const chunk = variantsAtOnce(
      { architecture: model.architecture, dictionaries: resolved.dictionaries },
      resolved.alignment.length,
    );
    try {
      for (let at = 0; at < candidates.length; at += chunk) {
        const some = candidates.slice(at, at + chunk);
        const { output: { numbers } } = await this.#worker.call(
          "measure",
          { modelId: model.id, question, variants: some.map(({ edit }) => edit) },
          { lane: "background", signal },
        );
        const [objective = NaN] = numbers.sides;
        const measured = some.map(({ edit: _edit, ...estimates }, i) => ({
          ...estimates,
          measured: objective - (numbers.variants[i] ?? NaN),
        }));
        entry.status = {
          ...entry.status,
          objective,
          done: at + some.length,
          nodes: [...entry.status.nodes, ...measured],
        };
      }
      entry.status = finishedStatus(entry.status);
      this.#store.saveMeasurement(entry.status);
    } catch (error) {
      const isCancelled = error instanceof CancelledError;
      entry.status = {
        ...entry.status,
        state: isCancelled ? "cancelled" : "failed",
        problem: isCancelled ? null : error instanceof Error ? error.message : String(error),
      };
    }
    const { status } = entry;
    // What is stored is found there; the rest stays until it is asked for again.
    if (status.state === "done" && this.#store.findMeasurement(status.run, status.query) !== null) {
      this.#underway.delete(keyOf(status.run, status.query));
    }
    return status;
  }
}

function finishedStatus(status: Measurement): Measurement {
  const { nodes, query: { by } } = status;
  return {
    ...status,
    state: "done",
    rankCorrelation: rankCorrelation(nodes.map((row) => row[by]), nodes.map(({ measured }) => measured)),
  };
}

function keyOf(run: string, query: MeasureQuery): string {
  return JSON.stringify([run, query]);
}

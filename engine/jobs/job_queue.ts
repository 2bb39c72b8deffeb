/**
 * Jobs, one at a time, in the order of asking. Each is stored whenever its state changes: one that was queued or under way when the process
 * died is done after the next start. What a job does, and where it goes on, is its work's business.
 */
import { CancelledError, NotFoundError } from "../errors.ts";
import type { Job, JobKind } from "./job.ts";

/** Where jobs are kept between starts. */
export interface JobStore {
  list(): readonly Job[];
  save(job: Job, place: number): void;
}

/** How work under way tells and is told. */
export interface JobControl {
  /** Aborted when the job is cancelled. */
  readonly signal: AbortSignal;
  /** Whether the work should stop at the next place from which it can go on. */
  isStopping(): boolean;
  /** Tells how far it is, in units of the job. The first call says where it began. */
  progress(done: number, total: number): void;
}

/** Does a job: to its end, or until `isStopping()`. What it throws ends the job as failed, or as cancelled. */
export type Work = (job: Job, control: JobControl) => Promise<"done" | "stopped">;

interface Underway {
  readonly controller: AbortController;
  stopping: "pause" | "close" | null;
  /** Resolves when its work has ended. */
  ended: Promise<void>;
  pace: Pace | null;
}

/** From where on the pace is measured. */
interface Pace {
  readonly startedAt: number;
  readonly done: number;
}

interface Entry {
  job: Job;
  readonly place: number;
  readonly waiting: PromiseWithResolvers<Job>[];
}

export class JobQueue {
  readonly #store: JobStore;
  readonly #works: Readonly<Record<JobKind, Work>>;
  readonly #entries = new Map<string, Entry>();
  #underway: Underway | null = null;
  #lastPlace = 0;
  #isClosed = false;

  constructor(store: JobStore, works: Readonly<Record<JobKind, Work>>) {
    this.#store = store;
    this.#works = works;
    for (const job of store.list()) {
      const state = job.state === "running" ? "queued" : job.state;
      this.#entries.set(job.id, { job: resting({ ...job, state }), place: ++this.#lastPlace, waiting: [] });
    }
  }

  /** Goes on with what was queued or under way when the process ended. */
  start(): void {
    this.#startNext();
  }

  list(): readonly Job[] {
    return [...this.#entries.values()].sort((a, b) => a.place - b.place).map(({ job }) => job);
  }

  /** Queues a job, or keeps one that is queued or under way. One that is done as it comes is only noted. */
  add(job: Job): Job {
    const known = this.#entries.get(job.id);
    if (known !== undefined && (known.job.state === "queued" || known.job.state === "running")) return known.job;
    const entry: Entry = { job: resting(job), place: ++this.#lastPlace, waiting: known?.waiting ?? [] };
    this.#entries.set(job.id, entry);
    this.#change(entry, job);
    this.#startNext();
    return entry.job;
  }

  /** A job when it is done, failed, cancelled or paused. @throws {NotFoundError} */
  finished(id: string): Promise<Job> {
    const entry = this.#entry(id);
    if (isResting(entry.job)) return Promise.resolve(entry.job);
    const waiting = Promise.withResolvers<Job>();
    entry.waiting.push(waiting);
    return waiting.promise;
  }

  /** @throws {NotFoundError} */
  pause(id: string): void {
    const entry = this.#entry(id);
    if (entry.job.state === "queued") this.#change(entry, { ...entry.job, state: "paused" });
    if (entry.job.state === "running" && this.#underway !== null) this.#underway.stopping = "pause";
  }

  /** @throws {NotFoundError} */
  resume(id: string): void {
    const { job } = this.#entry(id);
    // A pause that has not come into effect is taken back.
    if (job.state === "running" && this.#underway?.stopping === "pause") this.#underway.stopping = null;
    if (isResting(job) && job.state !== "done") this.add({ ...job, state: "queued", problem: null });
  }

  /** Gives up a job, also one that has failed; what is over stays over. @throws {NotFoundError} */
  cancel(id: string): void {
    const entry = this.#entry(id);
    if (entry.job.state === "running") this.#underway?.controller.abort();
    if (["queued", "paused", "failed"].includes(entry.job.state)) {
      this.#change(entry, { ...entry.job, state: "cancelled", problem: null });
    }
  }

  /** Lets the job under way stop where it can go on, and begins no other. Stored states stay, so that the next start goes on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#underway !== null) this.#underway.stopping = "close";
    await this.#underway?.ended;
    for (const { job, waiting } of this.#entries.values()) waiting.splice(0).forEach(({ resolve }) => resolve(job));
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      throw new NotFoundError(`There is no job "${id.slice(0, 200)}": GET /api/v1/jobs lists them`);
    }
    return entry;
  }

  #startNext(): void {
    if (this.#isClosed || this.#underway !== null) return;
    const [next] = [...this.#entries.values()].filter(({ job }) => job.state === "queued").sort((a, b) =>
      a.place - b.place
    );
    if (next === undefined) return;
    const underway: Underway = {
      controller: new AbortController(),
      stopping: null,
      ended: Promise.resolve(),
      pace: null,
    };
    this.#underway = underway;
    this.#change(next, { ...next.job, state: "running" });
    underway.ended = this.#work(next, underway).then((job) => {
      this.#underway = null;
      if (job !== null) this.#change(next, resting(job));
      this.#startNext();
    });
  }

  /** Does a job to its end. @returns How it ended; null if it goes on after the next start */
  async #work(entry: Entry, underway: Underway): Promise<Job | null> {
    try {
      const outcome = await this.#works[entry.job.kind](entry.job, {
        signal: underway.controller.signal,
        isStopping: () => underway.stopping !== null,
        progress: (done, total) => this.#progress(entry, underway, { done, total }),
      });
      if (outcome === "done") return { ...entry.job, state: "done" };
      // A pause that was taken back in the last moment: it goes on.
      return underway.stopping === "close"
        ? null
        : { ...entry.job, state: underway.stopping === null ? "queued" : "paused" };
    } catch (error) {
      if (underway.stopping === "close") return null;
      if (error instanceof CancelledError) return { ...entry.job, state: "cancelled" };
      return { ...entry.job, state: "failed", problem: error instanceof Error ? error.message : String(error) };
    }
  }

  #progress(
    entry: Entry,
    underway: Underway,
    { done, total }: { readonly done: number; readonly total: number },
  ): void {
    const now = performance.now();
    underway.pace ??= { startedAt: now, done };
    const seconds = (now - underway.pace.startedAt) / 1000;
    const perSecond = done > underway.pace.done && seconds > 0 ? (done - underway.pace.done) / seconds : null;
    const etaSeconds = perSecond === null ? null : (total - done) / perSecond;
    entry.job = { ...entry.job, done, total, perSecond, etaSeconds };
  }

  /** Puts a job into another state, stores it, and tells who waits. */
  #change(entry: Entry, job: Job): void {
    entry.job = job;
    this.#store.save(job, entry.place);
    if (!isResting(job)) return;
    for (const { resolve } of entry.waiting.splice(0)) resolve(job);
  }
}

function isResting({ state }: Job): boolean {
  return state !== "queued" && state !== "running";
}

/** A job that is not under way has no pace. */
function resting(job: Job): Job {
  return { ...job, perSecond: null, etaSeconds: null };
}

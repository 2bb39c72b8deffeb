/** The queue of jobs, with work that the test holds in its hands. */
import assert from "node:assert/strict";
import { CancelledError, NotFoundError } from "../../../engine/errors.ts";
import type { Job } from "../../../engine/jobs/job.ts";
import { type JobControl, JobQueue, type JobStore } from "../../../engine/jobs/job_queue.ts";

function newJob(id: string): Job {
  return {
    id,
    kind: "sweep",
    model: "m",
    textSet: "t",
    state: "queued",
    done: 0,
    total: 0,
    unit: "sequences",
    perSecond: null,
    etaSeconds: null,
    problem: null,
  };
}

class MemoryStore implements JobStore {
  readonly jobs = new Map<string, { readonly job: Job; readonly place: number }>();

  list(): readonly Job[] {
    return [...this.jobs.values()].sort((a, b) => a.place - b.place).map(({ job }) => job);
  }

  save(job: Job, place: number): void {
    this.jobs.set(job.id, { job, place });
  }
}

/** Work of ten units that goes one further whenever the test says so. */
class Work {
  readonly begun: string[] = [];
  #steps = Promise.withResolvers<void>();

  readonly work = async ({ id }: Job, { signal, isStopping, progress }: JobControl): Promise<"done" | "stopped"> => {
    this.begun.push(id);
    for (let done = 0; done < 10; done++) {
      progress(done, 10);
      await this.#steps.promise;
      if (signal.aborted) throw new CancelledError("Given up");
      if (id === "bad") throw new Error("It broke");
      if (isStopping()) return "stopped";
    }
    progress(10, 10);
    return "done";
  };

  async step(): Promise<void> {
    this.#steps.resolve();
    this.#steps = Promise.withResolvers();
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
}

function setUp(store = new MemoryStore()) {
  const work = new Work();
  const works = { means: work.work, sweep: work.work, train: work.work, explain: work.work };
  return { store, work, queue: new JobQueue(store, works) };
}

function states(queue: JobQueue): string {
  return queue.list().map(({ id, state }) => `${id} ${state}`).join(", ");
}

Deno.test("jobs run one at a time, in the order of asking, with their pace", async () => {
  const { queue, work } = setUp();
  queue.add(newJob("a"));
  queue.add(newJob("b"));
  assert.equal(queue.add(newJob("a")).state, "running", "asked for twice, done once");
  assert.equal(states(queue), "a running, b queued");
  await work.step();
  await work.step();
  const [a] = queue.list();
  assert.deepEqual([a?.done, a?.total], [2, 10]);
  assert.ok((a?.perSecond ?? 0) > 0 && (a?.etaSeconds ?? 0) > 0);
  for (let i = 0; i < 8; i++) await work.step();
  assert.equal(states(queue), "a done, b running");
  assert.deepEqual(work.begun, ["a", "b"]);
  assert.deepEqual([(await queue.finished("a")).perSecond, queue.list()[0]?.etaSeconds], [null, null]);
});

Deno.test("a job is paused, the next one runs, and it comes back at the end of the line", async () => {
  const { queue, work } = setUp();
  queue.add(newJob("a"));
  queue.add(newJob("b"));
  queue.pause("a");
  const paused = queue.finished("a");
  await work.step();
  assert.equal((await paused).state, "paused");
  assert.equal(states(queue), "a paused, b running");
  queue.resume("a");
  assert.equal(states(queue), "b running, a queued");
  queue.pause("a");
  queue.resume("b");
  assert.equal(states(queue), "b running, a paused", "what runs needs no resuming");
  queue.pause("b");
  queue.resume("b");
  await work.step();
  assert.equal(states(queue), "b running, a paused", "a pause can be taken back");
});

Deno.test("a job is cancelled under way, in line and at rest; one that is over stays over", async () => {
  const { queue, work } = setUp();
  for (const id of ["a", "b", "c"]) queue.add(newJob(id));
  queue.cancel("b");
  queue.cancel("a");
  await work.step();
  assert.equal(states(queue), "a cancelled, b cancelled, c running");
  for (let i = 0; i < 10; i++) await work.step();
  queue.cancel("c");
  queue.pause("c");
  queue.resume("c");
  assert.equal(states(queue), "a cancelled, b cancelled, c done");
  for (const ask of [queue.pause, queue.resume, queue.cancel]) {
    assert.throws(() => ask.call(queue, "none"), NotFoundError);
  }
});

Deno.test("a job that fails says why, does not stop the next one, and can be tried again", async () => {
  const { queue, work } = setUp();
  queue.add(newJob("bad"));
  queue.add(newJob("a"));
  await work.step();
  assert.equal(states(queue), "bad failed, a running");
  assert.equal((await queue.finished("bad")).problem, "It broke");
  queue.resume("bad");
  assert.equal(states(queue), "a running, bad queued");
  assert.equal(queue.list()[1]?.problem, null);
});

Deno.test("a job that failed can be given up, and says no more why it failed", async () => {
  const { queue, work } = setUp();
  queue.add(newJob("bad"));
  await work.step();
  assert.equal((await queue.finished("bad")).state, "failed");
  queue.cancel("bad");
  assert.equal(states(queue), "bad cancelled");
  assert.equal(queue.list()[0]?.problem, null);
});

Deno.test("what was queued or under way at the end goes on at the next start; the rest is as it was", async () => {
  const { queue, work, store } = setUp();
  for (const id of ["a", "b", "c"]) queue.add(newJob(id));
  queue.pause("b");
  const closed = queue.close();
  await work.step();
  await closed;
  queue.add(newJob("d"));
  assert.deepEqual(work.begun, ["a"], "nothing begins any more");
  const next = setUp(store);
  assert.equal(states(next.queue), "a queued, b paused, c queued, d queued");
  next.queue.start();
  assert.equal(states(next.queue), "a running, b paused, c queued, d queued");
});

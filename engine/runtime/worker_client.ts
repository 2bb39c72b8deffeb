/**
 * The main thread's end of the line to the engine thread.
 *
 * ONNX Runtime blocks the thread it runs on, so it has one of its own. Requests wait here, not there: an interactive one goes
 * before every background one, whoever gives up while waiting never reaches the engine, and a worker that dies takes only the
 * request in flight with it. The next request starts a fresh worker.
 */
import PQueue from "p-queue";
import { CancelledError, EngineUnavailableError, QueueFullError } from "../errors.ts";
import { remakeError, type Requests, type ResponseMessage } from "./messages.ts";

/** Who is waiting: a person, or a job. */
export type Lane = "interactive" | "background";

export interface WorkerClientOptions {
  /** Requests that may wait; one more is refused. */
  readonly maxQueued: number;
  /** Sent to each fresh worker before anything else, as the request `open`. */
  readonly openInput: unknown;
  /** Told when a worker dies. */
  readonly log?: (line: string) => void;
}

export interface WorkerCallOptions {
  readonly lane?: Lane;
  readonly signal?: AbortSignal | undefined;
  /** Buffers of the input that move to the worker: when it is asked, they are gone here. */
  readonly transfer?: readonly ArrayBuffer[];
}

/** An answer with the time it waited for, in ms. */
export interface WorkerAnswer<Output> {
  readonly output: Output;
  readonly queuedMs: number;
}

export interface WorkerCounters {
  readonly queued: number;
  readonly active: number;
  /** Workers that died. */
  readonly crashes: number;
  /** Why the last worker died, if no request has succeeded since; else null. */
  readonly problem: string | null;
}

const PRIORITY: Readonly<Record<Lane, number>> = { interactive: 1, background: 0 };
/** How long a request in flight is waited for when closing, in ms. */
const CLOSE_GRACE_MS = 2000;

/** A worker that died before it had answered `open` this often in a row is not started again until asked after a pause. */
const MAX_FAILED_STARTS = 3;
const FAILED_START_PAUSE_MS = 5000;

export class WorkerClient<R extends Requests> implements AsyncDisposable {
  readonly #url: URL;
  readonly #options: WorkerClientOptions;
  readonly #queue = new PQueue({ concurrency: 1 });
  #line: WorkerLine | null = null;
  #crashes = 0;
  #failedStarts = 0;
  #pausedUntil = 0;
  #problem: string | null = null;
  #isClosing = false;

  constructor(url: URL, options: WorkerClientOptions) {
    this.#url = url;
    this.#options = options;
  }

  counters(): WorkerCounters {
    return { queued: this.#queue.size, active: this.#queue.pending, crashes: this.#crashes, problem: this.#problem };
  }

  /**
   * Asks the worker. Aborting the signal rejects at once; a request that waits is dropped, one in flight is finished by the worker
   * and its answer ignored.
   *
   * @throws {QueueFullError | CancelledError | EngineUnavailableError} or what the worker's handler threw
   */
  async call<K extends keyof R & string>(
    name: K,
    input: R[K]["input"],
    { lane = "interactive", signal, transfer = [] }: WorkerCallOptions = {},
  ): Promise<WorkerAnswer<R[K]["output"]>> {
    if (this.#isClosing) throw closingError();
    if (signal?.aborted) throw new CancelledError("The request was cancelled before it began");
    if (this.#queue.size >= this.#options.maxQueued) {
      throw new QueueFullError(
        `The engine is busy: ${this.#queue.size} requests wait already, at most ${this.#options.maxQueued} may`,
        2,
      );
    }
    const queuedAt = performance.now();
    const answered = this.#queue.add(async () => {
      // An aborted request may still stand in line; it must not reach the engine.
      if (signal?.aborted) throw new CancelledError("The request was cancelled while it waited");
      const queuedMs = performance.now() - queuedAt;
      return { output: await this.#ask(name, input, transfer), queuedMs };
    }, { priority: PRIORITY[lane] });
    return await rejectOnAbort(answered, signal) as WorkerAnswer<R[K]["output"]>;
  }

  /** Refuses what waits, gives what is in flight a moment, ends the worker. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_GRACE_MS);
    });
    await Promise.race([this.#queue.onIdle(), grace]);
    clearTimeout(timer);
    this.#line?.end(closingError());
    this.#line = null;
    await this.#queue.onIdle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ask(name: string, input: unknown, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    if (this.#isClosing) throw closingError();
    const line = this.#line ?? await this.#start();
    const output = await line.ask(name, input, transfer);
    this.#problem = null;
    return output;
  }

  async #start(): Promise<WorkerLine> {
    if (Date.now() < this.#pausedUntil) {
      throw new EngineUnavailableError(this.#problem ?? "The engine's worker does not start");
    }
    const line = new WorkerLine(this.#url, (reason) => this.#died(line, reason));
    await line.ask("open", this.#options.openInput).catch((error: Error) => {
      line.end(error);
      throw error;
    });
    this.#line = line;
    return line;
  }

  #died(line: WorkerLine, reason: string): void {
    if (this.#line === line) this.#line = null;
    if (this.#isClosing) return;
    this.#crashes++;
    this.#problem = `The engine's worker stopped: ${reason}`;
    this.#failedStarts = line.hasAnswered ? 0 : this.#failedStarts + 1;
    if (this.#failedStarts >= MAX_FAILED_STARTS) this.#pausedUntil = Date.now() + FAILED_START_PAUSE_MS;
    this.#options.log?.(this.#problem);
  }
}

/** One worker, one request in flight. */
class WorkerLine {
  readonly #worker: Worker;
  readonly #onDeath: (reason: string) => void;
  #pending: {
    readonly id: number;
    readonly resolve: (output: unknown) => void;
    readonly reject: (error: Error) => void;
  } | null = null;
  #nextId = 1;
  #isOver = false;
  hasAnswered = false;

  constructor(url: URL, onDeath: (reason: string) => void) {
    this.#onDeath = onDeath;
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<ResponseMessage>) => this.#receive(data);
    this.#worker.onmessageerror = () => this.#die("it sent what cannot be read");
    this.#worker.onerror = (event) => {
      // Otherwise Deno ends the whole process.
      event.preventDefault();
      this.#die(event.message);
    };
  }

  ask(name: string, input: unknown, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#pending = { id, resolve, reject };
      this.#worker.postMessage({ id, name, input }, [...transfer]);
    });
  }

  /** Ends the worker; a request in flight is rejected with `error`. */
  end(error: Error): void {
    this.#isOver = true;
    this.#worker.terminate();
    this.#pending?.reject(error);
    this.#pending = null;
  }

  #receive(response: ResponseMessage): void {
    if (this.#pending?.id !== response.id) return;
    const { resolve, reject } = this.#pending;
    this.#pending = null;
    this.hasAnswered = true;
    if (response.ok) resolve(response.output);
    else reject(remakeError(response.error));
  }

  #die(reason: string): void {
    if (this.#isOver) return;
    this.#onDeath(reason);
    this.end(
      new EngineUnavailableError(
        `The engine's worker stopped (${reason}); a fresh one starts with the next request: ask again`,
      ),
    );
  }
}

function closingError(): EngineUnavailableError {
  return new EngineUnavailableError("The server is closing");
}

/** The promise, or a rejection as soon as the signal is aborted. */
async function rejectOnAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(new CancelledError("The request was cancelled"));
  signal.addEventListener("abort", onAbort, { once: true });
  // Whichever loses the race may still reject; nobody waits for it any more.
  promise.catch(() => {});
  aborted.promise.catch(() => {});
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Several callers who want the same thing at once share one piece of work; it is given up only when all of them have. */
import { CancelledError } from "./errors.ts";

interface Shared<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

export class SharedWork<T> {
  readonly #shared = new Map<string, Shared<T>>();

  /** The result of the work under this key, begun if it is not under way. */
  async join(key: string, signal: AbortSignal | undefined, begin: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (signal?.aborted) throw new CancelledError("The request was cancelled before it began");
    const shared = this.#shared.get(key) ?? this.#begin(key, begin);
    shared.waiting++;
    const cancelled = Promise.withResolvers<never>();
    const onAbort = () => {
      cancelled.reject(new CancelledError("The request was cancelled"));
      if (--shared.waiting === 0) shared.controller.abort();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([shared.result, cancelled.promise]);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #begin(key: string, begin: (signal: AbortSignal) => Promise<T>): Shared<T> {
    const controller = new AbortController();
    const result = begin(controller.signal).finally(() => this.#shared.delete(key));
    // Whoever gave up does not hear of it.
    result.catch(() => {});
    const shared: Shared<T> = { result, controller, waiting: 0 };
    this.#shared.set(key, shared);
    // A caller who comes after all others gave up must not join work that is being dropped.
    controller.signal.addEventListener("abort", () => this.#shared.delete(key), { once: true });
    return shared;
  }
}

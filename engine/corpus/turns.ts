/** Long work on the main thread that gives way to others. */
import { CancelledError } from "../errors.ts";

/** How long the thread is held before others have their turn, in ms. */
const TURN_MS = 8;

export class Turns {
  #endsAt = performance.now() + TURN_MS;
  readonly #signal: AbortSignal | undefined;

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Whether the turn is over; asking costs little. */
  isOver(): boolean {
    return performance.now() > this.#endsAt;
  }

  /** Lets others have their turn, if this one is over. @throws {CancelledError} if the caller has given up */
  async rest(): Promise<void> {
    if (this.#signal?.aborted) throw new CancelledError("The request was cancelled");
    if (!this.isOver()) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#endsAt = performance.now() + TURN_MS;
  }
}

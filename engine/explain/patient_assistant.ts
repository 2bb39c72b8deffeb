/** An assistant that is asked a few calls at a time, and once more where that can help: after a growing pause, or the one that it asks for. */
import PQueue from "p-queue";
import { hashOf } from "../tensor/random.ts";
import { CancelledError } from "../errors.ts";
import { type Assistant, type AssistantAnswer, AssistantError, type AssistantRequest } from "./assistant.ts";

export interface PatientOptions {
  /** Calls at a time. */
  readonly concurrency: number;
  /** Tries of a call in all. */
  readonly tries?: number;
  /** Pause after the first try; it doubles with each. */
  readonly pauseMs?: number;
}

/** Longest pause that is waited for. An endpoint that asks for more is left alone: the call fails, and may be made again later. */
const MAX_PAUSE_MS = 60_000;

export class PatientAssistant implements Assistant {
  readonly model: string;
  readonly #assistant: Assistant;
  readonly #queue: PQueue;
  readonly #tries: number;
  readonly #pauseMs: number;

  constructor(assistant: Assistant, { concurrency, tries = 4, pauseMs = 1000 }: PatientOptions) {
    this.model = assistant.model;
    this.#assistant = assistant;
    this.#queue = new PQueue({ concurrency });
    this.#tries = tries;
    this.#pauseMs = pauseMs;
  }

  async answer(request: AssistantRequest, signal: AbortSignal | undefined): Promise<AssistantAnswer> {
    return await this.#queue.add(async () => {
      for (let attempt = 1;; attempt++) {
        if (signal?.aborted) throw new CancelledError("The request was cancelled");
        try {
          return await this.#assistant.answer(request, signal);
        } catch (error) {
          if (!(error instanceof AssistantError) || !error.isTransient || attempt >= this.#tries) throw error;
          const pause = error.retryAfterMs ?? this.#pauseMs * 2 ** (attempt - 1) * jitter(attempt);
          if (pause > MAX_PAUSE_MS) throw error;
          await sleep(pause, signal);
        }
      }
    });
  }
}

/** 0.8 to 1.2: those who were refused together do not come back together. */
function jitter(attempt: number): number {
  return 0.8 + 0.4 * hashOf(attempt, Math.floor(performance.now())) / 2 ** 32;
}

/** Ends early if the caller gives up. */
async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}

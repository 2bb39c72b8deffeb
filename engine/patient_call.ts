/** Asks the engine thread behind whatever people are waiting for. */
import { QueueFullError } from "./errors.ts";
import type { EngineRequests } from "./protocol.ts";
import type { WorkerClient } from "./runtime/worker_client.ts";

export interface PatientInput<K extends keyof EngineRequests> {
  readonly input: EngineRequests[K]["input"];
  readonly signal?: AbortSignal;
  /** Buffers that move to the thread. */
  readonly transfer?: readonly ArrayBuffer[];
}

/** Asks, and waits while the line is full: nobody else should have to. Errors as `WorkerClient.call`, but for a full line. */
export async function patientCall<K extends keyof EngineRequests>(
  worker: Pick<WorkerClient<EngineRequests>, "call">,
  name: K,
  { input, ...options }: PatientInput<K>,
): Promise<EngineRequests[K]["output"]> {
  for (;;) {
    try {
      return (await worker.call(name, input, { lane: "background", ...options })).output;
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterSeconds * 1000));
    }
  }
}

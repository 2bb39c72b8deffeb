/** What the makers of reports need of the engine. */
import type { Asked, ReportCache } from "./report_cache.ts";
import type { RunResult } from "./circuit/run_result.ts";
import type { EngineRequests } from "./protocol.ts";
import type { WorkerClient } from "./runtime/worker_client.ts";

export interface ReportSource {
  readonly worker: Pick<WorkerClient<EngineRequests>, "call">;
  readonly cache: ReportCache;
  /** @throws {ValidationError | NotFoundError} */
  resolve(input: unknown): Promise<Asked>;
  /** The numbers of a run, which is not stored. */
  compute(question: Asked, signal: AbortSignal | undefined): Promise<RunResult>;
}

/** A run as it is computed: numbers from the engine thread, checked, with texts and refs. */
import { createHash } from "node:crypto";
import { assembleResult } from "./circuit/assemble_result.ts";
import { checkRun } from "./circuit/checks.ts";
import type { ResolvedQuestion } from "./circuit/resolve_spec.ts";
import type { RunResult } from "./circuit/run_result.ts";
import type { RunSpec } from "./circuit/run_spec.ts";
import { EngineError } from "./errors.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { EngineRequests } from "./protocol.ts";
import type { Device } from "./runtime/backend.ts";
import type { SessionCounters } from "./runtime/session_cache.ts";
import type { WorkerClient } from "./runtime/worker_client.ts";

export interface RunFrame {
  readonly id: string;
  /** Digest of the weights. */
  readonly weights: string;
  /** Digests of the dictionaries that are spliced in, by id. */
  readonly dictionaries: Readonly<Record<string, string>>;
  readonly version: string;
  readonly device: Device;
  readonly worker: Pick<WorkerClient<EngineRequests>, "call">;
  readonly signal: AbortSignal | undefined;
}

/** @throws {EngineError} if the numbers are not finite; else as the engine thread */
export async function makeRun(
  model: LanguageModel,
  resolved: ResolvedQuestion,
  { id, weights, dictionaries, version, device, worker, signal }: RunFrame,
): Promise<{ readonly result: RunResult; readonly sessions: SessionCounters }> {
  const { question } = resolved;
  const { output: { numbers, sessions }, queuedMs } = await worker.call("run", { modelId: model.id, question }, {
    signal,
  });
  if (!numbers.objective.every(Number.isFinite)) {
    throw new EngineError(
      `The numbers of model "${model.id}" are not finite on this question: its weights are damaged or overflow`,
    );
  }
  const checks = await checkRun(model, question, numbers);
  const { compileMs, computeMs } = numbers;
  const result = assembleResult(model, resolved, {
    numbers,
    frame: {
      id,
      checks,
      timing: { queuedMs, compileMs, computeMs, device },
      provenance: {
        model: model.id,
        weights,
        ...Object.keys(dictionaries).length === 0 ? {} : { dictionaries },
        version,
      },
    },
  });
  return { result, sessions };
}

/** The same question about the same weights, and where means enter over the same texts, always has the same id. */
export function runId(spec: RunSpec, weights: string, texts: string | null): string {
  const parts = texts === null ? [spec, weights] : [spec, weights, texts];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

/** Activations, gradients and scalars of a question, as the bytes of a safetensors file. */
import { parseOrThrow } from "./circuit/field_issues.ts";
import { resolveTensorNames } from "./circuit/tensor_names.ts";
import { MAX_TENSORS_BYTES, tensorsBytes } from "./circuit/tensor_sizes.ts";
import { type TensorsRequest, tensorsRequestSchema } from "./circuit/tensors_request.ts";
import { EngineError, ValidationError } from "./errors.ts";
import type { ReportSource } from "./report_source.ts";
import type { SessionCounters } from "./runtime/session_cache.ts";
import { encodeSafetensors } from "./tensor/safetensors.ts";

export interface TensorsSource extends Pick<ReportSource, "worker" | "resolve"> {
  readonly signal: AbortSignal | undefined;
}

export interface TensorsFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sessions: SessionCounters;
}

/** @throws {ValidationError} if a name is unknown, or the file would be too large; else as a run */
export async function tensorsFile(
  request: TensorsRequest,
  { worker, resolve, signal }: TensorsSource,
): Promise<TensorsFile> {
  const { tensors: asked, ...rest } = parseOrThrow(tensorsRequestSchema, request);
  const { model, resolved: { spec, question, dictionaries } } = await resolve(rest);
  const space = { architecture: model.architecture, dictionaries };
  const { names, issues } = resolveTensorNames(asked, space);
  if (issues.length > 0) throw new ValidationError(issues);
  const [row] = question.rows;
  if (row === undefined) throw new EngineError("Internal: a question without rows");
  const byteCount = tensorsBytes(names, space, row.tokens.length);
  if (byteCount > MAX_TENSORS_BYTES) {
    throw new ValidationError([{
      path: "tensors",
      message:
        `The answer would have ${byteCount} bytes: at most ${MAX_TENSORS_BYTES} are sent; ask for fewer tensors at a time`,
    }]);
  }
  const { topK: _k, ...shared } = question;
  const { output: { numbers, sessions } } = await worker.call(
    "tensors",
    { modelId: model.id, question: { ...shared, tensors: names } },
    { signal },
  );
  const { topK: _topK, ...canonical } = spec;
  const bytes = encodeSafetensors(numbers.tensors, {
    objective: String(numbers.objective),
    spec: JSON.stringify(canonical),
  });
  return { bytes, sessions };
}

/** What the main thread and the engine thread send each other. Only plain data crosses. */
import {
  CancelledError,
  EngineError,
  EngineUnavailableError,
  type FieldIssue,
  FileFormatError,
  NotFoundError,
  StartError,
  ValidationError,
} from "../errors.ts";

/** Requests of a worker by name, with what each takes and answers. */
export type Requests = Readonly<Record<string, { readonly input: unknown; readonly output: unknown }>>;

/** One request. Ids rise from 1; the worker answers them one by one. */
export interface RequestMessage {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

/** An error as plain data. */
export interface ErrorMessage {
  readonly name: string;
  readonly message: string;
  readonly issues: readonly FieldIssue[];
}

export type ResponseMessage =
  | { readonly id: number; readonly ok: true; readonly output: unknown }
  | { readonly id: number; readonly ok: false; readonly error: ErrorMessage };

/** An error made fit to cross the thread border. */
export function describeError(error: unknown): ErrorMessage {
  if (!(error instanceof Error)) return { name: "EngineError", message: String(error), issues: [] };
  if (isOutOfMemory(error)) {
    return {
      name: "EngineUnavailableError",
      message: "Out of memory: ask with a shorter prompt or for fewer tensors",
      issues: [],
    };
  }
  return { name: error.name, message: error.message, issues: error instanceof ValidationError ? error.issues : [] };
}

/** The error that was described, as the class that callers catch. */
export function remakeError({ name, message, issues }: ErrorMessage): EngineError {
  switch (name) {
    case "ValidationError":
      return new ValidationError(issues);
    case "NotFoundError":
      return new NotFoundError(message);
    case "FileFormatError":
      return new FileFormatError(message);
    case "StartError":
      return new StartError(message);
    case "CancelledError":
      return new CancelledError(message);
    case "EngineUnavailableError":
      return new EngineUnavailableError(message);
    default:
      return new EngineError(message);
  }
}

/** Whether ONNX Runtime or JavaScript failed for want of memory. */
function isOutOfMemory({ message }: Error): boolean {
  return /bad_alloc|failed to allocate|array buffer allocation failed|out of memory/i.test(message);
}

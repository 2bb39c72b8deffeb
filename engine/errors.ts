/**
 * Errors that a caller of the engine may catch. Each says what happened, where, and what would be right;
 * `routes/errors.tsx` maps each class to one HTTP status.
 */

/** Base of every error that the engine raises on purpose. */
export class EngineError extends Error {
  override name = "EngineError";
}

/** Something named in a request does not exist: a model, a run, a hook point (404). */
export class NotFoundError extends EngineError {
  override name = "NotFoundError";
}

/** One field that is wrong: where it is, and what would be right. */
export interface FieldIssue {
  /** Path of the field in the request, as in `prompts.0.targets.1`. */
  readonly path: string;
  /** What was wrong and what is allowed. */
  readonly message: string;
}

/** A well-formed request that asks for something impossible (422). */
export class ValidationError extends EngineError {
  override name = "ValidationError";
  readonly issues: readonly FieldIssue[];

  constructor(issues: readonly FieldIssue[], options?: ErrorOptions) {
    super(issues.map(({ path, message }) => path === "" ? message : `${path}: ${message}`).join("\n"), options);
    this.issues = issues;
  }
}

/** The model a stored run needs is not loaded now (409). */
export class ModelNotLoadedError extends EngineError {
  override name = "ModelNotLoadedError";
}

/** The waiting line of the engine is full (429). */
export class QueueFullError extends EngineError {
  override name = "QueueFullError";
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds: number) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The caller gave up before the work began or ended (499). */
export class CancelledError extends EngineError {
  override name = "CancelledError";
}

/** The engine cannot answer now: its worker crashed, it ran out of memory or it is closing (503). */
export class EngineUnavailableError extends EngineError {
  override name = "EngineUnavailableError";
}

/** The program cannot start as asked: a bad flag, an unreadable folder, an absent device. One line. */
export class StartError extends EngineError {
  override name = "StartError";
}

/** A file from outside (safetensors, config.json, tokenizer.json) is damaged or not what it should be. */
export class FileFormatError extends EngineError {
  override name = "FileFormatError";
}

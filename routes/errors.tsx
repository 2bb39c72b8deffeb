/** The one mapping from errors to answers: JSON for the API, a fragment for htmx, a page for everybody else. */
import type { Context, ErrorHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { ZodError } from "zod";
import {
  AssistantError,
  CancelledError,
  EngineError,
  EngineUnavailableError,
  type FieldIssue,
  ModelNotLoadedError,
  NotFoundError,
  QueueFullError,
  toValidationError,
  ValidationError,
} from "../engine/mod.ts";
import { ErrorPage } from "../views/pages/error_page.tsx";
import { ErrorNote } from "../views/parts/error_note.tsx";
import { type AppEnv, type Deps, isApiPath } from "./env.ts";
import { isFragmentRequest } from "./renderer.tsx";

/** What went wrong, as told to whoever asked. */
export interface Problem {
  readonly status: number;
  readonly detail: string;
  readonly issues?: readonly FieldIssue[];
  readonly headers?: Readonly<Record<string, string>>;
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Malformed request",
  403: "Not allowed",
  404: "Not found",
  405: "Method not allowed",
  409: "Model not loaded",
  413: "Too large",
  415: "Wrong content type",
  421: "Unknown host",
  422: "Cannot ask this",
  429: "Too many questions",
  499: "Cancelled",
  502: "The assistant did not answer",
  500: "Something went wrong",
  503: "Not available now",
};

/** Answers every error that a route or a middleware throws. */
export function errorHandler({ log }: Pick<Deps, "log">): ErrorHandler<AppEnv> {
  return (error, c) => {
    const problem = problemOf(error);
    if (problem.status === 500) log?.(`${c.get("requestId")} error ${logged(error)}`);
    return answerProblem(c, problem);
  };
}

/** What the log keeps of an error. What could not be parsed, which its message quotes, may be anybody's text. */
function logged({ name, message, stack = "" }: Error): string {
  const head = `${name}: ${message}`;
  if (name !== "SyntaxError") return stack === "" ? head : stack;
  return `SyntaxError, whose message is not logged${stack.startsWith(head) ? stack.slice(head.length) : ""}`;
}

/** Writes a problem in the form that the asker reads. */
export function answerProblem(c: Context<AppEnv>, problem: Problem): Response | Promise<Response> {
  const { status, detail, issues = [], headers = {} } = problem;
  const title = TITLES[status] ?? "Error";
  const requestId = c.get("requestId");
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  c.status(status as ContentfulStatusCode);
  if (isApiPath(c.req.path)) {
    const fields = { type: "about:blank", title, status, detail, instance: c.req.path, requestId };
    c.header("Content-Type", "application/problem+json");
    return c.body(JSON.stringify(issues.length === 0 ? fields : { ...fields, issues }));
  }
  const props = { status, title, detail, issues, requestId };
  if (!isFragmentRequest(c.req.raw.headers)) return c.render(<ErrorPage {...props} />, { title });
  c.header("HX-Retarget", "#notice");
  c.header("HX-Reswap", "outerHTML");
  return c.render(<ErrorNote {...props} />, { title });
}

/** What an error means to whoever asked. */
function problemOf(error: unknown): Problem {
  if (error instanceof ZodError) return problemOf(toValidationError(error));
  if (error instanceof HTTPException) return { status: error.status, detail: error.message };
  if (!(error instanceof EngineError)) return UNKNOWN;
  const detail = error.message;
  if (error instanceof NotFoundError) return { status: 404, detail };
  if (error instanceof ValidationError) return { status: 422, detail, issues: error.issues };
  if (error instanceof ModelNotLoadedError) return { status: 409, detail };
  if (error instanceof QueueFullError) {
    const seconds = Math.max(1, Math.ceil(error.retryAfterSeconds));
    return { status: 429, detail, headers: { "Retry-After": String(seconds) } };
  }
  if (error instanceof AssistantError) return { status: 502, detail };
  if (error instanceof CancelledError) return { status: 499, detail };
  if (error instanceof EngineUnavailableError) return { status: 503, detail, headers: { "Retry-After": "1" } };
  return UNKNOWN;
}

const UNKNOWN: Problem = {
  status: 500,
  detail: "The server met an error that it does not know; its log has the details under this request id",
};

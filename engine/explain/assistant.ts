/**
 * A language model that explains and simulates, behind whatever endpoint it is reached by. What goes wrong is an `AssistantError` of a kind:
 * never a score, never an empty answer.
 */
import { EngineError } from "../errors.ts";

/** How an assistant is reached. From configuration only: no request says any of it. */
export interface AssistantOptions {
  /** Base URL, without a slash at its end: the only place that is ever called. */
  readonly url: string;
  readonly model: string;
  /** Null for servers that want none. */
  readonly key: string | null;
  /** Calls at a time. */
  readonly concurrency: number;
  /** How long one try may take, its answer included. */
  readonly timeoutMs: number;
  /** What a million tokens cost; null if unknown. */
  readonly price: TokenPrice | null;
  /** Pause after a try that failed and may succeed; it doubles with each. Default: a second. */
  readonly pauseMs?: number;
}

/** Per million tokens, in one currency. */
export interface TokenPrice {
  readonly prompt: number;
  readonly completion: number;
}

export interface AssistantMessage {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** A call. Plain data: the same call has the same JSON, and is found again by it. */
export interface AssistantRequest {
  readonly system: string;
  /** Examples of what is wanted, and last what is asked. */
  readonly messages: readonly AssistantMessage[];
  /** JSON schema that the answer follows where the endpoint takes one. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly maxTokens: number;
  readonly temperature: number;
  /** Tells calls apart that ask for another answer to the same. */
  readonly candidate: number;
  /** Whether the likelihoods of other tokens are wanted where the endpoint gives them. */
  readonly wantsLogProbs: boolean;
}

/** One token of an answer, with what might have stood in its place. */
export interface AnswerToken {
  readonly text: string;
  readonly alternatives: readonly { readonly text: string; readonly logProb: number }[];
}

export interface AssistantUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface AssistantAnswer {
  readonly text: string;
  /** Null where the endpoint gives no log-probabilities. */
  readonly tokens: readonly AnswerToken[] | null;
  /** Null where the endpoint does not tell. */
  readonly usage: AssistantUsage | null;
}

export interface Assistant {
  /** Name of the model, as stored beside what it said. */
  readonly model: string;
  /** @throws {AssistantError | CancelledError} */
  answer(request: AssistantRequest, signal: AbortSignal | undefined): Promise<AssistantAnswer>;
}

/** What can go wrong, and whether trying again by itself can help. */
const FAILURES = {
  key: { isTransient: false, what: "refuses the key" },
  payment: { isTransient: false, what: "wants payment first" },
  missing: { isTransient: false, what: "does not know the model or the address" },
  request: { isTransient: false, what: "refuses the request" },
  "rate-limit": { isTransient: true, what: "is asked too often" },
  server: { isTransient: true, what: "has a fault of its own" },
  timeout: { isTransient: true, what: "took too long" },
  connection: { isTransient: true, what: "cannot be reached, or cut the connection" },
  redirect: { isTransient: false, what: "leads to another address, which is not followed" },
  unreadable: { isTransient: false, what: "gave an answer that cannot be read" },
  refusal: { isTransient: false, what: "declined to answer" },
  budget: { isTransient: false, what: "would go beyond the budget" },
} as const satisfies Readonly<Record<string, { readonly isTransient: boolean; readonly what: string }>>;

export type AssistantFailure = keyof typeof FAILURES;

/**
 * The assistant did not answer. The message is ours: neither the key, nor what was asked, nor what the provider wrote stands in it. Whatever
 * the kind, somebody may ask again later.
 */
export class AssistantError extends EngineError {
  override name = "AssistantError";
  readonly kind: AssistantFailure;
  /** How long the provider asks to be left alone; null if it does not say. */
  readonly retryAfterMs: number | null;

  constructor(
    kind: AssistantFailure,
    { detail = "", retryAfterMs = null }: { readonly detail?: string; readonly retryAfterMs?: number | null } = {},
  ) {
    super(`The assistant ${FAILURES[kind].what}${detail === "" ? "" : `: ${detail}`}`);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same call may succeed in a moment. */
  get isTransient(): boolean {
    return FAILURES[this.kind].isTransient;
  }
}

/** An error of a kind. @param options.detail What is known of it, in our own words */
export function assistantError(
  kind: AssistantFailure,
  options: { readonly detail?: string; readonly retryAfterMs?: number | null } = {},
): AssistantError {
  return new AssistantError(kind, options);
}

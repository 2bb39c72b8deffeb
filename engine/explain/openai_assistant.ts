/**
 * An assistant behind any endpoint that speaks OpenAI's chat completions: one try a call. Structured output and log-probabilities are asked
 * for until the endpoint refuses a request that has them; then without. Nothing else of the environment is read, no redirect followed, and
 * answers are bounded.
 */
import type { ChatCompletion, ChatCompletionCreateParamsNonStreaming } from "openai/resources/chat/completions";
import { CancelledError } from "../errors.ts";
import {
  type AnswerToken,
  type Assistant,
  type AssistantAnswer,
  AssistantError,
  assistantError,
  type AssistantFailure,
  type AssistantOptions,
  type AssistantRequest,
} from "./assistant.ts";

/** Longest body of an answer. */
const MAX_BYTES = 8 * 1024 * 1024;
/** Likeliest tokens that are asked for at each place. */
const TOP_LOG_PROBS = 20;

/** What an endpoint may not offer, dropped in this order. */
const EXTRAS = ["logProbs", "schema"] as const;

export class OpenAiAssistant implements Assistant {
  readonly model: string;
  readonly #options: AssistantOptions;
  /** What the endpoint has not refused yet. */
  readonly #extras = new Set<typeof EXTRAS[number]>(EXTRAS);
  #client: Promise<ChatClient> | null = null;

  constructor(options: AssistantOptions) {
    this.model = options.model;
    this.#options = options;
  }

  async answer(request: AssistantRequest, signal: AbortSignal | undefined): Promise<AssistantAnswer> {
    for (;;) {
      const extras = EXTRAS.filter((extra) => this.#extras.has(extra) && (extra === "schema" || request.wantsLogProbs));
      try {
        return readAnswer(await this.#ask(bodyOf(this.model, request, extras), signal));
      } catch (error) {
        const [refused] = extras;
        if (refused === undefined || !(error instanceof AssistantError) || error.kind !== "request") throw error;
        // Another request, not the same again: without what the endpoint may not know.
        this.#extras.delete(refused);
      }
    }
  }

  async #ask(body: ChatCompletionCreateParamsNonStreaming, signal: AbortSignal | undefined): Promise<unknown> {
    // The package is loaded when it is first needed: most never do.
    const client = await (this.#client ??= openClient(this.#options));
    const timeout = AbortSignal.timeout(this.#options.timeoutMs);
    try {
      return await client.create(body, signal === undefined ? timeout : AbortSignal.any([signal, timeout]));
    } catch (error) {
      if (signal?.aborted) throw new CancelledError("The request was cancelled");
      if (timeout.aborted) {
        throw assistantError("timeout", { detail: `no answer in ${this.#options.timeoutMs} ms` });
      }
      throw client.failureOf(error);
    }
  }
}

interface ChatClient {
  create(body: ChatCompletionCreateParamsNonStreaming, signal: AbortSignal): Promise<unknown>;
  /** What an error of the package means. */
  failureOf(error: unknown): AssistantError;
}

async function openClient({ url, key, timeoutMs }: AssistantOptions): Promise<ChatClient> {
  const { OpenAI, APIError } = await import("openai");
  const client = new OpenAI({
    baseURL: url,
    // The package insists on one; where there is none, the header is left out.
    apiKey: key ?? "none",
    ...key === null ? { defaultHeaders: { Authorization: null } } : {},
    organization: null,
    project: null,
    webhookSecret: null,
    adminAPIKey: null,
    maxRetries: 0,
    timeout: timeoutMs,
    logLevel: "off",
    fetch: boundedFetch,
  });
  return {
    create: (body, signal) => client.chat.completions.create(body, { signal }),
    failureOf(error) {
      if (error instanceof AssistantError) return error;
      if (error instanceof APIError && error.cause instanceof AssistantError) return error.cause;
      if (error instanceof APIError && typeof error.status === "number") {
        const { status } = error;
        return failureOfStatus(status, { code: error.code ?? null, headers: new Headers(error.headers ?? {}) });
      }
      return assistantError(error instanceof SyntaxError ? "unreadable" : "connection");
    },
  };
}

/** Follows nothing, and reads the whole answer: what comes after the headers is bounded in time and size too. */
async function boundedFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { ...init, redirect: "manual", credentials: "omit" });
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel();
    throw assistantError("redirect", { detail: `status ${response.status}` });
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_BYTES) throw assistantError("unreadable", { detail: `more than ${MAX_BYTES} bytes` });
    chunks.push(chunk);
  }
  const { status, statusText, headers } = response;
  return new Response(new Blob(chunks), { status, statusText, headers });
}

function failureOfStatus(
  status: number,
  { code, headers }: { readonly code: string | null; readonly headers: Headers },
): AssistantError {
  // Codes are words of the protocol; what else the provider wrote may hold anything.
  const known = code !== null && /^[a-z_]{1,40}$/.test(code) ? ` (${code})` : "";
  const detail = `status ${status}${known}`;
  // Out of credit is told as "too many requests", but waiting does not help.
  if (code === "insufficient_quota") return assistantError("payment", { detail });
  return assistantError(kindOfStatus(status), { detail, retryAfterMs: retryAfterMs(headers) });
}

function kindOfStatus(status: number): AssistantFailure {
  switch (status) {
    case 401:
    case 403:
      return "key";
    case 402:
      return "payment";
    case 404:
      return "missing";
    case 408:
      return "timeout";
    case 429:
      return "rate-limit";
    default:
      return status >= 500 ? "server" : "request";
  }
}

/** Seconds, or a date. */
function retryAfterMs(headers: Headers): number | null {
  const text = headers.get("retry-after");
  if (text === null) return null;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? 1000 * seconds : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

function bodyOf(
  model: string,
  { system, messages, schema, maxTokens, temperature, candidate, wantsLogProbs }: AssistantRequest,
  extras: readonly string[],
): ChatCompletionCreateParamsNonStreaming {
  return {
    model,
    messages: [{ role: "system", content: system }, ...messages],
    max_tokens: maxTokens,
    temperature,
    seed: candidate,
    stream: false,
    ...extras.includes("schema")
      ? {
        response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema: { ...schema } } },
      }
      : {},
    ...extras.includes("logProbs") && wantsLogProbs ? { logprobs: true, top_logprobs: TOP_LOG_PROBS } : {},
  };
}

/** What an endpoint sends is not known to be what its protocol says. @throws {AssistantError} */
function readAnswer(body: unknown): AssistantAnswer {
  if (typeof body !== "object" || body === null) throw assistantError("unreadable", { detail: "it is no JSON" });
  const { choices, usage } = body as Partial<ChatCompletion>;
  const choice = Array.isArray(choices) ? choices[0] : undefined;
  if (choice === undefined) throw assistantError("unreadable", { detail: "it has no choices" });
  const { refusal, content } = (choice.message ?? {}) as Partial<ChatCompletion.Choice["message"]>;
  if (typeof refusal === "string" && refusal !== "") throw assistantError("refusal");
  if (choice.finish_reason === "content_filter") throw assistantError("refusal", { detail: "content filter" });
  if (choice.finish_reason === "length") throw assistantError("unreadable", { detail: "it is cut off" });
  if (typeof content !== "string" || content.trim() === "") {
    throw assistantError("unreadable", { detail: "it has no text" });
  }
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = (usage ?? {}) as Partial<
    NonNullable<ChatCompletion["usage"]>
  >;
  const isCounted = isCount(promptTokens) && isCount(completionTokens);
  return {
    text: content,
    tokens: tokensOf(choice.logprobs),
    usage: isCounted ? { promptTokens, completionTokens } : null,
  };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function tokensOf(logprobs: unknown): readonly AnswerToken[] | null {
  const content: unknown = typeof logprobs === "object" && logprobs !== null && "content" in logprobs
    ? logprobs.content
    : null;
  if (!Array.isArray(content)) return null;
  const tokens = (content as unknown[]).flatMap((entry): AnswerToken[] => {
    const { token, top_logprobs: top } = (entry ?? {}) as { readonly token?: unknown; readonly top_logprobs?: unknown };
    if (typeof token !== "string" || !Array.isArray(top)) return [];
    const alternatives = (top as unknown[]).flatMap((other) => {
      const { token: text, logprob: logProb } = (other ?? {}) as {
        readonly token?: unknown;
        readonly logprob?: unknown;
      };
      return typeof text === "string" && typeof logProb === "number" ? [{ text, logProb }] : [];
    });
    return [{ text: token, alternatives }];
  });
  return tokens.length === content.length && tokens.length > 0 ? tokens : null;
}

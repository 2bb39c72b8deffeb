/** Every way in which a provider fails, with a mark in whatever it writes, so that a test sees where its text goes. */
import { completion, type Respond } from "./chat_server.ts";
import { TEST_KEY } from "./explained_model.ts";

/** Stands in everything that a failing provider writes, beside the key that it was sent. */
export const PROVIDER_MARK = "PROVIDER-TEXT";

const WRITTEN = `${PROVIDER_MARK} ${TEST_KEY}`;

export interface ChatFailure {
  readonly name: string;
  readonly respond: Respond;
  /** What becomes of it, in our words. */
  readonly problem: RegExp;
  /** Of a provider that does not answer in time: how long is waited; else null. */
  readonly timeoutMs: number | null;
}

function failure(name: string, respond: Respond, problem: RegExp, timeoutMs: number | null = null): ChatFailure {
  return { name, respond, problem, timeoutMs };
}

function refused(status: number, headers: HeadersInit = {}): Respond {
  const error = { message: WRITTEN, type: WRITTEN, param: WRITTEN, code: PROVIDER_MARK };
  return () => Response.json({ error }, { status, headers: { "x-request-id": WRITTEN, ...headers } });
}

export const CHAT_FAILURES: readonly ChatFailure[] = [
  failure("401", refused(401), /refuses the key: status 401/),
  failure("402", refused(402), /wants payment first/),
  failure("429 with Retry-After", refused(429, { "retry-after": "0.01" }), /is asked too often: status 429/),
  failure("500", refused(500, { "retry-after": "0.01" }), /has a fault of its own: status 500/),
  failure(
    "nothing in time",
    () => new Promise((resolve) => setTimeout(() => resolve(completion(WRITTEN)), 1200)),
    /took too long: no answer in 400 ms/,
    400,
  ),
  failure(
    "a cut connection",
    () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode(`{"choices": "${WRITTEN}`)),
          pull: (controller) => controller.error(new Error("Cut")),
        }),
        { headers: { "content-type": "application/json" } },
      ),
    /cannot be reached, or cut the connection/,
  ),
  failure("garbage", () => completion(`${WRITTEN} {"0": ${PROVIDER_MARK}`), /cannot be read/),
  failure(
    "what is no JSON",
    () => new Response(`${WRITTEN} {`, { headers: { "content-type": "application/json" } }),
    /cannot be read/,
  ),
  failure(
    "HTML",
    () => new Response(`<!doctype html><p>${WRITTEN}`, { headers: { "content-type": "text/html" } }),
    /cannot be read/,
  ),
  failure(
    "a refusal",
    () => completion("", {}, { message: { role: "assistant", content: null, refusal: WRITTEN } }),
    /declined to answer/,
  ),
  failure("empty choices", () => completion("", { choices: [], note: WRITTEN }), /no choices/),
];

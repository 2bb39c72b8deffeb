/** The assistant against a real HTTP server: every way of answering, right or wrong, ends in a state of its own. */
import assert from "node:assert/strict";
import {
  type AssistantAnswer,
  AssistantError,
  assistantError,
  type AssistantFailure,
  type AssistantRequest,
} from "../../../engine/explain/assistant.ts";
import { MeteredAssistant } from "../../../engine/explain/metered_assistant.ts";
import { OpenAiAssistant } from "../../../engine/explain/openai_assistant.ts";
import { PatientAssistant } from "../../../engine/explain/patient_assistant.ts";
import { CancelledError } from "../../../engine/mod.ts";
import { completion, type Respond, startChatServer } from "../../support/chat_server.ts";

const KEY = "sk-secret-1234567890";
const PROMPT = "the very secret prompt";

const REQUEST: AssistantRequest = {
  system: "Answer",
  messages: [{ role: "user", content: PROMPT }],
  schema: {
    type: "object",
    properties: { explanation: { type: "string" } },
    required: ["explanation"],
    additionalProperties: false,
  },
  maxTokens: 20,
  temperature: 0,
  candidate: 0,
  wantsLogProbs: true,
};

interface AskOptions {
  readonly timeoutMs?: number;
  readonly tries?: number;
  readonly key?: string | null;
  readonly signal?: AbortSignal;
  readonly times?: number;
}

/** Asks a server that answers so. Whatever fails must not tell the key, the prompt or what the provider wrote. */
async function ask(respond: Respond, { timeoutMs = 5000, tries = 1, key = KEY, signal, times = 1 }: AskOptions = {}) {
  await using server = startChatServer(respond);
  const options = { url: server.url, model: "test-model", key, concurrency: 2, timeoutMs, price: null };
  const assistant = new PatientAssistant(new OpenAiAssistant(options), { concurrency: 2, tries, pauseMs: 1 });
  try {
    let answer = await assistant.answer(REQUEST, signal);
    for (let i = 1; i < times; i++) answer = await assistant.answer(REQUEST, signal);
    return { answer, error: null, calls: [...server.calls] };
  } catch (error) {
    if (!(error instanceof AssistantError)) throw error;
    const told = `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`;
    for (const secret of [KEY, PROMPT, "PROVIDER TEXT"]) assert.ok(!told.includes(secret), told);
    return { answer: null, error, calls: [...server.calls] };
  }
}

function failing(status: number, body: string | object = "PROVIDER TEXT", headers: HeadersInit = {}): Respond {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return () => new Response(text, { status, headers });
}

Deno.test("an answer is read with its log-probabilities and its usage; the key goes out, no tools and no streaming are asked for", async () => {
  const tokens = [{
    token: "{",
    logprob: 0,
    top_logprobs: [{ token: "{", logprob: -0.1 }, { token: "[", logprob: -3 }],
  }];
  const { answer, calls } = await ask(() => completion('{"explanation": "x"}', {}, { logprobs: { content: tokens } }));
  assert.equal(answer?.text, '{"explanation": "x"}');
  assert.deepEqual(answer?.tokens, [{
    text: "{",
    alternatives: [{ text: "{", logProb: -0.1 }, { text: "[", logProb: -3 }],
  }]);
  assert.deepEqual(answer?.usage, { promptTokens: 100, completionTokens: 10 });
  const [call] = calls;
  assert.equal(call?.path, "/v1/chat/completions");
  assert.equal(call?.authorization, `Bearer ${KEY}`);
  assert.equal(call?.body.stream, false);
  assert.equal(call?.body.tools, undefined);
  assert.equal(call?.body.logprobs, true);
  assert.deepEqual(call?.body.messages.map(({ role }) => role), ["system", "user"]);
});

Deno.test("a server that wants no key gets none; without log-probabilities or usage there are none", async () => {
  const { answer, calls } = await ask(() => completion("{}", { usage: undefined }), { key: null });
  assert.equal(calls[0]?.authorization, null);
  assert.deepEqual({ tokens: answer?.tokens, usage: answer?.usage }, { tokens: null, usage: null });
});

/** Each way to fail: its kind, and how often it is asked when four tries are allowed. */
const FAILURES: readonly (readonly [string, Respond, AssistantFailure, number])[] = [
  ["401", failing(401, { error: { message: `PROVIDER TEXT ${KEY}`, code: "invalid_api_key" } }), "key", 1],
  ["403", failing(403), "key", 1],
  ["402", failing(402, { error: { message: "PROVIDER TEXT" } }), "payment", 1],
  ["404", failing(404, { error: { code: "model_not_found" } }), "missing", 1],
  ["400 whatever is left out", failing(400), "request", 3],
  ["429", failing(429, "PROVIDER TEXT", { "retry-after": "0" }), "rate-limit", 4],
  ["429 that asks for more patience than we have", failing(429, "", { "retry-after": "3600" }), "rate-limit", 1],
  ["429 without credit", failing(429, { error: { code: "insufficient_quota" } }), "payment", 1],
  ["500", failing(500), "server", 4],
  ["502 in HTML", failing(502, "<html>PROVIDER TEXT</html>", { "content-type": "text/html" }), "server", 4],
  ["503", failing(503), "server", 4],
  ["garbage", failing(200, "PROVIDER TEXT {", { "content-type": "application/json" }), "unreadable", 1],
  ["HTML", failing(200, "<!doctype html><p>PROVIDER TEXT", { "content-type": "text/html" }), "unreadable", 1],
  [
    "a stream nobody asked for",
    failing(200, 'data: {"choices":[]}\n\n', { "content-type": "text/event-stream" }),
    "unreadable",
    1,
  ],
  ["empty body", failing(200, "", { "content-type": "application/json" }), "unreadable", 1],
  ["no choices", () => completion("", { choices: [] }), "unreadable", 1],
  ["choices that are none", () => completion("", { choices: "PROVIDER TEXT" }), "unreadable", 1],
  ["no text", () => completion(""), "unreadable", 1],
  ["cut off", () => completion('{"expl', {}, { finish_reason: "length" }), "unreadable", 1],
  [
    "refusal",
    () => completion("", {}, { message: { role: "assistant", content: null, refusal: "PROVIDER TEXT" } }),
    "refusal",
    1,
  ],
  ["content filter", () => completion("PROVIDER TEXT", {}, { finish_reason: "content_filter" }), "refusal", 1],
];

for (const [name, respond, kind, calls] of FAILURES) {
  Deno.test(`an endpoint that answers ${name}: ${kind}, asked ${calls === 1 ? "once" : `${calls} times`}`, async () => {
    const found = await ask(respond, { tries: 4 });
    assert.equal(found.error?.kind, kind, found.error?.message);
    assert.equal(found.calls.length, calls);
  });
}

Deno.test("codes of the protocol are told, what else the provider wrote is not", async () => {
  const { error } = await ask(failing(404, { error: { message: "PROVIDER TEXT", code: "model_not_found" } }));
  assert.match(error?.message ?? "", /status 404 \(model_not_found\)/);
});

Deno.test("an endpoint that is slow, or stops in the middle of its answer, is a timeout", async () => {
  const slow = await ask(() => new Promise((resolve) => setTimeout(() => resolve(completion("{}")), 300)), {
    timeoutMs: 60,
  });
  assert.equal(slow.error?.kind, "timeout");
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stuck = await ask(
    () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode('{"choices":'));
            timer = setTimeout(() => controller.close(), 300);
          },
          cancel: () => clearTimeout(timer),
        }),
        { headers: { "content-type": "application/json" } },
      ),
    { timeoutMs: 60 },
  );
  assert.equal(stuck.error?.kind, "timeout");
});

Deno.test("a connection that is cut, or that nobody listens at, is tried again and then told", async () => {
  const cut = await ask(
    () => new Response(new ReadableStream({ pull: (controller) => controller.error(new Error("Cut")) })),
    { tries: 3 },
  );
  assert.equal(cut.error?.kind, "connection");
  assert.equal(cut.calls.length, 3);
  const nobody = new OpenAiAssistant({
    url: "http://127.0.0.1:1/v1",
    model: "m",
    key: KEY,
    concurrency: 1,
    timeoutMs: 5000,
    price: null,
  });
  await assert.rejects(nobody.answer(REQUEST, undefined), (error: AssistantError) => error.kind === "connection");
});

Deno.test("after a fault that passes, the answer is there; the pause that was asked for is kept", async () => {
  const startedAt = performance.now();
  const { answer, calls } = await ask(
    (_, number) => number === 0 ? new Response("", { status: 429, headers: { "retry-after": "0.2" } }) : null,
    {
      tries: 2,
    },
  );
  assert.equal(calls.length, 2);
  assert.match(answer?.text ?? "", /explanation/);
  assert.ok(performance.now() - startedAt >= 200);
});

Deno.test("no redirect is followed: the configured address is the only place that is called", async () => {
  let reached = 0;
  await using elsewhere = startChatServer(() => {
    reached++;
    return null;
  });
  for (const status of [301, 302, 303, 307, 308]) {
    const { error, calls } = await ask(failing(status, "", { location: `${elsewhere.url}/chat/completions` }), {
      tries: 4,
    });
    assert.equal(error?.kind, "redirect");
    assert.equal(calls.length, 1);
  }
  assert.equal(reached, 0);
});

Deno.test("what an endpoint does not know is left out, and not asked for again", async () => {
  const { answer, calls } = await ask(({ body }) => {
    if (body.logprobs === true) return new Response("{}", { status: 400 });
    return body.response_format === undefined ? completion("plain") : new Response("{}", { status: 422 });
  }, { times: 2 });
  assert.equal(answer?.text, "plain");
  assert.deepEqual(calls.map(({ body }) => [body.logprobs ?? false, body.response_format !== undefined]), [
    [true, true],
    [false, true],
    [false, false],
    [false, false],
  ]);
});

Deno.test("a caller who gives up is not answered, and nothing more is asked", async () => {
  const controller = new AbortController();
  await assert.rejects(
    ask(() => {
      controller.abort();
      return new Response("", { status: 500 });
    }, { tries: 4, signal: controller.signal }),
    CancelledError,
  );
});

Deno.test("MeteredAssistant: known answers are free, usage and cost are counted, the budget is kept", async () => {
  await using server = startChatServer();
  const options = { url: server.url, model: "test-model", key: null, concurrency: 2, timeoutMs: 5000, price: null };
  const answers = new Map();
  const metered = (more: object = {}) =>
    new MeteredAssistant(new OpenAiAssistant(options), {
      cache: { find: (key) => answers.get(key) ?? null, keep: (key, answer) => void answers.set(key, answer) },
      url: server.url,
      price: { prompt: 2, completion: 8 },
      ...more,
    });
  const same = (answer: AssistantAnswer) => answer;
  const first = metered();
  const answer = await first.answer(REQUEST, same);
  assert.deepEqual(await first.answer({ ...REQUEST }, same), answer);
  assert.equal(server.calls.length, 1);
  assert.deepEqual(first.spent, { calls: 1, promptTokens: 100, completionTokens: 10, cost: (200 + 80) / 1e6 });
  await first.answer({ ...REQUEST, candidate: 1 }, same);
  assert.equal(server.calls.length, 2, "another candidate is another call");
  assert.equal(metered({ url: "http://elsewhere" }).spent.calls, 0);
  const isBudget = (error: AssistantError) => error.kind === "budget";
  await assert.rejects(
    metered({ budget: { tokens: 20, money: null } }).answer({ ...REQUEST, candidate: 2 }, same),
    isBudget,
  );
  await assert.rejects(
    metered({ budget: { tokens: null, money: 1e-6 } }).answer({ ...REQUEST, candidate: 2 }, same),
    isBudget,
  );
  await assert.rejects(
    metered({ budget: { tokens: null, money: 1 }, price: null }).answer({ ...REQUEST, candidate: 2 }, same),
    /price of a token is unknown/,
  );
  assert.equal(server.calls.length, 2, "what goes beyond the budget is not asked");
  assert.deepEqual(
    await metered({ budget: { tokens: 0, money: 0 } }).answer(REQUEST, same),
    answer,
    "what is known costs nothing",
  );
  const unknown = metered({ price: null });
  await unknown.answer({ ...REQUEST, candidate: 3 }, same);
  assert.equal(unknown.spent.cost, null, "an unknown price is an unknown cost, not 0");
  const unreadable = metered();
  const calls = server.calls.length;
  for (let i = 0; i < 2; i++) {
    await assert.rejects(
      unreadable.answer({ ...REQUEST, candidate: 4 }, () => {
        throw assistantError("unreadable");
      }),
      AssistantError,
    );
  }
  assert.equal(server.calls.length, calls + 2, "an answer that cannot be read is asked for again");
  assert.equal(unreadable.spent.calls, 2, "and paid for");
  // So is one that is cut off, though what it used is not told.
  await using cut = startChatServer(() => completion("{", {}, { finish_reason: "length" }));
  const short = new MeteredAssistant(new OpenAiAssistant({ ...options, url: cut.url }), {
    cache: { find: () => null, keep: () => {} },
    url: cut.url,
    price: { prompt: 2, completion: 8 },
  });
  await assert.rejects(short.answer(REQUEST, same), AssistantError);
  assert.equal(short.spent.calls, 1);
  assert.ok(short.spent.promptTokens > 0);
  // Calls under way count: of ten at once, no more are made than the budget allows for.
  const capped = metered({ budget: { tokens: 400, money: null } });
  const many = await Promise.allSettled(
    Array.from({ length: 10 }, (_, i) => capped.answer({ ...REQUEST, candidate: 10 + i }, same)),
  );
  const made = many.filter(({ status }) => status === "fulfilled").length;
  assert.ok(made >= 1 && made <= 5, `${made}`);
});

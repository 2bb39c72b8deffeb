/**
 * A server that speaks the chat completions protocol: it answers in the form that is asked for, or as a test wants it. It records what it was
 * asked, and whether its answer went out whole.
 */

export interface ChatCall {
  readonly path: string;
  readonly authorization: string | null;
  readonly headers: Headers;
  readonly body: ChatBody;
}

export interface ChatBody {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly stream?: boolean;
  readonly tools?: unknown;
  readonly logprobs?: boolean;
  /** What structure is asked for. */
  readonly "response_format"?: {
    readonly "json_schema": {
      readonly schema: { readonly properties: Readonly<Record<string, { readonly maximum?: number }>> };
    };
  };
}

/** How a test wants a call to be answered; null: in the usual way. */
export type Respond = (call: ChatCall, number: number) => Response | Promise<Response> | null;

export interface ChatServer extends AsyncDisposable {
  /** Base URL, as it is configured. */
  readonly url: string;
  readonly calls: readonly ChatCall[];
}

export function startChatServer(respond: Respond = () => null): ChatServer {
  const calls: ChatCall[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const body = await request.json() as ChatBody;
    const { headers } = request;
    const call = { path: pathname, authorization: headers.get("authorization"), headers, body };
    calls.push(call);
    return await respond(call, calls.length - 1) ?? usualAnswer(call);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/v1`,
    calls,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A completion of a text, as the protocol has it. */
export function completion(content: string, more: object = {}, choice: object = {}): Response {
  return Response.json({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "test-model",
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content, refusal: null }, ...choice }],
    usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
    ...more,
  });
}

/** An explanation that says which question it answers, or numbers that follow from their places. */
export function usualAnswer({ body }: Pick<ChatCall, "body">): Response {
  const properties = body.response_format?.json_schema.schema.properties ?? {};
  const question = body.messages.at(-1)?.content ?? "";
  const answer = Object.keys(properties).map((name): [string, unknown] => [
    name,
    name === "explanation" ? `words like ${/"([^"]*)" 10/.exec(question)?.[1]?.trim() ?? "these"}` : Number(name) % 7,
  ]);
  return completion(JSON.stringify(Object.fromEntries(answer)));
}

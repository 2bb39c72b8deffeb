/** The settings of an assistant, checked: who it is, what it costs. The key is a variable only: flags are seen by whoever lists processes. */
import { StartError } from "./errors.ts";
import type { AssistantOptions, TokenPrice } from "./explain/assistant.ts";

/** The variable that holds the key. */
export const KEY_VARIABLE = "TDB_ASSISTANT_KEY";

/** Where an assistant is asked if no URL is given: OpenAI's own service. */
export const DEFAULT_ASSISTANT_URL = "https://api.openai.com/v1";

/** Values of the settings with the names under which they were given; undefined where they were not. */
export interface AssistantSettings {
  readonly model: string | undefined;
  readonly url: NamedValue;
  readonly price: NamedValue;
  readonly concurrency: NamedValue;
  readonly timeout: NamedValue;
  readonly key: string | undefined;
}

export interface NamedValue {
  readonly source: string;
  readonly value: string | undefined;
}

/** Null without a model: then nothing is ever sent anywhere. @throws {StartError} */
export function parseAssistant(settings: AssistantSettings): AssistantOptions | null {
  const { model, url, price, concurrency, timeout, key } = settings;
  if (model === undefined) {
    const given = [url, price, concurrency, timeout].find(({ value }) => value !== undefined);
    if (given === undefined) return null;
    throw new StartError(`Cannot start: ${given.source} is given without --assistant-model, which names the assistant`);
  }
  if (url.value === undefined && key === undefined) {
    throw new StartError(
      `Cannot start: --assistant-model without --assistant-url needs a key in ${KEY_VARIABLE}; local servers need a URL only`,
    );
  }
  return {
    url: parseUrl(url),
    model,
    key: key ?? null,
    price: parsePrice(price),
    concurrency: parseWhole(concurrency, { usual: 4, most: 64 }),
    timeoutMs: 1000 * parseWhole(timeout, { usual: 60, most: 3600 }),
  };
}

/** No password in it: it is told to whoever asks what would be sent where. */
function parseUrl({ source, value = DEFAULT_ASSISTANT_URL }: NamedValue): string {
  const url = URL.parse(value);
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" &&
    !/[?#]/.test(value);
  if (isPlain) return value.replace(/\/+$/, "");
  throw new StartError(`Cannot start: ${source} is no http(s)://HOST/PATH without password, ? and #`);
}

function parsePrice({ source, value }: NamedValue): TokenPrice | null {
  if (value === undefined) return null;
  const [, prompt, completion] = /^(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)$/.exec(value) ?? [];
  if (prompt !== undefined && completion !== undefined) {
    return { prompt: Number(prompt), completion: Number(completion) };
  }
  throw new StartError(
    `Cannot start: ${source} is "${value}", expected PROMPT,ANSWER, each the price of a million tokens, as in 0.15,0.60`,
  );
}

function parseWhole(
  { source, value }: NamedValue,
  { usual, most }: { readonly usual: number; readonly most: number },
): number {
  const number = Number(value ?? usual);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new StartError(`Cannot start: ${source} is "${value}", expected a whole number in 1..${most}`);
}

/** Shortest key that is looked for in what is logged: a shorter one stands in anything. */
const MIN_KEY = 6;

/** A log in which the key never stands, whoever writes it there. */
export function withoutKey(log: (line: string) => void, key: string | null): (line: string) => void {
  return key === null || key.length < MIN_KEY ? log : (line) => log(line.replaceAll(key, "[key]"));
}

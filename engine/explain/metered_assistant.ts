/**
 * The assistant of one task: what was answered before is not asked again, tokens and cost are counted, and a call that could go beyond the
 * budget is not made. Answers are kept as soon as they are read: whenever the process dies, they are there.
 */
import { createHash } from "node:crypto";
import {
  type Assistant,
  type AssistantAnswer,
  AssistantError,
  assistantError,
  type AssistantRequest,
  type AssistantUsage,
  type TokenPrice,
} from "./assistant.ts";

/** Where answers are kept, by key. */
export interface AnswerCache {
  find(key: string): AssistantAnswer | null;
  keep(key: string, answer: AssistantAnswer): void;
}

/** Most that a task may use; null: no cap. */
export interface Budget {
  /** Prompts and answers together. */
  readonly tokens: number | null;
  /** In the currency of the price. */
  readonly money: number | null;
}

const NO_BUDGET: Budget = { tokens: null, money: null };

/** What a task has used. */
export interface Spent extends AssistantUsage {
  /** Calls that were made; those found in the cache are not counted. */
  readonly calls: number;
  /** Null if the price is unknown, or the endpoint did not tell what a call used. */
  readonly cost: number | null;
}

export const NOTHING_SPENT: Spent = { calls: 0, promptTokens: 0, completionTokens: 0, cost: 0 };

/** Characters of a token, at the least, in what we ask. */
const CHARACTERS_PER_TOKEN = 3;

export interface MeteredOptions {
  readonly cache: AnswerCache;
  /** Base URL: the same model behind another endpoint is another one. */
  readonly url: string;
  readonly price: TokenPrice | null;
  readonly budget?: Budget;
  /** What the task had used before. */
  readonly before?: Spent;
  readonly signal?: AbortSignal | undefined;
  /** Told after every call. */
  readonly onSpent?: (spent: Spent) => void;
}

export class MeteredAssistant {
  readonly model: string;
  readonly #assistant: Assistant;
  readonly #options: MeteredOptions;
  #spent: Spent;
  /** Tokens that calls under way may use. */
  #reserved: AssistantUsage = { promptTokens: 0, completionTokens: 0 };

  constructor(assistant: Assistant, options: MeteredOptions) {
    this.model = assistant.model;
    this.#assistant = assistant;
    this.#options = options;
    this.#spent = options.before ?? NOTHING_SPENT;
  }

  get spent(): Spent {
    return this.#spent;
  }

  /**
   * What `read` makes of the answer. An answer that it refuses is paid for and not kept: asked again, it may be another one.
   *
   * @throws {AssistantError | CancelledError}
   */
  async answer<T>(request: AssistantRequest, read: (answer: AssistantAnswer) => T): Promise<T> {
    const { cache, url, signal } = this.#options;
    const key = createHash("sha256").update(JSON.stringify([url, this.model, canonical(request)])).digest("hex");
    const known = cache.find(key);
    if (known !== null) return read(known);
    const expected = expectedUsage(request);
    this.#requireBudgetFor(expected);
    this.#reserve(expected, 1);
    try {
      const answer = await this.#paidAnswer(request, expected, signal);
      const found = read(answer);
      cache.keep(key, answer);
      return found;
    } finally {
      this.#reserve(expected, -1);
    }
  }

  /** A refusal and an answer that is cut off or empty are paid for too; what they used is not told. */
  async #paidAnswer(
    request: AssistantRequest,
    expected: AssistantUsage,
    signal: AbortSignal | undefined,
  ): Promise<AssistantAnswer> {
    try {
      const answer = await this.#assistant.answer(request, signal);
      this.#count(answer.usage, expected);
      return answer;
    } catch (error) {
      const isPaid = error instanceof AssistantError && (error.kind === "unreadable" || error.kind === "refusal");
      if (isPaid) this.#count(null, expected);
      throw error;
    }
  }

  #reserve({ promptTokens, completionTokens }: AssistantUsage, sign: 1 | -1): void {
    this.#reserved = {
      promptTokens: this.#reserved.promptTokens + sign * promptTokens,
      completionTokens: this.#reserved.completionTokens + sign * completionTokens,
    };
  }

  /** An endpoint that does not tell what it used is counted as expected, at an unknown cost. */
  #count(usage: AssistantUsage | null, expected: AssistantUsage): void {
    const { price } = this.#options;
    const used = usage ?? expected;
    const cost = usage === null || price === null ? null : costOf(usage, price);
    this.#spent = {
      calls: this.#spent.calls + 1,
      promptTokens: this.#spent.promptTokens + used.promptTokens,
      completionTokens: this.#spent.completionTokens + used.completionTokens,
      cost: cost === null || this.#spent.cost === null ? null : this.#spent.cost + cost,
    };
    this.#options.onSpent?.(this.#spent);
  }

  /** @throws {AssistantError} */
  #requireBudgetFor(expected: AssistantUsage): void {
    const { budget: { tokens, money } = NO_BUDGET, price } = this.#options;
    const after = {
      promptTokens: this.#spent.promptTokens + this.#reserved.promptTokens + expected.promptTokens,
      completionTokens: this.#spent.completionTokens + this.#reserved.completionTokens + expected.completionTokens,
    };
    const all = after.promptTokens + after.completionTokens;
    if (tokens !== null && all > tokens) {
      throw assistantError("budget", { detail: `${tokens} tokens, of which ${usedTokens(this.#spent)} are used` });
    }
    if (money === null) return;
    if (price === null) throw assistantError("budget", { detail: "the price of a token is unknown" });
    if (costOf(after, price) > money) {
      throw assistantError("budget", {
        detail: `${money}, of which ${costOf(this.#spent, price).toFixed(4)} is spent`,
      });
    }
  }
}

export function costOf({ promptTokens, completionTokens }: AssistantUsage, { prompt, completion }: TokenPrice): number {
  return (promptTokens * prompt + completionTokens * completion) / 1e6;
}

function usedTokens({ promptTokens, completionTokens }: AssistantUsage): number {
  return promptTokens + completionTokens;
}

/** An upper guess of what a call uses. */
export function expectedUsage({ system, messages, maxTokens, schema }: AssistantRequest): AssistantUsage {
  const texts = [system, JSON.stringify(schema), ...messages.map(({ content }) => content)];
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  return { promptTokens: Math.ceil(characters / CHARACTERS_PER_TOKEN), completionTokens: maxTokens };
}

/** The fields in one order, whoever made the request. */
function canonical(
  { system, messages, schema, maxTokens, temperature, candidate, wantsLogProbs }: AssistantRequest,
): readonly unknown[] {
  const said = messages.map(({ role, content }) => [role, content]);
  return [system, said, schema, maxTokens, temperature, candidate, wantsLogProbs];
}

/** What has been used since a moment; null without an assistant. The cost is unknown if it was, or is. */
export function spentSince(before: Spent | null, assistant: MeteredAssistant | null): Spent | null {
  if (assistant === null || before === null) return null;
  const { calls, promptTokens, completionTokens, cost } = assistant.spent;
  return {
    calls: calls - before.calls,
    promptTokens: promptTokens - before.promptTokens,
    completionTokens: completionTokens - before.completionTokens,
    cost: cost === null || before.cost === null ? null : cost - before.cost,
  };
}

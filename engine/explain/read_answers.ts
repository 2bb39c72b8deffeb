/** Reads what an assistant answered. What is missing or out of range is a failure: no value is made up in its place. */
import { type AnswerToken, type AssistantAnswer, assistantError } from "./assistant.ts";
import { FULL_SCALE } from "./calibration.ts";
import { jsonInText } from "./json_in_text.ts";
import { MAX_EXPLANATION } from "./prompts.ts";

/** The explanation: of JSON, or a sentence as it stands. @throws {AssistantError} if there is none */
export function readExplanation({ text }: AssistantAnswer): string {
  const found = jsonInText(text);
  const written = typeof found === "object" && found !== null && "explanation" in found ? found.explanation : undefined;
  // A server without structured output may well answer with the sentence alone.
  const plain = found === undefined && !text.includes("{") ? text : undefined;
  const explanation = typeof written === "string" ? written : plain;
  const sentence = explanation?.replace(/\s+/g, " ").trim() ?? "";
  if (sentence === "" || /<\/?(html|body|!doctype)/i.test(sentence)) {
    throw assistantError("unreadable", { detail: "it holds no explanation" });
  }
  return sentence.slice(0, MAX_EXPLANATION);
}

/**
 * A number for each of 0..count − 1.
 *
 * @param isExpected Whether log-probabilities, where there are some, make the mean of what might have stood there; else the number that does
 * @throws {AssistantError} if one is missing or out of range
 */
export function readNumbers(
  answer: AssistantAnswer,
  { count, maximum, isExpected = false }: {
    readonly count: number;
    readonly maximum: number;
    readonly isExpected?: boolean;
  },
): readonly number[] {
  const found = jsonInText(answer.text);
  const entries: ReadonlyMap<string, unknown> = new Map(Object.entries(valuesIn(found) ?? {}));
  const numbers = Array.from({ length: count }, (_, i) => numberOf(entries.get(String(i))));
  const missing = numbers.filter((number) => number === null || number < 0 || number > maximum).length;
  if (missing > 0) {
    throw assistantError("unreadable", {
      detail: `${missing} of ${count} numbers are missing or not 0..${maximum}`,
    });
  }
  const expected = isExpected && answer.tokens !== null ? expectedValues(answer.text, answer.tokens) : new Map();
  return numbers.map((number, i) => expected.get(i) ?? number ?? 0);
}

/** The object itself, or the one that it wraps. */
function valuesIn(found: unknown): object | null {
  if (typeof found !== "object" || found === null) return null;
  const [only, ...others] = Object.values(found);
  return others.length === 0 && typeof only === "object" && only !== null ? only : found;
}

function numberOf(value: unknown): number | null {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  return typeof value === "string" && /^\d{1,3}(\.\d+)?$/.test(value.trim()) ? Number(value) : null;
}

/** The mean over what might have stood in place of each number, where its digits are one token. */
function expectedValues(text: string, tokens: readonly AnswerToken[]): ReadonlyMap<number, number> {
  const values = new Map<number, number>();
  const starts = new Map<number, AnswerToken>();
  let offset = 0;
  for (const token of tokens) {
    const digits = token.text.search(/\d/);
    if (digits !== -1) starts.set(offset + digits, token);
    offset += token.text.length;
  }
  for (const found of text.matchAll(/"(\d{1,4})"\s*:\s*(\d{1,2})(?!\d)/g)) {
    const [whole, index = "", digits = ""] = found;
    const token = starts.get(found.index + whole.length - digits.length);
    if (token?.text.trim() !== digits) continue;
    let [sum, total] = [0, 0];
    for (const { text: other, logProb } of token.alternatives) {
      if (!/^\s*\d{1,2}$/.test(other) || Number(other) > FULL_SCALE) continue;
      sum += Math.exp(logProb) * Number(other);
      total += Math.exp(logProb);
    }
    if (total > 0) values.set(Number(index), sum / total);
  }
  return values;
}

/** Reading what assistants write: JSON wherever it stands; what is missing is a failure and never a number. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type AnswerToken, type AssistantAnswer, AssistantError } from "../../../engine/explain/assistant.ts";
import { jsonInText } from "../../../engine/explain/json_in_text.ts";
import { readExplanation, readNumbers } from "../../../engine/explain/read_answers.ts";

function answerOf(text: string, tokens: readonly AnswerToken[] | null = null): AssistantAnswer {
  return { text, tokens, usage: null };
}

function isUnreadable(error: unknown): boolean {
  return error instanceof AssistantError && error.kind === "unreadable";
}

Deno.test("jsonInText() finds JSON alone, in prose, in code fences, with braces in strings", () => {
  for (
    const [text, expected] of [
      ['{"a": 1}', { a: 1 }],
      ['Sure! Here it is: {"a": "}{"} Hope it helps.', { a: "}{" }],
      ["```json\n[1, 2]\n```\nDone", [1, 2]],
      ['```\nnot json\n```\n{"b": {"c": "\\""}}', { b: { c: '"' } }],
      ['The set {x} is [not] this: {"d": 2}', { d: 2 }],
    ] as const
  ) assert.deepEqual(jsonInText(text), expected, text);
  for (const text of ["", "no", "{", '{"a": ', "[[[[", "<html>{</html>", "5"]) {
    assert.equal(jsonInText(text), undefined, text);
  }
  fc.assert(fc.property(fc.jsonValue(), fc.string(), (value, prose) => {
    if (typeof value !== "object" || value === null || /[`{[\]}"]/.test(prose)) return;
    assert.deepEqual(jsonInText(`${prose} ${JSON.stringify(value)} ${prose}`), JSON.parse(JSON.stringify(value)));
  }));
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom("{", "[", '"', "}", "]", "\\", "`", "a", "\n") }), (text) => {
    jsonInText(text);
  }));
});

Deno.test("readExplanation() takes JSON or a plain sentence, cuts what is long, refuses the rest", () => {
  assert.equal(readExplanation(answerOf('{"explanation": " boats\\n and sails "}')), "boats and sails");
  assert.equal(readExplanation(answerOf("boats and sails")), "boats and sails");
  assert.equal(readExplanation(answerOf(JSON.stringify({ explanation: "x".repeat(9999) }))).length, 1000);
  for (
    const text of ['{"other": "x"}', '{"explanation": 5}', '{"explanation": ""}', '{"expl', "<html><body>502", "  "]
  ) {
    assert.throws(() => readExplanation(answerOf(text)), isUnreadable, text);
  }
});

Deno.test("readNumbers() wants every number, in range", () => {
  const read = (text: string) => readNumbers(answerOf(text), { count: 3, maximum: 10 });
  assert.deepEqual(read('{"0": 1, "1": 0, "2": 10}'), [1, 0, 10]);
  assert.deepEqual(read('Here: {"values": {"0": "1", "1": 2.5, "2": 3, "3": 9}}'), [1, 2.5, 3]);
  for (
    const text of [
      '{"0": 1, "1": 0}',
      '{"0": 1, "1": 0, "2": 11}',
      '{"0": 1, "1": null, "2": 1}',
      '{"0": -1, "1": 0, "2": 1}',
      "1, 2, 3",
      '{"0": 1, "1": "a", "2": 1}',
      "[]",
      "I cannot do that",
    ]
  ) assert.throws(() => read(text), isUnreadable, text);
});

Deno.test("with log-probabilities, a number is the mean of what might have stood there", () => {
  const text = '{"0": 3, "1": 10, "2": 0}';
  const plain = (token: string): AnswerToken => ({ text: token, alternatives: [{ text: token, logProb: 0 }] });
  const tokens: AnswerToken[] = [
    ...['{"', "0", '":'].map(plain),
    // 3 with 0.6, 5 with 0.2, and a fifth that is no number: (3·0.6 + 5·0.2) / 0.8 = 3.5.
    {
      text: " 3",
      alternatives: [["3", 0.6], [" 5", 0.2], ["x", 0.2], ["11", 0.1]].map(([other, p]) => ({
        text: String(other),
        logProb: Math.log(Number(p)),
      })),
    },
    ...[', "', "1", '":', " "].map(plain),
    // Two tokens for one number: taken as it stands.
    ...["1", "0", ', "', "2", '": '].map(plain),
    { text: "0", alternatives: [{ text: "0", logProb: Math.log(0.5) }, { text: "10", logProb: Math.log(0.5) }] },
    plain("}"),
  ];
  assert.equal(tokens.map((token) => token.text).join(""), text);
  const [first = NaN, second, third] = readNumbers(answerOf(text, tokens), { count: 3, maximum: 10, isExpected: true });
  assert.ok(Math.abs(first - 3.5) < 1e-12);
  assert.deepEqual([second, third], [10, 5]);
  assert.deepEqual(readNumbers(answerOf(text, tokens), { count: 3, maximum: 10 }), [3, 10, 0]);
});

/** What is asked and what is scored: training texts are told, negatives among them; held-out texts are scored; each version has its wording. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Asking, assistantScorer, explainAssisted } from "../../../engine/explain/assisted.ts";
import type { AssistantRequest } from "../../../engine/explain/assistant.ts";
import { judgedItems, JUDGEMENT_KINDS } from "../../../engine/explain/judged_items.ts";
import {
  explainRequest,
  judgeRequest,
  PROMPT_VERSION,
  promptText,
  simulateRequest,
} from "../../../engine/explain/prompts.ts";
import { scoreExplanation, type Scorer } from "../../../engine/explain/score.ts";
import type { PlaceKind } from "../../../engine/explain/texts.ts";
import { splitsIn, toldEvidence } from "../../support/told_evidence.ts";

const KINDS: readonly PlaceKind[] = ["tokens", "pairs"];

/** The wording of each version over one evidence. A new wording needs a new version: what is stored says by which it was made. */
const WORDINGS: Readonly<Record<string, string>> = {
  "prompts-2": "a28bb1572f539fea52bee65eb7e6bd26225241523c5a0632fd2b2a62d6eb8f6f",
};

/** The last message: what is asked, without the worked examples. */
function asked({ messages }: AssistantRequest): string {
  return messages.at(-1)?.content ?? "";
}

/** Answers in the form that is asked for, and keeps what it was asked. */
function listener(): Asking & { readonly requests: AssistantRequest[] } {
  const requests: AssistantRequest[] = [];
  return {
    requests,
    answer: (request, read) => {
      requests.push(request);
      const names = Object.keys((request.schema as { readonly properties: object }).properties);
      const values = names.map((name) => [name, name === "explanation" ? `sentence ${request.candidate}` : 0]);
      return Promise.try(() => read({ text: JSON.stringify(Object.fromEntries(values)), tokens: null, usage: null }));
    },
  };
}

for (const kind of KINDS) {
  const title = kind === "tokens" ? "a neuron" : "a head";

  Deno.test(`an explanation of ${title} is asked for with training texts only, strong and quiet ones`, () => {
    const question = asked(explainRequest(toldEvidence(kind), 0));
    assert.deepEqual(splitsIn(question), ["train"]);
    assert.match(
      question,
      kind === "tokens" ? /^Strong: "train strong 0 the train0 end"$/m : /^Text: "train strong 0/m,
    );
    const quiet = [...question.matchAll(/^Quiet: "(.*)"$/gm)].map(([, text = ""]) => text);
    assert.deepEqual(quiet, [0, 1, 2, 3, 4].map((number) => `train quiet ${number} the train${number} end`));
  });

  Deno.test(`candidates for ${title} are judged by validation texts, and what is chosen is scored on the others`, async () => {
    const choosing = listener();
    await explainAssisted(choosing, toldEvidence(kind), 2);
    const judging = choosing.requests.filter(({ schema }) => !JSON.stringify(schema).includes("explanation"));
    assert.ok(judging.length > 0);
    for (const request of judging) assert.deepEqual(splitsIn(asked(request)), ["validation"]);
    const scoring = listener();
    const score = await scoreExplanation("sentence", toldEvidence(kind), {
      scorer: assistantScorer(scoring),
      limits: { top: 5, random: 5 },
    });
    const sent = scoring.requests.map((request) => splitsIn(asked(request)));
    assert.deepEqual(
      new Set(sent.flat()),
      new Set(kind === "tokens" ? ["calibration", "test"] : ["test"]),
      "never what it was made from or chosen by",
    );
    assert.ok(sent.every(({ length }) => length === 1));
    const words = scoring.requests.map(asked).join("\n");
    assert.ok(words.includes(" strong") && words.includes(" quiet"), "strong and random text");
    assert.equal(score.judgements.length, kind === "tokens" ? 2 : 1);
  });

  Deno.test(`a score of ${title} is what a scorer predicts of the test texts: one that knows only those of training scores nothing`, async () => {
    const evidence = toldEvidence(kind);
    const knowing = (split: "train" | "test"): Scorer => ({
      canSimulate: () => true,
      simulate: (_, texts) =>
        Promise.resolve(texts.map(({ tokens, values }) => values.map((value) => tokens[0] === split ? value : 0))),
      judge: (_, _kind, items) =>
        Promise.resolve(items.map(({ tokens, isActive }) => tokens[0] === split && isActive ? 1 : 0)),
    });
    const limits = { top: 5, random: 5 };
    const held = await scoreExplanation("x", evidence, { scorer: knowing("test"), limits });
    assert.equal(held.simulation?.byCalibration.none.correlation.value.toFixed(9), "1.000000000");
    assert.ok(held.judgements.every(({ area }) => area.value === 1));
    const learnt = await scoreExplanation("x", evidence, { scorer: knowing("train"), limits });
    assert.equal(learnt.simulation?.byCalibration.none.correlation.value, 0);
    assert.ok(learnt.judgements.every(({ area }) => area.value === 0.5));
    assert.equal(held.simulation?.sequences, 10, "five strong and five random ones");
  });
}

Deno.test("a head's texts are told with pairs that it moves nothing between, from the same token and at the same one", () => {
  const question = asked(explainRequest(toldEvidence("pairs"), 0));
  const lines = question.split("\n");
  const starts = lines.flatMap((line, i) => line.startsWith("Text:") ? [i] : []);
  assert.equal(starts.length, 5);
  for (const [number, start] of starts.entries()) {
    const strongest = `from " train${number}" (token 4) at " strong" (token 1) `;
    assert.ok(lines[start + 1]?.trim().startsWith(strongest), lines[start + 1]);
    const nothing = lines[start + 2] ?? "";
    assert.match(nothing, /^ {2}nothing from /);
    const pairs = [...nothing.matchAll(/\(token (\d)\) at "[^"]*" \(token (\d)\)/g)].map((
      [, q, k],
    ) => [Number(q), Number(k)]);
    assert.equal(pairs.filter(([query]) => query === 4).length, 2, nothing);
    assert.equal(pairs.filter(([, key]) => key === 1).length, 2, nothing);
    assert.ok(!pairs.some(([query, key]) => query === 4 && key === 1), "not what it does move");
  }
  assert.ok(!asked(explainRequest(toldEvidence("tokens"), 0)).includes("nothing from"));
});

Deno.test("a text of which a head moves something everywhere has no such pairs, and what is not quiet is not told as quiet", () => {
  const { splits, ...about } = toldEvidence("pairs");
  const train = splits.train.map((text) => ({
    ...text,
    values: text.values.map((value) => Math.max(value, 3)),
    max: Math.max(text.max, 3),
  }));
  const question = asked(explainRequest({ ...about, splits: { ...splits, train } }, 0));
  assert.ok(!/nothing|Quiet/.test(question), question);
});

Deno.test("the version of the prompts changes with their wording", () => {
  const [neuron, head] = [toldEvidence("tokens"), toldEvidence("pairs")];
  const [text] = neuron.splits.test;
  assert.ok(text !== undefined);
  const requests = [
    explainRequest(neuron, 0),
    explainRequest(head, 0),
    simulateRequest("a sentence", text),
    ...JUDGEMENT_KINDS.map((kind) =>
      judgeRequest("a sentence", kind, judgedItems(kind, kind === "pairs" ? head : neuron))
    ),
  ];
  const digest = createHash("sha256").update(requests.map(promptText).join("\0")).digest("hex");
  assert.equal(
    digest,
    WORDINGS[PROMPT_VERSION],
    `The prompts are not those of ${PROMPT_VERSION}: give them a new version, with this digest`,
  );
});

/** Explaining and scoring with an assistant: several candidates are asked for, and the one that judges the validation texts best is kept. */
import type { MeteredAssistant } from "./metered_assistant.ts";
import { judgedItems, type JudgementKind, judgementKinds } from "./judged_items.ts";
import { areaUnderRoc } from "./judgement_scores.ts";
import { explainRequest, judgeRequest, simulateRequest } from "./prompts.ts";
import { readExplanation, readNumbers } from "./read_answers.ts";
import { limited, type Scorer, type TextLimits } from "./score.ts";
import type { Evidence } from "./texts.ts";

/** Items of one judgement call. */
const JUDGED_TOGETHER = 20;

/** Texts of each split that are sent: an assistant costs more than records do. */
export const ASSISTANT_LIMITS: TextLimits = { top: 5, random: 5 };

/** Whoever answers calls. */
export type Asking = Pick<MeteredAssistant, "answer">;

/** The best of some candidates. @throws {AssistantError} if there is none */
export async function explainAssisted(assistant: Asking, evidence: Evidence, candidates: number): Promise<string> {
  const found = new Set<string>();
  for (let candidate = 0; candidate < candidates; candidate++) {
    found.add(await assistant.answer(explainRequest(evidence, candidate), readExplanation));
  }
  const texts = [...found];
  const [first = ""] = texts;
  const kind = validationKind(evidence);
  const validation = limited(evidence.splits.validation, ASSISTANT_LIMITS);
  const items = judgedItems(kind, { kind: evidence.kind, splits: { ...evidence.splits, test: validation } });
  const active = items.filter(({ isActive }) => isActive).length;
  // With one text, or nothing to tell apart, there is nothing to choose by.
  if (texts.length < 2 || active === 0 || active === items.length) return first;
  const scorer = assistantScorer(assistant);
  let best = { text: first, area: -1 };
  for (const text of texts) {
    const likelihoods = await scorer.judge(text, kind, items);
    const area = areaUnderRoc(items.map(({ isActive }, i) => ({ isActive, likelihood: likelihoods[i] ?? NaN })));
    if (area !== null && area > best.area) best = { text, area };
  }
  return best.text;
}

function validationKind({ kind }: Evidence): JudgementKind {
  const [first = "detection"] = judgementKinds(kind).toReversed();
  return first;
}

/** Scores whatever sentence by an assistant. */
export function assistantScorer(assistant: Asking): Scorer {
  return {
    canSimulate: (places) => places === "tokens",
    simulate: (explanation, texts) =>
      allOrNone(texts.map((text) =>
        assistant.answer(
          simulateRequest(explanation, text),
          (answer) => readNumbers(answer, { count: text.tokens.length, maximum: 10, isExpected: true }),
        )
      )),
    judge: async (explanation, kind, items) => {
      const batches = Array.from(
        { length: Math.ceil(items.length / JUDGED_TOGETHER) },
        (_, i) => items.slice(i * JUDGED_TOGETHER, (i + 1) * JUDGED_TOGETHER),
      );
      const judged = await allOrNone(batches.map((batch) =>
        assistant.answer(
          judgeRequest(explanation, kind, batch),
          (answer) => readNumbers(answer, { count: batch.length, maximum: 100 }),
        )
      ));
      return judged.flat();
    },
  };
}

/** Waits for all, also if one fails: what was answered is then kept and counted. */
async function allOrNone<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  const settled = await Promise.allSettled(work);
  const failed = settled.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return settled.flatMap((outcome) => outcome.status === "fulfilled" ? [outcome.value] : []);
}

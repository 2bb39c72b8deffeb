/** What explaining with an assistant would send, counted before anything is sent. */
import { type Asking, ASSISTANT_LIMITS, assistantScorer, explainAssisted } from "./assisted.ts";
import type { AssistantAnswer, AssistantRequest, AssistantUsage } from "./assistant.ts";
import { expectedUsage } from "./metered_assistant.ts";
import { promptText } from "./prompts.ts";
import { scoreExplanation } from "./score.ts";
import type { Evidence } from "./texts.ts";

export interface Plan extends AssistantUsage {
  /** Calls at the most: what was asked before is not asked again. */
  readonly calls: number;
  /** The first call, word for word; the others send texts of the same records. */
  readonly first: string;
}

/** A sentence of usual length stands for those that are not known yet. */
const SENTENCE = "x".repeat(160);

/** Makes the calls of an explanation, its score and the score of its control to nobody, and counts them. Tokens are an upper guess. */
export async function planOf(evidence: Evidence, candidates: number): Promise<Plan> {
  const nobody = new CountingAsker();
  await explainAssisted(nobody, evidence, candidates);
  // The control is another component's explanation, made from one candidate.
  await explainAssisted(nobody, evidence, 1);
  const scored = { scorer: assistantScorer(nobody), limits: ASSISTANT_LIMITS };
  await scoreExplanation(SENTENCE, evidence, scored);
  await scoreExplanation(SENTENCE, evidence, scored);
  return nobody.plan;
}

/** Answers in the form that is asked for, whatever is asked. */
class CountingAsker implements Asking {
  plan: Plan = { calls: 0, promptTokens: 0, completionTokens: 0, first: "" };

  answer<T>(request: AssistantRequest, read: (answer: AssistantAnswer) => T): Promise<T> {
    const { promptTokens, completionTokens } = expectedUsage(request);
    this.plan = {
      calls: this.plan.calls + 1,
      promptTokens: this.plan.promptTokens + promptTokens,
      completionTokens: this.plan.completionTokens + completionTokens,
      first: this.plan.calls === 0 ? promptText(request) : this.plan.first,
    };
    const { properties } = request.schema as { readonly properties: Readonly<Record<string, unknown>> };
    // Candidates differ, so that all of them are judged.
    const answer = Object.keys(properties).map((name): [string, unknown] => [
      name,
      name === "explanation" ? `${request.candidate} ${SENTENCE}` : 0,
    ]);
    return Promise.try(() => read({ text: JSON.stringify(Object.fromEntries(answer)), tokens: null, usage: null }));
  }
}

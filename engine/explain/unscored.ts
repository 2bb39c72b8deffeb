/** What is said of a sentence that cannot be scored without an assistant. */
import type { StoredScore } from "./explanation.ts";
import { isScorable } from "./statistical_scorer.ts";
import type { PlaceKind } from "./texts.ts";

/** Why a sentence cannot be scored by its rules; null if it can. */
export function ruleProblem(text: string, places: PlaceKind): string | null {
  if (isScorable(text, places)) return null;
  const example = places === "pairs"
    ? "Looks at the token before (9); from “ to” at “ Mary” (4)"
    : "Fires on “ capital” (9), “ city” (4); after “ of” (3)";
  return `Without an assistant, only sentences of rules can be scored here, as in: ${example}`;
}

/** A score that is none. */
export function unscored(problem: string): StoredScore {
  return {
    scorer: "statistical",
    version: null,
    assistant: null,
    state: "failed",
    problem,
    textSet: null,
    headline: null,
    score: null,
    published: null,
    control: null,
    createdAt: new Date().toISOString(),
    ms: null,
    spent: null,
  };
}

/** Scores explanations that are sentences of rules: they say themselves what to expect. */
import { ValidationError } from "../errors.ts";
import { indexOfPlace } from "./judged_items.ts";
import { type Predicate, predicted } from "./rules.ts";
import { parsePredicate } from "./rule_text.ts";
import type { Scorer } from "./score.ts";
import type { PlaceKind } from "./texts.ts";

/** Changes with what it predicts. */
export const STATISTICAL_SCORER_VERSION = "statistical-scorer-1";

export const STATISTICAL_SCORER: Scorer = {
  canSimulate: () => true,
  simulate: (explanation, texts) =>
    Promise.try(() => {
      const predicate = requirePredicate(explanation);
      return texts.map(({ tokens }) => predicted(predicate, tokens));
    }),
  judge: (explanation, _kind, items) =>
    Promise.try(() => {
      const predicate = requirePredicate(explanation);
      return items.map(({ tokens, place }) => {
        const values = predicted(predicate, tokens);
        return place === null ? Math.max(0, ...values) : values[indexOfPlace(place)] ?? 0;
      });
    }),
};

/** Whether a sentence can be scored without an assistant, for a component with places of this kind. */
export function isScorable(explanation: string, places: PlaceKind): boolean {
  return parsePredicate(explanation)?.places === places;
}

/** @throws {ValidationError} that says what would be right */
function requirePredicate(explanation: string): Predicate {
  const predicate = parsePredicate(explanation);
  if (predicate !== null) return predicate;
  throw new ValidationError([{
    path: "text",
    message:
      "Without an assistant, only sentences of rules can be scored, as in: Fires on “ capital” (9), “ city” (4); after “ of” (3)",
  }]);
}

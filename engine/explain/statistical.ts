/**
 * The statistical explainer: it needs no key and no network. It tries a few vocabularies of rules and lengths, keeps what predicts the
 * validation texts best, and learns that once more from training and validation texts together.
 */
import { Turns } from "../corpus/turns.ts";
import { type Predicate, predicted, type RuleKind } from "./rules.ts";
import { formatPredicate } from "./rule_text.ts";
import { RuleLearner } from "./learn_rules.ts";
import { correlation } from "./simulation_scores.ts";
import type { Evidence, ExplainedText, PlaceKind } from "./texts.ts";

/** Changes with what it finds: stored explanations say which version made them. */
export const STATISTICAL_VERSION = "statistical-1";

/** Vocabularies that are tried; of two that predict alike, the first. */
const VOCABULARIES: Readonly<Record<PlaceKind, readonly (readonly RuleKind[])[]>> = {
  tokens: [
    ["token"],
    ["after"],
    ["token", "token-after"],
    ["near"],
    ["position", "seen-before", "after-seen-before", "repeat-goes-on"],
    ["token", "after", "position", "seen-before", "after-seen-before", "repeat-goes-on"],
    ["token", "after", "token-after", "near", "position", "seen-before", "after-seen-before", "repeat-goes-on"],
  ],
  pairs: [
    ["key"],
    ["query"],
    ["previous", "self", "first", "same-token", "after-same-token"],
    ["key", "query", "query-key"],
    ["key", "query", "query-key", "previous", "self", "first", "same-token", "after-same-token"],
  ],
};

const LENGTHS = [1, 2, 4, 8];

export interface StatisticalExplanation {
  /** The predicate as a sentence; `parsePredicate` reads it back. */
  readonly text: string;
  readonly predicate: Predicate;
}

/** What a component's records say; null if no rule tells where it fires. Gives way to others in between. */
export async function explainStatistically(
  { kind, splits, largest }: Evidence,
  turns: Turns = new Turns(),
): Promise<StatisticalExplanation | null> {
  if (largest <= 0) return null;
  const about = { places: kind, largest, turns };
  const learner = await RuleLearner.of(splits.train, about);
  let best: { readonly vocabulary: readonly RuleKind[]; readonly length: number; readonly score: number } | null = null;
  for (const vocabulary of VOCABULARIES[kind]) {
    const { rules } = await learner.learn(new Set(vocabulary), turns);
    for (const length of LENGTHS.filter((length) => length === 1 || length / 2 < rules.length)) {
      await turns.rest();
      const score = correlationOn(splits.validation, { places: kind, rules: rules.slice(0, length) });
      if (score > (best?.score ?? 0)) best = { vocabulary, length, score };
    }
  }
  if (best === null) return null;
  const all = await RuleLearner.of([...splits.train, ...splits.validation], about);
  const { rules } = await all.learn(new Set(best.vocabulary), turns);
  const predicate = { places: kind, rules: rules.slice(0, best.length) };
  return predicate.rules.length === 0 ? null : { text: formatPredicate(predicate), predicate };
}

function correlationOn(texts: readonly ExplainedText[], predicate: Predicate): number {
  const sequences = texts.map(({ tokens, values }) => ({ truth: values, simulated: predicted(predicate, tokens) }));
  return correlation(sequences) ?? 0;
}

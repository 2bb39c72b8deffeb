/** The scores of heads in plain words. */
import type { HeadScores } from "../../engine/mod.ts";

export interface ScoreText {
  readonly name: string;
  /** One line: what it measures. */
  readonly meaning: string;
  /** What a full bar stands for: shares end at 1. */
  readonly full: number;
  readonly unit: "" | "nats";
}

/** Entropies have no end of their own. */
const FULL_ENTROPY = 5;

/** In the order in which they are shown. */
export const SCORE_TEXTS: Readonly<Record<keyof HeadScores, ScoreText>> = {
  induction: share(
    "Induction",
    "On a random sequence given twice: attention to the token that came after this one the first time.",
  ),
  duplicateToken: share(
    "Duplicate token",
    "On the same sequence: attention to where this token stood the first time.",
  ),
  previousToken: share("Previous token", "Attention to the token just before."),
  self: share("Self", "Attention of a token to itself."),
  firstToken: share("First token", "Attention to the first token, where heads look that have nothing to do."),
  entropy: {
    name: "Entropy",
    meaning: "How widely attention is spread, on average; 0 is all of it on one token.",
    full: FULL_ENTROPY,
    unit: "nats",
  },
  copying: share(
    "Copying",
    "Share of tokens that are among the ten that the head promotes most when it reads them.",
  ),
};

/** The names of the scores, in their order. */
export function scoreNames(): readonly (keyof HeadScores)[] {
  return Object.keys(SCORE_TEXTS) as (keyof HeadScores)[];
}

function share(name: string, meaning: string): ScoreText {
  return { name, meaning, full: 1, unit: "" };
}

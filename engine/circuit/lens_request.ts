/**
 * A question for the logit lens (nostalgebraist, 2020): the residual stream in front of the first layer and after each one, read out
 * through the final norm and the unembedding as if it were the last, at a window of tokens.
 */
import { z } from "zod";
import { ValidationError } from "../errors.ts";
import type { Token } from "../model/summary.ts";
import type { SideLabel } from "./run_result.ts";
import { runSpecSchema } from "./run_spec.ts";

/** Most tokens of one answer. */
export const MAX_LENS_TOKENS = 32;

const COUNT_RANGE = `Expected a whole number in 1..${MAX_LENS_TOKENS}`;

export const lensRequestSchema = runSpecSchema.omit({ trace: true, topK: true }).extend({
  side: z.int().min(0).max(3).default(0).meta({ description: "Which side of the question, counted from 0" }),
  from: z.int().min(0).nullable().default(null).meta({
    description: "First token of the window; default: such that the window ends where the objective is read",
  }),
  count: z.int({ error: COUNT_RANGE }).min(1, COUNT_RANGE).max(MAX_LENS_TOKENS, COUNT_RANGE).default(16).meta({
    description: "Tokens of the window; fewer are answered where the prompt has fewer",
  }),
});

export type LensRequest = z.input<typeof lensRequestSchema>;

/** What one layer would predict after one token. */
export interface LensCell {
  /** The likeliest next token. */
  readonly top: Token;
  /** Natural logarithm of its probability. */
  readonly topLogProb: number;
  /** The same of the target. */
  readonly targetLogProb: number;
  /** The target's rank: 1 for the likeliest. */
  readonly targetRank: number;
}

export interface LensResult {
  readonly side: SideLabel;
  /** All tokens of the side. */
  readonly tokens: readonly Token[];
  /** The token whose probability and rank are told: the first target of the side. */
  readonly target: Token;
  /** Index of the first token of the window. */
  readonly from: number;
  /** `rows[0]`: the embeddings; `rows[l + 1]`: after layer l. Each has one cell a token of the window. */
  readonly rows: readonly (readonly LensCell[])[];
}

/**
 * The tokens that are answered for. @param asked `from` null: the window ends where the objective is read.
 *
 * @throws {ValidationError} if the first token is outside the prompt.
 */
export function lensWindow(
  { from, count }: { readonly from: number | null; readonly count: number },
  { tokenCount, position }: { readonly tokenCount: number; readonly position: number },
): { readonly from: number; readonly count: number } {
  if (from === null) {
    const first = Math.max(0, position - count + 1);
    return { from: first, count: position - first + 1 };
  }
  if (from >= tokenCount) {
    throw new ValidationError([{ path: "from", message: `There is no token ${from}: expected 0..${tokenCount - 1}` }]);
  }
  return { from, count: Math.min(count, tokenCount - from) };
}

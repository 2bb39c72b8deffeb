/** What a node promotes in the vocabulary, and what drives it: the lists behind `POST /api/v1/scored-tokens`. */
import { z } from "zod";
import type { Token } from "../model/summary.ts";
import { runSpecSchema } from "./run_spec.ts";

/** Longest list of scored tokens. */
export const MAX_SCORED_TOKENS = 200;

export const scoredTokensRequestSchema = runSpecSchema.omit({ trace: true, topK: true }).extend({
  prompts: runSpecSchema.shape.prompts.max(1, "Expected exactly one prompt"),
  node: z.string().max(100).meta({ description: "The node whose tokens are asked for" }),
  top: z.int().min(1).max(MAX_SCORED_TOKENS).default(10).meta({ description: "Tokens listed at either end" }),
});

export type ScoredTokensRequest = z.input<typeof scoredTokensRequestSchema>;

export interface ScoredToken extends Token {
  readonly score: number;
  /** The score over the largest of the list, by size. */
  readonly normalized: number;
}

/** Both ends of a list of scores. */
export interface ScoredList {
  readonly top: readonly ScoredToken[];
  readonly bottom: readonly ScoredToken[];
}

export interface ScoredTokens {
  readonly node: string;
  /** What the node's write raises and lowers. */
  readonly write: ScoredList;
  /** Which tokens, at the token that is read, would raise the node and lower it: by the way in, null where there is one. */
  readonly reads: readonly ({ readonly path: "q" | "k" | null } & ScoredList)[];
  /** The pre-activation of a neuron, or of a latent of the MLP, on each token by itself; null for other nodes. */
  readonly alone: ScoredList | null;
}

/** The ends of a vocabulary's scores. */
export function scoredList(scores: ArrayLike<number>, count: number, token: (id: number) => Token): ScoredList {
  const ids = Array.from(scores, (_, id) => id);
  const rising = ids.sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0) || a - b);
  const ends = [rising.slice(-count).reverse(), rising.slice(0, count)];
  const largest = Math.max(...ends.map(([first]) => Math.abs(scores[first ?? -1] ?? 0)));
  const [top = [], bottom = []] = ends.map((end) =>
    end.map((id): ScoredToken => {
      const score = scores[id] ?? NaN;
      return { ...token(id), score, normalized: largest === 0 ? 0 : score / largest };
    })
  );
  return { top, bottom };
}

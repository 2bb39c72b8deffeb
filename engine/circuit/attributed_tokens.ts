/** Where an attention latent's value comes from, token by token: the question behind `POST /api/v1/attributed-tokens`. */
import { z } from "zod";
import { ValidationError } from "../errors.ts";
import type { DictionaryDetail } from "../model/dictionary.ts";
import type { Token } from "../model/summary.ts";
import { resolveWriter } from "./edge_rows.ts";
import { dictionaryOf, type NodeSpace } from "./node_range.ts";
import type { LatentRef } from "./refs.ts";
import { runSpecSchema } from "./run_spec.ts";

export const attributedTokensRequestSchema = runSpecSchema.omit({ trace: true, topK: true }).extend({
  prompts: runSpecSchema.shape.prompts.max(1, "Expected exactly one prompt"),
  node: z.string().max(100).meta({ description: "The attention latent, as in attn-latent/1/44@7" }),
});

export type AttributedTokensRequest = z.input<typeof attributedTokensRequestSchema>;

export interface AttributedTokens {
  readonly node: string;
  /** The latent before it is changed. Where it is 0, so is every attribution. */
  readonly activation: number;
  /** The prompt's tokens up to the latent's. */
  readonly tokens: readonly Token[];
  /** What all heads bring from each of these tokens, along the latent's encoder. */
  readonly values: readonly number[];
}

/** The latent of a ref. @throws {ValidationError} if it names none whose value heads bring */
export function resolveAttentionLatent(ref: string, space: NodeSpace, tokenCount: number): LatentRef {
  const found = resolveWriter({ ref, path: null }, space, tokenCount);
  if (found.kind !== "attn-latent") {
    throw new ValidationError([{
      path: "node",
      message: `"${ref}" has no source tokens: expected a latent of the attention, as in attn-latent/1/44@7`,
    }]);
  }
  const detail = dictionaryOf(space.dictionaries, found.kind, found.layer)?.detail;
  if (detail === undefined || !readsHeads(detail)) {
    throw new ValidationError([{
      path: "node",
      message: `The dictionary of "${ref}" reads ${detail?.readHook}: expected one that reads what heads write`,
    }]);
  }
  return found;
}

/** Whether a dictionary reads the sum of what heads write, so that each token has its share in a latent. */
export function readsHeads({ readHook }: Pick<DictionaryDetail, "readHook">): boolean {
  return readHook.endsWith(".hook_attn_out");
}

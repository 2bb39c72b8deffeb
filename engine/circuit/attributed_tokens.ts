/** Where an attention latent's value comes from, token by token: the question behind `POST /api/v1/attributed-tokens`. */
import { z } from "zod";
import { type FieldIssue, ValidationError } from "../errors.ts";
import type { DictionaryDetail } from "../model/dictionary.ts";
import type { Token } from "../model/summary.ts";
import { resolveWriter } from "./edge_rows.ts";
import { dictionaryOf, type NodeSpace } from "./node_range.ts";
import type { LatentRef } from "./refs.ts";
import { runSpecSchema } from "./run_spec.ts";

/** Most latents of one question. */
export const MAX_ATTRIBUTED = 200;

export const attributedTokensRequestSchema = runSpecSchema.omit({ trace: true, topK: true }).extend({
  prompts: runSpecSchema.shape.prompts.max(1, "Expected exactly one prompt"),
  nodes: z.array(z.string().max(100)).min(1, "Expected at least one attention latent").max(MAX_ATTRIBUTED).meta({
    description: "Attention latents, as in attn-latent/1/44@7",
  }),
});

export type AttributedTokensRequest = z.input<typeof attributedTokensRequestSchema>;

/** What all heads bring to one latent. */
export interface AttributedLatent {
  readonly node: string;
  /** The latent before it is changed. Where it is 0, so is every value. */
  readonly activation: number;
  /** By token, up to the latent's: what is brought from there, along the latent's encoder. */
  readonly values: readonly number[];
}

export interface AttributedTokens {
  /** All tokens of the prompt. */
  readonly tokens: readonly Token[];
  /** In the order of the request. */
  readonly latents: readonly AttributedLatent[];
}

/** The latents of refs. @throws {ValidationError} if one names none whose value heads bring */
export function resolveAttentionLatents(
  refs: readonly string[],
  space: NodeSpace,
  tokenCount: number,
): readonly LatentRef[] {
  const issues: FieldIssue[] = [];
  const latents = refs.flatMap((ref, index) => {
    const path = `nodes.${index}`;
    try {
      const found = resolveWriter({ ref, path: null }, space, tokenCount);
      if (found.kind === "attn-latent") {
        const detail = dictionaryOf(space.dictionaries, found.kind, found.layer)?.detail;
        if (detail !== undefined && readsHeads(detail)) return [found];
        const message =
          `The dictionary of "${ref}" reads ${detail?.readHook}: expected one that reads what heads write`;
        issues.push({ path, message });
      } else {
        const message = `"${ref}" has no source tokens: expected a latent of the attention, as in attn-latent/1/44@7`;
        issues.push({ path, message });
      }
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      issues.push(...error.issues.map(({ message }) => ({ path, message })));
    }
    return [];
  });
  if (issues.length > 0) throw new ValidationError(issues);
  return latents;
}

/** Whether a dictionary reads the sum of what heads write, so that each token has its share in a latent. */
export function readsHeads({ readHook }: Pick<DictionaryDetail, "readHook">): boolean {
  return readHook.endsWith(".hook_attn_out");
}

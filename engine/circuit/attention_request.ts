/** A question for one head's token pairs: its attention, or what each pair writes and adds to the objective. */
import { z } from "zod";
import { ValidationError } from "../errors.ts";
import type { Architecture } from "../model/architecture.ts";
import type { Token } from "../model/summary.ts";
import { type Metric, METRICS } from "./metrics.ts";
import { parseHeadRef } from "./refs.ts";
import type { SideLabel } from "./run_result.ts";
import { runSpecSchema } from "./run_spec.ts";

export const attentionRequestSchema = runSpecSchema.omit({ topK: true }).extend({
  head: z.string().max(100).meta({ description: "The head, as in head/3/1" }),
  metric: z.enum(METRICS, { error: `Expected one of ${METRICS.join(", ")}` }).default("activation").meta({
    description: "activation is the attention probability",
  }),
  side: z.int().min(0).max(3).default(0).meta({ description: "Which side of the question, counted from 0" }),
});

export type AttentionRequest = z.input<typeof attentionRequestSchema>;

export interface AttentionResult {
  readonly head: string;
  readonly metric: Metric;
  readonly side: SideLabel;
  /** All tokens of the side. */
  readonly tokens: readonly Token[];
  /** `values[query][key]`, for keys up to the query. */
  readonly values: readonly (readonly number[])[];
}

/** The head of a ref. @throws {ValidationError} if the model has none such */
export function resolveHead(
  text: string,
  { layerCount, headCount }: Architecture,
): { readonly layer: number; readonly head: number } {
  const found = parseHeadRef(text);
  if (found !== null && found.layer < layerCount && found.head < headCount) return found;
  throw new ValidationError([{
    path: "head",
    message: `There is no head "${text}": expected head/LAYER/HEAD with layer 0..${layerCount - 1} and head 0..${
      headCount - 1
    }`,
  }]);
}

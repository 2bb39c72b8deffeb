/** A question for one head's token pairs: its attention, or what each pair writes and adds to the objective. */
import { z } from "zod";
import type { Token } from "../model/summary.ts";
import { type Metric, METRICS } from "./node_scalars.ts";
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

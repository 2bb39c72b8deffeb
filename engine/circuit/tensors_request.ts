/** A question for whole tensors (`spec/api.md`, "Tensors"). */
import { z } from "zod";
import { runSpecSchema } from "./run_spec.ts";

/** Largest number of tensors of one request. */
export const MAX_TENSORS = 512;

export const tensorsRequestSchema = runSpecSchema.omit({ topK: true }).extend({
  prompts: runSpecSchema.shape.prompts.max(1, "Expected exactly one prompt"),
  tensors: z.array(z.string().max(200)).min(1, "Expected at least one tensor name").max(MAX_TENSORS),
});

export type TensorsRequest = z.input<typeof tensorsRequestSchema>;

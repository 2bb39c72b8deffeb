/** A question for edges: what a node gets from each writer before it, or gives to each reader after it. */
import { z } from "zod";
import type { EdgeKind } from "./edges_graph.ts";
import { runSpecSchema } from "./run_spec.ts";
import { HEAD_PATHS } from "./trace.ts";

export const edgesRequestSchema = runSpecSchema.omit({ trace: true }).extend({
  prompts: runSpecSchema.shape.prompts.max(1, "Expected exactly one prompt"),
  node: z.string().max(100).meta({ description: "The node whose edges are asked for" }),
  direction: z.enum(["upstream", "downstream"], { error: "Expected upstream or downstream" }),
  path: z.enum(HEAD_PATHS).exclude(["qk"]).nullable().default(null).meta({
    description: "Upstream of a head: the way into it, q, k or v",
  }),
  freezeNorm: z.boolean().default(true).meta({
    description: "Hold the scale of the norm in front of a reader constant",
  }),
});

export type EdgesRequest = z.input<typeof edgesRequestSchema>;

/** One edge, from or to the node that was asked about. */
export interface EdgeRow {
  /** The other end. */
  readonly ref: string;
  /** Downstream: the way into the reader. */
  readonly into: EdgeKind | null;
  /** How much of what the reader adds to the objective comes from the writer's write, by the direct way. */
  readonly attribution: number;
  /** How far the write moves the reader's activation; null upstream, and for values, which have none of their own. */
  readonly activation: number | null;
}

export interface EdgesResult {
  readonly node: string;
  readonly direction: "upstream" | "downstream";
  readonly path: "q" | "k" | "v" | null;
  /** What the node itself adds to the objective: its activation times the objective's gradient there; null downstream. */
  readonly attribution: number | null;
  readonly objective: number;
  /** The strongest of either sign, by falling size. */
  readonly edges: readonly EdgeRow[];
}

/** A question for a circuit: some nodes, how much each adds to the objective, and the direct edges among them. */
import { z } from "zod";
import type { Token } from "../model/summary.ts";
import { runSpecSchema } from "./run_spec.ts";

/** Most nodes of one circuit. */
export const MAX_CIRCUIT_NODES = 40;

export const circuitRequestSchema = runSpecSchema.omit({ trace: true, topK: true }).extend({
  prompts: runSpecSchema.shape.prompts.max(1, "Expected exactly one prompt"),
  nodes: z.array(z.string().max(100)).min(1, "Expected at least one node").max(
    MAX_CIRCUIT_NODES,
    `Expected at most ${MAX_CIRCUIT_NODES} nodes`,
  ).meta({ description: "Refs of nodes: head/3/3@14<2, mlp/2/17@5, embed@3" }),
});

export type CircuitRequest = z.input<typeof circuitRequestSchema>;

/** A node of a circuit. Scalars are null where the node is not among the 200 strongest of its kind in any column. */
export interface CircuitNode {
  readonly ref: string;
  readonly activation: number | null;
  readonly directEffect: number | null;
  readonly totalEffect: number | null;
}

/** How much of what the reader adds to the objective comes from the writer's write, by the direct way. */
export interface CircuitEdge {
  readonly from: string;
  readonly to: string;
  /** The way into a head; null into a neuron. */
  readonly path: "q" | "k" | "v" | null;
  readonly attribution: number;
}

/** A writer that is not in the circuit, and the strongest of its edges into it. */
export interface CircuitCandidate {
  readonly ref: string;
  readonly edge: CircuitEdge;
}

export interface CircuitResult {
  readonly objective: number;
  readonly tokens: readonly Token[];
  /** In the order asked, each once. */
  readonly nodes: readonly CircuitNode[];
  /** By falling size. Edges weaker than the 200 strongest of their writer's kind into a reader are left out. */
  readonly edges: readonly CircuitEdge[];
  /** Writers outside with the strongest edges into the circuit, at most 20, by falling size. */
  readonly candidates: readonly CircuitCandidate[];
  /** Ways into nodes that were traced, of `total`; fewer where patience ended before. Ask again for the rest. */
  readonly done: number;
  readonly total: number;
}

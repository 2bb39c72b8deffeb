/**
 * Measured effects: the strongest nodes of a run are really ablated, one at a time, and what the objective loses stands beside the
 * estimate. Estimates are first-order; the difference between the two is what they leave out.
 */
import { z } from "zod";
import type { Edit } from "./edits.ts";
import { type InterventionContext, nodeEntry } from "./intervention_spec.ts";
import type { NodeSpace } from "./node_range.ts";
import { isError, parseNodeRef } from "./refs.ts";
import type { RunResult } from "./run_result.ts";

/** Largest number of nodes that one measurement ablates. */
export const MAX_MEASURED = 200;

/** Working memory that one execution of a measurement may take, in bytes. */
const CHUNK_BYTES = 256 * 1024 * 1024;

const RANGE = `Expected a whole number in 1..${MAX_MEASURED}`;

export const measureRequestSchema = z.strictObject({
  top: z.int({ error: RANGE }).min(1, RANGE).max(MAX_MEASURED, RANGE).default(32).meta({
    description: "How many nodes are ablated, one at a time",
  }),
  by: z.enum(["totalEffect", "directEffect"], { error: "Expected totalEffect or directEffect" }).default("totalEffect")
    .meta({ description: "The estimate by whose size nodes are chosen" }),
});

export type MeasureRequest = z.input<typeof measureRequestSchema>;
export type MeasureQuery = z.output<typeof measureRequestSchema>;

/** A node with its estimates on the run's first side, and what the objective really loses when the node is set to 0. */
export interface MeasuredNode {
  readonly ref: string;
  readonly directEffect: number;
  readonly totalEffect: number;
  readonly measured: number;
}

export interface Measurement {
  readonly run: string;
  readonly query: MeasureQuery;
  readonly state: "running" | "done" | "cancelled" | "failed";
  /** Nodes ablated so far, of `total`. */
  readonly done: number;
  readonly total: number;
  /** J of the first side as it is. */
  readonly objective: number | null;
  /** By falling size of the estimate. */
  readonly nodes: readonly MeasuredNode[];
  /** Spearman's correlation between estimate and measurement over the nodes; null for fewer than three. */
  readonly rankCorrelation: number | null;
  /** What went wrong, if the state is `failed`. */
  readonly problem: string | null;
}

/** A node to ablate. */
export interface MeasureCandidate extends Omit<MeasuredNode, "measured"> {
  readonly edit: Edit;
}

/** The nodes with the largest estimates on the first side. */
export function measureCandidates(
  { nodes }: RunResult,
  { top, by }: MeasureQuery,
  context: Pick<InterventionContext, "alignment" | "dictionaries">,
): readonly MeasureCandidate[] {
  const size = (node: RunResult["nodes"][number]) => Math.abs(node[by][0] ?? 0);
  // An error has no value that could be set.
  return nodes.filter((row) => row.refs?.[0] !== null && size(row) > 0 && !isError(parseNodeRef(row.ref)))
    .toSorted((a, b) => size(b) - size(a)).slice(0, top)
    .map((row) => {
      const ref = row.refs?.[0] ?? row.ref;
      return {
        ref,
        directEffect: row.directEffect[0] ?? 0,
        totalEffect: row.totalEffect[0] ?? 0,
        edit: { ...nodeEntry(parseNodeRef(ref), 0, context), row: 0, keep: 0, patch: null, added: 0 },
      };
    });
}

/** How many variants are executed at once: as many as the working memory allows, and at least one. */
export function variantsAtOnce({ architecture, dictionaries }: NodeSpace, slotCount: number): number {
  const { mlpWidth, modelWidth, headCount, vocabularySize } = architecture;
  const latents = Math.max(0, ...dictionaries.map(({ detail }) => detail.latentCount));
  // A layer's neurons before and after GELU, its latents, its residuals, scores and pattern, and the logits of one position.
  const floats = slotCount * (3 * mlpWidth + 4 * latents + 8 * modelWidth) + 3 * headCount * slotCount * slotCount +
    2 * vocabularySize;
  return Math.max(1, Math.floor(CHUNK_BYTES / (4 * floats)));
}

/** Spearman's rank correlation, ties sharing their mean rank; null for fewer than three pairs or where a side is constant. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number | null {
  if (a.length < 3) return null;
  const [ranksA, ranksB] = [ranks(a), ranks(b)];
  const mean = (a.length + 1) / 2;
  const covariance = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + (value - mean) * ((y[i] ?? mean) - mean), 0);
  const spread = Math.sqrt(covariance(ranksA, ranksA) * covariance(ranksB, ranksB));
  return spread === 0 ? null : covariance(ranksA, ranksB) / spread;
}

function ranks(values: readonly number[]): readonly number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 + 1);
}

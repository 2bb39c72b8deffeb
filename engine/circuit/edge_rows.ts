/** Between refs and the numbers of edges. */
import { ValidationError } from "../errors.ts";
import type { Architecture } from "../model/architecture.ts";
import type { EdgeNumbers } from "./edges_graph.ts";
import type { EdgeRow } from "./edges_request.ts";
import { checkNode, type NodeSpace } from "./node_range.ts";
import { formatNodeRef, type NodeRef, parseNodeRef } from "./refs.ts";
import type { NodeRow } from "./run_result.ts";
import type { Writer } from "./writer.ts";

/** The writer of a ref. @throws {ValidationError} if it names none */
export function resolveWriter(
  { ref, path }: { readonly ref: string; readonly path: string | null },
  space: NodeSpace,
  tokenCount: number,
): Writer {
  if (path !== null) {
    throw new ValidationError([{ path: "path", message: "What a node writes has one way out: expected null" }]);
  }
  try {
    const found = parseNodeRef(ref);
    const problem = checkNode(found, space, tokenCount);
    if (problem === null) return found;
    throw new ValidationError([{ path: "node", message: problem }]);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ValidationError([{ path: "node", message: error.message }]);
  }
}

/** Edges to a reader, from the run whose objective is the reader's attribution. */
export function writersOf(nodes: readonly NodeRow[]): readonly EdgeRow[] {
  return nodes.map(({ ref, directEffect }): EdgeRow => ({
    ref,
    into: null,
    attribution: directEffect[0] ?? 0,
    activation: null,
  })).filter(({ attribution }) => attribution !== 0).sort((a, b) => Math.abs(b.attribution) - Math.abs(a.attribution));
}

/** An edge with the ref of its reader. */
export function readerRow(
  { kind, layer, flatIndex, attribution, activation }: EdgeNumbers,
  { mlpWidth }: Architecture,
  tokenCount: number,
): EdgeRow {
  const reader: NodeRef = kind === "mlp"
    ? { kind: "mlp", layer, neuron: flatIndex % mlpWidth, token: Math.floor(flatIndex / mlpWidth) }
    : {
      kind: "head",
      layer,
      head: Math.floor(flatIndex / (tokenCount * tokenCount)),
      query: Math.floor(flatIndex / tokenCount) % tokenCount,
      key: flatIndex % tokenCount,
    };
  return { ref: formatNodeRef(reader), into: kind, attribution, activation };
}

/** A circuit from its parts: which nodes are meant, by which ways they read, and which of the edges found there stay inside. */
import { type FieldIssue, ValidationError } from "../errors.ts";
import type { CircuitCandidate, CircuitEdge } from "./circuit_request.ts";
import type { EdgeRow } from "./edges_request.ts";
import { checkNode, type NodeSpace } from "./node_range.ts";
import { formatNodeRef, isError, type NodeRef, parseNodeRef } from "./refs.ts";

/** Most writers outside that are told. */
const MAX_CANDIDATES = 20;

/** A way into a node: the query, key or value of a head, null for the one way into a neuron or latent. */
export interface CircuitWay {
  readonly ref: string;
  readonly path: CircuitEdge["path"];
}

/** What was found on one way. */
export interface TracedWay extends CircuitWay {
  /** From every writer, by falling size. */
  readonly edges: readonly EdgeRow[];
}

/** The nodes of refs, each once. @throws {ValidationError} that lists every ref that names none */
export function resolveCircuitNodes(
  refs: readonly string[],
  space: NodeSpace,
  tokenCount: number,
): readonly NodeRef[] {
  const issues: FieldIssue[] = [];
  const nodes = new Map<string, NodeRef>();
  refs.forEach((ref, index) => {
    const refuse = (message: string) => issues.push({ path: `nodes.${index}`, message });
    try {
      const found = parseNodeRef(ref);
      const problem = checkNode(found, space, tokenCount);
      if (problem === null) nodes.set(formatNodeRef(found), found);
      else refuse(problem);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      refuse(error.message);
    }
  });
  if (issues.length > 0) throw new ValidationError(issues);
  return [...nodes.values()];
}

/** The ways into some nodes: three into a head, one into a neuron or latent, none into what reads nothing. */
export function waysInto(nodes: readonly NodeRef[]): readonly CircuitWay[] {
  return nodes.flatMap((node): readonly CircuitWay[] => {
    const ref = formatNodeRef(node);
    if (node.kind === "embed" || isError(node)) return [];
    if (node.kind !== "head") return [{ ref, path: null }];
    return (["q", "k", "v"] as const).map((path) => ({ ref, path }));
  });
}

/** The edges among the nodes, and the writers outside with the strongest edges into them; both by falling size. */
export function joinWays(
  ways: readonly TracedWay[],
  refs: ReadonlySet<string>,
): { readonly edges: readonly CircuitEdge[]; readonly candidates: readonly CircuitCandidate[] } {
  const all = ways.flatMap(({ ref: to, path, edges }) =>
    edges.map(({ ref: from, attribution }): CircuitEdge => ({ from, to, path, attribution }))
  ).sort((a, b) => Math.abs(b.attribution) - Math.abs(a.attribution));
  const strongest = new Map<string, CircuitEdge>();
  for (const edge of all) {
    if (!refs.has(edge.from) && !strongest.has(edge.from)) strongest.set(edge.from, edge);
  }
  return {
    edges: all.filter(({ from }) => refs.has(from)),
    candidates: [...strongest].slice(0, MAX_CANDIDATES).map(([ref, edge]) => ({ ref, edge })),
  };
}

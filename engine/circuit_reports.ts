/** Circuits: the scalars of some nodes, and the edges among them, found way by way. */
import type { CallOptions } from "./engine.ts";
import {
  type CircuitNode,
  type CircuitRequest,
  circuitRequestSchema,
  type CircuitResult,
} from "./circuit/circuit_request.ts";
import { type CircuitWay, joinWays, resolveCircuitNodes, type TracedWay, waysInto } from "./circuit/circuit_ways.ts";
import { parseOrThrow } from "./circuit/field_issues.ts";
import { formatNodeRef } from "./circuit/refs.ts";
import { MAX_TOP_K } from "./circuit/run_spec.ts";
import type { NodeReports } from "./node_reports.ts";
import type { Asked } from "./report_cache.ts";
import type { ReportSource } from "./report_source.ts";

/** The nodes of a question that are among the strongest of their kind. */
interface Scalars {
  readonly objective: number;
  readonly nodes: readonly CircuitNode[];
}

/** How long a circuit may be worked on. */
interface CircuitOptions extends CallOptions {
  /** In ms; when it is over, no further way is begun. At least one new way is traced. */
  readonly patienceMs?: number;
}

export class CircuitReports {
  readonly #source: ReportSource;
  readonly #nodeReports: NodeReports;

  constructor(source: ReportSource, nodeReports: NodeReports) {
    this.#source = source;
    this.#nodeReports = nodeReports;
  }

  async circuit(
    request: CircuitRequest,
    { signal, patienceMs = Infinity }: CircuitOptions,
  ): Promise<CircuitResult> {
    const deadline = performance.now() + patienceMs;
    const { nodes: asksRefs, ...question } = parseOrThrow(circuitRequestSchema, request);
    const spec = { ...question, topK: MAX_TOP_K };
    const asked = await this.#source.resolve(spec);
    const { model, resolved } = asked;
    const [row] = resolved.question.rows;
    const ids = row?.tokens.filter((id) => id !== null) ?? [];
    const nodes = resolveCircuitNodes(asksRefs, {
      architecture: model.architecture,
      dictionaries: resolved.dictionaries,
    }, ids.length);
    const { objective, nodes: known } = await this.#scalars(asked, signal);
    const ways = waysInto(nodes);
    const traced = await this.#trace(ways, { spec, deadline, signal });

    const refs = nodes.map(formatNodeRef);
    const scalars = new Map(known.map((row) => [row.ref, row]));
    const unknown = { activation: null, directEffect: null, totalEffect: null };
    return {
      objective,
      tokens: ids.map((id) => ({ id, text: model.tokenizer.tokenText(id) })),
      nodes: refs.map((ref) => scalars.get(ref) ?? { ref, ...unknown }),
      ...joinWays(traced, new Set(refs)),
      done: traced.length,
      total: ways.length,
    };
  }

  /** The first side's scalars of every strong node: the same for all circuits under a question. */
  async #scalars(asked: Asked, signal: AbortSignal | undefined): Promise<Scalars> {
    const { report } = await this.#source.cache.answer(
      { kind: "circuit-nodes", asked, details: null, signal },
      async (shared): Promise<Scalars> => {
        const { nodes, sides: [side] } = await this.#source.compute(asked, shared);
        return {
          objective: side?.objective ?? NaN,
          nodes: nodes.map(({ ref, activation, directEffect, totalEffect }) => ({
            ref,
            activation: activation[0] ?? null,
            directEffect: directEffect[0] ?? null,
            totalEffect: totalEffect[0] ?? null,
          })),
        };
      },
    );
    return report;
  }

  /** Follows ways, those known from before too, until the deadline has passed and something new is known. */
  async #trace(
    ways: readonly CircuitWay[],
    { spec, deadline, signal }: {
      readonly spec: Omit<CircuitRequest, "nodes">;
      readonly deadline: number;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<readonly TracedWay[]> {
    const traced: TracedWay[] = [];
    for (const { ref, path } of ways) {
      const { report: { edges }, isNew } = await this.#nodeReports.findEdges(
        { ...spec, node: ref, path, direction: "upstream", topK: MAX_TOP_K },
        signal === undefined ? {} : { signal },
      );
      traced.push({ ref, path, edges });
      if (isNew && performance.now() >= deadline) break;
    }
    return traced;
  }
}

/** What can be told of one node under a question: its edges, and the tokens that it promotes and is driven by. */
import type { CallOptions } from "./engine.ts";
import { readerRow, resolveWriter, writersOf } from "./circuit/edge_rows.ts";
import { type EdgesRequest, edgesRequestSchema, type EdgesResult } from "./circuit/edges_request.ts";
import { parseOrThrow } from "./circuit/field_issues.ts";
import type { ScoresQuestion } from "./circuit/questions.ts";
import type { ResolvedQuestion } from "./circuit/resolve_spec.ts";
import type { RunResult } from "./circuit/run_result.ts";
import {
  scoredList,
  type ScoredTokens,
  type ScoredTokensRequest,
  scoredTokensRequestSchema,
} from "./circuit/scored_tokens.ts";
import type { Trace, TracedNode } from "./circuit/trace_graph.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { EngineRequests } from "./protocol.ts";
import type { WorkerClient } from "./runtime/worker_client.ts";

interface Resolved {
  readonly model: LanguageModel;
  readonly resolved: ResolvedQuestion;
}

/** What reports need of the engine. */
export interface ReportSource {
  /** @throws {ValidationError | NotFoundError} */
  resolve(input: unknown): Promise<Resolved>;
  /** The numbers of a run, which is not stored. */
  compute(question: Resolved, signal: AbortSignal | undefined): Promise<RunResult>;
}

export class NodeReports {
  readonly #worker: WorkerClient<EngineRequests>;
  readonly #source: ReportSource;

  constructor(worker: WorkerClient<EngineRequests>, source: ReportSource) {
    this.#worker = worker;
    this.#source = source;
  }

  async edges(request: EdgesRequest, { signal }: CallOptions): Promise<EdgesResult> {
    const { node: ref, direction, path, freezeNorm, ...spec } = parseOrThrow(edgesRequestSchema, request);
    const asked = { node: ref, direction, path };
    if (direction === "upstream") {
      const trace = { node: ref, path, activation: "post", freezeNorm, of: "attribution" } as const;
      const traced = await this.#source.resolve({ ...spec, trace });
      const { nodes, sides: [side] } = await this.#source.compute(traced, signal);
      const { topK: _k, ...question } = traced.resolved.question;
      const { output: { numbers } } = await this.#worker.call(
        "measure",
        { modelId: traced.model.id, question: { ...question, trace: null }, variants: [] },
        { signal },
      );
      const attribution = side?.objective ?? NaN;
      return { ...asked, attribution, objective: numbers.sides[0] ?? NaN, edges: writersOf(nodes) };
    }
    const { model, resolved: { question, alignment } } = await this.#source.resolve(spec);
    const tokenCount = alignment.length;
    const writer = resolveWriter({ ref, path }, model.architecture, tokenCount);
    const { output: { objective, edges } } = await this.#worker.call(
      "edges",
      { modelId: model.id, question: { ...question, writer, freezeNorm } },
      { signal },
    );
    const rows = edges.map((edge) => readerRow(edge, model.architecture, tokenCount));
    return { ...asked, attribution: null, objective, edges: rows };
  }

  async scoredTokens(request: ScoredTokensRequest, { signal }: CallOptions): Promise<ScoredTokens> {
    const { node: ref, top, ...spec } = parseOrThrow(scoredTokensRequestSchema, request);
    const { model, resolved: { question: { topK: _k, ...question }, alignment } } = await this.#source.resolve(spec);
    const writer = resolveWriter({ ref, path: null }, model.architecture, alignment.length);
    const list = async (of: ScoresQuestion["of"], trace: Trace | null = null) => {
      const asked: ScoresQuestion = { ...question, trace, of };
      const { output: { scores } } = await this.#worker.call("scores", { modelId: model.id, question: asked }, {
        signal,
      });
      return scoredList(scores, top, (id) => ({ id, text: model.tokenizer.tokenText(id) }));
    };
    const read = (traced: TracedNode) =>
      list("read", { node: traced, towards: null, activation: "pre", freezeNorm: true, of: "value" });
    const write = await list({ writer });
    switch (writer.kind) {
      case "embed":
        return { node: ref, write, reads: [], alone: null };
      case "mlp":
        return {
          node: ref,
          write,
          reads: [{ path: null, ...await read(writer) }],
          alone: await list({ layer: writer.layer, neuron: writer.neuron }),
        };
      case "head": {
        const [q, k] = [await read({ ...writer, path: "q" }), await read({ ...writer, path: "k" })];
        return { node: ref, write, reads: [{ path: "q", ...q }, { path: "k", ...k }], alone: null };
      }
    }
  }
}

/** What can be told of one node under a question: its edges, and the tokens that it promotes and is driven by. */
import type { CallOptions } from "./engine.ts";
import {
  type AttributedTokens,
  type AttributedTokensRequest,
  attributedTokensRequestSchema,
  resolveAttentionLatents,
} from "./circuit/attributed_tokens.ts";
import { readerRow, resolveWriter, writersOf } from "./circuit/edge_rows.ts";
import { type EdgesRequest, edgesRequestSchema, type EdgesResult } from "./circuit/edges_request.ts";
import { parseOrThrow } from "./circuit/field_issues.ts";
import type { ScoresQuestion } from "./circuit/questions.ts";
import {
  scoredList,
  type ScoredTokens,
  type ScoredTokensRequest,
  scoredTokensRequestSchema,
} from "./circuit/scored_tokens.ts";
import type { Trace, TracedNode } from "./circuit/trace.ts";
import type { Writer } from "./circuit/writer.ts";
import type { Asked, ReportAnswer } from "./report_cache.ts";
import type { ReportSource } from "./report_source.ts";

/** Edges as they are asked for, and the rest of the question. */
interface EdgesQuery {
  readonly asked: Pick<EdgesResult, "node" | "direction" | "path">;
  readonly freezeNorm: boolean;
  /** The question itself, not yet checked against a model. */
  readonly spec: object;
}

export class NodeReports {
  readonly #source: ReportSource;

  constructor(source: ReportSource) {
    this.#source = source;
  }

  async edges(request: EdgesRequest, options: CallOptions): Promise<EdgesResult> {
    return (await this.findEdges(request, options)).report;
  }

  /** Edges, and whether they were known already. */
  findEdges(request: EdgesRequest, options: CallOptions): Promise<ReportAnswer<EdgesResult>> {
    const { node: ref, direction, path, freezeNorm, ...spec } = parseOrThrow(edgesRequestSchema, request);
    const query = { asked: { node: ref, direction, path }, freezeNorm, spec };
    return direction === "upstream" ? this.#upstream(query, options) : this.#downstream(query, options);
  }

  /** Edges from writers: the direct effects on the node's attribution. */
  async #upstream(
    { asked, freezeNorm, spec }: EdgesQuery,
    { signal }: CallOptions,
  ): Promise<ReportAnswer<EdgesResult>> {
    const { node: ref, path } = asked;
    const trace = { node: ref, path, activation: "post", freezeNorm, of: "attribution" } as const;
    const traced = await this.#source.resolve({ ...spec, trace });
    const request = { kind: "edges", asked: traced, details: asked, signal } as const;
    return await this.#source.cache.answer(request, async (shared): Promise<EdgesResult> => {
      const { nodes, sides: [side] } = await this.#source.compute(traced, shared);
      const objective = await this.#objective(await this.#source.resolve(spec), shared);
      return { ...asked, attribution: side?.objective ?? NaN, objective, edges: writersOf(nodes) };
    });
  }

  /** Edges to readers. */
  async #downstream(
    { asked, freezeNorm, spec }: EdgesQuery,
    { signal }: CallOptions,
  ): Promise<ReportAnswer<EdgesResult>> {
    const plain = await this.#source.resolve(spec);
    const { model, resolved: { question, alignment, dictionaries } } = plain;
    const tokenCount = alignment.length;
    const writer = resolveWriter({ ref: asked.node, path: asked.path }, {
      architecture: model.architecture,
      dictionaries,
    }, tokenCount);
    const request = { kind: "edges", asked: plain, details: { ...asked, freezeNorm }, signal } as const;
    return await this.#source.cache.answer(request, async (shared): Promise<EdgesResult> => {
      const { output: { objective, edges } } = await this.#source.worker.call(
        "edges",
        { modelId: model.id, question: { ...question, writer, freezeNorm } },
        { signal: shared },
      );
      const rows = edges.map((edge) => readerRow(edge, model.architecture, tokenCount));
      return { ...asked, attribution: null, objective, edges: rows };
    });
  }

  /** J of the first side of an untraced question: the same for all edges under it. */
  async #objective(asked: Asked, signal: AbortSignal): Promise<number> {
    const { report } = await this.#source.cache.answer(
      { kind: "objective", asked, details: null, signal },
      async (shared) => {
        const { topK: _k, ...question } = asked.resolved.question;
        const { output: { numbers } } = await this.#source.worker.call(
          "measure",
          { modelId: asked.model.id, question, variants: [] },
          { signal: shared },
        );
        return numbers.sides[0] ?? NaN;
      },
    );
    return report;
  }

  async scoredTokens(request: ScoredTokensRequest, { signal }: CallOptions): Promise<ScoredTokens> {
    const { node: ref, top, ...spec } = parseOrThrow(scoredTokensRequestSchema, request);
    const asked = await this.#source.resolve(spec);
    const { model: { architecture }, resolved: { alignment, dictionaries } } = asked;
    const writer = resolveWriter({ ref, path: null }, { architecture, dictionaries }, alignment.length);
    const { report } = await this.#source.cache.answer(
      { kind: "scored-tokens", asked, details: { node: ref, top }, signal },
      (shared) => this.#scores(asked, { ref, writer, top }, shared),
    );
    return report;
  }

  async attributedTokens(request: AttributedTokensRequest, { signal }: CallOptions): Promise<AttributedTokens> {
    const { nodes, ...spec } = parseOrThrow(attributedTokensRequestSchema, request);
    const asked = await this.#source.resolve(spec);
    const { model, resolved: { alignment, dictionaries, question: { topK: _k, ...question } } } = asked;
    const space = { architecture: model.architecture, dictionaries };
    const latents = resolveAttentionLatents(nodes, space, alignment.length);
    const { report } = await this.#source.cache.answer(
      { kind: "attributed-tokens", asked, details: { nodes }, signal },
      async (shared): Promise<AttributedTokens> => {
        const { output: { numbers } } = await this.#source.worker.call(
          "attributedTokens",
          { modelId: model.id, question: { ...question, latents } },
          { signal: shared },
        );
        const ids = question.rows[0]?.tokens.filter((id) => id !== null) ?? [];
        return {
          tokens: ids.map((id) => ({ id, text: model.tokenizer.tokenText(id) })),
          latents: numbers.map((own, index) => ({ node: nodes[index] ?? "", ...own })),
        };
      },
    );
    return report;
  }

  async #scores(
    { model, resolved: { question: { topK: _k, ...question } } }: Asked,
    { ref, writer, top }: { readonly ref: string; readonly writer: Writer; readonly top: number },
    signal: AbortSignal,
  ): Promise<ScoredTokens> {
    const list = async (of: ScoresQuestion["of"], trace: Trace | null = null) => {
      const { output: { scores } } = await this.#source.worker.call("scores", {
        modelId: model.id,
        question: { ...question, trace, of },
      }, { signal });
      return scoredList(scores, top, (id) => ({ id, text: model.tokenizer.tokenText(id) }));
    };
    const read = (traced: TracedNode) =>
      list("read", { node: traced, towards: null, activation: "pre", freezeNorm: true, of: "value" });
    const write = await list({ writer });
    switch (writer.kind) {
      case "embed":
      case "mlp-error":
      case "attn-error":
      case "resid-error":
        return { node: ref, write, reads: [], alone: null };
      case "mlp-latent":
        return {
          node: ref,
          write,
          reads: [{ path: null, ...await read(writer) }],
          alone: await list({ layer: writer.layer, latent: writer.latent }),
        };
      case "resid-latent":
        return { node: ref, write, reads: [{ path: null, ...await read(writer) }], alone: null };
      case "attn-latent":
        // It reads at every token that a head attends to: no one token drives it.
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

/**
 * Executes questions on the engine thread: chooses the compiled graph for the kind of question, or compiles it; feeds what
 * differs; reads the numbers out. Knows no text and no ids of runs.
 */
import { lowerGraph } from "../onnx/lower.ts";
import { encodeModel } from "../onnx/proto.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { type Dictionary, LATENT_KINDS, latentKind } from "../model/dictionary.ts";
import type { Backend } from "../runtime/backend.ts";
import { SessionCache, type SessionCounters, type SessionLookup } from "../runtime/session_cache.ts";
import { int64, type Tensor } from "../tensor/tensor.ts";
import { dictionariesOf, type Question, questionFeeds, questionKind, upstreamOf } from "./question_graph.ts";
import type {
  AttentionQuestion,
  AttributedTokensNumbers,
  AttributedTokensQuestion,
  EdgesQuestion,
  LensNumbers,
  LensQuestion,
  MeasureNumbers,
  RunNumbers,
  RunQuestion,
  ScoresQuestion,
  TensorNumbers,
  TensorsQuestion,
} from "./questions.ts";
import {
  attributedTokensFeeds,
  attributedTokensKind,
  buildAttributedTokensGraph,
  readAttributedTokens,
} from "./attributed_tokens_graph.ts";
import { attentionFeeds, attentionKind, buildAttentionGraph, readAttention } from "./attention_graph.ts";
import { type Edit, standardEdits } from "./edits.ts";
import { buildEdgesGraph, edgeCountFeed, type EdgeNumbers, type EdgesKind, readEdges } from "./edges_graph.ts";
import { buildLensGraph, lensFeeds, readLens } from "./lens_graph.ts";
import { buildMeansGraph, meansFeeds, type MeanSums, readMeanSums } from "./means_graph.ts";
import { buildMeasureGraph, variantsQuestion } from "./measure_graph.ts";
import { OBJECTIVE_KINDS } from "./run_spec.ts";
import { fetched, output, readRun } from "./read_run.ts";
import { buildRunGraph } from "./run_graph.ts";
import { type RunKind, runParts } from "./run_parts.ts";
import { selectionFeeds } from "./selection.ts";
import {
  buildAloneScores,
  buildLatentAloneScores,
  buildReadScores,
  buildWriteScores,
  latentAloneFeeds,
  NEURON_INPUT,
} from "./scored_tokens_graph.ts";
import { dictionaryOf } from "./node_range.ts";
import { writerFeeds, writerKind } from "./writer.ts";
import { PLAIN } from "./dictionary_spec.ts";
import { buildTensorsGraph } from "./tensors_graph.ts";
import { computeLatentNorms, computeModelConstants, constantFeeds, type ModelConstants } from "./model_constants.ts";

/** What a session is assumed to hold beyond its graph, in bytes (measured: 10 MB with prepacking off). */
const SESSION_BYTES = 10 * 1024 * 1024;

type Feeds = Readonly<Record<string, Tensor>>;

/** Neurons that are computed at a time for tokens by themselves: 64 MB. */
const MAX_ALONE_NEURONS = 2 ** 24;

export class Questioner {
  readonly #backend: Backend;
  readonly #sessions: SessionCache;
  readonly #modelConstants = new Map<string, ModelConstants>();
  readonly #norms = new Map<string, Feeds>();
  /** Graphs written before anybody asked for them, by session key. */
  readonly #writtenAhead = new Map<string, Uint8Array>();

  constructor(backend: Backend, maxSessionBytes: number) {
    this.#backend = backend;
    this.#sessions = new SessionCache(maxSessionBytes);
  }

  get sessions(): SessionCounters {
    return this.#sessions.counters();
  }

  /** Compiles a kind of question and computes the model's constants, so that the first question need not wait for it. */
  async warm(model: ModelWeights, kind: RunKind): Promise<void> {
    await this.#constants(model);
    await this.#runSession(model, kind);
  }

  /**
   * Writes one more graph that is likely to be asked for after one of this kind: another objective, or the same with interventions. Its
   * first question then only waits for the session.
   *
   * @returns Whether there was one left to write.
   */
  writeAhead(
    model: ModelWeights,
    { objective, freezeFinalNorm }: Pick<RunKind, "objective" | "freezeFinalNorm">,
  ): boolean {
    const plain = { freezeFinalNorm, edits: null, trace: null, ...PLAIN };
    const likely: readonly RunKind[] = [
      { ...plain, objective, edits: standardEdits(model.architecture) },
      ...OBJECTIVE_KINDS.map((other) => ({ ...plain, objective: other })),
    ];
    const next = likely.find((kind) => {
      const key = runKey(model, kind);
      return !this.#sessions.has(key) && !this.#writtenAhead.has(key);
    });
    if (next === undefined) return false;
    this.#writtenAhead.set(runKey(model, next), encodeModel(lowerGraph(buildRunGraph(model, next))));
    return true;
  }

  async run(model: ModelWeights, question: RunQuestion): Promise<RunNumbers> {
    const { architecture } = model;
    const { rows, topK, basis } = question;
    const kind = { ...questionKind(question, architecture), basis };
    const { session, compileMs } = await this.#runSession(model, kind);
    const slotCount = Math.max(...rows.map(({ tokens }) => tokens.length));
    const feeds = await this.#feeds(model, question);
    const startedAt = performance.now();
    const fetches = await session.execute({
      ...feeds,
      ...selectionFeeds("mlp", topK, slotCount * architecture.mlpWidth),
      ...selectionFeeds("head", topK, architecture.headCount * slotCount * slotCount),
      ...latentSelectionFeeds(runParts(model, kind).dictionaries, { topK, slotCount }),
    });
    const computeMs = performance.now() - startedAt;
    return { ...readRun(model, question, fetches), compileMs, computeMs };
  }

  /** Tensors of the first side. */
  async tensors(model: ModelWeights, question: TensorsQuestion): Promise<TensorNumbers> {
    const { tensors } = question;
    const kind = questionKind(question, model.architecture);
    const names = [...new Set(tensors.map(({ text }) => text))];
    const { session } = await this.#session(
      JSON.stringify(["tensors", model.id, kind, names]),
      () => buildTensorsGraph(model, kind, tensors),
    );
    const fetches = await session.execute(await this.#feeds(model, question));
    return {
      objective: output(fetches, "objective")[0] ?? NaN,
      tensors: names.map((name) => ({ name, shape: fetched(fetches, name).shape, data: output(fetches, name) })),
    };
  }

  /** J of each variant of the first side (`variantsQuestion`), then J of every side as it is. */
  async measure(model: ModelWeights, question: Question, variants: readonly Edit[]): Promise<MeasureNumbers> {
    const many = variantsQuestion(question, variants);
    const kind = questionKind(many, model.architecture);
    const key = JSON.stringify(["measure", model.id, kind]);
    const { session } = await this.#session(key, () => buildMeasureGraph(model, kind));
    const objective = [...output(await session.execute(await this.#feeds(model, many)), "objective")];
    return { variants: objective.slice(0, variants.length), sides: objective.slice(variants.length) };
  }

  /** The strongest edges of either sign from a writer, by falling size. */
  async edges(
    model: ModelWeights,
    question: EdgesQuestion,
  ): Promise<{ readonly objective: number; readonly edges: readonly EdgeNumbers[] }> {
    const { writer, freezeNorm, topK, rows } = question;
    const { architecture } = model;
    const kind: EdgesKind = {
      ...questionKind(question, architecture),
      writer: writerKind(writer, dictionariesOf(model, question.dictionaries)),
      freezeNorm,
    };
    const key = JSON.stringify(["edges", model.id, kind]);
    const { session } = await this.#session(key, () => buildEdgesGraph(model, kind));
    const slotCount = rows[0]?.tokens.length ?? 0;
    const fetches = await session.execute({
      ...await this.#feeds(model, question),
      ...writerFeeds(writer, rows.length),
      ...edgeCountFeed(topK, slotCount * Math.min(architecture.mlpWidth, architecture.headCount * slotCount)),
    });
    return {
      objective: output(fetches, "objective")[0] ?? NaN,
      edges: readEdges(kind, architecture, { fetches, topK }),
    };
  }

  /** One score a token of the vocabulary, on the first side. */
  async scores(model: ModelWeights, question: ScoresQuestion): Promise<Float32Array<ArrayBuffer>> {
    const { of, rows } = question;
    const kind = questionKind(question, model.architecture);
    const scored = async (key: readonly unknown[], build: () => GraphRequest, feeds: Feeds) => {
      const { session } = await this.#session(JSON.stringify(["scores", model.id, ...key]), build);
      return output(await session.execute(feeds), "scores").slice(0, model.architecture.vocabularySize);
    };
    if (of === "read") {
      return scored(["read", kind], () => buildReadScores(model, kind), await this.#feeds(model, question));
    }
    if ("latent" in of) return await this.#aloneScores(model, question, of);
    if ("layer" in of) {
      return scored(["alone", of.layer], () => buildAloneScores(model, of.layer), {
        [NEURON_INPUT]: int64([1], [of.neuron]),
      });
    }
    const writer = writerKind(of.writer, dictionariesOf(model, question.dictionaries));
    return scored(["write", kind, writer], () => buildWriteScores(model, kind, writer), {
      ...await this.#feeds(model, question),
      ...writerFeeds(of.writer, rows.length),
    });
  }

  /** A latent of the MLP on every token by itself, part by part. */
  async #aloneScores(
    model: ModelWeights,
    { dictionaries: ids }: Pick<Question, "dictionaries">,
    { layer, latent }: { readonly layer: number; readonly latent: number },
  ): Promise<Float32Array<ArrayBuffer>> {
    const { vocabularySize, mlpWidth } = model.architecture;
    const dictionary = dictionaryOf(dictionariesOf(model, ids), "mlp-latent", layer);
    if (dictionary === undefined) throw new Error(`Internal: no dictionary has latents mlp-latent/${layer}`);
    const compiled = {
      key: ["scores", "latent alone", dictionary.detail.id],
      build: () => buildLatentAloneScores(model, dictionary),
    };
    const scores = new Float32Array(vocabularySize);
    const perPart = Math.max(1, Math.floor(MAX_ALONE_NEURONS / mlpWidth));
    for (let from = 0; from < vocabularySize; from += perPart) {
      const count = Math.min(perPart, vocabularySize - from);
      const tokens = Array.from({ length: count }, (_, i) => from + i);
      scores.set(output(await this.execute(model, compiled, latentAloneFeeds(latent, tokens)), "scores"), from);
    }
    return scores;
  }

  /** What every layer would predict, at some tokens of one side. */
  async lens(model: ModelWeights, question: LensQuestion): Promise<LensNumbers> {
    const { architecture } = model;
    const { edits, dictionaries, dropsErrors } = questionKind(question, architecture);
    const kind = { edits, dictionaries, dropsErrors };
    const key = JSON.stringify(["lens", model.id, kind]);
    const { session } = await this.#session(key, () => buildLensGraph(model, kind));
    const fetches = await session.execute({ ...await this.#feeds(model, question), ...lensFeeds(question) });
    return readLens(fetches, architecture.layerCount);
  }

  /** One head's pairs on one side: `[query][key]`. */
  async attention(model: ModelWeights, question: AttentionQuestion): Promise<readonly (readonly number[])[]> {
    const kind = attentionKind(question, model.architecture);
    const key = JSON.stringify(["attention", model.id, kind]);
    const { session } = await this.#session(key, () => buildAttentionGraph(model, kind));
    const fetches = await session.execute({ ...await this.#feeds(model, question), ...attentionFeeds(question) });
    return readAttention(output(fetches, "values"), question.rows[question.side]?.tokens ?? []);
  }

  /** What all heads bring to attention latents, by token. */
  async attributedTokens(
    model: ModelWeights,
    question: AttributedTokensQuestion,
  ): Promise<readonly AttributedTokensNumbers[]> {
    const kind = attributedTokensKind(question, model);
    const key = JSON.stringify(["attributed-tokens", model.id, kind]);
    const { session } = await this.#session(key, () => buildAttributedTokensGraph(model, kind));
    const feeds = { ...await this.#feeds(model, question), ...attributedTokensFeeds(model, question) };
    const fetches = await session.execute(feeds);
    return readAttributedTokens(question, (name) => output(fetches, name));
  }

  /** Sums over some texts. */
  async means(model: ModelWeights, texts: readonly (readonly number[])[]): Promise<MeanSums> {
    const { session } = await this.#session(JSON.stringify(["means", model.id]), () => buildMeansGraph(model));
    return readMeanSums(model, texts, await session.execute(meansFeeds(texts)));
  }

  /** Executes any graph about a model, compiled once for its key. */
  async execute(
    model: ModelWeights,
    { key, build }: { readonly key: readonly unknown[]; readonly build: () => GraphRequest },
    feeds: Feeds,
  ): Promise<Feeds> {
    const { session } = await this.#session(JSON.stringify([...key, model.id]), build);
    return await session.execute(feeds);
  }

  #runSession(model: ModelWeights, kind: RunKind): Promise<SessionLookup> {
    return this.#session(runKey(model, kind), () => buildRunGraph(model, kind));
  }

  async #feeds(model: ModelWeights, question: Question): Promise<Readonly<Record<string, Tensor>>> {
    const { architecture } = model;
    const norms: Feeds[] = [];
    for (const dictionary of dictionariesOf(model, question.dictionaries)) {
      norms.push(await this.#latentNorms(model, dictionary));
    }
    return {
      ...constantFeeds(await this.#constants(model), {
        upstream: upstreamOf(questionKind(question, architecture), model),
        modelWidth: architecture.modelWidth,
      }),
      ...Object.assign({}, ...norms),
      ...questionFeeds(question, architecture),
    };
  }

  #session(key: string, build: () => GraphRequest): Promise<SessionLookup> {
    return this.#sessions.get(key, async () => {
      const bytes = this.#writtenAhead.get(key) ?? encodeModel(lowerGraph(build()));
      this.#writtenAhead.delete(key);
      const session = await this.#backend.prepare(bytes);
      return { session, bytes: bytes.length + SESSION_BYTES };
    });
  }

  async #latentNorms(model: ModelWeights, dictionary: Dictionary): Promise<Feeds> {
    const key = JSON.stringify([model.id, dictionary.detail.id]);
    const known = this.#norms.get(key);
    if (known !== undefined) return known;
    const norms = await computeLatentNorms(model, dictionary, this.#backend);
    this.#norms.set(key, norms);
    return norms;
  }

  async #constants(model: ModelWeights): Promise<ModelConstants> {
    const known = this.#modelConstants.get(model.id);
    if (known !== undefined) return known;
    const constants = await computeModelConstants(model, this.#backend);
    this.#modelConstants.set(model.id, constants);
    return constants;
  }
}

/** Feeds for choosing latents: each kind takes equally many of every layer. */
function latentSelectionFeeds(
  dictionaries: readonly Dictionary[],
  { topK, slotCount }: { readonly topK: number; readonly slotCount: number },
): Feeds {
  const feeds = LATENT_KINDS.map((kind) => {
    const own = dictionaries.filter(({ detail }) => latentKind(detail) === kind);
    const fewest = Math.min(...own.map(({ detail }) => detail.latentCount));
    return own.length === 0 ? {} : selectionFeeds(kind, topK, slotCount * fewest);
  });
  return Object.assign({}, ...feeds);
}

/** Whatever the order in which the kind was put together. */
function runKey({ id }: ModelWeights, kind: RunKind): string {
  const { objective, freezeFinalNorm, edits, trace, dictionaries, dropsErrors, basis: { mlp, attention } } = kind;
  const parts = [objective, freezeFinalNorm, edits, trace, dictionaries, dropsErrors, mlp, attention];
  return JSON.stringify(["run", id, ...parts]);
}

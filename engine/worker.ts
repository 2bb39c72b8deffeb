/** The engine thread: ONNX Runtime and everything that feeds it. One request at a time, because `run` blocks the thread. */
import { Questioner } from "./circuit/questioner.ts";
import { strongestPlaces } from "./corpus/firing_graph.ts";
import { relatedByWeights } from "./corpus/related_weights.ts";
import { latentNeighbours } from "./corpus/latent_neighbours.ts";
import type { Scope } from "./corpus/scope.ts";
import { dictionaryOf, Sweeper } from "./corpus/sweeper.ts";
import { DictionaryMeter } from "./dictionaries/dictionary_meter.ts";
import { openDictionary } from "./dictionaries/open_dictionary.ts";
import { Trainer } from "./dictionaries/training/trainer.ts";
import { EngineError, NotFoundError } from "./errors.ts";
import { type ModelWeights, openModelWeights } from "./model/language_model.ts";
import { scale } from "./onnx/elementwise.ts";
import { lowerGraph } from "./onnx/lower.ts";
import { encodeModel } from "./onnx/proto.ts";
import { scalar } from "./onnx/value.ts";
import type { EngineRequests, OpenInput } from "./protocol.ts";
import { createOrtBackend } from "./runtime/ort_backend.ts";
import { serveWorker } from "./runtime/worker_host.ts";

class EngineThread {
  readonly questioner: Questioner;
  readonly sweeper: Sweeper;
  readonly meter: DictionaryMeter;
  readonly trainer: Trainer;
  readonly #locations: OpenInput["models"];
  readonly #models = new Map<string, ModelWeights>();

  private constructor(questioner: Questioner, locations: OpenInput["models"]) {
    this.questioner = questioner;
    this.sweeper = new Sweeper(questioner);
    this.meter = new DictionaryMeter(questioner);
    this.trainer = new Trainer(questioner);
    this.#locations = locations;
  }

  static async open({ device, models, maxSessionBytes }: OpenInput): Promise<EngineThread> {
    const probe = encodeModel(lowerGraph({ outputs: { two: scale(scalar(1), 2) } }));
    return new EngineThread(new Questioner(await createOrtBackend({ device }, probe), maxSessionBytes), models);
  }

  async model(id: string): Promise<ModelWeights> {
    const known = this.#models.get(id);
    if (known !== undefined) return known;
    const location = this.#locations.find((candidate) => candidate.id === id);
    if (location === undefined) throw new NotFoundError(`Model "${id}" is not loaded`);
    const plain = await openModelWeights(location);
    const dictionaries = await Promise.all(
      location.dictionaries.map((dictionary) => openDictionary(dictionary, plain.architecture)),
    );
    const model = { ...plain, dictionaries };
    this.#models.set(id, model);
    return model;
  }

  /** A model, and one of its dictionaries. */
  async scope(id: string, dictionary: string | null): Promise<Scope<ModelWeights>> {
    const model = await this.model(id);
    return { model, dictionary: dictionary === null ? null : dictionaryOf(model, dictionary) };
  }
}

let thread: EngineThread | null = null;

function opened(): EngineThread {
  if (thread === null) throw new EngineError("Internal: the engine thread was asked before it was opened");
  return thread;
}

/** How long the thread is left alone before it writes graphs ahead, in ms. */
const IDLE_MS = 50;
let timer: ReturnType<typeof setTimeout> | undefined;

/** While nobody asks, writes the graphs that are likely to be asked for next, one at a time. */
function writeAheadWhenIdle(model: ModelWeights, kind: Parameters<Questioner["writeAhead"]>[1]): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (opened().questioner.writeAhead(model, kind)) writeAheadWhenIdle(model, kind);
  }, IDLE_MS);
}

serveWorker<EngineRequests>({
  open: async (input) => {
    thread = await EngineThread.open(input);
    return { output: null };
  },
  warm: async ({ modelId, kind }) => {
    const { questioner } = opened();
    const model = await opened().model(modelId);
    await questioner.warm(model, kind);
    writeAheadWhenIdle(model, kind);
    return { output: questioner.sessions };
  },
  run: async ({ modelId, question }) => {
    const { questioner } = opened();
    const model = await opened().model(modelId);
    const numbers = await questioner.run(model, question);
    writeAheadWhenIdle(model, question);
    return { output: { numbers, sessions: questioner.sessions } };
  },
  edges: async ({ modelId, question }) => {
    const { questioner } = opened();
    const { objective, edges } = await questioner.edges(await opened().model(modelId), question);
    return { output: { objective, edges, sessions: questioner.sessions } };
  },
  scores: async ({ modelId, question }) => {
    const { questioner } = opened();
    const scores = await questioner.scores(await opened().model(modelId), question);
    return { output: { scores, sessions: questioner.sessions }, transfer: [scores.buffer] };
  },
  lens: async ({ modelId, question }) => {
    const { questioner } = opened();
    const rows = await questioner.lens(await opened().model(modelId), question);
    return { output: { rows, sessions: questioner.sessions } };
  },
  attention: async ({ modelId, question }) => {
    const { questioner } = opened();
    const values = await questioner.attention(await opened().model(modelId), question);
    return { output: { values, sessions: questioner.sessions } };
  },
  attributedTokens: async ({ modelId, question }) => {
    const { questioner } = opened();
    const numbers = await questioner.attributedTokens(await opened().model(modelId), question);
    return { output: { numbers, sessions: questioner.sessions } };
  },
  means: async ({ modelId, texts }) => {
    const { questioner } = opened();
    const sums = await questioner.means(await opened().model(modelId), texts);
    return { output: { sums, sessions: questioner.sessions } };
  },
  sweep: async ({ modelId, state, step }) => {
    const { questioner, sweeper } = opened();
    await sweeper.add(await opened().model(modelId), state, step);
    return { output: { state, sessions: questioner.sessions }, transfer: [...state.values()] };
  },
  values: async ({ modelId, component, dictionary, texts }) => {
    const { questioner, sweeper } = opened();
    const values = await sweeper.values({ ...await opened().scope(modelId, dictionary), component }, texts);
    return { output: { values, sessions: questioner.sessions } };
  },
  siteActivations: async ({ modelId, site, texts }) => {
    const { questioner, meter } = opened();
    const rows = await meter.activations(await opened().model(modelId), site, texts);
    return { output: { rows, sessions: questioner.sessions }, transfer: [rows.buffer] };
  },
  train: async ({ modelId, spec, state, batches }) => {
    const { questioner, trainer } = opened();
    const taken = await trainer.steps(await opened().model(modelId), { spec, state }, batches);
    const transfer = [...taken.state.tensors.values()].map(({ buffer }) => buffer);
    return { output: { ...taken, sessions: questioner.sessions }, transfer };
  },
  dictionaryMetrics: async ({ modelId, dictionary, texts }) => {
    const { questioner, meter } = opened();
    const sums = await meter.measure(await opened().model(modelId), dictionary, texts);
    return { output: { sums, sessions: questioner.sessions } };
  },
  firing: async ({ modelId, dictionary, tokens, queries }) => {
    const { questioner } = opened();
    const strongest = await strongestPlaces(questioner, await opened().scope(modelId, dictionary), { tokens, queries });
    const transfer = [...strongest.values()].flatMap(({ values, places }) => [values.buffer, places.buffer]);
    return { output: { strongest, sessions: questioner.sessions }, transfer };
  },
  related: async ({ modelId, component, top }) => {
    const { questioner } = opened();
    const relations = await relatedByWeights(questioner, await opened().model(modelId), { component, top });
    return { output: { relations, sessions: questioner.sessions } };
  },
  latentNeighbours: async ({ modelId, dictionary, index, top }) => {
    const { questioner } = opened();
    const neighbours = await latentNeighbours(questioner, await opened().model(modelId), { dictionary, index, top });
    return { output: { neighbours, sessions: questioner.sessions } };
  },
  measure: async ({ modelId, question, variants }) => {
    const { questioner } = opened();
    const numbers = await questioner.measure(await opened().model(modelId), question, variants);
    return { output: { numbers, sessions: questioner.sessions } };
  },
  tensors: async ({ modelId, question }) => {
    const { questioner } = opened();
    const numbers = await questioner.tensors(await opened().model(modelId), question);
    const transfer = new Set(numbers.tensors.map(({ data }) => data.buffer));
    return { output: { numbers, sessions: questioner.sessions }, transfer: [...transfer] };
  },
});

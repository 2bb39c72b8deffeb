/** Puts the engine together: models, store, engine thread. What a request needs of all three meets here. */
import type { AttentionRequest, AttentionResult } from "./circuit/attention_request.ts";
import type { AttributedTokens, AttributedTokensRequest } from "./circuit/attributed_tokens.ts";
import type { CircuitRequest, CircuitResult } from "./circuit/circuit_request.ts";
import type { EdgesRequest, EdgesResult } from "./circuit/edges_request.ts";
import { parseOrThrow } from "./circuit/field_issues.ts";
import type { LensRequest, LensResult } from "./circuit/lens_request.ts";
import { type Measurement, type MeasureRequest, measureRequestSchema } from "./circuit/measurement.ts";
import { type ResolvedQuestion, resolveSpec, tokenizeText } from "./circuit/resolve_spec.ts";
import { type RunSpec, type RunSpecInput, runSpecSchema } from "./circuit/run_spec.ts";
import type { RunResult } from "./circuit/run_result.ts";
import type { ScoredTokens, ScoredTokensRequest } from "./circuit/scored_tokens.ts";
import type { TensorsRequest } from "./circuit/tensors_request.ts";
import type { Explanations } from "./explanations.ts";
import { join } from "node:path";
import type { CallOptions, Engine, EngineStatus, RunAnswer } from "./engine.ts";
import { NotFoundError } from "./errors.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { Job, JobRequest } from "./jobs/job.ts";
import { LongWork } from "./long_work.ts";
import type { TrainingReport } from "./jobs/training_report.ts";
import type { JobSource } from "./job_source.ts";
import { Measurer } from "./measurer.ts";
import { type ModelDetail, type ModelSummary, summaryOf, type Token } from "./model/summary.ts";
import type { EngineRequests } from "./protocol.ts";
import { openPublishedRecords, type PublishedRecords } from "./corpus/published_records.ts";
import type {
  ActivationsRequest,
  Catalogue,
  CatalogueRequest,
  LayerRecord,
  LayerRecordsRequest,
  RecordsRequest,
} from "./corpus/corpus_requests.ts";
import type { ComponentRecords, Example } from "./corpus/component_records.ts";
import type { RelatedComponents, RelatedRequest } from "./corpus/related_request.ts";
import type { Firing, FiringRequest, SearchRequest, SearchResult } from "./corpus/search_requests.ts";
import type { SweepSummary, TextSet } from "./corpus/sweep_summary.ts";
import { openDictionaries, withDictionaries } from "./open_dictionaries.ts";
import { openModels } from "./open_models.ts";
import { referenceDigest } from "./reference_texts.ts";
import type { DictionaryReport, MeasureDictionaryRequest } from "./dictionaries/metrics_request.ts";
import type { Device } from "./runtime/backend.ts";
import type { SessionCounters } from "./runtime/session_cache.ts";
import type { WorkerClient } from "./runtime/worker_client.ts";
import { startWorker } from "./start_worker.ts";
import { openReports, type Reports } from "./reports.ts";
import { type Asked, ReportCache } from "./report_cache.ts";
import type { ReportSource } from "./report_source.ts";
import type { OpenEngineOptions } from "./engine_options.ts";
import { makeRun, type RunFrame, runId } from "./run_maker.ts";
import { SharedWork } from "./shared_work.ts";
import { Store } from "./store/store.ts";
import { tensorsFile } from "./tensors_file.ts";
import { Digests, requireLoaded } from "./weights_digest.ts";

/**
 * Opens models, store and engine thread, and begins to compile the default question.
 *
 * @throws {StartError} if a model folder or the device cannot be used.
 */
export async function openEngine(options: OpenEngineOptions): Promise<Engine> {
  const log = options.log ?? (() => {});
  const plain = await openModels(options.modelFolders, log);
  const { dataFolder, records = [], dictionaryFolders: folders = [] } = options;
  const dictionaries = await openDictionaries({ folders, trained: trainedFolder(options) }, plain, log);
  const models = withDictionaries(plain, dictionaries);
  const published = openPublishedRecords(records, { models: [...models.keys()], dataFolder });
  const worker = await startWorker(options, { models, locations: dictionaries.locations });
  const store = Store.open(dataFolder, log);
  const digests = new Digests(store, dictionaries.paths);
  const engine = new LocalEngine({ models, published, worker, store, digests, options });
  engine.resumeJobs();
  return engine;
}

/** Where dictionaries that were trained here lie, a folder a model. */
function trainedFolder({ dataFolder }: OpenEngineOptions): string {
  return join(dataFolder, "dictionaries");
}

interface Parts {
  readonly models: ReadonlyMap<string, LanguageModel>;
  readonly published: ReadonlyMap<string, PublishedRecords>;
  readonly worker: WorkerClient<EngineRequests>;
  readonly store: Store;
  readonly digests: Digests;
  readonly options: OpenEngineOptions;
}

class LocalEngine implements Engine {
  readonly version: string;
  readonly explanations: Explanations;
  readonly #models: ReadonlyMap<string, LanguageModel>;
  readonly #worker: WorkerClient<EngineRequests>;
  readonly #store: Store;
  readonly #device: Device;
  readonly #digests: Digests;
  readonly #running = new SharedWork<RunAnswer>();
  readonly #measurer: Measurer;
  readonly #work: LongWork;
  readonly #reports: Reports;
  #sessions: SessionCounters = { count: 0, bytes: 0, compiled: 0, reused: 0 };
  #isClosed = false;

  constructor({ models, published, worker, store, digests, options }: Parts) {
    this.version = options.version;
    this.#device = options.device;
    this.#models = models;
    this.#worker = worker;
    this.#store = store;
    this.#digests = digests;
    this.#measurer = new Measurer(worker, store);
    const jobSource: JobSource = {
      worker,
      store,
      corpusFiles: options.corpusFiles ?? [],
      dataFolder: options.dataFolder,
      trainedFolder: ({ id }) => options.trainedFolder ?? join(trainedFolder(options), id),
      stepTokens: options.stepTokens ?? null,
      model: (id) => this.#model(id),
      digest: (model, dictionaries = []) => digests.question({ model, dictionaries }),
    };
    this.#work = new LongWork(jobSource, {
      defaultModel: () => this.#defaultId(),
      explanations: () => this.explanations,
    });
    const source: ReportSource = {
      worker,
      cache: new ReportCache(store, {
        version: this.version,
        weights: (model, dictionaries = []) => digests.question({ model, dictionaries }),
      }),
      resolve: (input) => this.#resolve(input),
      // Not a run that anybody asked for: it is not kept.
      compute: ({ model, resolved }, signal) => this.#compute(model, resolved, { id: "", signal }),
    };
    const { assistant = null } = options;
    this.#reports = openReports(source, jobSource, { published, assistant, defaultModel: () => this.#defaultId() });
    this.explanations = this.#reports.explanations;
  }

  models(): readonly ModelSummary[] {
    return [...this.#models.values()].map(({ detail }) => summaryOf(detail));
  }

  model(id: string): ModelDetail {
    return this.#model(id).detail;
  }

  tokenize(modelId: string, text: string, bos: boolean): readonly Token[] {
    const model = this.#model(modelId);
    return tokenizeText(model, text, bos).map((id) => ({ id, text: model.tokenizer.tokenText(id) }));
  }

  async canonicalize(input: RunSpecInput): Promise<RunSpec> {
    return (await this.#resolve(input)).resolved.spec;
  }

  async run(input: RunSpecInput, { signal }: CallOptions = {}): Promise<RunAnswer> {
    const { model, resolved, texts } = await this.#resolve(input);
    const { dictionaries } = resolved;
    const id = runId(resolved.spec, await this.#digests.question({ model, dictionaries }), texts);
    const stored = this.#store.findRun(id);
    if (stored !== null) return { result: stored, isNew: false };
    return await this.#running.join(id, signal, async (shared) => {
      const result = await this.#compute(model, resolved, { id, signal: shared });
      this.#store.saveRun(result);
      return { result, isNew: true };
    });
  }

  storedRun(id: string): RunResult {
    const result = this.#store.findRun(id);
    if (result === null) throw new NotFoundError(`There is no run ${id.slice(0, 64)}: ask its question again`);
    return result;
  }

  async requireWeightsOf(runId: string): Promise<void> {
    await requireLoaded(this.storedRun(runId).provenance, { models: this.#models, digests: this.#digests });
  }

  recentRuns(count: number): readonly RunResult[] {
    return this.#store.recentRuns(count);
  }

  async tensors(request: TensorsRequest, { signal }: CallOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const { bytes, sessions } = await tensorsFile(request, {
      worker: this.#worker,
      resolve: (input) => this.#resolve(input),
      signal,
    });
    this.#sessions = sessions;
    return bytes;
  }

  edges(request: EdgesRequest, options: CallOptions = {}): Promise<EdgesResult> {
    return this.#reports.nodes.edges(request, options);
  }

  scoredTokens(request: ScoredTokensRequest, options: CallOptions = {}): Promise<ScoredTokens> {
    return this.#reports.nodes.scoredTokens(request, options);
  }

  lens(request: LensRequest, options: CallOptions = {}): Promise<LensResult> {
    return this.#reports.sides.lens(request, options);
  }

  attributedTokens(request: AttributedTokensRequest, options: CallOptions = {}): Promise<AttributedTokens> {
    return this.#reports.nodes.attributedTokens(request, options);
  }

  attention(request: AttentionRequest, options: CallOptions = {}): Promise<AttentionResult> {
    return this.#reports.sides.attention(request, options);
  }

  circuit(
    request: CircuitRequest,
    options: CallOptions & { readonly patienceMs?: number } = {},
  ): Promise<CircuitResult> {
    return this.#reports.circuits.circuit(request, options);
  }

  async measure(runId: string, request: MeasureRequest): Promise<Measurement> {
    const query = parseOrThrow(measureRequestSchema, request);
    await this.requireWeightsOf(runId);
    const run = this.storedRun(runId);
    return this.#measurer.begin({ ...await this.#resolve(run.spec), run, query });
  }

  measurement(runId: string, request: MeasureRequest): Measurement | null {
    return this.#measurer.find(runId, parseOrThrow(measureRequestSchema, request));
  }

  finishedMeasurement(runId: string, request: MeasureRequest): Promise<Measurement> {
    return this.#measurer.finished(runId, parseOrThrow(measureRequestSchema, request));
  }

  cancelMeasurement(runId: string, request: MeasureRequest): void {
    this.#measurer.cancel(runId, parseOrThrow(measureRequestSchema, request));
  }

  startJob(request: JobRequest): Promise<Job> {
    return this.#work.start(request);
  }

  /** Goes on with the jobs of the last start. */
  resumeJobs(): void {
    this.#work.queue.start();
  }

  jobs(): readonly Job[] {
    return this.#work.queue.list();
  }

  finishedJob(id: string): Promise<Job> {
    return this.#work.queue.finished(id);
  }

  cancelJob(id: string): void {
    this.#work.queue.cancel(id);
  }

  pauseJob(id: string): void {
    this.#work.queue.pause(id);
  }

  resumeJob(id: string): void {
    this.#work.queue.resume(id);
  }

  training(jobId: string): Promise<TrainingReport> {
    return this.#work.training(jobId);
  }

  measureDictionary(request: MeasureDictionaryRequest, options: CallOptions = {}): Promise<DictionaryReport> {
    return this.#reports.dictionaries.measure(request, options);
  }

  textSets(modelId: string): Promise<readonly TextSet[]> {
    return this.#reports.corpus.textSets(modelId);
  }

  sweeps(modelId: string, dictionary: string | null = null): Promise<readonly SweepSummary[]> {
    return this.#reports.corpus.sweeps(modelId, dictionary);
  }

  records(request: RecordsRequest, options: CallOptions = {}): Promise<ComponentRecords> {
    return this.#reports.corpus.records(request, options);
  }

  catalogue(request: CatalogueRequest): Promise<Catalogue> {
    return this.#reports.corpus.catalogue(request);
  }

  layerRecords(request: LayerRecordsRequest): Promise<Iterable<LayerRecord>> {
    return this.#reports.corpus.layerRecords(request);
  }

  activations(request: ActivationsRequest, options: CallOptions = {}): Promise<readonly Example[]> {
    return this.#reports.corpus.activations(request, options);
  }

  firing(request: FiringRequest, options: CallOptions = {}): Promise<Firing> {
    return this.#reports.search.firing(request, options);
  }

  search(request: SearchRequest, options: CallOptions = {}): Promise<SearchResult> {
    return this.#reports.search.search(request, options);
  }

  related(request: RelatedRequest, options: CallOptions = {}): Promise<RelatedComponents> {
    return this.#reports.related.related(request, options);
  }

  status(): EngineStatus {
    const { queued, active, problem } = this.#worker.counters();
    const storeProblem = this.#store.problem;
    return {
      isReady: !this.#isClosed && problem === null,
      problem: problem ?? storeProblem,
      device: this.#device,
      queued,
      active,
      sessions: this.#sessions,
      storedRuns: this.#store.countRuns(),
    };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([this.#work.queue.close(), this.explanations.close(), this.#worker.close()]);
    this.#store[Symbol.dispose]();
  }

  #model(id: string): LanguageModel {
    const model = this.#models.get(id);
    if (model === undefined) {
      throw new NotFoundError(
        `There is no model "${id.slice(0, 200)}": expected one of ${[...this.#models.keys()].join(", ")}`,
      );
    }
    return model;
  }

  /** @throws {ValidationError | NotFoundError} */
  async #resolve(input: unknown): Promise<Asked> {
    const parsed = parseOrThrow(runSpecSchema, input);
    const model = this.#model(parsed.model ?? this.#defaultId());
    if (parsed.interventions.every(({ method }) => method === undefined)) {
      return { model, resolved: resolveSpec(parsed, model, null), texts: null };
    }
    const texts = await referenceDigest(model, this.#store);
    const means = this.#store.findMeans(await this.#digests.model(model), texts);
    return { model, resolved: resolveSpec(parsed, model, means), texts };
  }

  #defaultId(): string {
    const [id = ""] = this.#models.keys();
    return id;
  }

  async #compute(
    model: LanguageModel,
    resolved: ResolvedQuestion,
    frame: Pick<RunFrame, "id" | "signal">,
  ): Promise<RunResult> {
    const { version } = this;
    const { result, sessions } = await makeRun(model, resolved, {
      ...frame,
      weights: await this.#digests.model(model),
      dictionaries: await this.#digests.dictionaries(resolved.dictionaries),
      version,
      device: this.#device,
      worker: this.#worker,
    });
    this.#sessions = sessions;
    return result;
  }
}

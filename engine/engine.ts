/** The engine as the rest of the program sees it; `mod.ts` opens one. */
import type {
  ActivationsRequest,
  Catalogue,
  CatalogueRequest,
  LayerRecord,
  LayerRecordsRequest,
  RecordsRequest,
} from "./corpus/corpus_requests.ts";
import type { ComponentRecords, Example } from "./corpus/component_records.ts";
import type { Firing, FiringRequest, SearchRequest, SearchResult } from "./corpus/search_requests.ts";
import type { RelatedComponents, RelatedRequest } from "./corpus/related_request.ts";
import type { ExplanationsApi } from "./explanations_api.ts";
import type { SweepSummary, TextSet } from "./corpus/sweep_summary.ts";
import type { DictionaryReport, MeasureDictionaryRequest } from "./dictionaries/metrics_request.ts";
import type { Job, JobRequest } from "./jobs/job.ts";
import type { TrainingReport } from "./jobs/training_report.ts";
import type { ModelDetail, ModelSummary, Token } from "./model/summary.ts";
import type { AttentionRequest, AttentionResult } from "./circuit/attention_request.ts";
import type { AttributedTokens, AttributedTokensRequest } from "./circuit/attributed_tokens.ts";
import type { CircuitRequest, CircuitResult } from "./circuit/circuit_request.ts";
import type { EdgesRequest, EdgesResult } from "./circuit/edges_request.ts";
import type { LensRequest, LensResult } from "./circuit/lens_request.ts";
import type { Measurement, MeasureRequest } from "./circuit/measurement.ts";
import type { RunResult } from "./circuit/run_result.ts";
import type { RunSpec, RunSpecInput } from "./circuit/run_spec.ts";
import type { ScoredTokens, ScoredTokensRequest } from "./circuit/scored_tokens.ts";
import type { TensorsRequest } from "./circuit/tensors_request.ts";

/** How a request may be waited for. */
export interface CallOptions {
  /** Aborting drops the request if it has not started; either way the promise rejects with `CancelledError`. */
  readonly signal?: AbortSignal;
}

/** A stored or fresh run, and which of the two it is. */
export interface RunAnswer {
  readonly result: RunResult;
  /** False if the run was in the store already. */
  readonly isNew: boolean;
}

/** What `/readyz` and `/metrics` tell. */
export interface EngineStatus {
  readonly isReady: boolean;
  /** One clear sentence where something is wrong (store unusable, worker restarting), else null. */
  readonly problem: string | null;
  readonly device: string;
  readonly queued: number;
  readonly active: number;
  readonly sessions: {
    readonly count: number;
    readonly bytes: number;
    readonly compiled: number;
    readonly reused: number;
  };
  readonly storedRuns: number;
}

export interface Engine {
  readonly version: string;
  /** Loaded models, the default first. */
  models(): readonly ModelSummary[];
  /** @throws {NotFoundError} */
  model(id: string): ModelDetail;
  /** Text to tokens, BOS prepended if `bos` and lacking. @throws {NotFoundError | ValidationError} */
  tokenize(modelId: string, text: string, bos: boolean): readonly Token[];
  /** Checks a question against the model and fills in every default. @throws {ValidationError | NotFoundError} */
  canonicalize(input: RunSpecInput): Promise<RunSpec>;
  /** Finds or computes the run. @throws {ValidationError | NotFoundError | QueueFullError | CancelledError | EngineUnavailableError} */
  run(input: RunSpecInput, options?: CallOptions): Promise<RunAnswer>;
  /** A stored run. @throws {NotFoundError} */
  storedRun(id: string): RunResult;
  /** Makes sure that what is computed now belongs to a stored run. @throws {NotFoundError | ModelNotLoadedError} if it would not */
  requireWeightsOf(runId: string): Promise<void>;
  /** Latest runs, newest first. */
  recentRuns(count: number): readonly RunResult[];
  /** Any activation, gradient or scalar as the bytes of a safetensors file. Errors as `run`. */
  tensors(request: TensorsRequest, options?: CallOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** The strongest edges of a node, from writers before it or to readers after it. Errors as `run`. */
  edges(request: EdgesRequest, options?: CallOptions): Promise<EdgesResult>;
  /** What a node promotes in the vocabulary, and which tokens drive it. Errors as `run`. */
  scoredTokens(request: ScoredTokensRequest, options?: CallOptions): Promise<ScoredTokens>;
  /** Where the values of attention latents come from, token by token. Errors as `run`. */
  attributedTokens(request: AttributedTokensRequest, options?: CallOptions): Promise<AttributedTokens>;
  /** The residual stream read out after every layer, at a window of tokens. Errors as `run`. */
  lens(request: LensRequest, options?: CallOptions): Promise<LensResult>;
  /** One head's token pairs on one side. Errors as `run`. */
  attention(request: AttentionRequest, options?: CallOptions): Promise<AttentionResult>;
  /**
   * Some nodes and the direct edges among them. With `patienceMs`, what is not traced by then is left to the next call, which begins where
   * this one ended. Errors as `run`.
   */
  circuit(request: CircuitRequest, options?: CallOptions & { readonly patienceMs?: number }): Promise<CircuitResult>;
  /**
   * Begins to ablate a stored run's strongest nodes one by one, or finds that this was asked before; the state as it is now. Work goes on
   * in the background. @throws {NotFoundError | ValidationError | ModelNotLoadedError}
   */
  measure(runId: string, request: MeasureRequest): Promise<Measurement>;
  /** The state of a measurement, null if nobody asked for it. */
  measurement(runId: string, request: MeasureRequest): Measurement | null;
  /** The measurement when it is over. @throws {NotFoundError} if nobody asked for it */
  finishedMeasurement(runId: string, request: MeasureRequest): Promise<Measurement>;
  /** Drops what of a measurement has not been executed. */
  cancelMeasurement(runId: string, request: MeasureRequest): void;
  /** Queues a job, or finds it queued, under way or done; one that was paused or cancelled goes on. @throws {ValidationError | NotFoundError} */
  startJob(request: JobRequest): Promise<Job>;
  /** Every job that was ever asked for, in the order of asking. */
  jobs(): readonly Job[];
  /** A job when it is over or paused. @throws {NotFoundError} */
  finishedJob(id: string): Promise<Job>;
  /** Lets a job rest after the batch in flight; one that is over stays over. @throws {NotFoundError} */
  pauseJob(id: string): void;
  /** Queues a job that is not over again, where it stopped. @throws {NotFoundError} */
  resumeJob(id: string): void;
  /** Gives a job up; what a sweep has collected can still be read. @throws {NotFoundError} */
  cancelJob(id: string): void;
  /** How a training went so far. @throws {NotFoundError} if there is no such job, or it trains nothing */
  training(jobId: string): Promise<TrainingReport>;
  /**
   * What a loaded dictionary is measured to be on held-out text (`dictionaries/metrics.ts`): found, or computed.
   * @throws {NotFoundError | ValidationError}; else as `run`
   */
  measureDictionary(request: MeasureDictionaryRequest, options?: CallOptions): Promise<DictionaryReport>;
  /** What a model can be swept over. @throws {NotFoundError} */
  textSets(modelId: string): Promise<readonly TextSet[]>;
  /** How far a model has been swept, one entry a text set. @throws {NotFoundError} */
  sweeps(modelId: string, dictionary?: string | null): Promise<readonly SweepSummary[]>;
  /** What a component does over a text set. @throws {NotFoundError | ValidationError} that says how to start the sweep; else as `run` */
  records(request: RecordsRequest, options?: CallOptions): Promise<ComponentRecords>;
  /** A page of the components of a kind, sorted by a statistic or a score. @throws {NotFoundError | ValidationError} */
  catalogue(request: CatalogueRequest): Promise<Catalogue>;
  /** Statistics and places of the top sequences of every component of a layer. @throws {NotFoundError | ValidationError} */
  layerRecords(request: LayerRecordsRequest): Promise<Iterable<LayerRecord>>;
  /** A component's values on some texts, in their order. Errors as `run`. */
  activations(request: ActivationsRequest, options?: CallOptions): Promise<readonly Example[]>;
  /** Which components fire on a text, the strongest first. @throws {NotFoundError} without the records asked for; else as `run` */
  firing(request: FiringRequest, options?: CallOptions): Promise<Firing>;
  /** Texts of a sweep that hold a phrase, and components that are strongest on it. @throws {NotFoundError | ValidationError | CancelledError} */
  search(request: SearchRequest, options?: CallOptions): Promise<SearchResult>;
  /**
   * Components related to one: by their weights, and by when they are active where a sweep has collected something. Errors as `run`.
   */
  related(request: RelatedRequest, options?: CallOptions): Promise<RelatedComponents>;
  /** What is said of components, by whom, and how well it holds. */
  readonly explanations: ExplanationsApi;
  status(): EngineStatus;
  /** Answers 503 to what is waiting, ends the worker, closes the store. */
  close(): Promise<void>;
}

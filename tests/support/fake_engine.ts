/** An engine that computes nothing: numbers follow from token ids, the same each time. Tests steer it through `failure`, `delayMs` and `isReady`. */
import { createHash } from "node:crypto";
import { resolveDictionaries } from "../../engine/circuit/dictionary_spec.ts";
import { parseOrThrow } from "../../engine/circuit/field_issues.ts";
import { runSpecSchema } from "../../engine/circuit/run_spec.ts";
import { tensorsRequestSchema } from "../../engine/circuit/tensors_request.ts";
import {
  type ActivationsRequest,
  type AttentionRequest,
  attentionRequestSchema,
  type AttentionResult,
  type AttributedTokens,
  type AttributedTokensRequest,
  type CallOptions,
  CancelledError,
  type Catalogue,
  type CatalogueRequest,
  type CircuitRequest,
  circuitRequestSchema,
  type CircuitResult,
  type ComponentRecords,
  type DictionaryDetail,
  type EdgesRequest,
  type EdgesResult,
  type Engine,
  type EngineStatus,
  type Example,
  type FieldIssue,
  type Firing,
  type FiringRequest,
  type Job,
  type JobRequest,
  type LayerRecord,
  type LayerRecordsRequest,
  type LensRequest,
  lensRequestSchema,
  type LensResult,
  type Measurement,
  type MeasureRequest,
  type ModelDetail,
  type ModelSummary,
  NotFoundError,
  type RecordsRequest,
  type RelatedComponents,
  type RelatedRequest,
  type RunAnswer,
  type RunResult,
  type RunSpec,
  type RunSpecInput,
  type ScoredTokens,
  type ScoredTokensRequest,
  type SearchRequest,
  type SearchResult,
  type SweepSummary,
  type TensorsRequest,
  type TextSet,
  type Token,
  ValidationError,
} from "../../engine/mod.ts";
import { fakeDictionaryReport, fakeTraining } from "./fake_training.ts";
import {
  FAKE_TEXT_SETS,
  fakeCatalogue,
  fakeExample,
  fakeJob,
  fakeLayerRecords,
  fakeRecords,
  fakeSweeps,
} from "./fake_corpus.ts";
import { FAKE_DICTIONARIES } from "./fake_dictionaries.ts";
import { BOS, FAKE_MODEL as MODEL, fakeRun } from "./fake_run.ts";
import { FakeExplanations } from "./fake_explanations.ts";
import { fakeFiring, fakeSearch } from "./fake_search.ts";
import { fakeRelated } from "./fake_related.ts";
import { fakeAttention, fakeCircuit, fakeLens, sideAt } from "./fake_reports.ts";

/** A deterministic engine with one model, `demo`, in which a word with the space before it is one token. */
export class FakeEngine implements Engine {
  readonly version = "0.0.0-test";
  readonly explanations = new FakeExplanations();
  /** Thrown by whatever is asked next and later; null lets it answer. */
  failure: Error | null = null;
  /** How long a run takes. */
  delayMs = 0;
  isReady = true;
  dictionaries: readonly DictionaryDetail[] = FAKE_DICTIONARIES;
  /** Signals of the runs and tensors asked for. */
  readonly signals: (AbortSignal | undefined)[] = [];
  /** Times that the status was asked for. */
  statusCalls = 0;
  readonly #runs = new Map<string, RunResult>();
  readonly #measurements = new Map<string, Measurement>();
  readonly #jobs = new Map([fakeJob({ kind: "means" })].map((job): [string, Job] => [job.id, job]));
  readonly #texts = new Map<number, string>([[BOS.id, BOS.text]]);

  models(): readonly ModelSummary[] {
    return [MODEL];
  }

  model(id: string): ModelDetail {
    this.#fail();
    if (id !== MODEL.id) throw new NotFoundError(`There is no model ${JSON.stringify(id)}: expected demo`);
    return {
      ...MODEL,
      config: { model_type: "gpt2", n_layer: 2 },
      hookPoints: [{ name: "blocks.0.mlp.hook_post", axes: ["token", "neuron"] }],
      dictionaries: this.dictionaries,
      datasets: [],
    };
  }

  tokenize(modelId: string, text: string, bos: boolean): readonly Token[] {
    this.model(modelId);
    const tokens = [...text.matchAll(/\s?\S+|\s/gu)].map(([part]) => this.#token(part));
    return bos ? [BOS, ...tokens] : tokens;
  }

  canonicalize(input: RunSpecInput): Promise<RunSpec> {
    return Promise.try(() => this.#canonical(input));
  }

  #canonical(input: RunSpecInput): RunSpec {
    const { model = MODEL.id, prompts, ...parsed } = parseOrThrow(runSpecSchema, input);
    this.model(model);
    const issues: FieldIssue[] = [];
    prompts.forEach((prompt, p) => {
      for (const key of ["targets", "distractors"] as const) {
        prompt[key].forEach((choice, i) => {
          const parts = typeof choice === "number" ? [choice] : this.tokenize(model, choice, false);
          if (parts.length === 1) return;
          issues.push({
            path: `prompts.${p}.${key}.${i}`,
            message: `${JSON.stringify(choice)} is ${parts.length} tokens: expected exactly one`,
          });
        });
      }
    });
    const nodes = [...parsed.interventions, ...parsed.trace === null ? [] : [parsed.trace]].map(({ node: ref }) => ref);
    const dictionaries = resolveDictionaries(
      { basis: parsed.basis, dictionaries: parsed.dictionaries, nodes },
      { id: model, dictionaries: this.dictionaries.map((detail) => ({ detail })) },
      issues,
    ).map(({ detail }) => detail.id);
    if (issues.length > 0) throw new ValidationError(issues);
    // In one order, so that equal questions are equal texts.
    return {
      model,
      prompts,
      bos: parsed.bos ?? prompts.some((prompt) => "text" in prompt),
      objective: parsed.objective,
      freezeFinalNorm: parsed.freezeFinalNorm,
      interventions: parsed.interventions,
      trace: parsed.trace,
      basis: parsed.basis,
      dictionaries,
      ...dictionaries.length === 0 ? {} : { dropErrors: parsed.dropErrors },
      topK: parsed.topK,
    };
  }

  async run(input: RunSpecInput, { signal }: CallOptions = {}): Promise<RunAnswer> {
    this.signals.push(signal);
    await this.#wait(signal);
    const spec = this.#canonical(input);
    const id = createHash("sha256").update(JSON.stringify(spec)).digest("hex").slice(0, 16);
    const stored = this.#runs.get(id);
    if (stored !== undefined) return { result: stored, isNew: false };
    const result = this.#compute(id, spec);
    this.#runs.set(id, result);
    return { result, isNew: true };
  }

  storedRun(id: string): RunResult {
    this.#fail();
    const run = this.#runs.get(id);
    if (run === undefined) throw new NotFoundError(`There is no run ${JSON.stringify(id)}`);
    return run;
  }

  requireWeightsOf(runId: string): Promise<void> {
    return this.#answer(() => {
      this.storedRun(runId);
    });
  }

  recentRuns(count: number): readonly RunResult[] {
    return [...this.#runs.values()].toReversed().slice(0, count);
  }

  async tensors(request: TensorsRequest, { signal }: CallOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    this.signals.push(signal);
    await this.#wait(signal);
    parseOrThrow(tensorsRequestSchema, request);
    return new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]);
  }

  status(): EngineStatus {
    this.statusCalls++;
    return {
      isReady: this.isReady,
      problem: this.isReady ? null : "The engine restarts",
      device: "cpu",
      queued: 3,
      active: 1,
      sessions: { count: 2, bytes: 4096, compiled: 5, reused: 7 },
      storedRuns: this.#runs.size,
    };
  }

  /** Means are done at once, a sweep is under way. */
  startJob(request: JobRequest): Promise<Job> {
    return this.#answer(() => {
      const job = fakeJob(request, request.kind === "means" ? "done" : "running");
      this.#jobs.set(job.id, job);
      return job;
    });
  }

  jobs(): readonly Job[] {
    return [...this.#jobs.values()];
  }

  finishedJob(id: string): Promise<Job> {
    return Promise.try(() => this.#job(id));
  }

  pauseJob(id: string): void {
    this.#jobs.set(id, { ...this.#job(id), state: "paused", perSecond: null, etaSeconds: null });
  }

  resumeJob(id: string): void {
    this.#jobs.set(id, { ...this.#job(id), state: "running", perSecond: 10, etaSeconds: 6 });
  }

  readonly training = fakeTraining;
  readonly measureDictionary = fakeDictionaryReport;

  cancelJob(id: string): void {
    this.#jobs.set(id, { ...this.#job(id), state: "cancelled", perSecond: null, etaSeconds: null });
  }

  textSets(modelId: string): Promise<readonly TextSet[]> {
    return Promise.try(() => {
      this.model(modelId);
      return FAKE_TEXT_SETS;
    });
  }

  sweeps(modelId: string, dictionary: string | null = null): Promise<readonly SweepSummary[]> {
    return Promise.try(() => {
      this.model(modelId);
      return fakeSweeps(dictionary);
    });
  }

  records(request: RecordsRequest): Promise<ComponentRecords> {
    return this.#answer(() => fakeRecords(request));
  }

  catalogue(request: CatalogueRequest): Promise<Catalogue> {
    return this.#answer(() => fakeCatalogue(request));
  }

  layerRecords(request: LayerRecordsRequest): Promise<Iterable<LayerRecord>> {
    return this.#answer(() => fakeLayerRecords(request));
  }

  activations({ component, texts }: ActivationsRequest): Promise<readonly Example[]> {
    return this.#answer(() => texts.map((_, i) => fakeExample(component, null, 2 / (i + 1))));
  }

  firing(request: FiringRequest): Promise<Firing> {
    return this.#answer(() => fakeFiring(request, this.tokenize(request.model ?? MODEL.id, request.text, true)));
  }

  search(request: SearchRequest): Promise<SearchResult> {
    return this.#answer(() => fakeSearch(request));
  }

  related(request: RelatedRequest): Promise<RelatedComponents> {
    return this.#answer(() => fakeRelated(request));
  }

  edges({ node: ref, direction, path = null }: EdgesRequest): Promise<EdgesResult> {
    this.#fail();
    const edges = [{ ref: "embed@0", into: null, attribution: 0.5, activation: null }];
    return Promise.resolve({ node: ref, direction, path, attribution: 1.5, objective: 3.25, edges });
  }

  scoredTokens({ node: ref }: ScoredTokensRequest): Promise<ScoredTokens> {
    this.#fail();
    const list = { top: [{ ...BOS, score: 2, normalized: 1 }], bottom: [{ ...BOS, score: -1, normalized: -0.5 }] };
    return Promise.resolve({ node: ref, write: list, reads: [{ path: null, ...list }], alone: list });
  }

  attributedTokens({ nodes }: AttributedTokensRequest): Promise<AttributedTokens> {
    this.#fail();
    const latents = nodes.map((ref) => ({ node: ref, activation: 2, values: [1.25] }));
    return Promise.resolve({ tokens: [BOS], latents });
  }

  lens(request: LensRequest): Promise<LensResult> {
    return this.#answer(() => {
      const { side, from, count, ...spec } = parseOrThrow(lensRequestSchema, request);
      return fakeLens(sideAt(this.#compute("", this.#canonical(spec)), side), { from, count });
    });
  }

  attention(request: AttentionRequest): Promise<AttentionResult> {
    return this.#answer(() => {
      const { head, metric, side, ...spec } = parseOrThrow(attentionRequestSchema, request);
      return fakeAttention(sideAt(this.#compute("", this.#canonical(spec)), side), { head, metric });
    });
  }

  circuit(request: CircuitRequest): Promise<CircuitResult> {
    return this.#answer(() => {
      const { nodes, ...spec } = parseOrThrow(circuitRequestSchema, request);
      return fakeCircuit(sideAt(this.#compute("", this.#canonical(spec)), 0), nodes);
    });
  }

  measure(runId: string, { top = 32, by = "totalEffect" }: MeasureRequest): Promise<Measurement> {
    this.#fail();
    const { id, nodes } = this.storedRun(runId);
    const measured = nodes.slice(0, top).map((row) => ({
      ref: row.ref,
      directEffect: row.directEffect[0] ?? 0,
      totalEffect: row.totalEffect[0] ?? 0,
      measured: 0.5,
    }));
    const measurement: Measurement = {
      run: id,
      query: { top, by },
      state: "done",
      done: measured.length,
      total: measured.length,
      objective: 3.25,
      nodes: measured,
      rankCorrelation: 0.75,
      problem: null,
    };
    this.#measurements.set(`${id} ${top} ${by}`, measurement);
    return Promise.resolve(measurement);
  }

  measurement(runId: string, { top = 32, by = "totalEffect" }: MeasureRequest): Measurement | null {
    return this.#measurements.get(`${runId} ${top} ${by}`) ?? null;
  }

  finishedMeasurement(runId: string, request: MeasureRequest): Promise<Measurement> {
    const measurement = this.measurement(runId, request);
    return measurement === null ? Promise.reject(new NotFoundError("Not measured")) : Promise.resolve(measurement);
  }

  cancelMeasurement(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Answers, or fails as tests ask for. */
  #answer<T>(make: () => T): Promise<T> {
    return Promise.try(() => {
      this.#fail();
      return make();
    });
  }

  #fail(): void {
    if (this.failure !== null) throw this.failure;
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    if (signal?.aborted) throw new CancelledError("The caller gave up");
    this.#fail();
  }

  #job(id: string): Job {
    const job = this.#jobs.get(id);
    if (job === undefined) throw new NotFoundError(`There is no job ${id}`);
    return job;
  }

  #token(text: string): Token {
    const id = 1 + createHash("sha256").update(text).digest().readUInt32LE() % (MODEL.vocabularySize - 1);
    this.#texts.set(id, text);
    return { id, text };
  }

  #compute(id: string, spec: RunSpec): RunResult {
    return fakeRun({ id, spec, version: this.version }, {
      encode: (text, bos) => this.tokenize(spec.model, text, bos),
      textOf: (token) => this.#texts.get(token) ?? `[${token}]`,
    });
  }
}

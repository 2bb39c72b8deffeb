/** The engine's public door: the only engine file that `routes/`, `views/` and `main.ts` import. */
export * from "./errors.ts";
export type { CallOptions, Engine, EngineStatus, RunAnswer } from "./engine.ts";
export type { HookPointSummary } from "./model/hook_points.ts";
export { type DictionaryDetail, LATENT_KINDS, type LatentKind, latentKind } from "./model/dictionary.ts";
export type { DictionarySums, PartSums } from "./circuit/dictionary_sums.ts";
export type { ModelDetail, ModelSummary, Token } from "./model/summary.ts";
export type { Alignment } from "./circuit/alignment.ts";
export { type Intervention, interventionSchema, MAX_INTERVENTIONS } from "./circuit/intervention_spec.ts";
export { traceSchema, type TraceSpec } from "./circuit/trace_spec.ts";
export { HEAD_PATHS, type HeadPath } from "./circuit/trace.ts";
export type {
  Check,
  EffectSums,
  LayerSums,
  NodeRow,
  RunResult,
  Side,
  SideLabel,
  TokenLogit,
} from "./circuit/run_result.ts";
export {
  type LensCell,
  type LensRequest,
  lensRequestSchema,
  type LensResult,
  MAX_LENS_TOKENS,
} from "./circuit/lens_request.ts";
export { type Basis, MAX_DICTIONARIES, neededDictionaries } from "./circuit/dictionary_spec.ts";
export { type AttentionRequest, attentionRequestSchema, type AttentionResult } from "./circuit/attention_request.ts";
export {
  type AttributedLatent,
  type AttributedTokens,
  type AttributedTokensRequest,
  attributedTokensRequestSchema,
  MAX_ATTRIBUTED,
  readsHeads,
} from "./circuit/attributed_tokens.ts";
export {
  type CircuitCandidate,
  type CircuitEdge,
  type CircuitNode,
  type CircuitRequest,
  circuitRequestSchema,
  type CircuitResult,
  MAX_CIRCUIT_NODES,
} from "./circuit/circuit_request.ts";
export { type Metric, METRICS } from "./circuit/metrics.ts";
export { EDGE_KINDS } from "./circuit/edges_graph.ts";
export { type EdgeRow, type EdgesRequest, edgesRequestSchema, type EdgesResult } from "./circuit/edges_request.ts";
export {
  MAX_SCORED_TOKENS,
  type ScoredList,
  type ScoredToken,
  type ScoredTokens,
  type ScoredTokensRequest,
  scoredTokensRequestSchema,
} from "./circuit/scored_tokens.ts";
export {
  MAX_MEASURED,
  type MeasuredNode,
  type Measurement,
  type MeasureRequest,
  measureRequestSchema,
} from "./circuit/measurement.ts";
export { fieldIssues, toValidationError } from "./circuit/field_issues.ts";
export { formatNodeRef, type NodeRef, parseNodeRef } from "./circuit/refs.ts";
export {
  MAX_CHOICE_TOKENS,
  MAX_PROMPT_CHARACTERS,
  MAX_TOP_K,
  OBJECTIVE_KINDS,
  type ObjectiveKind,
  type RunSpec,
  type RunSpecInput,
  runSpecSchema,
} from "./circuit/run_spec.ts";
export { type TensorsRequest, tensorsRequestSchema } from "./circuit/tensors_request.ts";
export { type Job, JOB_KINDS, JOB_STATES, type JobRequest, jobRequestSchema } from "./jobs/job.ts";
export {
  type ComponentRecords,
  type Example,
  HEAD_SCORES,
  type HeadScores,
  type Histogram,
  type ValueStatistics,
} from "./corpus/component_records.ts";
export { COMPONENT_KINDS, type ComponentKind, MODEL_KINDS, type ModelKind } from "./corpus/component.ts";
export {
  type ActivationsRequest,
  activationsRequestSchema,
  type Catalogue,
  CATALOGUE_SORTS,
  CATALOGUE_STATISTICS,
  type CatalogueRequest,
  catalogueRequestSchema,
  type CatalogueRow,
  type CatalogueSort,
  type LayerRecord,
  type LayerRecordsRequest,
  layerRecordsRequestSchema,
  type RecordsRequest,
  recordsRequestSchema,
} from "./corpus/corpus_requests.ts";
export {
  type Firing,
  FIRING_SORTS,
  type FiringRequest,
  firingRequestSchema,
  type FiringRow,
  type FiringSort,
  FOUND_SORTS,
  type FoundComponent,
  type FoundSort,
  type FoundText,
  MAX_FOUND_COMPONENTS,
  MAX_PHRASE_CHARACTERS,
  type PhraseMatch,
  type SearchRequest,
  searchRequestSchema,
  type SearchResult,
} from "./corpus/search_requests.ts";
export {
  type CoActivation,
  MAX_RELATED,
  READER_WAYS,
  type ReaderWay,
  type RelatedComponents,
  type RelatedList,
  type RelatedRequest,
  relatedRequestSchema,
  SIMILARITIES,
  type Similarity,
} from "./corpus/related_request.ts";
export { withoutKey } from "./assistant_config.ts";
export { AssistantError, type AssistantOptions } from "./explain/assistant.ts";
export {
  COMPARED_KINDS,
  type ExplainerComparison,
  type ExplainerName,
  type ExplainerPair,
  type ExplainerRow,
  type KindComparison,
  type ScorerName,
} from "./explain/compare_explainers.ts";
export {
  type AssistantSummary,
  type Attempt,
  type ComponentExplanations,
  type ComponentName,
  EXPLAINERS,
  type ExplainPlan,
  type ExplainRequest,
  explainRequestSchema,
  type ExplainTaskInput,
  type Explanation,
  type ExplanationSearch,
  explanationSearchSchema,
  type FoundExplanations,
  type Generator,
  GENERATORS,
  type ScoreRequest,
  scoreRequestSchema,
  type StoredScore,
  type WriteRequest,
  writeRequestSchema,
} from "./explain/explanation.ts";
export { JUDGEMENT_KINDS } from "./explain/judged_items.ts";
export type { ExplanationsApi } from "./explanations_api.ts";
export { PUBLISHED_SOURCE } from "./corpus/published_records.ts";
export type { SweepSummary, TextSet } from "./corpus/sweep_summary.ts";
export type { OpenEngineOptions } from "./engine_options.ts";
export { openEngine } from "./open_engine.ts";
export { sweepCommand } from "./sweep_command.ts";
export { trainCommand } from "./train_command.ts";
export type { TrainingReport } from "./jobs/training_report.ts";
export {
  type DictionaryReport,
  type MeasureDictionaryRequest,
  measureDictionarySchema,
} from "./dictionaries/metrics_request.ts";
export type { CrossEntropies, DictionaryMetrics } from "./dictionaries/metrics.ts";
export type { CurveMeasurement, CurvePoint } from "./dictionaries/training/training_curve.ts";
export { SPLICE_SITES as TRAINING_SITES } from "./model/hook_points.ts";
export {
  TRAINED_ARCHITECTURES,
  type TrainedArchitecture,
  type TrainingInput,
  trainingSchema,
  type TrainingSpec,
} from "./dictionaries/training/training_spec.ts";

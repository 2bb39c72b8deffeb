/** What the engine thread (`worker.ts`) is asked by the main thread (`local_engine.ts`). */
import type { MeanSums } from "./circuit/means_graph.ts";
import type { EdgeNumbers } from "./circuit/edges_graph.ts";
import type { Edit } from "./circuit/edits.ts";
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
} from "./circuit/questions.ts";
import type { Question } from "./circuit/question_graph.ts";
import type { RunKind } from "./circuit/run_parts.ts";
import type { Component, ModelComponent } from "./corpus/component.ts";
import type { StrongestPlaces } from "./corpus/firing_graph.ts";
import type { LatentNeighbours, WeightRelations } from "./corpus/related_request.ts";
import type { ComponentValues, SweepState, SweepStep } from "./corpus/sweeper.ts";
import type { DictionaryLocation } from "./dictionaries/find_dictionaries.ts";
import type { MetricSums } from "./dictionaries/metrics.ts";
import type { DictionaryNumbers } from "./dictionaries/training/fold.ts";
import type { StepReport } from "./dictionaries/training/trainer.ts";
import type { TrainingSpec } from "./dictionaries/training/training_spec.ts";
import type { TrainingState } from "./dictionaries/training/training_state.ts";
import type { SpliceHook } from "./model/hook_points.ts";
import type { ModelLocation } from "./model/language_model.ts";
import type { Device } from "./runtime/backend.ts";
import type { SessionCounters } from "./runtime/session_cache.ts";

export interface OpenInput {
  readonly device: Device;
  readonly models: readonly (ModelLocation & { readonly dictionaries: readonly DictionaryLocation[] })[];
  /** Bound on what compiled graphs hold, in bytes. */
  readonly maxSessionBytes: number;
}

export type EngineRequests = {
  /** Comes first: makes the backend. */
  open: { input: OpenInput; output: null };
  /** Compiles a kind of question before anybody asks it. */
  warm: { input: { modelId: string; kind: RunKind }; output: SessionCounters };
  run: {
    input: { modelId: string; question: RunQuestion };
    output: { numbers: RunNumbers; sessions: SessionCounters };
  };
  edges: {
    input: { modelId: string; question: EdgesQuestion };
    output: { objective: number; edges: readonly EdgeNumbers[]; sessions: SessionCounters };
  };
  scores: {
    input: { modelId: string; question: ScoresQuestion };
    output: { scores: Float32Array<ArrayBuffer>; sessions: SessionCounters };
  };
  lens: {
    input: { modelId: string; question: LensQuestion };
    output: { rows: LensNumbers; sessions: SessionCounters };
  };
  attention: {
    input: { modelId: string; question: AttentionQuestion };
    output: { values: readonly (readonly number[])[]; sessions: SessionCounters };
  };
  attributedTokens: {
    input: { modelId: string; question: AttributedTokensQuestion };
    output: { numbers: readonly AttributedTokensNumbers[]; sessions: SessionCounters };
  };
  means: {
    input: { modelId: string; texts: readonly (readonly number[])[] };
    output: { sums: MeanSums; sessions: SessionCounters };
  };
  /** Adds a step of a sweep to what was collected before it; the state moves there and back. */
  sweep: {
    input: { modelId: string; state: SweepState; step: SweepStep };
    output: { state: SweepState; sessions: SessionCounters };
  };
  /** One component's values, a latent's with the id of its dictionary: activations `[token]`, or write norms `[query][key]` for keys up to the query, a text after the other. */
  values: {
    input: {
      modelId: string;
      component: Component;
      dictionary: string | null;
      texts: readonly (readonly number[])[];
    };
    output: { values: readonly ComponentValues[]; sessions: SessionCounters };
  };
  /** The strongest place of every component (of every latent, with the id of a dictionary) in one text, at some of its tokens; by group, as in `mlp/3`. */
  firing: {
    input: {
      modelId: string;
      dictionary: string | null;
      tokens: readonly number[];
      queries: readonly number[];
    };
    output: { strongest: ReadonlyMap<string, StrongestPlaces>; sessions: SessionCounters };
  };
  /** Components related to one by their weights, at most `top` of each list. */
  related: {
    input: { modelId: string; component: ModelComponent; top: number };
    output: { relations: WeightRelations; sessions: SessionCounters };
  };
  /** Latents whose weights point the same way as those of one, at most `top` of each list. */
  latentNeighbours: {
    input: { modelId: string; dictionary: string; index: number; top: number };
    output: { neighbours: LatentNeighbours; sessions: SessionCounters };
  };
  measure: {
    input: { modelId: string; question: Question; variants: readonly Edit[] };
    output: { numbers: MeasureNumbers; sessions: SessionCounters };
  };
  /** Activations of some texts at a site, BOS left out: `[token, channel]`. */
  siteActivations: {
    input: { modelId: string; site: SpliceHook; texts: readonly (readonly number[])[] };
    output: { rows: Float32Array<ArrayBuffer>; sessions: SessionCounters };
  };
  /** Takes steps of a training, one a batch `[token, channel]`; the state moves there and back. */
  train: {
    input: {
      modelId: string;
      spec: TrainingSpec;
      state: TrainingState;
      batches: readonly Float32Array<ArrayBuffer>[];
    };
    output: { state: TrainingState; reports: readonly StepReport[]; sessions: SessionCounters };
  };
  /** Measures a dictionary that is loaded, by its id, or that is in training, on some texts. */
  dictionaryMetrics: {
    input: { modelId: string; dictionary: string | DictionaryNumbers; texts: readonly (readonly number[])[] };
    output: { sums: MetricSums; sessions: SessionCounters };
  };
  tensors: {
    input: { modelId: string; question: TensorsQuestion };
    output: { numbers: TensorNumbers; sessions: SessionCounters };
  };
};

/** What the engine thread (`worker.ts`) is asked by the main thread (`open_engine.ts`). */
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
import type { Component } from "./corpus/component.ts";
import type { ComponentValues, SweepState, SweepStep } from "./corpus/sweeper.ts";
import type { DictionaryLocation } from "./dictionaries/find_dictionaries.ts";
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
  /** One component's values: activations `[token]`, or write norms `[query][key]` for keys up to the query, a text after the other. */
  values: {
    input: { modelId: string; component: Component; texts: readonly (readonly number[])[] };
    output: { values: readonly ComponentValues[]; sessions: SessionCounters };
  };
  measure: {
    input: { modelId: string; question: Question; variants: readonly Edit[] };
    output: { numbers: MeasureNumbers; sessions: SessionCounters };
  };
  tensors: {
    input: { modelId: string; question: TensorsQuestion };
    output: { numbers: TensorNumbers; sessions: SessionCounters };
  };
};

/** What the engine thread is asked and what it answers: numbers only, no texts and no ids of runs. */
import type { LatentKind } from "../model/dictionary.ts";
import type { Basis } from "./dictionary_spec.ts";
import type { DictionarySums } from "./dictionary_sums.ts";
import type { Metric } from "./metrics.ts";
import type { Question } from "./question_graph.ts";
import type { LatentRef } from "./refs.ts";
import type { Effect } from "./run_graph.ts";
import type { LayerSums } from "./run_result.ts";
import type { Candidate } from "./selection.ts";
import type { TensorName } from "./tensor_names.ts";
import type { TokenScore } from "./token_scores.ts";
import type { Writer } from "./writer.ts";

export interface RunQuestion extends Question {
  readonly topK: number;
  /** In what the MLPs and the attention are shown. */
  readonly basis: Basis;
}

/** Sums of one effect: `[side][token]`. */
export interface SumNumbers {
  readonly mlp: readonly (readonly number[])[];
  readonly byQuery: readonly (readonly number[])[];
  readonly byKey: readonly (readonly number[])[];
  /** Over all tokens: `[side][layer]`. */
  readonly layers: LayerSums;
}

/** What the graph measured for the self-checks, by side where it has sides. */
export interface CheckNumbers {
  readonly biasEffect: readonly number[];
  readonly normBiasEffect: readonly number[];
  readonly residualEffect: readonly number[];
  /** Largest deviation of a row's sum from 1. */
  readonly patternRowError: number;
}

/** Scalars of nodes that are whole vectors: `[side][token]`. */
export type VectorNumbers = Readonly<Record<"writeNorm" | Effect, readonly (readonly number[])[]>>;

export interface DictionaryNumbers {
  readonly kind: LatentKind;
  readonly layer: number;
  readonly latentCount: number;
  readonly latents: readonly Candidate[];
  readonly error: VectorNumbers;
  readonly sums: DictionarySums;
}

/** The numbers of a run. */
export interface RunNumbers {
  /** J by side. */
  readonly objective: readonly number[];
  /** The listed tokens at the position, by side. */
  readonly logits: readonly (readonly TokenScore[])[];
  /** The last residual at the position, by side. */
  readonly residual: readonly Float32Array[];
  readonly mlp: readonly Candidate[];
  readonly head: readonly Candidate[];
  /** One a dictionary whose latents are shown, in the order of the pass. */
  readonly dictionaries: readonly DictionaryNumbers[];
  readonly embed: VectorNumbers;
  readonly sums: Readonly<Record<Effect, SumNumbers>>;
  readonly checks: CheckNumbers;
  readonly compileMs: number;
  readonly computeMs: number;
}

/** Asks for the strongest edges from a writer, on the first side. */
export interface EdgesQuestion extends Question {
  readonly writer: Writer;
  readonly freezeNorm: boolean;
  readonly topK: number;
}

/** Asks for scores of the vocabulary: of a write, of a read (the question's trace), or of a neuron or a latent of the MLP alone. */
export interface ScoresQuestion extends Question {
  readonly of:
    | { readonly writer: Writer }
    | "read"
    | { readonly layer: number; readonly neuron: number }
    | { readonly layer: number; readonly latent: number };
}

/** Asks what every layer would predict at a window of tokens of one side. */
export interface LensQuestion extends Question {
  readonly side: number;
  readonly slots: readonly number[];
  /** Id of the token whose probability and rank are told. */
  readonly target: number;
}

/** By row (the embeddings, then every layer) and place in the window; `top` is a token's id. */
export type LensNumbers = readonly (readonly {
  readonly top: number;
  readonly topLogProb: number;
  readonly targetLogProb: number;
  readonly targetRank: number;
}[])[];

/** Asks for one head's token pairs on one side. */
export interface AttentionQuestion extends Question {
  readonly side: number;
  readonly layer: number;
  readonly head: number;
  readonly metric: Metric;
}

/** Asks where the values of attention latents come from, on the first side. */
export interface AttributedTokensQuestion extends Question {
  readonly latents: readonly LatentRef[];
}

/** What all heads bring to a latent from each token up to its own. */
export interface AttributedTokensNumbers {
  readonly activation: number;
  readonly values: readonly number[];
}

/** J of a question with variations. */
export interface MeasureNumbers {
  /** One a variant of the first side. */
  readonly variants: readonly number[];
  /** One a side as it is. */
  readonly sides: readonly number[];
}

/** Asks for tensors of the first side. */
export interface TensorsQuestion extends Question {
  readonly tensors: readonly TensorName[];
}

/** A tensor without its batch axis, in the axes that `spec/api.md` promises. */
export interface NamedResult {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

export interface TensorNumbers {
  readonly objective: number;
  readonly tensors: readonly NamedResult[];
}

/**
 * What a run answers: plain data, the same in the store, in JSON and behind every page
 * (`spec/api.md`, "Run specs"). Arrays indexed by side follow the order of `sides`.
 */
import type { Token } from "../model/summary.ts";
import type { Alignment } from "./alignment.ts";
import type { DictionarySums } from "./dictionary_sums.ts";
import type { ObjectiveKind, RunSpec } from "./run_spec.ts";

/** One row of the next-token table on one side. */
export interface TokenLogit extends Token {
  readonly logit: number;
  /** Natural logarithm of the probability. */
  readonly logProb: number;
  /** 1 for the likeliest token of the vocabulary. */
  readonly rank: number;
  /** What the question makes of this token. */
  readonly role: "target" | "distractor" | null;
}

/**
 * `clean` is the one prompt as it is, `ablated` the same with the interventions. With two prompts, `left` and `right` have the interventions, and
 * where there are any, `left-clean` and `right-clean` do not.
 */
export type SideLabel = "clean" | "ablated" | "left" | "right" | "left-clean" | "right-clean";

/** One execution of the model inside a run. */
export interface Side {
  readonly label: SideLabel;
  readonly tokens: readonly Token[];
  /** The token position at which the objective is read, counted from 0. */
  readonly position: number;
  /** Value of the objective at `position`; of the traced scalar while tracing. */
  readonly objective: number;
  /** Likeliest next tokens at `position`, with all targets and distractors, by falling logit. Every side lists the same ids. */
  readonly logits: readonly TokenLogit[];
}

/** One value a side; null where a side has no such tokens. */
export type SideValues = readonly (number | null)[];

/** A node with its four scalars. */
export interface NodeRow {
  /** `mlp/5/1234@7`, `head/9/8@12<4` or `embed@3`; tokens count in the first prompt that has them. */
  readonly ref: string;
  /** Where the prompts count these tokens differently: the ref by side, null where a side has no such tokens. */
  readonly refs?: readonly (string | null)[];
  readonly activation: SideValues;
  readonly writeNorm: SideValues;
  readonly directEffect: SideValues;
  readonly totalEffect: SideValues;
}

/** Effects summed over layers and units, token axes kept: `[side][token]`. */
export interface EffectSums {
  /** Neurons, at the token where they are active. */
  readonly mlp: readonly (readonly number[])[];
  /** Heads, summed over the tokens attended to, at the attending (query) token. */
  readonly attentionByQuery: readonly (readonly number[])[];
  /** Heads, summed over the attending tokens, at the token attended to (key). */
  readonly attentionByKey: readonly (readonly number[])[];
  readonly embed: readonly (readonly number[])[];
}

/** Effects of one layer's nodes, summed over all of them: `[side][layer]`. */
export interface LayerSums {
  readonly attention: readonly (readonly number[])[];
  readonly mlp: readonly (readonly number[])[];
}

/** An identity that must hold, with what was measured. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Largest absolute difference found, over all sides. */
  readonly difference: number;
  readonly tolerance: number;
}

export interface Timing {
  /** Time in the engine's waiting line. */
  readonly queuedMs: number;
  /** Building the graph and the session; 0 when the session was there already. */
  readonly compileMs: number;
  readonly computeMs: number;
  readonly device: string;
}

export interface Provenance {
  readonly model: string;
  /** `sha256:` and the digest of the weights file, or of the digests of its shards. */
  readonly weights: string;
  /** The same of each dictionary that is spliced in, by id; absent where none is. */
  readonly dictionaries?: Readonly<Record<string, string>>;
  /** Version of this program. */
  readonly version: string;
}

export interface RunResult {
  readonly id: string;
  readonly spec: RunSpec;
  /** What `objective` of a side is: the question's objective, or the scalar of its trace. */
  readonly objectiveKind: ObjectiveKind | "trace";
  /** For prompts of different length: which tokens stand beside each other, by prompt, null where one has none. Else null. */
  readonly alignment: Alignment | null;
  readonly sides: readonly Side[];
  /** Union of the top nodes of every column, in the order kind, layer, token, unit. */
  readonly nodes: readonly NodeRow[];
  readonly sums: {
    readonly directEffect: EffectSums;
    readonly totalEffect: EffectSums;
    /** Null in runs that were stored before there were such sums. */
    readonly layers: { readonly directEffect: LayerSums; readonly totalEffect: LayerSums } | null;
  };
  /** Dictionaries whose latents are shown, in the order of the pass; absent where none is. */
  readonly dictionaries?: readonly DictionarySums[];
  readonly checks: readonly Check[];
  readonly timing: Timing;
  readonly provenance: Provenance;
}

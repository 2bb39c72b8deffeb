/** What the pages are given. Routes fill these in; views turn them into HTML and compute nothing but presentation. */
import type { EngineStatus, ModelSummary, RunResult } from "../engine/mod.ts";

/** How the page is dressed; null follows the system. */
export type Theme = "light" | "dark" | null;

/** One prompt as it stands in the form: everything is text, exactly as typed. */
export interface PromptFields {
  readonly text: string;
  readonly targets: readonly string[];
  readonly distractors: readonly string[];
}

/** The question form as it stands, whether or not it is a valid question. */
export interface QuestionFields {
  readonly model: string;
  /** One or two. */
  readonly prompts: readonly PromptFields[];
  readonly objective: string;
  readonly position: string;
  readonly topK: string;
  readonly bos: boolean;
  readonly freezeFinalNorm: boolean;
}

/** A message beside a field: `path` is the field's path in the run spec, as in `prompts.0.targets.1`. */
export interface FieldMessage {
  readonly path: string;
  readonly message: string;
}

/** Columns by which the node table can be sorted. */
export const NODE_SORTS = ["ref", "activation", "writeNorm", "directEffect", "totalEffect"] as const;
export type NodeSort = typeof NODE_SORTS[number];

/** What the URL of a run says besides the run: the state of the node table. */
export interface RunViewState {
  readonly sort: NodeSort;
  readonly direction: "asc" | "desc";
  /** Which side's value is sorted by; `diff` is left minus right. */
  readonly side: number | "diff";
}

/** An example of the gallery: one click asks it. */
export interface Example {
  readonly title: string;
  /** One sentence on what to look for. */
  readonly lookFor: string;
  readonly question: QuestionFields;
}

export interface LandingProps {
  readonly models: readonly ModelSummary[];
  readonly examples: readonly Example[];
  readonly recentRuns: readonly RunResult[];
  readonly status: EngineStatus;
}

export interface DebuggerProps {
  readonly models: readonly ModelSummary[];
  readonly fields: QuestionFields;
  readonly messages: readonly FieldMessage[];
  /** The run shown below the form, with the state of its table; null before the first question. */
  readonly run: { readonly result: RunResult; readonly view: RunViewState; readonly curl: string } | null;
}

export interface ErrorProps {
  readonly status: number;
  readonly title: string;
  /** What happened, where, and what would be right. */
  readonly detail: string;
  readonly issues: readonly FieldMessage[];
  readonly requestId: string;
}

/** What the pages are given. Routes fill these in; views turn them into HTML and compute nothing but presentation. */
import type { EdgesResult, EngineStatus, Measurement, ModelSummary, RunResult, ScoredTokens } from "../engine/mod.ts";

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
  /** One intervention a line (`routes/change_text.ts`). */
  readonly interventions: string;
  /** The traced node and the way into it, empty for none. */
  readonly trace: string;
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
  /** Which side's value is sorted by; `diff` is the first of the pair minus the second. */
  readonly side: number | "diff";
  /** The two sides that tables compare, where a run has more. */
  readonly pair: readonly [number, number];
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

/** A run as a page shows it. */
export interface ShownRun {
  readonly result: RunResult;
  readonly view: RunViewState;
  readonly curl: string;
  /** What was changed in the model for this run, in the form's words. */
  readonly changes: readonly string[];
  readonly trace: string | null;
  /** The strongest nodes really ablated; null before anybody asked. */
  readonly measurement: Measurement | null;
}

export interface DebuggerProps {
  readonly models: readonly ModelSummary[];
  readonly fields: QuestionFields;
  readonly messages: readonly FieldMessage[];
  /** The run shown below the form, with the state of its table; null before the first question. */
  readonly run: ShownRun | null;
}

export interface NodePageProps {
  readonly run: RunResult;
  /** The node's ref. */
  readonly name: string;
  readonly tokens: ScoredTokens;
  /** One for each way into the node; none for an embedding. */
  readonly upstream: readonly EdgesResult[];
  readonly downstream: EdgesResult;
}

export interface ErrorProps {
  readonly status: number;
  readonly title: string;
  /** What happened, where, and what would be right. */
  readonly detail: string;
  readonly issues: readonly FieldMessage[];
  readonly requestId: string;
}

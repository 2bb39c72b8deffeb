/** What the pages are given. Routes fill these in; views turn them into HTML and compute nothing but presentation. */
import type {
  AttributedLatent,
  CatalogueSort,
  ComponentExplanations,
  DictionaryDetail,
  EdgesResult,
  EngineStatus,
  Job,
  LatentKind,
  LensResult,
  Measurement,
  ModelSummary,
  RunResult,
  ScoredTokens,
  SweepSummary,
  Token,
} from "../engine/mod.ts";
import type { FormCheckProps } from "./parts/form_check.tsx";
import type { JumpFields } from "./parts/jump_form.tsx";
import type { RunViewState } from "./view_state.ts";

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
  /** In what the MLPs are shown: `neuron` or `latent`; and the attention: `head` or `latent`. */
  readonly mlpBasis: string;
  readonly attentionBasis: string;
  /** Ids of the dictionaries that are ticked (`routes/form_dictionaries.ts`). */
  readonly dictionaries: readonly string[];
  readonly dropErrors: boolean;
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

/** Something that takes a moment: there, on its way, or failed by itself while the rest of the page works. */
export type Loaded<T> =
  | { readonly state: "ready"; readonly value: T }
  | { readonly state: "pending" }
  | { readonly state: "failed"; readonly problem: string };

/** An example of the gallery: one click asks it. */
export interface Example {
  readonly title: string;
  /** One sentence on what to look for. */
  readonly lookFor: string;
  readonly question: QuestionFields;
}

/** Components that stand out by one number. */
export interface JumpList {
  readonly kind: "head" | "mlp";
  readonly sort: CatalogueSort;
  readonly rows: readonly { readonly component: string; readonly value: number }[];
}

export interface LandingProps {
  readonly models: readonly ModelSummary[];
  /** How many dictionaries each model has, by id. */
  readonly dictionaryCounts: ReadonlyMap<string, number>;
  /** Of all models. */
  readonly sweeps: readonly SweepSummary[];
  /** Sweeps that are under way, rest or failed. */
  readonly sweepJobs: readonly Job[];
  /** By model; none where nothing has been swept. */
  readonly jumpLists: ReadonlyMap<string, readonly JumpList[]>;
  readonly examples: readonly Example[];
  readonly recentRuns: readonly RunResult[];
  readonly status: EngineStatus;
  readonly jump: JumpFields;
}

/** One intervention of the shown question, as the form writes it. */
export interface Change {
  /** Its line, as in `head/3/3@14<2 = 0`. */
  readonly line: string;
  /** False where it is kept but switched off. */
  readonly isOn: boolean;
}

/** The same question from elsewhere. */
export interface CodeSnippets {
  readonly curl: string;
  readonly python: string;
  readonly javascript: string;
}

/** What an open row of the node table tells: the node's tokens on each side that is compared. */
export type NodeDetail = readonly { readonly label: string; readonly tokens: ScoredTokens }[];

/** Which tokens attention latents come from, on one side. */
export interface NodeSources {
  /** Label of the side. */
  readonly label: string;
  readonly tokens: readonly Token[];
  /** By the ref of the row. */
  readonly latents: ReadonlyMap<string, AttributedLatent>;
}

/** Where an attention latent comes from on a text of its records, at the token where it is strongest. */
export interface TextSources {
  /** Its number in the text set; null where it has none. */
  readonly sequence: number | null;
  readonly tokens: readonly Token[];
  readonly latent: AttributedLatent;
}

/** A run as a page shows it. */
export interface ShownRun {
  readonly result: RunResult;
  readonly view: RunViewState;
  readonly code: CodeSnippets;
  /** What was changed in the model for this run, and what is switched off. */
  readonly changes: readonly Change[];
  /** Layer of the first intervention; null without one. */
  readonly firstChangedLayer: number | null;
  readonly trace: string | null;
  /** The strongest nodes really ablated; null before anybody asked. */
  readonly measurement: Measurement | null;
  /** By ref, for open rows. */
  readonly details: ReadonlyMap<string, Loaded<NodeDetail>>;
  /** What is said of the components of open rows, by ref. */
  readonly explanations: ReadonlyMap<string, ComponentExplanations>;
  /** Where the listed attention latents come from; null where none is listed that has sources. */
  readonly sources: Loaded<NodeSources> | null;
  /** Null while its card is closed. */
  readonly lens: Loaded<LensResult> | null;
}

/** A dictionary of a model, with the kind of its latents. */
export interface ModelDictionary extends DictionaryDetail {
  readonly kind: LatentKind;
}

export interface DebuggerProps {
  readonly models: readonly ModelSummary[];
  /** Those of the form's model. */
  readonly dictionaries: readonly ModelDictionary[];
  readonly fields: QuestionFields;
  readonly messages: readonly FieldMessage[];
  /** What the model makes of a form that was changed and not asked. */
  readonly check?: FormCheckProps;
  /** The run shown below the form, with the state of its table; null before the first question. */
  readonly run: ShownRun | null;
}

export interface NodePageProps {
  readonly run: RunResult;
  /** The node's ref. */
  readonly name: string;
  readonly tokens: ScoredTokens;
  /** Where an attention latent comes from; null for other nodes. */
  readonly sources: NodeSources | null;
  /** One for each way into the node; none for an embedding and an error. */
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

/** What the engine tells and does about explanations; `explanations.ts` does it. */
import type { ExplainerComparison } from "./explain/compare_explainers.ts";
import type {
  AssistantSummary,
  ComponentExplanations,
  ComponentName,
  ExplainPlan,
  ExplainRequest,
  Explanation,
  ExplanationSearch,
  FoundExplanations,
  ScoreRequest,
  WriteRequest,
} from "./explain/explanation.ts";

/** How an answer may be waited for. */
export interface WaitOptions {
  /** Aborting gives up waiting; work that is under way goes on. */
  readonly signal?: AbortSignal;
}

export interface ExplanationsApi {
  /** Null where none is configured: then nothing is ever sent anywhere. */
  readonly assistant: AssistantSummary | null;
  /** What is known of a component, and what is under way. @throws {NotFoundError | ValidationError} */
  list(about: ComponentName): Promise<ComponentExplanations>;
  /** As `list`, when nothing of the component is under way any more. @throws {NotFoundError | ValidationError | CancelledError} */
  settled(about: ComponentName, options?: WaitOptions): Promise<ComponentExplanations>;
  /**
   * Begins to explain a component and to score what comes of it, or finds that this is under way. The work goes on whatever becomes of the
   * caller. @throws {NotFoundError | ValidationError}
   */
  explain(request: ExplainRequest): Promise<ComponentExplanations>;
  /** What `explain` by the assistant would send; nothing is sent. @throws {NotFoundError | ValidationError} without an assistant too */
  plan(request: ExplainRequest, options?: WaitOptions): Promise<ExplainPlan>;
  /** Stores a sentence that somebody wrote. @throws {NotFoundError | ValidationError} */
  write(request: WriteRequest): Promise<Explanation>;
  /** Begins to score an explanation, or finds that this is under way. @throws {NotFoundError | ValidationError} */
  score(request: ScoreRequest): Promise<ComponentExplanations>;
  /** Removes an explanation and its scores. @throws {NotFoundError} */
  remove(id: number): void;
  /** Explanations whose words begin so. @throws {NotFoundError | ValidationError} */
  search(request: ExplanationSearch): Promise<FoundExplanations>;
  /** How those who explained a model's components do, side by side. @throws {NotFoundError | CancelledError} */
  compare(model: string, options?: WaitOptions): Promise<ExplainerComparison>;
  /** Every explanation of a model. @throws {NotFoundError} */
  all(model: string): Promise<Iterable<Explanation>>;
  /** Stores those of a file, line by line (OpenAI's published ones, or an export of ours). @returns How many. @throws {ValidationError} */
  import(model: string, lines: string): Promise<number>;
}

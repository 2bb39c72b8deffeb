/** Explanations of components: kept, found, made and scored while others are answered. Work under way is told; it ends with the process. */
import { parseOrThrow } from "./circuit/field_issues.ts";
import {
  ComponentExplainer,
  type ExplainMeans,
  type ExplainSource,
  type ExplainTarget,
} from "./component_explainer.ts";
import { formatComponent, resolveComponent } from "./corpus/component.ts";
import { Turns } from "./corpus/turns.ts";
import { CancelledError, EngineError, NotFoundError, ValidationError } from "./errors.ts";
import { type Assistant, AssistantError, type AssistantOptions } from "./explain/assistant.ts";
import {
  type AssistantSummary,
  type Attempt,
  type ComponentExplanations,
  type ComponentName,
  type ExplainPlan,
  type ExplainRequest,
  explainRequestSchema,
  type Explanation,
  type ExplanationSearch,
  explanationSearchSchema,
  type FoundExplanations,
  type Generator,
  type ScoreRequest,
  scoreRequestSchema,
  type StoredScore,
  type WriteRequest,
  writeRequestSchema,
} from "./explain/explanation.ts";
import { compareExplainers, type ExplainerComparison, type RatedExplanation } from "./explain/compare_explainers.ts";
import { readImport } from "./explain/imported_explanations.ts";
import { type AnswerCache, costOf, MeteredAssistant, type MeteredOptions } from "./explain/metered_assistant.ts";
import { planOf } from "./explain/plan.ts";
import { ruleProblem, unscored } from "./explain/unscored.ts";
import type { ExplanationsApi, WaitOptions } from "./explanations_api.ts";
import { importedComponent, publishedScore } from "./imported_rows.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { ExplanationRow } from "./store/explanation_rows.ts";

/** Explanations that are read at a time to compare who made them. */
const RATED_TOGETHER = 100;

/** An assistant with how it was configured. */
export interface ConfiguredAssistant {
  readonly assistant: Assistant;
  readonly options: Pick<AssistantOptions, "url" | "price">;
}

export interface ExplanationsSource extends ExplainSource {
  readonly answers: AnswerCache;
  readonly assistant: ConfiguredAssistant | null;
  /** @throws {NotFoundError} */
  model(id: string | undefined): LanguageModel;
}

/** Work whose failure is kept. */
type NotedWork = Pick<Attempt, "what" | "by" | "explanation"> & {
  /** Of the weights. */
  readonly digest: string;
  /** Of the component. */
  readonly name: string;
};

interface Running {
  readonly component: string;
  readonly attempt: Attempt;
  readonly ended: Promise<void>;
}

export class Explanations implements ExplanationsApi {
  readonly assistant: AssistantSummary | null;
  readonly #source: ExplanationsSource;
  readonly #explainer: ComponentExplainer;
  /** Work under way, by what it is. */
  readonly #running = new Map<string, Running>();
  readonly #closing = new AbortController();
  /** The comparison that was made last, and what it was made of. */
  #compared: { readonly key: string; readonly kinds: ExplainerComparison["kinds"] } | null = null;

  constructor(source: ExplanationsSource) {
    this.#source = source;
    this.#explainer = new ComponentExplainer(source);
    const { assistant } = source;
    this.assistant = assistant === null
      ? null
      : { model: assistant.assistant.model, origin: new URL(assistant.options.url).origin };
  }

  async list(about: ComponentName): Promise<ComponentExplanations> {
    const { digest, name, dictionary } = await this.#about(about);
    const running = [...this.#running].filter(([key]) => key.startsWith(`${digest} ${name} `))
      .map(([, { attempt }]) => attempt);
    const failed = this.#source.explanations.failures(digest, name)
      .filter(({ what, by, explanation }) =>
        !running.some((other) => other.what === what && other.by === by && other.explanation === explanation)
      );
    return {
      component: name,
      dictionary: dictionary?.detail.id ?? null,
      explanations: this.#source.explanations.list(digest, name).map(withoutWeights).toSorted(byScore),
      attempts: [...running, ...failed],
    };
  }

  async settled(about: ComponentName, { signal }: WaitOptions = {}): Promise<ComponentExplanations> {
    const { digest, name } = await this.#about(about);
    const gone = Promise.withResolvers<never>();
    const onAbort = () => gone.reject(new CancelledError("The request was cancelled"));
    signal?.addEventListener("abort", onAbort, { once: true });
    gone.promise.catch(() => {});
    if (signal?.aborted) onAbort();
    try {
      for (;;) {
        const under = [...this.#running].filter(([key]) => key.startsWith(`${digest} ${name} `));
        if (under.length === 0) return await this.list(about);
        await Promise.race([gone.promise, Promise.all(under.map(([, { ended }]) => ended))]);
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  async explain(request: ExplainRequest): Promise<ComponentExplanations> {
    const { textSet, by, candidates, ...asked } = parseOrThrow(explainRequestSchema, request);
    const { digest, name, ...about } = await this.#about(asked);
    this.#requireAssistant(by);
    await this.#begin({ digest, name, what: "explain", by, explanation: null }, async () => {
      const means = this.#means(by);
      const target = { ...about, textSet, by, candidates };
      const found = await this.#explainer.explain(target, means);
      // A failure of the score is the score's own; the explanation stays.
      await this.#score(found, target, means).catch(onlyCancelled);
    });
    return await this.list(asked);
  }

  async plan(request: ExplainRequest, { signal }: WaitOptions = {}): Promise<ExplainPlan> {
    const { textSet, candidates, ...asked } = parseOrThrow(explainRequestSchema, request);
    const { digest: _digest, name: _name, ...about } = await this.#about(asked);
    const { assistant, options: { price } } = this.#requireAssistant("assistant") ?? noAssistant();
    const target = { ...about, textSet, by: "assistant" as const, candidates };
    const evidence = await this.#explainer.evidenceOf(target, signal ?? this.#closing.signal);
    const plan = await planOf(evidence, candidates);
    const { origin = "" } = this.assistant ?? {};
    return {
      ...plan,
      assistant: { model: assistant.model, origin },
      cost: price === null ? null : costOf(plan, price),
    };
  }

  async write(request: WriteRequest): Promise<Explanation> {
    const { text, ...asked } = parseOrThrow(writeRequestSchema, request);
    const { model, dictionary, digest, name } = await this.#about(asked);
    const about = { model: model.id, component: name, dictionary: dictionary?.detail.id ?? null };
    return this.#add(digest, { ...about, text, explainer: "hand", assistant: null });
  }

  async score(request: ScoreRequest): Promise<ComponentExplanations> {
    const { explanation: id, by, textSet } = parseOrThrow(scoreRequestSchema, request);
    const row = this.#find(id);
    const asked = { model: row.model, component: row.component, dictionary: row.dictionary ?? undefined };
    const { digest, name, ...about } = await this.#about(asked);
    const { model, component } = about;
    if (digest !== row.weights) {
      throw new NotFoundError(`Explanation ${id} is about other weights than those that "${model.id}" has now`);
    }
    this.#requireAssistant(by);
    const problem = by === "statistical" ? ruleProblem(row.text, component.kind === "head" ? "pairs" : "tokens") : null;
    if (problem !== null) {
      this.#source.explanations.saveScore(id, unscored(problem));
      return await this.list(asked);
    }
    await this.#begin({ digest, name, what: "score", by, explanation: id }, async () => {
      await this.#score(row, { ...about, textSet, by, candidates: 1 }, this.#means(by)).catch(onlyCancelled);
    });
    return await this.list(asked);
  }

  remove(id: number): void {
    if (!this.#source.explanations.remove(id)) throw noExplanation(id);
  }

  async search(request: ExplanationSearch): Promise<FoundExplanations> {
    const { q, model: id, page, pageSize } = parseOrThrow(explanationSearchSchema, request);
    const model = this.#source.model(id);
    const words = q.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
    if (words.length === 0) return { model: model.id, q, total: 0, rows: [] };
    const { total, rows } = this.#source.explanations.search(await this.#digestsOf(model), {
      words,
      limit: pageSize,
      offset: (page - 1) * pageSize,
    });
    return { model: model.id, q, total, rows: rows.map(withoutWeights) };
  }

  async all(model: string): Promise<Iterable<Explanation>> {
    return this.#source.explanations.all(await this.#digestsOf(this.#source.model(model))).map(withoutWeights);
  }

  async compare(modelId: string, { signal }: WaitOptions = {}): Promise<ExplainerComparison> {
    const model = this.#source.model(modelId);
    const digests = await this.#digestsOf(model);
    // Tens of thousands take seconds to read, and are looked at again and again.
    const key = JSON.stringify([digests, this.#source.explanations.state()]);
    if (this.#compared?.key !== key) {
      const turns = new Turns(signal);
      const found: RatedExplanation[] = [];
      for (let isMore = true; isMore; await turns.rest()) {
        const some = this.#source.explanations.rated(digests, { after: found.at(-1)?.id ?? 0, limit: RATED_TOGETHER });
        found.push(...some);
        isMore = some.length === RATED_TOGETHER;
      }
      this.#compared = { key, kinds: compareExplainers(found) };
    }
    return { model: model.id, kinds: this.#compared.kinds };
  }

  async import(modelId: string, lines: string): Promise<number> {
    const model = this.#source.model(modelId);
    // All are checked before any is stored.
    const found = readImport(lines).map((imported, i) => ({ ...imported, ...importedComponent(imported, model, i) }));
    for (const { published, dictionary, ...imported } of found) {
      const digest = await this.#source.digest(model, dictionary === null ? [] : [dictionary]);
      const about = { model: model.id, dictionary: dictionary?.detail.id ?? null };
      const { id } = this.#add(digest, { ...imported, ...about, explainer: "imported" });
      if (published === null) continue;
      this.#source.explanations.saveScore(id, publishedScore(published));
    }
    return found.length;
  }

  /** Who does the work, and what it may use. @param more Budget and what was spent before, of a job */
  meansOf(by: Generator, more: Partial<MeteredOptions> & { readonly signal: AbortSignal }): ExplainMeans {
    const { signal } = more;
    const configured = this.#requireAssistant(by);
    if (configured === null) return { assistant: null, signal };
    const { assistant, options: { url, price } } = configured;
    return { assistant: new MeteredAssistant(assistant, { cache: this.#source.answers, url, price, ...more }), signal };
  }

  /** Explains one component for a job: what is there already is kept. @throws as `ComponentExplainer` */
  async explainFor(target: ExplainTarget, means: ExplainMeans): Promise<void> {
    const { explanations } = this.#source;
    const weights = await this.#source.digest(target.model, target.dictionary === null ? [] : [target.dictionary]);
    const name = formatComponent(target.component);
    const isSame = ({ explainer, provenance: { assistant, textSet } }: Explanation) =>
      explainer === target.by && assistant === (means.assistant?.model ?? null) &&
      (target.textSet === undefined || textSet === target.textSet);
    const known = explanations.list(weights, name).findLast(isSame);
    const isScored = known?.scores.some(({ scorer, state }) => scorer === target.by && state === "done");
    if (isScored) return;
    const about = { digest: weights, name, what: "explain", by: target.by, explanation: null } as const;
    const found = known ?? await this.#noted(about, () => this.#explainer.explain(target, means));
    await this.#score(found, target, means);
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  #means(by: Generator): ExplainMeans {
    return this.meansOf(by, { signal: this.#closing.signal });
  }

  /** Scores, and keeps why it could not be. @throws as `ComponentExplainer` */
  #score(row: ExplanationRow, target: ExplainTarget, means: ExplainMeans): Promise<StoredScore> {
    const about = {
      digest: row.weights,
      name: row.component,
      what: "score",
      by: target.by,
      explanation: row.id,
    } as const;
    return this.#noted(about, () => this.#explainer.score(row, target, means));
  }

  async #begin(about: NotedWork, work: () => Promise<void>): Promise<void> {
    const { digest, name, what, by, explanation } = about;
    const key = `${digest} ${name} ${what} ${by} ${explanation}`;
    if (this.#running.has(key)) return;
    const run = async () => {
      try {
        await (what === "explain" ? this.#noted(about, work) : work());
      } catch {
        // It is noted, or was given up.
      } finally {
        this.#running.delete(key);
      }
    };
    const attempt: Attempt = { what, by, explanation, state: "running", problem: null };
    this.#running.set(key, { component: name, attempt, ended: run() });
    // What needs no waiting is mostly there when the page is drawn.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  /** Does some work, and keeps how it failed in place of how it failed before. What an assistant fails a score with is told by the score. */
  async #noted<T>({ digest, name, what, by, explanation }: NotedWork, work: () => Promise<T>): Promise<T> {
    const note = (problem: string | null) =>
      this.#source.explanations.saveFailure(digest, name, {
        by: what === "explain" ? by : `${by} ${explanation}`,
        attempt: problem === null ? null : { what, by, explanation, state: "failed", problem },
      });
    try {
      const result = await work();
      note(null);
      return result;
    } catch (error) {
      if (what === "score" && error instanceof AssistantError) note(null);
      else if (!(error instanceof CancelledError)) {
        note(error instanceof EngineError ? error.message : "it met an error that it does not know");
      }
      throw error;
    }
  }

  async #about({ model: id, component, dictionary }: ComponentName) {
    const found = resolveComponent({ component, dictionary }, this.#source.model(id));
    const digest = await this.#source.digest(found.model, found.dictionary === null ? [] : [found.dictionary]);
    return { ...found, digest, name: formatComponent(found.component) };
  }

  /** Of the model, and of it with each of its dictionaries. */
  async #digestsOf(model: LanguageModel): Promise<readonly string[]> {
    const dictionaries = model.dictionaries.map((dictionary) => this.#source.digest(model, [dictionary]));
    return [await this.#source.digest(model), ...await Promise.all(dictionaries)];
  }

  #add(
    digest: string,
    { assistant, ...about }:
      & Pick<Explanation, "model" | "component" | "dictionary" | "text" | "explainer">
      & {
        readonly assistant: string | null;
      },
  ): Explanation {
    const none = { version: null, textSet: null, sequences: null, ms: null, spent: null, prompt: null };
    const provenance = { ...none, assistant, createdAt: new Date().toISOString() };
    return this.#find(this.#source.explanations.add(digest, { ...about, provenance }));
  }

  #find(id: number): ExplanationRow {
    const row = this.#source.explanations.find(id);
    if (row === null) throw noExplanation(id);
    return row;
  }

  /** @throws {ValidationError} if one is needed and there is none */
  #requireAssistant(by: Generator): ConfiguredAssistant | null {
    if (by === "statistical") return null;
    return this.#source.assistant ?? noAssistant();
  }
}

function noAssistant(): never {
  throw new ValidationError([{
    path: "by",
    message: "No assistant is configured: start with --assistant-model, or choose statistical",
  }]);
}

function noExplanation(id: number): NotFoundError {
  return new NotFoundError(`There is no explanation ${id}`);
}

function withoutWeights({ weights: _weights, ...explanation }: ExplanationRow): Explanation {
  return explanation;
}

/** The best score first; what has none last, in the order of making. */
function byScore(a: Explanation, b: Explanation): number {
  const best = ({ scores }: Explanation) =>
    Math.max(-Infinity, ...scores.map(({ headline }) => headline?.value ?? -Infinity));
  const [x, y] = [best(a), best(b)];
  return x === y ? a.id - b.id : y - x;
}

/** Any other failure is noted. */
function onlyCancelled(error: unknown): void {
  if (error instanceof CancelledError) throw error;
}

/** Explains one component, or scores what was said of it: from its records to what is stored. */
import { type Component, componentsPerLayer, formatComponent, isLatentKind } from "./corpus/component.ts";
import type { ComponentRecords } from "./corpus/component_records.ts";
import { hashOf } from "./tensor/random.ts";
import { Turns } from "./corpus/turns.ts";
import { EngineError } from "./errors.ts";
import { AssistantError } from "./explain/assistant.ts";
import { ASSISTANT_LIMITS, assistantScorer, explainAssisted } from "./explain/assisted.ts";
import type { Explanation, Generator, StoredScore } from "./explain/explanation.ts";
import type { MeteredAssistant } from "./explain/metered_assistant.ts";
import { spentSince } from "./explain/metered_assistant.ts";
import { explainRequest, PROMPT_VERSION, promptText } from "./explain/prompts.ts";
import { headline, scoreExplanation, type TextLimits } from "./explain/score.ts";
import { explainStatistically, STATISTICAL_VERSION } from "./explain/statistical.ts";
import { STATISTICAL_SCORER, STATISTICAL_SCORER_VERSION } from "./explain/statistical_scorer.ts";
import { type Evidence, evidenceOf } from "./explain/texts.ts";
import type { Dictionary } from "./model/dictionary.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { ExplanationRow, ExplanationRows } from "./store/explanation_rows.ts";

/** Records that explanations are made from and scored on. */
const RECORDS = { top: 20, random: 64 } as const;
/** Texts of a split that a score reads where reading costs nothing. */
const STATISTICAL_LIMITS: TextLimits = { top: 5, random: 16 };
/** Other components that are tried for a control: some have nothing to explain. */
const CONTROL_TRIES = 3;
const CONTROL_SEED = 9201;

export interface ExplainSource {
  readonly explanations: ExplanationRows;
  /** @throws {NotFoundError} that says how to begin a sweep */
  records(
    request: {
      readonly model: string;
      readonly component: string;
      readonly dictionary?: string;
      readonly textSet?: string;
      readonly top: number;
      readonly random: number;
    },
    options: { readonly signal?: AbortSignal },
  ): Promise<ComponentRecords>;
  digest(model: LanguageModel, dictionaries?: readonly Dictionary[]): Promise<string>;
}

/** What is explained, by whom. */
export interface ExplainTarget {
  readonly model: LanguageModel;
  readonly component: Component;
  /** Of a latent; else null. */
  readonly dictionary: Dictionary | null;
  readonly textSet: string | undefined;
  readonly by: Generator;
  /** Of an assistant. */
  readonly candidates: number;
}

/** How it is done: whom to ask, and when to stop. */
export interface ExplainMeans {
  /** Null for what is done without an assistant. */
  readonly assistant: MeteredAssistant | null;
  readonly signal: AbortSignal;
}

export class ComponentExplainer {
  readonly #source: ExplainSource;

  constructor(source: ExplainSource) {
    this.#source = source;
  }

  /**
   * Makes and stores an explanation.
   *
   * @throws {AssistantError | CancelledError | NotFoundError}
   * @throws {EngineError} if the component's records hold nothing to say
   */
  async explain(target: ExplainTarget, means: ExplainMeans): Promise<ExplanationRow> {
    const startedAt = performance.now();
    const before = means.assistant?.spent ?? null;
    const { records, evidence } = await this.#evidence(target, means);
    const text = await this.#sentence(evidence, target, means);
    if (text === null) {
      throw new EngineError(
        `The records of ${records.component} hold nothing to explain it by: it is never active, or no rule tells where`,
      );
    }
    const explanation: Omit<Explanation, "id" | "scores"> = {
      model: target.model.id,
      component: records.component,
      dictionary: target.dictionary?.detail.id ?? null,
      text,
      explainer: target.by,
      provenance: {
        version: target.by === "statistical" ? STATISTICAL_VERSION : PROMPT_VERSION,
        assistant: means.assistant?.model ?? null,
        textSet: records.source,
        sequences: records.sequenceCount,
        createdAt: new Date().toISOString(),
        ms: Math.round(performance.now() - startedAt),
        spent: spentSince(before, means.assistant),
        // Candidates are asked for with the same words.
        prompt: means.assistant === null ? null : promptText(explainRequest(evidence, 0)),
      },
    };
    const weights = await this.#source.digest(target.model, target.dictionary === null ? [] : [target.dictionary]);
    const id = this.#source.explanations.add(weights, explanation);
    return this.#source.explanations.find(id) ?? { ...explanation, id, weights, scores: [] };
  }

  /**
   * Scores a sentence and that of a random other component, and stores both. An assistant that fails leaves a score that says so.
   *
   * @throws {CancelledError | NotFoundError | ValidationError}
   */
  async score(
    { id, text }: Pick<Explanation, "id" | "text">,
    target: ExplainTarget,
    means: ExplainMeans,
  ): Promise<StoredScore> {
    const startedAt = performance.now();
    const before = means.assistant?.spent ?? null;
    const { records, evidence } = await this.#evidence(target, means);
    const frame = () => ({
      scorer: target.by,
      version: target.by === "statistical" ? STATISTICAL_SCORER_VERSION : PROMPT_VERSION,
      assistant: means.assistant?.model ?? null,
      textSet: records.source,
      published: null,
      createdAt: new Date().toISOString(),
      ms: Math.round(performance.now() - startedAt),
      spent: spentSince(before, means.assistant),
    });
    let score: StoredScore;
    try {
      const measured = await this.#measure(text, evidence, means);
      const control = await this.#control(evidence, target, means);
      score = {
        ...frame(),
        state: "done",
        problem: null,
        headline: headline(measured, evidence.kind),
        score: measured,
        control,
      };
    } catch (error) {
      if (!(error instanceof AssistantError)) throw error;
      const { message: problem } = error;
      score = { ...frame(), state: "failed", problem, headline: null, score: null, control: null };
      this.#source.explanations.saveScore(id, score);
      throw error;
    }
    this.#source.explanations.saveScore(id, score);
    return score;
  }

  /** A component's records, dealt into splits. */
  async #evidence(
    { model, component, dictionary, textSet }: ExplainTarget,
    { signal }: ExplainMeans,
  ): Promise<{ readonly records: ComponentRecords; readonly evidence: Evidence }> {
    const asked = { model: model.id, component: formatComponent(component), ...RECORDS };
    const records = await this.#source.records({
      ...asked,
      ...dictionary === null ? {} : { dictionary: dictionary.detail.id },
      ...textSet === undefined ? {} : { textSet },
    }, { signal });
    return { records, evidence: evidenceOf(records) };
  }

  /** A component's records for whoever wants to know what would be sent. */
  async evidenceOf(target: ExplainTarget, signal: AbortSignal): Promise<Evidence> {
    return (await this.#evidence(target, { assistant: null, signal })).evidence;
  }

  async #sentence(
    evidence: Evidence,
    { candidates }: Pick<ExplainTarget, "candidates">,
    { assistant, signal }: ExplainMeans,
  ): Promise<string | null> {
    if (assistant === null) return (await explainStatistically(evidence, new Turns(signal)))?.text ?? null;
    return evidence.largest <= 0 ? null : await explainAssisted(assistant, evidence, candidates);
  }

  #measure(text: string, evidence: Evidence, { assistant }: ExplainMeans) {
    return assistant === null
      ? scoreExplanation(text, evidence, { scorer: STATISTICAL_SCORER, limits: STATISTICAL_LIMITS })
      : scoreExplanation(text, evidence, { scorer: assistantScorer(assistant), limits: ASSISTANT_LIMITS });
  }

  /** The score of what the same explainer says of a random other component; null if none of some has anything to say. */
  async #control(evidence: Evidence, target: ExplainTarget, means: ExplainMeans): Promise<StoredScore["control"]> {
    for (let attempt = 0; attempt < CONTROL_TRIES; attempt++) {
      const component = otherComponent(target, attempt);
      if (component === null) return null;
      const other = { ...target, component, candidates: 1 };
      const text = await this.#sentence((await this.#evidence(other, means)).evidence, other, means);
      if (text === null) continue;
      const measured = await this.#measure(text, evidence, means);
      return { component: formatComponent(component), text, headline: headline(measured, evidence.kind) };
    }
    return null;
  }
}

/** Another component of the same kind, of latents of the same dictionary; always the same for the same one. Null if there is no other. */
function otherComponent(
  { model: { architecture }, component, dictionary }: ExplainTarget,
  attempt: number,
): Component | null {
  const { kind, layer, index } = component;
  const perLayer = isLatentKind(kind) ? dictionary?.detail.latentCount ?? 0 : componentsPerLayer(kind, architecture);
  // A dictionary is of one layer.
  const layers = isLatentKind(kind) ? 1 : architecture.layerCount;
  const first = isLatentKind(kind) ? layer : 0;
  const count = perLayer * layers;
  if (count < 2) return null;
  const own = (layer - first) * perLayer + index;
  const other = (own + 1 + hashOf(CONTROL_SEED + attempt, own) % (count - 1)) % count;
  return { kind, layer: first + Math.floor(other / perLayer), index: other % perLayer };
}

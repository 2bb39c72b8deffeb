/** What the fake engine says of components: some explanations in every state, hostile text among them. */
import { compareExplainers } from "../../engine/explain/compare_explainers.ts";
import {
  type AssistantSummary,
  type Attempt,
  type ComponentExplanations,
  type ComponentName,
  type ExplainerComparison,
  type ExplainPlan,
  type ExplainRequest,
  type Explanation,
  type ExplanationsApi,
  type ExplanationSearch,
  type FoundExplanations,
  NotFoundError,
  type ScoreRequest,
  type StoredScore,
  ValidationError,
  type WriteRequest,
} from "../../engine/mod.ts";
import { FAKE_MODEL } from "./fake_run.ts";

/** Text that must never be anything but text. */
export const HOSTILE_EXPLANATION = `<img src=x onerror="alert(1)"> "quotes" </q><script>alert(2)</script> & 'more'`;

const NOWHERE = { textSet: null, createdAt: "2026-11-24T00:00:00.000Z", ms: null, spent: null } as const;

/** A score of a value; null: it failed. */
export function fakeScore(value: number | null, more: Partial<StoredScore> = {}): StoredScore {
  const estimate = (own: number) => ({ value: own, interval: { low: own - 0.125, high: own + 0.125 } });
  const measures = { correlation: estimate(value ?? 0), rSquared: estimate(0.25), absoluteDeviation: estimate(0.125) };
  return {
    scorer: "statistical",
    version: "statistical-scorer-1",
    assistant: null,
    state: value === null ? "failed" : "done",
    problem: value === null ? "The assistant refuses the key: status 401" : null,
    headline: value === null ? null : estimate(value),
    score: value === null ? null : {
      simulation: {
        sequences: 21,
        places: 900,
        byCalibration: { none: measures, linear: measures, percentile: measures },
      },
      judgements: [{ kind: "fuzzing", area: estimate(0.75), active: 5, others: 21 }],
    },
    published: null,
    control: value === null ? null : { component: "mlp/0/3", text: HOSTILE_EXPLANATION, headline: estimate(0.0625) },
    ...NOWHERE,
    ...more,
  };
}

export function fakeExplanation(id: number, component: string, more: Partial<Explanation> = {}): Explanation {
  return {
    id,
    model: FAKE_MODEL.id,
    component,
    dictionary: null,
    text: "Fires on “ doctor” (9)",
    explainer: "statistical",
    provenance: {
      version: "statistical-1",
      assistant: null,
      sequences: 80,
      prompt: null,
      ...NOWHERE,
      textSet: "corpus",
    },
    scores: [fakeScore(0.5)],
    ...more,
  };
}

export class FakeExplanations implements ExplanationsApi {
  assistant: AssistantSummary | null = null;
  /** What was asked for, in order. */
  readonly asked: (readonly [string, unknown])[] = [];
  /** Told of every component. */
  attempts: readonly Attempt[] = [];
  readonly #own: Explanation[] = [];
  readonly #removed = new Set<number>();

  /** Components whose number is even have explanations; head/0/1 and mlp/1/7 have all that there can be. */
  #of(component: string): readonly Explanation[] {
    const hand = {
      explainer: "hand",
      provenance: { version: null, assistant: null, sequences: null, prompt: null, ...NOWHERE },
    } as const;
    const some = component === "head/0/1" || component === "mlp/1/7"
      ? [
        fakeExplanation(1, component, component.startsWith("head/") ? { text: "Looks at the token before (9)" } : {}),
        fakeExplanation(2, component, {
          text: HOSTILE_EXPLANATION,
          explainer: "assistant",
          provenance: {
            version: "prompts-2",
            assistant: "test-model",
            sequences: 80,
            prompt: `system:\n${HOSTILE_EXPLANATION}`,
            ...NOWHERE,
            textSet: "corpus",
            spent: { calls: 3, promptTokens: 1200, completionTokens: 40, cost: null },
          },
          scores: [fakeScore(0, { scorer: "assistant", assistant: "test-model" }), fakeScore(null)],
        }),
        fakeExplanation(3, component, { ...hand, text: "words about people", scores: [] }),
      ]
      : [];
    return [...some, ...this.#own.filter((own) => own.component === component)]
      .filter(({ id }) => !this.#removed.has(id));
  }

  list({ component, dictionary: id }: ComponentName): Promise<ComponentExplanations> {
    const dictionary = id ?? null;
    return Promise.resolve({ component, dictionary, explanations: this.#of(component), attempts: this.attempts });
  }

  settled(about: ComponentName): Promise<ComponentExplanations> {
    return this.list(about);
  }

  explain(request: ExplainRequest): Promise<ComponentExplanations> {
    this.asked.push(["explain", request]);
    return this.list(request);
  }

  plan(request: ExplainRequest): Promise<ExplainPlan> {
    this.asked.push(["plan", request]);
    if (this.assistant === null) {
      return Promise.reject(new ValidationError([{ path: "by", message: "No assistant is configured" }]));
    }
    const { assistant } = this;
    return Promise.resolve({
      assistant,
      calls: 44,
      promptTokens: 30_000,
      completionTokens: 9000,
      cost: null,
      first: HOSTILE_EXPLANATION,
    });
  }

  write({ component, text }: WriteRequest): Promise<Explanation> {
    this.asked.push(["write", { component, text }]);
    if (text.trim() === "") return Promise.reject(new ValidationError([{ path: "text", message: "Too small" }]));
    const own = fakeExplanation(100 + this.#own.length, component, { text, explainer: "hand", scores: [] });
    this.#own.push(own);
    return Promise.resolve(own);
  }

  score(request: ScoreRequest): Promise<ComponentExplanations> {
    this.asked.push(["score", request]);
    return this.list({ component: "mlp/1/7" });
  }

  remove(id: number): void {
    if (id > 99 && !this.#own.some((own) => own.id === id)) throw new NotFoundError(`There is no explanation ${id}`);
    this.#removed.add(id);
  }

  /** 30 of whatever is sought, unless it begins with q. */
  search({ q, page = 1, pageSize = 25 }: ExplanationSearch): Promise<FoundExplanations> {
    const total = q.startsWith("q") ? 0 : 30;
    const rows = Array.from(
      { length: total },
      (_, i) =>
        fakeExplanation(i + 1, `mlp/1/${i}`, i === 0 ? { text: HOSTILE_EXPLANATION, scores: [fakeScore(null)] } : {}),
    );
    return Promise.resolve({
      model: FAKE_MODEL.id,
      q,
      total,
      rows: rows.slice((page - 1) * pageSize, page * pageSize),
    });
  }

  /** Of a neuron with all that there can be, and a head. */
  compare(): Promise<ExplainerComparison> {
    const some = ["mlp/1/7", "head/0/1"].flatMap((component) => this.#of(component));
    return Promise.resolve({ model: FAKE_MODEL.id, kinds: compareExplainers(some) });
  }

  all(): Promise<Iterable<Explanation>> {
    return Promise.resolve(this.#of("mlp/1/7"));
  }

  import(_model: string, lines: string): Promise<number> {
    return Promise.resolve(lines.split("\n").length);
  }
}

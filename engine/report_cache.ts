/**
 * Reports are computed once: the same question about the same weights, and where means enter over the same texts, is answered from the
 * store. Who asks for a report that is being computed waits for that.
 */
import { createHash } from "node:crypto";
import type { ResolvedQuestion } from "./circuit/resolve_spec.ts";
import type { Dictionary } from "./model/dictionary.ts";
import type { LanguageModel } from "./model/language_model.ts";
import { SharedWork } from "./shared_work.ts";
import type { Store } from "./store/store.ts";

/** Longest report that is stored, in characters of JSON. */
const MAX_STORED_CHARACTERS = 1_000_000;

/** Most reports that are held in memory while the store takes none. */
const MAX_HELD = 200;

/** What is told of a question. */
export type ReportKind =
  | "objective"
  | "edges"
  | "scored-tokens"
  | "attributed-tokens"
  | "logit-lens"
  | "attention"
  | "circuit-nodes";

/** A question, checked against its model. */
export interface Asked {
  readonly model: LanguageModel;
  readonly resolved: ResolvedQuestion;
  /** Digest of the reference texts whose means the question uses; null if it uses none. */
  readonly texts: string | null;
}

export interface ReportRequest {
  readonly kind: ReportKind;
  readonly asked: Asked;
  /** What is asked beside the question itself, in canonical form: plain data, always in the same order. */
  readonly details: unknown;
  readonly signal: AbortSignal | undefined;
}

/** A report about a model and its details: plain data, always in the same order. */
export interface ModelReport {
  readonly kind: "component-values" | "firing" | "related-by-weights" | "co-activation" | "dictionary-metrics";
  readonly model: LanguageModel;
  /** Those that enter. */
  readonly dictionaries?: readonly Dictionary[];
  readonly details: unknown;
}

/** A report, and whether it was in the store already. */
export interface ReportAnswer<T> {
  readonly report: T;
  readonly isNew: boolean;
}

export interface ReportCacheOptions {
  /** Reports of another version of the program are computed again. */
  readonly version: string;
  /** Digest of a model's weights, and of the dictionaries that are spliced in. */
  readonly weights: (model: LanguageModel, dictionaries?: readonly Dictionary[]) => Promise<string>;
}

export class ReportCache {
  readonly #store: Store;
  readonly #options: ReportCacheOptions;
  /** JSON texts under way, by key. */
  readonly #running = new SharedWork<string>();
  /** What the store did not take, by key: work that goes on from what is known must come to an end without it too. */
  readonly #held = new Map<string, string>();

  constructor(store: Store, options: ReportCacheOptions) {
    this.#store = store;
    this.#options = options;
  }

  /**
   * Finds or computes a report of plain data. A fresh one is read from its own text, so that it is the same as when it is found.
   *
   * @throws whatever `compute` throws; a failure of the store is no failure of the request.
   */
  async answer<T>(
    { kind, asked, details, signal }: ReportRequest,
    compute: (signal: AbortSignal) => Promise<T>,
  ): Promise<ReportAnswer<T>> {
    const { version, weights } = this.#options;
    const parts = [
      kind,
      version,
      await weights(asked.model, asked.resolved.dictionaries),
      asked.texts,
      asked.resolved.spec,
      details,
    ];
    const key = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
    const stored = this.#find<T>(key);
    if (stored !== null) return { report: stored, isNew: false };
    const text = await this.#running.join(key, signal, async (shared) => {
      const computed = JSON.stringify(await compute(shared));
      if (computed.length <= MAX_STORED_CHARACTERS) this.#keep(key, computed);
      return computed;
    });
    return { report: JSON.parse(text) as T, isNew: true };
  }

  /** A report about a model that is no answer to a question; null if it is not known. */
  async find<T>(about: ModelReport): Promise<T | null> {
    return this.#find(await this.#modelKey(about));
  }

  /** Keeps a report for `find`. */
  async keep(about: ModelReport, report: unknown): Promise<void> {
    const text = JSON.stringify(report);
    if (text.length <= MAX_STORED_CHARACTERS) this.#keep(await this.#modelKey(about), text);
  }

  async #modelKey({ kind, model, dictionaries, details }: ModelReport): Promise<string> {
    const { version, weights } = this.#options;
    const parts = [kind, version, await weights(model, dictionaries), details];
    return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  }

  #keep(key: string, text: string): void {
    if (this.#store.saveReport(key, text)) return;
    this.#held.set(key, text);
    const [oldest] = this.#held.keys();
    if (this.#held.size > MAX_HELD && oldest !== undefined) this.#held.delete(oldest);
  }

  /** A known report; null if there is none, or what is stored is no JSON. */
  #find<T>(key: string): T | null {
    const text = this.#held.get(key) ?? this.#store.findReport(key);
    try {
      return text === null ? null : JSON.parse(text) as T;
    } catch {
      return null;
    }
  }
}

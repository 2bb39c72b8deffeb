/** What loaded dictionaries are measured to be: computed once for each text set, and kept. */
import { parseOrThrow } from "./circuit/field_issues.ts";
import { readSequences } from "./corpus/text_sets.ts";
import {
  type DictionaryReport,
  type MeasureDictionaryRequest,
  measureDictionarySchema,
} from "./dictionaries/metrics_request.ts";
import { NotFoundError } from "./errors.ts";
import { measureOnHeldOut } from "./held_out_metrics.ts";
import type { JobSource } from "./job_source.ts";
import type { Dictionary } from "./model/dictionary.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { ModelReport, ReportCache } from "./report_cache.ts";
import { SharedWork } from "./shared_work.ts";
import { findTextSet, textSetDigest } from "./sweep_work.ts";

export class DictionaryReports {
  readonly #source: JobSource;
  readonly #cache: Pick<ReportCache, "find" | "keep">;
  readonly #defaultModel: () => string;
  /** Under way, by what is asked: a page that looks again waits for the same. */
  readonly #running = new SharedWork<DictionaryReport>();

  constructor(
    source: JobSource,
    { cache, defaultModel }: {
      readonly cache: Pick<ReportCache, "find" | "keep">;
      readonly defaultModel: () => string;
    },
  ) {
    this.#source = source;
    this.#cache = cache;
    this.#defaultModel = defaultModel;
  }

  async measure(
    request: MeasureDictionaryRequest,
    { signal }: { readonly signal?: AbortSignal },
  ): Promise<DictionaryReport> {
    const { model: id = this.#defaultModel(), dictionary: asked, textSet, maxTokens } = parseOrThrow(
      measureDictionarySchema,
      request,
    );
    const model = this.#source.model(id);
    const dictionary = findDictionary(model, asked);
    const set = await findTextSet(model, textSet, this.#source);
    const texts = await textSetDigest(set, this.#source.store);
    const weights = await this.#source.digest(model, [dictionary]);
    const about: ModelReport = { kind: "dictionary-metrics", model, details: [weights, texts, maxTokens] };
    const known = await this.#cache.find<DictionaryReport>(about);
    if (known !== null) return known;
    return await this.#running.join(JSON.stringify([id, about.details]), signal, async (shared) => {
      const sequences = await readSequences(set, model);
      const metrics = await measureOnHeldOut(this.#source.worker, dictionary.detail.id, {
        model,
        sequences,
        maxTokens,
        lane: "interactive",
        signal: shared,
      });
      const report: DictionaryReport = { model: id, dictionary: dictionary.detail.id, textSet: set.id, metrics };
      await this.#cache.keep(about, report);
      return report;
    });
  }
}

/** @throws {NotFoundError} that lists those there are */
function findDictionary({ id, dictionaries }: LanguageModel, asked: string): Dictionary {
  const found = dictionaries.find(({ detail }) => detail.id === asked);
  if (found !== undefined) return found;
  const known = dictionaries.slice(0, 20).map(({ detail }) => detail.id).join(", ");
  throw new NotFoundError(
    `There is no dictionary "${asked.slice(0, 200)}" for model "${id}": ${
      known === "" ? "none is loaded" : `expected one of ${known}`
    }`,
  );
}

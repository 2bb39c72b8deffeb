/** Components related to one: by weights, computed once on the engine thread; by when they are active, read from what a sweep has collected. */
import { parseOrThrow } from "./circuit/field_issues.ts";
import { CoActivationSearch } from "./corpus/co_activation.ts";
import { type Component, COMPONENT_KINDS, formatComponent, resolveComponent } from "./corpus/component.ts";
import type { GroupStatistics } from "./corpus/group_statistics.ts";
import {
  type CoActivation,
  MAX_RELATED,
  type RelatedComponents,
  type RelatedList,
  type RelatedRequest,
  relatedRequestSchema,
  type WeightRelations,
} from "./corpus/related_request.ts";
import { Turns } from "./corpus/turns.ts";
import type { CallOptions } from "./engine.ts";
import type { JobSource } from "./job_source.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { ModelReport, ReportCache } from "./report_cache.ts";
import { SharedWork } from "./shared_work.ts";
import type { SweepRow } from "./store/sweep_rows.ts";
import type { FoundSweep, SweptTexts } from "./swept.ts";

/** What related components need of the engine. */
export type RelatedSource = Pick<JobSource, "worker" | "model">;

type Cache = Pick<ReportCache, "find" | "keep">;

interface Asked {
  readonly model: LanguageModel;
  readonly component: Component;
}

export class RelatedReports {
  readonly #source: RelatedSource;
  readonly #swept: Pick<SweptTexts, "find" | "collect">;
  readonly #cache: Cache;
  readonly #defaultModel: () => string;
  /** Under way, by what is asked: a page that looks again waits for the same. */
  readonly #running = new SharedWork<unknown>();

  constructor(
    source: RelatedSource,
    { cache, swept, defaultModel }: {
      readonly cache: Cache;
      readonly swept: Pick<SweptTexts, "find" | "collect">;
      readonly defaultModel: () => string;
    },
  ) {
    this.#source = source;
    this.#swept = swept;
    this.#cache = cache;
    this.#defaultModel = defaultModel;
  }

  async related(request: RelatedRequest, { signal }: CallOptions): Promise<RelatedComponents> {
    const { model: id = this.#defaultModel(), component: text, textSet, top } = parseOrThrow(
      relatedRequestSchema,
      request,
    );
    const model = this.#source.model(id);
    const asked: Asked = { model, component: resolveComponent(text, model.architecture) };
    const [weights, active] = await Promise.all([
      this.#byWeights(asked, signal),
      this.#byActivity(asked, textSet, signal),
    ]);
    return {
      component: formatComponent(asked.component),
      similar: cut(weights.similar, top),
      upstream: cut(weights.upstream, top),
      downstream: cut(weights.downstream, top),
      coActivation: active === null ? null : cutActive(active, top),
    };
  }

  #byWeights({ model, component }: Asked, signal: AbortSignal | undefined): Promise<WeightRelations> {
    const about: ModelReport = { kind: "related-by-weights", model, details: formatComponent(component) };
    return this.#once(about, signal, async (shared) => {
      const { output: { relations } } = await this.#source.worker.call(
        "related",
        { modelId: model.id, component, top: MAX_RELATED },
        { signal: shared },
      );
      return relations;
    });
  }

  /** Null where nothing has been collected. */
  async #byActivity(
    { model, component }: Asked,
    textSet: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<CoActivation | null> {
    const found = await this.#swept.find(model, textSet);
    if (found === null) return null;
    // With every generation of a sweep that goes on, its lists change.
    const details = [formatComponent(component), found.row.key, found.row.generation];
    return await this.#once(
      { kind: "co-activation", model, details },
      signal,
      (shared) => this.#coActivation(found, component, shared),
    );
  }

  /** Reads a layer's statistics at a time, its own first: those of all would not always fit in memory. */
  async #coActivation(found: FoundSweep, component: Component, signal: AbortSignal): Promise<CoActivation> {
    const own = { kind: component.kind, layer: component.layer };
    const layers = Array.from({ length: found.model.architecture.layerCount }, (_, layer) => layer);
    const kinds = COMPONENT_KINDS.toSorted((a, b) => Number(b === own.kind) - Number(a === own.kind));
    const others = kinds.flatMap((kind) => layers.map((layer) => ({ kind, layer })))
      .filter(({ kind, layer }) => kind !== own.kind || layer !== own.layer);
    const { search, row } = await this.#swept.collect(
      found,
      { groups: [own, ...others], turns: new Turns(signal) },
      (row) => new CoActivationOf(component, row),
    );
    const { sampleCount, topCount, chance } = search;
    return {
      source: row.textSet,
      sequenceCount: row.progress.sequencesDone,
      sampleCount,
      chance,
      topCount,
      lists: search.lists(),
    };
  }

  /** Finds a report, or computes it once for all who ask, and keeps it. */
  async #once<T>(
    about: ModelReport,
    signal: AbortSignal | undefined,
    compute: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const found = await this.#cache.find<T>(about);
    if (found !== null) return found;
    const key = JSON.stringify([about.kind, about.model.id, about.details]);
    return await this.#running.join(key, signal, async (shared) => {
      const computed = await compute(shared);
      await this.#cache.keep(about, computed);
      return computed;
    }) as T;
  }
}

/** The search, which begins with the group of the component itself. */
class CoActivationOf {
  readonly row: SweepRow;
  readonly #component: Component;
  #search: CoActivationSearch | null = null;

  constructor(component: Component, row: SweepRow) {
    this.#component = component;
    this.row = row;
  }

  get search(): CoActivationSearch {
    if (this.#search === null) throw new Error("Internal: the component's own group was not read");
    return this.#search;
  }

  add(about: Omit<Component, "index">, group: GroupStatistics): void {
    this.#search ??= new CoActivationSearch(group, this.#component, { top: MAX_RELATED });
    this.#search.add(group, about);
  }
}

function cut<By>(lists: readonly RelatedList<By>[], top: number): readonly RelatedList<By>[] {
  return lists.map((list) => ({ ...list, components: list.components.slice(0, top) }));
}

function cutActive(found: CoActivation, top: number): CoActivation {
  const lists = found.lists.map(({ kind, correlated, shared }) => ({
    kind,
    correlated: correlated.slice(0, top),
    shared: shared.slice(0, top),
  }));
  return { ...found, lists };
}

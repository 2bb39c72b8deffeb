/** Components related to one: by weights, computed once on the engine thread; by when they are active, read from what a sweep has collected. */
import { parseOrThrow } from "./circuit/field_issues.ts";
import { CoActivationSearch } from "./corpus/co_activation.ts";
import {
  type Component,
  formatComponent,
  type Group,
  ownComponent,
  resolveComponent,
  type ResolvedComponent,
} from "./corpus/component.ts";
import { allGroups } from "./corpus/groups.ts";
import type { GroupStatistics } from "./corpus/group_statistics.ts";
import {
  type CoActivation,
  type LatentNeighbours,
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
import type { Dictionary } from "./model/dictionary.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { ModelReport, ReportCache } from "./report_cache.ts";
import { SharedWork } from "./shared_work.ts";
import type { SweepRow } from "./store/sweep_rows.ts";
import type { FoundSweep, SweptTexts } from "./swept.ts";

/** What related components need of the engine. */
export type RelatedSource = Pick<JobSource, "worker" | "model">;

type Cache = Pick<ReportCache, "find" | "keep">;

type Asked = ResolvedComponent<LanguageModel>;

/** How sweeps are read. */
type Swept = Pick<SweptTexts, "find" | "collect" | "haveSameTexts">;

export class RelatedReports {
  readonly #source: RelatedSource;
  readonly #swept: Swept;
  readonly #cache: Cache;
  readonly #defaultModel: () => string;
  /** Under way, by what is asked: a page that looks again waits for the same. */
  readonly #running = new SharedWork<unknown>();

  constructor(
    source: RelatedSource,
    { cache, swept, defaultModel }: {
      readonly cache: Cache;
      readonly swept: Swept;
      readonly defaultModel: () => string;
    },
  ) {
    this.#source = source;
    this.#swept = swept;
    this.#cache = cache;
    this.#defaultModel = defaultModel;
  }

  async related(request: RelatedRequest, { signal }: CallOptions): Promise<RelatedComponents> {
    const { model: id = this.#defaultModel(), textSet, top, ...named } = parseOrThrow(relatedRequestSchema, request);
    const asked = resolveComponent(named, this.#source.model(id));
    const [weights, active] = await Promise.all([
      this.#byWeights(asked, signal),
      this.#byActivity(asked, textSet, signal),
    ]);
    return {
      component: formatComponent(asked.component),
      dictionary: asked.dictionary?.detail.id ?? null,
      alignment: weights.alignment,
      similar: cut(weights.similar, top),
      upstream: cut(weights.upstream, top),
      downstream: cut(weights.downstream, top),
      coActivation: active === null ? null : cutActive(active, top),
    };
  }

  async #byWeights(
    { model, component, dictionary }: Asked,
    signal: AbortSignal | undefined,
  ): Promise<WeightRelations & Pick<LatentNeighbours, "alignment">> {
    if (dictionary !== null) {
      const neighbours = await this.#neighbours({ model, component, dictionary }, signal);
      return { ...neighbours, upstream: [], downstream: [] };
    }
    const about: ModelReport = { kind: "related-by-weights", model, details: formatComponent(component) };
    const own = ownComponent(component);
    const found = await this.#once(about, signal, async (shared) => {
      const { output: { relations } } = await this.#source.worker.call(
        "related",
        { modelId: model.id, component: own, top: MAX_RELATED },
        { signal: shared },
      );
      return relations;
    });
    return { ...found, alignment: null };
  }

  #neighbours(
    { model, component: { index }, dictionary }: Asked & { readonly dictionary: Dictionary },
    signal: AbortSignal | undefined,
  ): Promise<LatentNeighbours> {
    // Any of the dictionaries may hold a neighbour.
    const { dictionaries } = model;
    const about: ModelReport = {
      kind: "related-by-weights",
      model,
      dictionaries,
      details: [dictionary.detail.id, index],
    };
    return this.#once(about, signal, async (shared) => {
      const input = { modelId: model.id, dictionary: dictionary.detail.id, index, top: MAX_RELATED };
      return (await this.#source.worker.call("latentNeighbours", input, { signal: shared })).output.neighbours;
    });
  }

  /** Null where nothing has been collected. */
  async #byActivity(
    { component, ...scope }: Asked,
    textSet: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<CoActivation | null> {
    const found = await this.#swept.find(scope, textSet);
    if (found === null) return null;
    const beside = await this.#besideLatents(found);
    // With every generation of a sweep that goes on, its lists change.
    const states = [found, ...beside === null ? [] : [beside]].flatMap(({ row }) => [row.key, row.generation]);
    return await this.#once(
      { kind: "co-activation", model: scope.model, details: [formatComponent(component), ...states] },
      signal,
      (shared) => this.#coActivation([found, beside], component, shared),
    );
  }

  /** The sweep of the model itself over the texts that a dictionary was swept over; null if there is none. */
  async #besideLatents({ model, dictionary, row }: FoundSweep): Promise<FoundSweep | null> {
    if (dictionary === null) return null;
    const found = await this.#swept.find({ model, dictionary: null }, row.textSet);
    return found !== null && this.#swept.haveSameTexts(row, found.row) ? found : null;
  }

  /** Reads a layer's statistics at a time, its own first: those of all would not always fit in memory. */
  async #coActivation(
    [found, beside]: readonly [FoundSweep, FoundSweep | null],
    component: Component,
    signal: AbortSignal,
  ): Promise<CoActivation> {
    const turns = new Turns(signal);
    const { search, row, own } = await this.#swept.collect(
      found,
      { groups: groupsFrom(found, component), turns },
      (row) => new CoActivationOf(component, row),
    );
    const others = beside === null ? [] : (await this.#swept.collect(
      beside,
      { groups: groupsFrom(beside, component), turns },
      () => new CoActivationSearch(own, component, { top: MAX_RELATED }),
    )).lists();
    const { sampleCount, topCount, chance } = search;
    return {
      source: row.textSet,
      sequenceCount: row.progress.sequencesDone,
      sampleCount,
      chance,
      topCount,
      lists: [...search.lists(), ...others],
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
  #own: GroupStatistics | null = null;
  #search: CoActivationSearch | null = null;

  constructor(component: Component, row: SweepRow) {
    this.#component = component;
    this.row = row;
  }

  get search(): CoActivationSearch {
    if (this.#search === null) throw new Error("Internal: the component's own group was not read");
    return this.#search;
  }

  get own(): GroupStatistics {
    if (this.#own === null) throw new Error("Internal: the component's own group was not read");
    return this.#own;
  }

  add(about: Group, group: GroupStatistics): void {
    this.#own ??= group;
    this.#search ??= new CoActivationSearch(group, this.#component, { top: MAX_RELATED });
    this.#search.add(about, group);
  }
}

/** All groups of a scope, a kind after the other, the component's own first. */
function groupsFrom(scope: FoundSweep, own: Group): readonly Group[] {
  const rank = ({ kind, layer }: Group) => kind !== own.kind ? 2 : layer !== own.layer ? 1 : 0;
  const groups = allGroups(scope);
  const kinds = [...new Set(groups.map(({ kind }) => kind))];
  const place = ({ kind }: Group) => kinds.indexOf(kind);
  return groups.toSorted((a, b) => rank(a) - rank(b) || place(a) - place(b) || a.layer - b.layer);
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

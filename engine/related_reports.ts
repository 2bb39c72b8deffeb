/** Components related to one: by weights, computed once on the engine thread; by when they are active, read from what a sweep has collected. */
import { parseOrThrow } from "./circuit/field_issues.ts";
import { CoActivationSearch } from "./corpus/co_activation.ts";
import {
  type Component,
  COMPONENT_KINDS,
  componentsPerLayer,
  formatComponent,
  resolveComponent,
} from "./corpus/component.ts";
import { GroupStatistics } from "./corpus/group_statistics.ts";
import {
  type CoActivation,
  MAX_RELATED,
  type RelatedComponents,
  type RelatedList,
  type RelatedRequest,
  relatedRequestSchema,
  type WeightRelations,
} from "./corpus/related_request.ts";
import { groupName } from "./corpus/sweeper.ts";
import type { CallOptions } from "./engine.ts";
import { CancelledError, EngineUnavailableError, NotFoundError } from "./errors.ts";
import { findSweep, type SweepSource } from "./found_sweep.ts";
import type { JobSource } from "./job_source.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { ModelReport, ReportCache } from "./report_cache.ts";
import { SharedWork } from "./shared_work.ts";
import type { SweepRow } from "./store/sweep_rows.ts";

/** How often a sweep that goes on is read again from the beginning. */
const MAX_ATTEMPTS = 5;

/** What related components need of the engine. */
export interface RelatedSource extends SweepSource, Pick<JobSource, "worker" | "model"> {}

type Cache = Pick<ReportCache, "find" | "keep">;

interface Asked {
  readonly model: LanguageModel;
  readonly component: Component;
}

export class RelatedReports {
  readonly #source: RelatedSource;
  readonly #cache: Cache;
  readonly #defaultModel: () => string;
  /** Under way, by what is asked: a page that looks again waits for the same. */
  readonly #running = new SharedWork<unknown>();

  constructor(
    source: RelatedSource,
    { cache, defaultModel }: { readonly cache: Cache; readonly defaultModel: () => string },
  ) {
    this.#source = source;
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
    for (let attempt = 1;; attempt++) {
      const sweep = await findSweep(this.#source, model, textSet);
      if (sweep === null) return null;
      // With every generation of a sweep that goes on, its lists change.
      const details = [formatComponent(component), sweep.key, sweep.generation];
      try {
        return await this.#once(
          { kind: "co-activation", model, details },
          signal,
          (shared) => this.#coActivation({ model, component }, sweep, shared),
        );
      } catch (error) {
        // A sweep that goes on replaces what it has collected, also while it is read here.
        const latest = await findSweep(this.#source, model, textSet);
        const isReplaced = error instanceof NotFoundError && latest?.generation !== sweep.generation;
        if (!isReplaced) throw error;
        if (attempt === MAX_ATTEMPTS) {
          throw new EngineUnavailableError(
            `The sweep over "${sweep.textSet}" was stored anew each of ${MAX_ATTEMPTS} times that it was read: ask again`,
          );
        }
      }
    }
  }

  /** Reads a layer's statistics at a time: those of all would not always fit in memory, and others have their turn in between. */
  async #coActivation({ model, component }: Asked, sweep: SweepRow, signal: AbortSignal): Promise<CoActivation> {
    const search = new CoActivationSearch(this.#group(model, sweep, component), component, { top: MAX_RELATED });
    for (
      const kind of COMPONENT_KINDS.toSorted((a, b) => Number(b === component.kind) - Number(a === component.kind))
    ) {
      for (let layer = 0; layer < model.architecture.layerCount; layer++) {
        search.add(this.#group(model, sweep, { kind, layer }), { kind, layer });
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (signal.aborted) throw new CancelledError("The request was cancelled");
      }
    }
    const { sampleCount, topCount, chance } = search;
    return {
      source: sweep.textSet,
      sequenceCount: sweep.progress.sequencesDone,
      sampleCount,
      chance,
      topCount,
      lists: search.lists(),
    };
  }

  #group(
    { architecture }: LanguageModel,
    sweep: SweepRow,
    { kind, layer }: Omit<Component, "index">,
  ): GroupStatistics {
    const buffer = this.#source.store.sweeps.group(sweep, groupName(kind, layer));
    if (buffer === null) throw new NotFoundError(`What was collected of ${kind}/${layer} cannot be read: see the log`);
    return new GroupStatistics(componentsPerLayer(kind, architecture), buffer);
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

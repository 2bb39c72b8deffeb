/** What components do over text sets: read from what sweeps have collected, their values computed when somebody looks. */
import { parseOrThrow } from "./circuit/field_issues.ts";
import { tokenizeText } from "./circuit/resolve_spec.ts";
import { ComponentValuesSource } from "./component_values.ts";
import { chooseSequences } from "./corpus/chosen_sequences.ts";
import {
  type Component,
  type ComponentKind,
  formatComponent,
  type Group,
  isLatentKind,
  requireNoDictionary,
  resolveComponent,
} from "./corpus/component.ts";
import type { ComponentRecords, Example } from "./corpus/component_records.ts";
import {
  type ActivationsRequest,
  activationsRequestSchema,
  type Catalogue,
  type CatalogueRequest,
  catalogueRequestSchema,
  type CatalogueRow,
  type LayerRecord,
  type LayerRecordsRequest,
  layerRecordsRequestSchema,
  type RecordsRequest,
  recordsRequestSchema,
  TOP_SEQUENCES,
} from "./corpus/corpus_requests.ts";
import { type GroupStatistics, NO_SEQUENCE, PLACE_KEYS } from "./corpus/group_statistics.ts";
import { allGroups } from "./corpus/groups.ts";
import { headScores } from "./corpus/head_scores.ts";
import { PUBLISHED_SOURCE, type PublishedRecords } from "./corpus/published_records.ts";
import { chooseDictionary, type Scope, scopeOf } from "./corpus/scope.ts";
import { momentsOf, statisticsOf } from "./corpus/statistics.ts";
import type { SweepSummary, TextSet } from "./corpus/sweep_summary.ts";
import { findTextSets } from "./corpus/text_sets.ts";
import type { CallOptions } from "./engine.ts";
import { ValidationError } from "./errors.ts";
import type { JobSource } from "./job_source.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { ReportCache } from "./report_cache.ts";
import type { FoundSweep, SweptTexts } from "./swept.ts";

export class CorpusReports {
  readonly #source: JobSource;
  readonly #swept: SweptTexts;
  readonly #values: ComponentValuesSource;
  readonly #published: ReadonlyMap<string, PublishedRecords>;
  readonly #defaultModel: () => string;
  /** The rows of the catalogue that was read last. */
  #rows: { readonly key: string; readonly rows: readonly CatalogueRow[] } | null = null;

  constructor(
    source: JobSource,
    { cache, swept, published, defaultModel }: {
      readonly cache: ReportCache;
      readonly swept: SweptTexts;
      /** By model. */
      readonly published: ReadonlyMap<string, PublishedRecords>;
      readonly defaultModel: () => string;
    },
  ) {
    this.#source = source;
    this.#swept = swept;
    this.#values = new ComponentValuesSource(source.worker, cache);
    this.#published = published;
    this.#defaultModel = defaultModel;
  }

  async textSets(modelId: string): Promise<readonly TextSet[]> {
    const sets = await findTextSets(this.#source.model(modelId), this.#source.corpusFiles);
    const own = sets.map(({ id, sizeBytes, origin }): TextSet => ({ id, sizeBytes, origin }));
    return this.#published.has(modelId) ? [...own, { id: PUBLISHED_SOURCE, sizeBytes: 0, origin: "--records" }] : own;
  }

  async sweeps(modelId: string, id: string | null): Promise<readonly SweepSummary[]> {
    const rows = await this.#swept.list(scopeOf(this.#source.model(modelId), id));
    const begun = new Map(rows.toReversed().map((row) => [row.textSet, row.progress]));
    const sets = (await this.textSets(modelId)).map(({ id }) => id).filter((id) => id !== PUBLISHED_SOURCE);
    const known = [...new Set([...sets, ...begun.keys()])];
    return known.map((textSet): SweepSummary => {
      const found = begun.get(textSet);
      const { sequencesDone = 0, sequenceCount = 0, tokensDone = 0 } = found ?? {};
      const state = found === undefined ? "none" : found.step === found.stepCount ? "done" : "partial";
      return { model: modelId, dictionary: id, textSet, state, sequencesDone, sequenceCount, tokensDone };
    });
  }

  async records(request: RecordsRequest, options: CallOptions): Promise<ComponentRecords> {
    const { model: id, textSet, top, random, ...named } = parseOrThrow(recordsRequestSchema, request);
    const asked = resolveComponent(named, this.#model(id));
    const { model, dictionary, component } = asked;
    const published = dictionary === null ? this.#published.get(model.id) : undefined;
    if (published !== undefined && textSet === PUBLISHED_SOURCE) {
      return cutTo(await published.records(component, model.tokenizer), { top, random });
    }
    const found = await this.#swept.require(asked, textSet);
    const { row } = found;
    const group = this.#swept.group(found, component);
    const sequences = this.#swept.sequences(row);
    const chosen = chooseSequences(group, component.index, { top, random, sample: sequences.sample() });
    const numbers = [
      ...new Set([...chosen.top, ...chosen.random, ...chosen.byQuantile.flatMap((part) => part.sequences)]),
    ];
    const texts = numbers.map((sequence) => ({ sequence, tokens: sequences.at(sequence) }));
    const examples = await this.#values.examples(asked, texts, options);
    const byNumber = new Map(numbers.map((sequence, i) => [sequence, examples[i]]));
    const shown = (wanted: readonly number[]) => wanted.flatMap((sequence) => byNumber.get(sequence) ?? []);
    return {
      component: formatComponent(component),
      dictionary: dictionary?.detail.id ?? null,
      source: row.textSet,
      sequenceCount: row.progress.sequencesDone,
      tokenCount: row.progress.tokensDone,
      statistics: statisticsOf(group, component.kind, component.index),
      scores: component.kind === "head" ? headScores(group, component.index) : null,
      top: shown(chosen.top),
      random: shown(chosen.random),
      byQuantile: chosen.byQuantile.map(({ from, to, sequences }) => ({ from, to, examples: shown(sequences) })),
    };
  }

  async catalogue(request: CatalogueRequest): Promise<Catalogue> {
    const { textSet, kind, layer, sort, direction, page, pageSize, ...named } = parseOrThrow(
      catalogueRequestSchema,
      request,
    );
    const scope = this.#scope({ kind, layer, ...named });
    const found = await this.#swept.require(scope, textSet);
    const rows = this.#catalogueRows(found, kind).filter(({ component }) =>
      layer === null || component.startsWith(`${kind}/${layer}/`)
    );
    const numberOf = (row: CatalogueRow): number => {
      if (sort in row) return (row as unknown as Readonly<Record<string, number>>)[sort] ?? NaN;
      return (row.scores as Readonly<Record<string, number>> | null)?.[sort] ?? NaN;
    };
    const sign = direction === "descending" ? -1 : 1;
    const sorted = rows.toSorted((a, b) => {
      const [x, y] = [numberOf(a), numberOf(b)];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
      return sign * (x - y);
    });
    return {
      source: found.row.textSet,
      dictionary: scope.dictionary?.detail.id ?? null,
      total: rows.length,
      rows: sorted.slice((page - 1) * pageSize, page * pageSize),
    };
  }

  async layerRecords(request: LayerRecordsRequest): Promise<Iterable<LayerRecord>> {
    const { textSet, kind, layer, ...named } = parseOrThrow(layerRecordsRequestSchema, request);
    const found = await this.#swept.require(this.#scope({ kind, layer, ...named }), textSet);
    return layerRecordsOf(found, { kind, layer }, this.#swept.group(found, { kind, layer }));
  }

  async activations(request: ActivationsRequest, options: CallOptions): Promise<readonly Example[]> {
    const { model: id, texts, ...named } = parseOrThrow(activationsRequestSchema, request);
    const asked = resolveComponent(named, this.#model(id));
    const { model } = asked;
    const { bosId, contextLength } = model.architecture;
    const tokenized = texts.map((own, i) => {
      const tokens = tokenizeText(model, own, bosId !== null);
      if (tokens.length >= 1 && tokens.length <= contextLength) return { sequence: null, tokens };
      throw new ValidationError([{
        path: `texts.${i}`,
        message: `Text has ${tokens.length} tokens: expected 1..${contextLength}`,
      }]);
    });
    return await this.#values.examples(asked, tokenized, options);
  }

  #model(id: string | undefined): LanguageModel {
    return this.#source.model(id ?? this.#defaultModel());
  }

  /** Whose components of a kind are asked for. @throws {ValidationError} if there is no such layer or dictionary */
  #scope({ model: id, kind, layer, dictionary }: AskedScope): Scope<LanguageModel> {
    const model = this.#model(id);
    if (layer !== null) requireLayer(model, layer);
    if (isLatentKind(kind)) {
      const wish = { kind, layers: layer === null ? [] : [layer], id: dictionary, path: "kind" };
      return { model, dictionary: chooseDictionary(model, wish) };
    }
    requireNoDictionary(dictionary, kind);
    return { model, dictionary: null };
  }

  #catalogueRows(found: FoundSweep, kind: ComponentKind): readonly CatalogueRow[] {
    const { row } = found;
    const key = `${row.key} ${row.generation} ${kind}`;
    if (this.#rows?.key === key) return this.#rows.rows;
    const rows = allGroups(found).filter((own) => own.kind === kind).flatMap(({ layer }) => {
      const group = this.#swept.group(found, { kind, layer });
      return Array.from({ length: group.size }, (_, index) => catalogueRow(group, { kind, layer, index }));
    });
    this.#rows = { key, rows };
    return rows;
  }
}

function catalogueRow(group: GroupStatistics, component: Component): CatalogueRow {
  const { kind, index } = component;
  const { count: _count, min: _min, ...shown } = momentsOf(group, kind, index);
  return {
    component: formatComponent(component),
    ...shown,
    scores: kind === "head" ? headScores(group, index) : null,
  };
}

interface AskedScope {
  readonly model?: string | undefined;
  readonly kind: ComponentKind;
  readonly layer: number | null;
  readonly dictionary?: string | undefined;
}

function* layerRecordsOf(
  { row: { textSet: source }, dictionary }: FoundSweep,
  { kind, layer }: Group,
  group: GroupStatistics,
): Generator<LayerRecord> {
  for (let index = 0; index < group.size; index++) {
    const entries = Array.from({ length: TOP_SEQUENCES }, (_, rank) => group.topAt(index, rank));
    yield {
      component: formatComponent({ kind, layer, index }),
      dictionary: dictionary?.detail.id ?? null,
      source,
      statistics: statisticsOf(group, kind, index),
      scores: kind === "head" ? headScores(group, index) : null,
      top: entries.filter(({ sequence }) => sequence !== NO_SEQUENCE).map(({ sequence, value, place }) => ({
        sequence,
        max: value,
        at: kind === "head" ? [Math.floor(place / PLACE_KEYS), place % PLACE_KEYS] : [place],
      })),
    };
  }
}

function requireLayer({ architecture: { layerCount } }: LanguageModel, layer: number): void {
  if (layer < layerCount) return;
  throw new ValidationError([{
    path: "layer",
    message: `There is no layer ${layer}: expected 0..${layerCount - 1}`,
  }]);
}

/** As many examples as were asked for. */
function cutTo(
  records: ComponentRecords,
  { top, random }: { readonly top: number; readonly random: number },
): ComponentRecords {
  return {
    ...records,
    top: records.top.slice(0, top),
    random: records.random.slice(0, random),
    byQuantile: records.byQuantile.map((part) => ({ ...part, examples: part.examples.slice(0, random) })),
  };
}

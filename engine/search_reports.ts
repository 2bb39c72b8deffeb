/** Looks for components: by what fires on a text, computed once for each, and by the texts of a sweep that hold a phrase. */
import { parseOrThrow } from "./circuit/field_issues.ts";
import { tokenizeText } from "./circuit/resolve_spec.ts";
import { type ComponentKind, type Group, isLatentKind, requireNoDictionary } from "./corpus/component.ts";
import { allGroups } from "./corpus/groups.ts";
import { chooseDictionary, type Scope } from "./corpus/scope.ts";
import { FiringRanking, PhraseRanking } from "./corpus/found_components.ts";
import {
  type Firing,
  type FiringRequest,
  firingRequestSchema,
  type FiringRow,
  type FiringSort,
  type FoundSort,
  type FoundText,
  type PhraseMatch,
  type SearchRequest,
  searchRequestSchema,
  type SearchResult,
} from "./corpus/search_requests.ts";
import { SequenceTexts } from "./corpus/sequence_texts.ts";
import type { Sequences } from "./corpus/sequences.ts";
import { findText, findTokens, type PhraseMatches } from "./corpus/text_search.ts";
import { Turns } from "./corpus/turns.ts";
import type { CallOptions } from "./engine.ts";
import { ValidationError } from "./errors.ts";
import type { JobSource } from "./job_source.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { ModelReport, ReportCache } from "./report_cache.ts";
import { SharedWork } from "./shared_work.ts";
import type { FoundSweep, SweptTexts } from "./swept.ts";

/** Tokens of a found text that are told before and after the phrase. */
const CONTEXT_TOKENS = 16;

/** Searches for phrases that are kept; each holds a byte for every token of its texts. */
const MAX_KEPT_SEARCHES = 4;

/** What is kept of a firing search. */
type FiringReport = Pick<Firing, "considered" | "total"> & { readonly rows: readonly FiringRow[] };

export class SearchReports {
  readonly #source: Pick<JobSource, "worker" | "model">;
  readonly #cache: ReportCache;
  readonly #swept: SweptTexts;
  readonly #defaultModel: () => string;
  /** The texts that were searched last, with the sweep that they belong to. */
  #texts: { readonly of: FoundSweep; readonly texts: Promise<SequenceTexts> } | null = null;
  /** The last searches, by what was asked of which state of a sweep. */
  readonly #found = new Map<string, FoundPhrase>();
  readonly #searching = new SharedWork<FoundPhrase>();
  readonly #firing = new SharedWork<FiringReport>();

  constructor(
    source: Pick<JobSource, "worker" | "model">,
    { cache, swept, defaultModel }: {
      readonly cache: ReportCache;
      readonly swept: SweptTexts;
      readonly defaultModel: () => string;
    },
  ) {
    this.#source = source;
    this.#cache = cache;
    this.#swept = swept;
    this.#defaultModel = defaultModel;
  }

  async firing(request: FiringRequest, { signal }: CallOptions): Promise<Firing> {
    const parsed = parseOrThrow(firingRequestSchema, request);
    const model = this.#source.model(parsed.model ?? this.#defaultModel());
    const { scope, groups } = scopeOf(model, parsed);
    const tokens = tokensOf(model, parsed.text);
    const queries = queriesOf(model, tokens, parsed.token);
    const { textSet } = parsed;
    const isCompared = textSet !== undefined || parsed.sort === "relative";
    const sweep = isCompared ? await this.#swept.require(scope, textSet) : await this.#swept.find(scope, textSet);
    const sort = parsed.sort ?? (sweep === null ? "value" : "relative");
    const { considered, total, rows } = await this.#firingReport(scope, {
      groups,
      tokens,
      queries,
      sweep,
      sort,
      signal,
    });
    return {
      model: model.id,
      source: sweep?.row.textSet ?? null,
      dictionary: scope.dictionary?.detail.id ?? null,
      tokens: tokens.map((id) => ({ id, text: model.tokenizer.tokenText(id) })),
      token: parsed.token,
      sort,
      considered,
      total,
      kept: rows.length,
      rows: pageOf(rows, parsed.page, parsed.pageSize),
    };
  }

  async search(request: SearchRequest, { signal }: CallOptions): Promise<SearchResult> {
    const parsed = parseOrThrow(searchRequestSchema, request);
    const { q, match, textSet, sort, pageSize } = parsed;
    const model = this.#source.model(parsed.model ?? this.#defaultModel());
    const { scope, groups } = scopeOf(model, parsed);
    const sweep = await this.#swept.require(scope, textSet);
    const sequences = this.#swept.sequences(sweep.row);
    const withComponents = parsed.in !== "texts";
    const { matches, ranking } = await this.#find(
      { sweep, sequences, groups, q, match, sort, withComponents },
      signal,
    );
    return {
      model: model.id,
      source: sweep.row.textSet,
      dictionary: scope.dictionary?.detail.id ?? null,
      q,
      match,
      sequenceCount: sequences.count,
      texts: parsed.in === "components"
        ? null
        : foundTexts(model, { sequences, matches }, (numbers) => pageOf(numbers, parsed.textsPage, pageSize)),
      components: ranking === null ? null : {
        considered: ranking.considered,
        total: ranking.total,
        kept: ranking.rows().length,
        rows: pageOf(ranking.rows(), parsed.page, pageSize),
      },
    };
  }

  /** A search, or what is known of one: its pages are turned more often than another is begun. */
  async #find(asked: AskedSearch, signal: AbortSignal | undefined): Promise<FoundPhrase> {
    const { sweep: { row }, q, match, sort, groups, withComponents } = asked;
    const key = JSON.stringify([row.key, row.generation, q, match, sort, groups, withComponents]);
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    return await this.#searching.join(key, signal, async (shared) => {
      const found = await this.#search(asked, new Turns(shared));
      this.#found.set(key, found);
      const [oldest = ""] = this.#found.keys();
      if (this.#found.size > MAX_KEPT_SEARCHES) this.#found.delete(oldest);
      return found;
    });
  }

  async #search(asked: AskedSearch, turns: Turns): Promise<FoundPhrase> {
    const { sweep, sequences, groups, q, match, sort, withComponents } = asked;
    const matches = match === "tokens"
      ? await findTokens(sequences, { phrase: phraseTokens(sweep.model, q), turns })
      : await findText(sequences, await this.#textsOf(sweep, sequences), { phrase: q, turns });
    if (!withComponents) return { matches, ranking: null };
    const begin = () => new PhraseRanking(matches, sort);
    return { matches, ranking: await this.#swept.collect(sweep, { groups, turns }, begin) };
  }

  async #firingReport(scope: Scope<LanguageModel>, asked: AskedFiring): Promise<FiringReport> {
    const { model, dictionary } = scope;
    const { groups, tokens, queries, sweep, sort, signal } = asked;
    const state = sweep === null ? null : [sweep.row.key, sweep.row.generation];
    const about: ModelReport = {
      kind: "firing",
      model,
      ...dictionary === null ? {} : { dictionaries: [dictionary] },
      details: [tokens, queries, groups, state, sort],
    };
    const known = await this.#cache.find<FiringReport>(about);
    if (known !== null) return known;
    return await this.#firing.join(
      JSON.stringify([model.id, dictionary?.detail.id, about.details]),
      signal,
      async (shared) => {
        const report = await this.#compute(scope, asked, shared);
        await this.#cache.keep(about, report);
        return report;
      },
    );
  }

  async #compute(
    { model, dictionary }: Scope<LanguageModel>,
    asked: AskedFiring,
    signal: AbortSignal,
  ): Promise<FiringReport> {
    const { groups, tokens, queries, sweep, sort } = asked;
    const input = { modelId: model.id, dictionary: dictionary?.detail.id ?? null, tokens, queries };
    const { output: { strongest } } = await this.#source.worker.call("firing", input, { signal });
    const begin = () => new FiringRanking(strongest, sort);
    const ranking = sweep === null
      ? begin()
      : await this.#swept.collect(sweep, { groups, turns: new Turns(signal) }, begin);
    if (sweep === null) groups.forEach((group) => ranking.add(group, null));
    return { considered: ranking.considered, total: ranking.total, rows: ranking.rows() };
  }

  /** The texts of a sweep, read once; who else wants them meanwhile waits for the same. */
  #textsOf(sweep: FoundSweep, sequences: Sequences): Promise<SequenceTexts> {
    const { model, row } = sweep;
    const known = this.#texts;
    // Sweeps of a model and of its dictionaries mostly read the same texts.
    if (known?.of.model === model && (known.of.row.key === row.key || this.#swept.haveSameTexts(known.of.row, row))) {
      return known.texts;
    }
    const { tokenizer, architecture: { bosId } } = model;
    const texts = SequenceTexts.read(sequences, { tokenizer, bosId }, new Turns());
    this.#texts = { of: sweep, texts };
    // A failure is for those who wait now.
    texts.catch(() => this.#texts = null);
    return texts;
  }
}

interface AskedSearch {
  readonly sweep: FoundSweep;
  readonly sequences: Sequences;
  readonly groups: readonly Group[];
  readonly q: string;
  readonly match: PhraseMatch;
  readonly sort: FoundSort;
  readonly withComponents: boolean;
}

interface FoundPhrase {
  readonly matches: PhraseMatches;
  /** Null where components were not asked for. */
  readonly ranking: PhraseRanking | null;
}

interface AskedFiring {
  readonly groups: readonly Group[];
  readonly tokens: readonly number[];
  readonly queries: readonly number[];
  /** Null without records. */
  readonly sweep: FoundSweep | null;
  readonly sort: FiringSort;
  readonly signal: AbortSignal | undefined;
}

interface AskedScope {
  readonly kind: ComponentKind | null;
  readonly layers: readonly number[];
  readonly dictionary?: string | undefined;
}

/** Whose components are looked at, and which groups of them. @throws {ValidationError} if there is no such layer or dictionary */
function scopeOf(
  model: LanguageModel,
  { kind, layers, dictionary: id }: AskedScope,
): { readonly scope: Scope<LanguageModel>; readonly groups: readonly Group[] } {
  const { architecture: { layerCount } } = model;
  const unknown = layers.findIndex((layer) => layer >= layerCount);
  if (unknown !== -1) {
    throw new ValidationError([{
      path: `layers.${unknown}`,
      message: `There is no layer ${layers[unknown]}: expected 0..${layerCount - 1}`,
    }]);
  }
  const ownKind = kind === null || isLatentKind(kind) ? null : kind;
  if (ownKind !== null) requireNoDictionary(id, ownKind);
  const isOwn = ownKind !== null || (kind === null && id === undefined);
  const latentKind = kind !== null && isLatentKind(kind) ? kind : null;
  const dictionary = isOwn ? null : chooseDictionary(model, { kind: latentKind, layers, id, path: "kind" });
  const scope = { model, dictionary };
  const isAsked = (group: Group) =>
    (kind === null || group.kind === kind) && (layers.length === 0 || layers.includes(group.layer));
  return { scope, groups: allGroups(scope).filter(isAsked) };
}

/** @throws {ValidationError} if the text has no tokens, or more than the model reads */
function tokensOf(model: LanguageModel, text: string): readonly number[] {
  const { bosId, contextLength } = model.architecture;
  const tokens = withPath("text", () => tokenizeText(model, text, bosId !== null));
  if (text !== "" && tokens.length >= 1 && tokens.length <= contextLength) return tokens;
  throw new ValidationError([{
    path: "text",
    message: text === ""
      ? "The text is empty: expected at least one token"
      : `The text has ${tokens.length} tokens: expected 1..${contextLength}`,
  }]);
}

/** Tokens of a phrase. @throws {ValidationError} if it is none */
function phraseTokens(model: LanguageModel, q: string): readonly number[] {
  const tokens = withPath("q", () => tokenizeText(model, q, false));
  if (tokens.length > 0) return tokens;
  throw new ValidationError([{ path: "q", message: "The phrase has no tokens: expected at least one" }]);
}

/** At which tokens values count. A BOS that stands before every text says nothing of this one. */
function queriesOf(
  { architecture: { bosId } }: LanguageModel,
  tokens: readonly number[],
  token: number | null,
): readonly number[] {
  if (token === null) {
    const all = tokens.map((_, index) => index);
    return tokens.length > 1 && tokens[0] === bosId ? all.slice(1) : all;
  }
  if (token < tokens.length) return [token];
  throw new ValidationError([{
    path: "token",
    message: `There is no token ${token}: expected 0..${tokens.length - 1}`,
  }]);
}

/** What `work` gives; its complaints are told of a field. */
function withPath<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    throw new ValidationError(error.issues.map(({ message }) => ({ path, message })));
  }
}

/** The sequences that have a phrase; `page` chooses those that are told. */
function foundTexts(
  { tokenizer, architecture: { bosId } }: LanguageModel,
  { sequences, matches }: { readonly sequences: Sequences; readonly matches: PhraseMatches },
  page: (numbers: readonly number[]) => readonly number[],
): SearchResult["texts"] {
  const numbers = matches.numbers();
  const textOf = (ids: readonly number[]) => ids.length === 0 ? "" : tokenizer.decode(ids);
  return {
    total: numbers.length,
    occurrences: numbers.reduce((sum, sequence) => sum + (matches.counts[sequence] ?? 0), 0),
    rows: page(numbers).map((sequence): FoundText => {
      const ids = sequences.at(sequence);
      const first = bosId !== null && ids[0] === bosId ? 1 : 0;
      const [from, end] = matches.firstIn(sequence);
      return {
        sequence,
        occurrences: matches.counts[sequence] ?? 0,
        tokens: [from, end],
        before: textOf(ids.slice(Math.max(first, from - CONTEXT_TOKENS), from)),
        match: textOf(ids.slice(from, end)),
        after: textOf(ids.slice(end, end + CONTEXT_TOKENS)),
      };
    }),
  };
}

function pageOf<T>(rows: readonly T[], page: number, pageSize: number): readonly T[] {
  return rows.slice((page - 1) * pageSize, page * pageSize);
}

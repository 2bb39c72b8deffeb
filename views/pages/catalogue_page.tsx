/** All heads, neurons, or latents of a dictionary, by what a sweep found of them. */
import type { VNode } from "preact";
import type {
  AssistantSummary,
  Catalogue,
  CatalogueRow,
  CatalogueSort,
  DictionaryDetail,
  Explanation,
  Job,
  LatentKind,
  ModelSummary,
  SweepSummary,
} from "../../engine/mod.ts";
import { type CatalogueView, defaultCatalogue, SCORE_SORTS, SORT_TITLES, STATISTIC_SORTS } from "../catalogue_view.ts";
import { capitalized, isLatentKind, KIND_NAMES, KINDS } from "../component_kinds.ts";
import { dictionaryInWords } from "../dictionary_words.ts";
import { HeadGrid } from "../charts/head_grid.tsx";
import { formatCount, formatNumber } from "../format.ts";
import { swapLink } from "../parts/card.tsx";
import { NoticePlace } from "../parts/error_note.tsx";
import { ExplainMany } from "../parts/explain_many.tsx";
import { ExplanationText, scoreWords } from "../parts/explanation_item.tsx";
import { JobProgress } from "../parts/job_progress.tsx";
import { PageWays } from "../parts/pager.tsx";
import { SweepOffer } from "../parts/sweep_offer.tsx";
import { catalogueUrl, componentUrl } from "../urls.ts";

export const CATALOGUE_ID = "catalogue";

/** Rows of a page of the list. */
export const CATALOGUE_ROWS = 50;

export interface CataloguePageProps {
  readonly model: ModelSummary;
  /** Those with latents of the kind. */
  readonly dictionaries: readonly DictionaryDetail[];
  /** The one whose latents are listed; null for heads and neurons, and where none is loaded. */
  readonly dictionary: DictionaryDetail | null;
  readonly view: CatalogueView;
  readonly sweeps: readonly SweepSummary[];
  /** The page of the list; null where there has been no sweep. */
  readonly catalogue: Catalogue | null;
  /** All heads, for the grid; empty for other kinds. */
  readonly heads: readonly CatalogueRow[];
  /** The job that sweeps this model; null if none does. */
  readonly job: Job | null;
  /** The best that is said of the components listed, by name. */
  readonly said: ReadonlyMap<string, Explanation>;
  /** Null where none is configured. */
  readonly assistant: AssistantSummary | null;
  /** Jobs that explain components of the kind, the newest first. */
  readonly explainJobs: readonly Job[];
}

export function CataloguePage(props: CataloguePageProps): VNode {
  const { model, view } = props;
  return (
    <div class="page catalogue-page">
      <h1>{capitalized(KIND_NAMES[view.kind].many)} of {model.id}</h1>
      <NoticePlace />
      <CatalogueContent {...props} />
    </div>
  );
}

/** The part that a change of view replaces. */
export function CatalogueContent(props: CataloguePageProps): VNode {
  const { model, view, catalogue, heads, job, sweeps } = props;
  const link = (other: CatalogueView) => swapLink(catalogueUrl(model.id, other), `#${CATALOGUE_ID}`);
  return (
    <div id={CATALOGUE_ID} class="component">
      <nav class="pair-picker" aria-label="Kind of component">
        {KINDS.map((kind) => (
          <a
            id={`kind-${kind}`}
            aria-current={view.kind === kind ? "true" : undefined}
            href={catalogueUrl(model.id, defaultCatalogue(kind))}
          >
            {KIND_NAMES[kind].many}
          </a>
        ))}
      </nav>
      {isLatentKind(view.kind) ? <DictionaryPicker {...props} kind={view.kind} /> : null}
      {job === null ? null : <JobProgress job={job} href={catalogueUrl(model.id, view)} targetId={CATALOGUE_ID} />}
      {catalogue === null ? (job === null ? <Offer {...props} /> : null) : (
        <>
          <Sources {...props} catalogue={catalogue} link={link} sweeps={sweeps} />
          {view.kind === "head" ? <Grid model={model} view={view} heads={heads} link={link} /> : null}
          <List {...props} catalogue={catalogue} link={link} />
          {catalogue.rows.length === 0 ? null : <Explain {...props} catalogue={catalogue} />}
        </>
      )}
    </div>
  );
}

/** A sweep of what is to be listed, if there is anything. */
function Offer({ model, dictionary, view }: CataloguePageProps): VNode | null {
  if (isLatentKind(view.kind) && dictionary === null) return null;
  return <SweepOffer model={model} textSet={view.textSet} dictionary={dictionary?.id ?? null} />;
}

/** The dictionaries of a kind, one of which is listed. */
function DictionaryPicker(
  { model, dictionaries, dictionary, view, kind }: CataloguePageProps & { readonly kind: LatentKind },
): VNode {
  if (dictionary === null) {
    return (
      <p class="card empty-state">
        No dictionary with {KIND_NAMES[kind].many} is loaded for {model.id}: start with <code>--dictionaries DIR</code>.
      </p>
    );
  }
  return (
    <>
      <nav class="pair-picker" aria-label="Dictionary">
        {dictionaries.map(({ id }) => (
          <a
            aria-current={id === dictionary.id ? "true" : undefined}
            href={catalogueUrl(model.id, { ...defaultCatalogue(kind), dictionary: id, sort: view.sort })}
          >
            {id}
          </a>
        ))}
      </nav>
      <p class="fine-print">
        <code>{dictionary.id}</code>: {dictionaryInWords(dictionary)}.
      </p>
    </>
  );
}

type Link = (view: CatalogueView) => Readonly<Record<string, string>>;

interface SourcesProps extends CataloguePageProps {
  readonly catalogue: Catalogue;
  readonly link: Link;
}

/** Which texts the numbers are from, and whether the sweep over them is complete. */
function Sources({ catalogue, sweeps, view, link }: SourcesProps): VNode {
  const known = sweeps.filter(({ state }) => state !== "none");
  const own = known.find(({ textSet }) => textSet === catalogue.source);
  return (
    <p class="fine-print">
      Over “{catalogue.source}”
      {own === undefined ? "" : `, ${formatCount(own.tokensDone)} tokens of ${formatCount(own.sequencesDone)} texts`}
      {own?.state === "partial" ? ` (of ${formatCount(own.sequenceCount)}: the sweep is not complete)` : ""}.
      {known.length < 2 ? null : (
        <>
          {" "}
          {known.filter(({ textSet }) => textSet !== catalogue.source).map(({ textSet }) => (
            <a {...link({ ...view, textSet, page: 1 })}>“{textSet}”</a>
          ))}
        </>
      )}
    </p>
  );
}

interface GridProps {
  readonly model: ModelSummary;
  readonly view: CatalogueView;
  readonly heads: readonly CatalogueRow[];
  readonly link: Link;
}

function Grid({ model, view, heads, link }: GridProps): VNode {
  const score = SCORE_SORTS.find((known) => known === view.sort) ?? "induction";
  return (
    <section class="card" aria-labelledby="grid-title">
      <h2 id="grid-title">By layer and head</h2>
      <nav class="pair-picker" aria-label="Score">
        {SCORE_SORTS.map((known) => (
          <a
            id={`score-${known}`}
            aria-current={score === known ? "true" : undefined}
            {...link({ ...view, sort: known, direction: "desc", page: 1 })}
          >
            {SORT_TITLES[known]}
          </a>
        ))}
      </nav>
      <HeadGrid
        rows={heads}
        score={score}
        layerCount={model.layerCount}
        headCount={model.headCount}
        headLink={(ref) => ({ href: componentUrl(model.id, ref) })}
      />
    </section>
  );
}

/** What is listed, or all of the layer or dictionary that is. */
function Explain(
  { model, dictionary, view, catalogue: { rows, total, source }, assistant, explainJobs, job }: CataloguePageProps & {
    readonly catalogue: Catalogue;
  },
): VNode {
  const layer = dictionary?.layer ?? view.layer;
  return (
    <ExplainMany
      model={model}
      kind={view.kind}
      dictionary={dictionary?.id ?? null}
      textSet={source}
      listed={rows.map(({ component }) => component)}
      group={layer === null ? null : { layer, count: total }}
      assistant={assistant}
      jobs={explainJobs}
      again={{ href: catalogueUrl(model.id, view), targetId: CATALOGUE_ID }}
      looksAgain={job === null}
    />
  );
}

interface ListProps extends Pick<CataloguePageProps, "model" | "dictionary" | "view" | "said"> {
  readonly catalogue: Catalogue;
  readonly link: Link;
}

function List({ model, dictionary, view, said, catalogue: { rows, total }, link }: ListProps): VNode {
  const sorts: readonly CatalogueSort[] = view.kind === "head" ? [...SCORE_SORTS, ...STATISTIC_SORTS] : STATISTIC_SORTS;
  const pageCount = Math.max(1, Math.ceil(total / CATALOGUE_ROWS));
  const page = Math.min(view.page, pageCount);
  return (
    <section class="card" aria-labelledby="list-title">
      <h2 id="list-title">Sorted by {SORT_TITLES[view.sort].toLowerCase()}</h2>
      {dictionary === null ? <LayerPicker model={model} view={view} link={link} /> : null}
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of components">
        <table class="node-table">
          <caption class="visually-hidden">Components with their statistics</caption>
          <thead>
            <tr>
              <th scope="col">Component</th>
              {sorts.map((sort) => <SortHeader sort={sort} view={view} link={link} />)}
              {said.size === 0 ? null : <th scope="col">Explanation</th>}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr>
                <th scope="row" class="node-ref">
                  <a href={componentUrl(model.id, row.component, { dictionary: dictionary?.id ?? null })}>
                    <code>{row.component}</code>
                  </a>
                </th>
                {sorts.map((sort) => {
                  const value = valueOf(row, sort);
                  return (
                    <td class="number" title={Number.isFinite(value) ? String(value) : "no value"}>
                      {Number.isFinite(value) ? formatNumber(value) : "—"}
                    </td>
                  );
                })}
                {said.size === 0 ? null : <Said explanation={said.get(row.component) ?? null} />}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <PageWays
        label="Pages of the list"
        previous={page > 1 ? { id: "page-previous", rel: "prev", ...link({ ...view, page: page - 1 }) } : null}
        next={page < pageCount ? { id: "page-next", rel: "next", ...link({ ...view, page: page + 1 }) } : null}
        before={<span class="pager-count">{formatCount(total)} in all</span>}
      >
        page {page} of {pageCount}
      </PageWays>
    </section>
  );
}

function Said({ explanation }: { readonly explanation: Explanation | null }): VNode {
  if (explanation === null) return <td class="said fine-print">none yet</td>;
  return (
    <td class="said">
      <ExplanationText explanation={explanation} /> <span class="fine-print">{scoreWords(explanation)}</span>
    </td>
  );
}

function LayerPicker({ model, view, link }: Pick<ListProps, "model" | "view" | "link">): VNode {
  return (
    <nav class="pair-picker" aria-label="Layer">
      {[null, ...Array.from({ length: model.layerCount }, (_, layer) => layer)].map((layer) => (
        <a
          id={`layer-${layer ?? "all"}`}
          aria-current={view.layer === layer ? "true" : undefined}
          {...link({ ...view, layer, page: 1 })}
        >
          {layer === null ? "all layers" : layer}
        </a>
      ))}
    </nav>
  );
}

function SortHeader(
  { sort, view, link }: { readonly sort: CatalogueSort; readonly view: CatalogueView; readonly link: Link },
): VNode {
  const isSorted = view.sort === sort;
  const direction = isSorted && view.direction === "desc" ? "asc" : "desc";
  return (
    <th
      scope="col"
      class="number"
      aria-sort={isSorted ? (view.direction === "asc" ? "ascending" : "descending") : undefined}
    >
      <a id={`sort-${sort}`} {...link({ ...view, sort, direction, page: 1 })}>
        {SORT_TITLES[sort]}
        <span aria-hidden="true">{isSorted ? (view.direction === "asc" ? " ▲" : " ▼") : ""}</span>
      </a>
    </th>
  );
}

function valueOf({ scores, ...statistics }: CatalogueRow, sort: CatalogueSort): number {
  return sort in statistics
    ? statistics[sort as keyof typeof statistics] as number
    : scores?.[sort as keyof NonNullable<typeof scores>] ?? NaN;
}

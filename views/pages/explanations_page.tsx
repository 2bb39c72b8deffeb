/** Searching explanations by their words; and, where nothing is sought, who explains how well. */
import type { VNode } from "preact";
import type { ExplainerComparison, FoundExplanations, ModelSummary } from "../../engine/mod.ts";
import { formatCount } from "../format.ts";
import { EXPLAINERS_ID, ExplainersCard } from "../parts/explainers_card.tsx";
import { ExplanationSource, ExplanationText, scoreWords } from "../parts/explanation_item.tsx";
import { EXPLANATIONS_ID } from "../parts/explanations_card.tsx";
import { NoticePlace } from "../parts/error_note.tsx";
import { ComponentLink } from "../parts/found_table.tsx";
import { PageWays } from "../parts/pager.tsx";
import { componentUrl, explanationsUrl, type ExplanationsView, searchUrl } from "../urls.ts";

/** Rows of a page. */
export const EXPLANATION_ROWS = 25;

export interface ExplanationsPageProps {
  readonly models: readonly ModelSummary[];
  readonly model: ModelSummary;
  readonly view: ExplanationsView;
  /** Null before anything was asked. */
  readonly found: FoundExplanations | null;
  /** Null where something was asked. */
  readonly comparison: ExplainerComparison | null;
}

export function ExplanationsPage({ models, model, view, found, comparison }: ExplanationsPageProps): VNode {
  return (
    <div class="page explanations-page">
      <h1>Search explanations</h1>
      <NoticePlace />
      <form
        class="card search-form"
        role="search"
        aria-label="Search explanations"
        method="get"
        action={explanationsUrl()}
      >
        <label for="explanation-q">Words, or beginnings of words</label>
        <input
          id="explanation-q"
          type="search"
          name="q"
          value={view.q ?? ""}
          maxLength={200}
          required
          spellcheck={false}
        />
        <div class="search-actions">
          {models.length < 2 ? null : (
            <label>
              Model{" "}
              <select name="model">
                {models.map(({ id }) => <option value={id} selected={id === model.id}>{id}</option>)}
              </select>
            </label>
          )}
          <button type="submit" class="primary">Search</button>
        </div>
        <p class="fine-print">
          What a component fires on, rather than what is said of it:{" "}
          <a href={searchUrl()}>find components</a>. Who explains how well:{" "}
          <a href={`${explanationsUrl({ model: model.id })}#${EXPLAINERS_ID}`}>compare explainers</a>.
        </p>
      </form>
      {found === null
        ? (
          <p class="card empty-state">
            Nothing is looked for yet. Explanations are made and written on the pages of components, or by a job for a
            whole layer.
          </p>
        )
        : <Results model={model} view={view} found={found} />}
      {comparison === null ? null : <ExplainersCard models={models} model={model} comparison={comparison} />}
    </div>
  );
}

function Results(
  { model, view, found }: Pick<ExplanationsPageProps, "model" | "view"> & { readonly found: FoundExplanations },
): VNode {
  const { q, total, rows } = found;
  return (
    <section class="card" aria-labelledby="found-title">
      <h2 id="found-title" tabIndex={-1}>{formatCount(total)} explanations of {model.id} with “{q}”</h2>
      {rows.length === 0
        ? <p class="empty-state">No explanation of {model.id} has all of these words.</p>
        : (
          <ul class="explanation-list">
            {rows.map((explanation) => (
              <li>
                <p>
                  <ComponentLink
                    name={explanation.component}
                    href={`${componentUrl(model.id, explanation.component)}#${EXPLANATIONS_ID}`}
                  />{" "}
                  <ExplanationText explanation={explanation} />{" "}
                  <span class="fine-print">{scoreWords(explanation)}</span>
                </p>
                <ExplanationSource explanation={explanation} />
              </li>
            ))}
          </ul>
        )}
      <Pages view={view} total={total} />
    </section>
  );
}

function Pages({ view, total }: { readonly view: ExplanationsView; readonly total: number }): VNode | null {
  const pageCount = Math.ceil(total / EXPLANATION_ROWS);
  if (pageCount < 2) return null;
  const page = view.page ?? 1;
  const link = (other: number) => ({ href: explanationsUrl({ ...view, page: other }) });
  return (
    <PageWays
      label="Pages of explanations"
      previous={page > 1 ? { rel: "prev", ...link(page - 1) } : null}
      next={page < pageCount ? { rel: "next", ...link(page + 1) } : null}
    >
      page {page} of {pageCount}
    </PageWays>
  );
}

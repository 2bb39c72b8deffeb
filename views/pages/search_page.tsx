/** Finding components: by what fires on a text, or by the texts that hold a phrase. */
import type { VNode } from "preact";
import type { Firing, Job, ModelSummary, SearchResult } from "../../engine/mod.ts";
import { LoadedContent, swapLink } from "../parts/card.tsx";
import { NoticePlace } from "../parts/error_note.tsx";
import { FiringResults } from "../parts/firing_results.tsx";
import { JobProgress } from "../parts/job_progress.tsx";
import { PhraseResults } from "../parts/phrase_results.tsx";
import { SEARCH_ID, SearchForm } from "../parts/search_form.tsx";
import type { LatentChoice } from "../parts/search_filter.tsx";
import { SweepOffer } from "../parts/sweep_offer.tsx";
import type { Loaded } from "../props.ts";
import type { SearchView } from "../search_view.ts";
import { explanationsUrl, searchUrl } from "../urls.ts";

export interface SearchPageProps {
  readonly models: readonly ModelSummary[];
  readonly model: ModelSummary;
  readonly view: SearchView;
  readonly latents: LatentChoice;
  /** Text sets that have records. */
  readonly sources: readonly string[];
  /** The one of them that the address names, or the first; null if there is none such. */
  readonly source: string | null;
  /** Job that sweeps this model now; null if none does. */
  readonly job: Job | null;
  /** Null where nothing was asked, or something else. */
  readonly firing: Loaded<Firing> | null;
  /** Null where nothing was asked, or something else, or nothing has been swept. */
  readonly found: Loaded<SearchResult> | null;
}

export function SearchPage(props: SearchPageProps): VNode {
  return (
    <div class="page search-page">
      <div class="card-head">
        <h1>Find components</h1>
        <a href={explanationsUrl({ model: props.model.id })}>Search explanations</a>
      </div>
      <NoticePlace />
      <SearchContent {...props} />
    </div>
  );
}

/** The part that a search, or a change of view, replaces. */
export function SearchContent(props: SearchPageProps): VNode {
  const { model, view, latents, sources, source, job, firing, found } = props;
  const href = searchUrl(view);
  const isUnswept = view.in === "text" && source === null;
  return (
    <div id={SEARCH_ID} class="component">
      <SearchForm {...props} />
      {job === null ? null : <JobProgress job={job} href={href} targetId={SEARCH_ID} />}
      {view.q === "" ? <Beginnings view={view} model={model} /> : null}
      {isUnswept && job === null
        ? <SweepOffer model={model} textSet={view.textSet} dictionary={latents.dictionary} />
        : null}
      {firing === null ? null : (
        <LoadedContent loaded={firing} href={href} targetId={SEARCH_ID} what="What fires">
          {(value) => <FiringResults model={model} view={view} firing={value} latents={latents} sources={sources} />}
        </LoadedContent>
      )}
      {found === null ? null : (
        <LoadedContent loaded={found} href={href} targetId={SEARCH_ID} what="What was found">
          {(value) => <PhraseResults model={model} view={view} found={value} latents={latents} sources={sources} />}
        </LoadedContent>
      )}
    </div>
  );
}

/** Searches to begin with. A model without a tokenizer reads numbers. */
function Beginnings({ model, view }: { readonly model: ModelSummary; readonly view: SearchView }): VNode {
  const texts = model.hasTokenizer
    ? ["When Mary and John went to the store", "The capital of France is Paris"]
    : ["1 2 3 1 2 3"];
  const phrases = model.hasTokenizer ? [" capital", " gave a"] : ["1 2"];
  const link = (q: string, way: SearchView["in"]) => (
    <a {...swapLink(searchUrl({ ...view, q, in: way }), `#${SEARCH_ID}`)}>“{q}”</a>
  );
  return (
    <section class="card" aria-labelledby="begin-title">
      <h2 id="begin-title">Nothing is looked for yet</h2>
      <p>
        For a text of yours, every head and neuron of {model.id}{" "}
        is computed once, and those that come nearest to the largest value they have in the texts that were swept stand
        first. For a phrase, those stand first that have it in most of their strongest texts.
      </p>
      <ul class="beginnings">
        {texts.map((q) => <li>What fires on {link(q, "firing")}?</li>)}
        {phrases.map((q) => <li>Where is {link(q, "text")}?</li>)}
      </ul>
    </section>
  );
}

/** What is looked for, and how. A plain form; what narrows a search (`search_filter.tsx`) is kept, the token and the page are not. */
import type { VNode } from "preact";
import type { ModelSummary } from "../../engine/mod.ts";
import { isLatentKind } from "../component_kinds.ts";
import { DEFAULT_SEARCH, MAX_SEARCH_TEXT, searchQuery, type SearchView } from "../search_view.ts";
import { searchUrl } from "../urls.ts";

/** Id of the part of the page that a search replaces. */
export const SEARCH_ID = "search";

/** Name of the field that tells a form of this page from a link: its address is then written in the short form. */
export const SEARCH_FIELD = "form";

export interface SearchFormProps {
  readonly models: readonly ModelSummary[];
  readonly model: ModelSummary;
  readonly view: SearchView;
}

/** Attributes of a form whose answer replaces the search. */
export function searchForm(): Readonly<Record<string, string>> {
  return {
    method: "get",
    action: searchUrl(),
    autocomplete: "off",
    "hx-get": searchUrl(),
    "hx-target": `#${SEARCH_ID}`,
    "hx-swap": "outerHTML",
    "hx-sync": `#${SEARCH_ID}:replace`,
  };
}

/** Hidden fields that keep a view. */
export function KeptSearch({ view }: { readonly view: SearchView }): VNode {
  return (
    <>
      {[...searchQuery(view), [SEARCH_FIELD, "on"] as const].map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
    </>
  );
}

/** A kind that every model has. */
function ownKind({ kind }: SearchView): SearchView["kind"] {
  return kind === null || isLatentKind(kind) ? null : kind;
}

const WAYS = [
  ["firing", "What fires on a text", "each component’s strongest place in a text of yours"],
  ["text", "Where a phrase is", "texts of a sweep that hold it, and components strongest on it"],
] as const;

export function SearchForm({ models, model, view }: SearchFormProps): VNode {
  // Another model has other layers, texts and dictionaries.
  const { kind, dictionary, layers, textSet } = models.length < 2 ? view : { ...DEFAULT_SEARCH, kind: ownKind(view) };
  return (
    <form id="search-form" class="card search-form" role="search" aria-label="Find components" {...searchForm()}>
      <KeptSearch view={{ ...DEFAULT_SEARCH, kind, dictionary, layers, textSet }} />
      <fieldset class="search-ways">
        <legend class="visually-hidden">How to look</legend>
        {WAYS.map(([way, title, meaning]) => (
          <label>
            <input type="radio" id={`way-${way}`} name="in" value={way} checked={view.in === way} />
            <span>
              <strong>{title}</strong> <span class="fine-print">{meaning}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <label for="search-q" class="visually-hidden">Text or phrase</label>
      <textarea
        id="search-q"
        name="q"
        rows={2}
        maxLength={MAX_SEARCH_TEXT}
        required
        spellcheck={false}
        placeholder={`A text, up to ${model.contextLength} tokens, or a phrase`}
      >
        {/* A reader drops the first line break: this one, not the text's own. */ `\n${view.q}`}
      </textarea>
      <div class="search-actions">
        {models.length < 2 ? <input type="hidden" name="model" value={view.model ?? ""} /> : (
          <label>
            Model{" "}
            <select id="search-model" name="model">
              {models.map(({ id }) => <option value={id} selected={id === model.id}>{id}</option>)}
            </select>
          </label>
        )}
        <label class="phrase-only">
          Compared as{" "}
          <select id="search-match" name="match">
            <option value="text" selected={view.match === "text"}>text, in any case</option>
            <option value="tokens" selected={view.match === "tokens"}>exact tokens</option>
          </select>
        </label>
        <button type="submit" class="primary">Search</button>
      </div>
    </form>
  );
}

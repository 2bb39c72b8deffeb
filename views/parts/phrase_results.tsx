/** Where a phrase is: components that are strongest on it, and the texts that hold it. */
import type { VNode } from "preact";
import type { FoundComponent, FoundText, ModelSummary, SearchResult } from "../../engine/mod.ts";
import { formatCount, formatNumber, quotedToken, tokenLabel } from "../format.ts";
import type { SearchView } from "../search_view.ts";
import { componentUrl, searchUrl } from "../urls.ts";
import { swapLink } from "./card.tsx";
import { Compared, ComponentLink, SearchPages } from "./found_table.tsx";
import { type LatentChoice, SearchFilter } from "./search_filter.tsx";
import { SEARCH_ID } from "./search_form.tsx";

export interface PhraseResultsProps {
  readonly model: ModelSummary;
  readonly view: SearchView;
  readonly found: SearchResult;
  readonly latents: LatentChoice;
  /** Text sets that have records. */
  readonly sources: readonly string[];
}

export function PhraseResults(props: PhraseResultsProps): VNode {
  const { components, texts } = props.found;
  return (
    <>
      {components === null ? null : <Components {...props} components={components} />}
      {texts === null ? null : <Texts {...props} texts={texts} />}
    </>
  );
}

interface ComponentsProps extends PhraseResultsProps {
  readonly components: NonNullable<SearchResult["components"]>;
}

function Components({ model, view, found, latents, sources, components }: ComponentsProps): VNode {
  const { q, source } = found;
  const { total, kept, considered, rows } = components;
  return (
    <section class="card" aria-labelledby="found-title">
      <h2 id="found-title" tabIndex={-1}>Components that are strongest on {quotedToken(q)}</h2>
      <p class="fine-print">
        {formatCount(total)} of {formatCount(considered)}{" "}
        have, among their 20 strongest texts of “{source}”, one whose maximum is on a token of the phrase (a head’s: the
        token that reads, or the one that is read){kept < total ? `; the first ${formatCount(kept)} are listed` : ""}.
      </p>
      <SearchFilter
        model={model}
        view={view}
        latents={latents}
        sort={view.sort ?? "matches"}
        sources={sources}
        source={source}
      />
      {rows.length === 0
        ? <p class="empty-state">None of these components is strongest on it. Tick other layers, or all.</p>
        : <ComponentTable model={model} view={view} dictionary={found.dictionary} rows={rows} />}
      <SearchPages view={view} kept={kept} name="page" label="Pages of the components" />
    </section>
  );
}

const ENDS: Readonly<Record<FoundComponent["on"], string>> = {
  token: "on it",
  query: "reads from it",
  key: "reads it",
  both: "reads within it",
};

function ComponentTable(
  { model, view, dictionary, rows }: Pick<PhraseResultsProps, "model" | "view"> & {
    /** Of latents; else null. */
    readonly dictionary: string | null;
    readonly rows: readonly FoundComponent[];
  },
): VNode {
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of components">
      <table class="node-table">
        <caption class="visually-hidden">Components with how often, and how strongly, they are on the phrase</caption>
        <thead>
          <tr>
            <th scope="col">Component</th>
            <th scope="col" class="number" title="Of its strongest texts: those with the maximum on the phrase">
              On it
            </th>
            <th scope="col" class="number" title="Of its strongest texts: those that hold the phrase anywhere">
              Hold it
            </th>
            <th scope="col" class="number">Value there</th>
            <th scope="col" class="number">Its largest</th>
            <th scope="col" class="number">Share</th>
            <th scope="col">Strongest there</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              <th scope="row" class="node-ref">
                <ComponentLink
                  name={row.component}
                  href={componentUrl(model.id, row.component, { dictionary, textSet: view.textSet, whole: ["top"] })}
                />
              </th>
              <td class="number">{row.matches} of {row.listed}</td>
              <td class="number">{row.containing}</td>
              <td class="number" title={String(row.value)}>{formatNumber(row.value)}</td>
              <Compared {...row} />
              <td>
                text {row.sequence}, token {row.at.join(" reads ")} <span class="fine-print">{ENDS[row.on]}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface TextsProps extends PhraseResultsProps {
  readonly texts: NonNullable<SearchResult["texts"]>;
}

function Texts({ view, found, texts: { total, occurrences, rows } }: TextsProps): VNode {
  return (
    <section class="card" aria-labelledby="texts-title">
      <h2 id="texts-title">Texts that hold {quotedToken(found.q)}</h2>
      <p class="fine-print">
        {formatCount(total)} of {formatCount(found.sequenceCount)} texts of “{found.source}”, {formatCount(occurrences)}
        {" "}
        times in all. Whole tokens are marked, at the first place in each text.
      </p>
      {rows.length === 0
        ? (
          <p class="empty-state">
            {found.match === "tokens"
              ? "No text has exactly these tokens, one after the other. A word’s token mostly begins with its space; as text, any case and any part of a word is found."
              : "No text holds it. A phrase is found as it is typed, spaces included, within one text."}
          </p>
        )
        : (
          <ol class="found-texts">
            {rows.map((row) => <TextRow view={view} row={row} />)}
          </ol>
        )}
      <SearchPages view={view} kept={total} name="texts" label="Pages of the texts" />
    </section>
  );
}

function TextRow({ view, row }: { readonly view: SearchView; readonly row: FoundText }): VNode {
  const { sequence, occurrences, before, match, after } = row;
  const { model, textSet } = view;
  return (
    <li>
      <span class="found-label">text {sequence}{occurrences > 1 ? `, ${formatCount(occurrences)} times` : ""}</span>
      <span class="found-snippet">
        {oneLine(before)}
        <mark>{tokenLabel(match)}</mark>
        {oneLine(after)}
      </span>
      <a
        {...swapLink(searchUrl({ model, textSet, q: before + match + after }), `#${SEARCH_ID}`)}
      >
        What fires here?<span class="visually-hidden">In text {sequence}</span>
      </a>
    </li>
  );
}

/** With spaces as they are, and everything else that one would not see made visible. */
function oneLine(text: string): string {
  return text.split(" ").map((part) => part === "" ? "" : tokenLabel(part)).join(" ");
}

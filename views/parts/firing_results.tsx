/** Which components fire on a text: the text, whose tokens can be chosen, and the components in their order. */
import type { VNode } from "preact";
import type { Firing, ModelSummary } from "../../engine/mod.ts";
import { defaultCatalogue } from "../catalogue_view.ts";
import { tokenName } from "../charts/pairs.ts";
import { formatCount, formatNumber, quotedToken, tokenLabel } from "../format.ts";
import type { SearchView } from "../search_view.ts";
import { catalogueUrl, componentUrl } from "../urls.ts";
import { Compared, ComponentLink, SearchPages } from "./found_table.tsx";
import { type LatentChoice, SearchFilter } from "./search_filter.tsx";
import { KeptSearch, searchForm } from "./search_form.tsx";

export interface FiringResultsProps {
  readonly model: ModelSummary;
  readonly view: SearchView;
  readonly firing: Firing;
  readonly latents: LatentChoice;
  /** Text sets that have records. */
  readonly sources: readonly string[];
}

export function FiringResults({ model, view, firing, latents, sources }: FiringResultsProps): VNode {
  const { tokens, token, source, sort, considered, total, kept, rows } = firing;
  const where = token === null ? "on this text" : `at token ${token}, ${quotedToken(tokens[token]?.text ?? "")}`;
  return (
    <>
      <TokenPicker view={view} firing={firing} bos={model.bos?.id ?? null} />
      <section class="card" aria-labelledby="found-title">
        <h2 id="found-title" tabIndex={-1}>Components that fire {where}</h2>
        <p class="fine-print">
          {formatCount(total)} of {formatCount(considered)}{" "}
          have a value above 0; each is shown at its strongest place{kept < total
            ? `, the first ${formatCount(kept)} of them`
            : ""}. {source === null
            ? (
              <>
                Nothing has been swept, so values have nothing to be compared with:{" "}
                <a
                  href={catalogueUrl(model.id, {
                    ...defaultCatalogue(view.kind ?? "head"),
                    dictionary: firing.dictionary,
                  })}
                >
                  sweep the model’s texts
                </a>.
              </>
            )
            : (
              `The share is of the component’s largest value over “${source}”. `
            )}
        </p>
        <SearchFilter model={model} view={view} latents={latents} sort={sort} sources={sources} source={source} />
        {rows.length === 0
          ? <p class="empty-state">Nothing fires {where} among these components. Tick other layers, or all.</p>
          : <FiringTable model={model} view={view} firing={firing} />}
        <SearchPages view={view} kept={kept} name="page" label="Pages of the components" />
      </section>
    </>
  );
}

interface TokenPickerProps {
  readonly view: SearchView;
  readonly firing: Firing;
  readonly bos: number | null;
}

/** One form with a button for each token: what they share is said once, however long the text. */
function TokenPicker({ view, firing: { tokens, token }, bos }: TokenPickerProps): VNode {
  const hasBos = tokens.length > 1 && tokens[0]?.id === bos;
  return (
    <section class="card" aria-labelledby="tokens-title">
      <h2 id="tokens-title">The text as the model reads it</h2>
      <p class="fine-print">
        Choose a token to see what fires there; a head is at the token that reads.
        {hasBos ? " All tokens are those of the text: the model’s own first token is left out." : ""}
      </p>
      <form class="token-picker" {...searchForm()}>
        <KeptSearch view={{ ...view, token: null, page: 1 }} />
        <button type="submit" name="token" value="" aria-pressed={token === null ? "true" : "false"}>all tokens</button>
        {tokens.map(({ text }, index) => (
          <button type="submit" name="token" value={index} aria-pressed={token === index ? "true" : "false"}>
            <span class="token-text">{tokenLabel(text)}</span>
            <span class="token-index">{index}</span>
          </button>
        ))}
      </form>
    </section>
  );
}

function FiringTable({ model, view, firing }: Omit<FiringResultsProps, "sources" | "latents">): VNode {
  const hasRecords = firing.source !== null;
  // The component's page shows the same text.
  const carried = { own: [view.q], textSet: view.textSet, dictionary: firing.dictionary };
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of components that fire">
      <table class="node-table">
        <caption class="visually-hidden">Components with their strongest place in the text</caption>
        <thead>
          <tr>
            <th scope="col">Component</th>
            <th scope="col" class="number">Value</th>
            {hasRecords
              ? (
                <>
                  <th scope="col" class="number">Its largest</th>
                  <th scope="col" class="number">Share</th>
                </>
              )
              : null}
            <th scope="col">Where</th>
          </tr>
        </thead>
        <tbody>
          {firing.rows.map((row) => (
            <tr>
              <th scope="row" class="node-ref">
                <ComponentLink name={row.component} href={componentUrl(model.id, row.component, carried)} />
              </th>
              <td class="number" title={String(row.value)}>{formatNumber(row.value)}</td>
              {hasRecords ? <Compared {...row} /> : null}
              <td>
                <Place firing={firing} at={row.at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The token, or the token that reads and the one that is read. */
function Place({ firing: { tokens }, at }: { readonly firing: Firing; readonly at: readonly number[] }): VNode {
  const [first = 0, key] = at;
  const name = (token: number) => <span class="token-name">{tokenName(tokens, token)}</span>;
  return key === undefined ? name(first) : <>{name(first)} reads {name(key)}</>;
}

/** How sparse a run's dictionaries are, and what they leave out, by layer and token. */
import type { VNode } from "preact";
import type { DictionarySums, Side } from "../../engine/mod.ts";
import { leftOut, meanOf, tokenMeans } from "../dictionary_figures.ts";
import { formatCount, tokenLabel } from "../format.ts";
import { NODE_KIND_NAMES } from "../view_state.ts";
import { allDigits, formatShort, shortened } from "./numbers.ts";
import { sequentialClass } from "./sequential.ts";

export interface SparsityGridProps {
  readonly dictionaries: readonly DictionarySums[];
  /** Index of the side. */
  readonly side: number;
  readonly shown: Side;
  /** The tokens shown. */
  readonly window: { readonly from: number; readonly end: number };
}

/** Longest text of a token above a column. */
const TOKEN_LENGTH = 9;

/** A row a dictionary, the last of the pass first; a column a token, and means over all tokens. Colour is the share left out. */
export function SparsityGrid(
  { dictionaries, side, shown: { tokens, position, label }, window }: SparsityGridProps,
): VNode {
  const places = Array.from({ length: window.end - window.from }, (_, index) => window.from + index);
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={`Sparsity by token, ${label}`}>
      <table>
        <caption class="visually-hidden">
          Active latents and the share left out, {label}: by dictionary, the last of the pass first, and by token
        </caption>
        <thead>
          <tr>
            <th scope="col">Dictionary</th>
            <th scope="col">mean</th>
            {places.map((token) => (
              <th scope="col" aria-current={token === position ? "location" : undefined}>
                <span class="lens-token" title={tokenLabel(tokens[token]?.text ?? "")}>
                  {shortened(tokenLabel(tokens[token]?.text ?? ""), TOKEN_LENGTH)}
                </span>
                <span class="token-index">{token}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {dictionaries.map((own) => {
            const means = tokenMeans(own, side);
            return (
              <tr data-dictionary={own.dictionary}>
                <th scope="row" title={own.dictionary}>
                  {own.layer} {NODE_KIND_NAMES[own.kind]}s{" "}
                  <span class="fine-print">of {formatCount(own.latentCount)}</span>
                </th>
                <Cell active={means.active} share={means.leftOut} isMean />
                {places.map((token) => (
                  <Cell active={own.active[side]?.[token] ?? NaN} share={leftOut(own, side, token)} />
                ))}
              </tr>
            );
          }).toReversed()}
        </tbody>
        {dictionaries.length < 2 ? null : (
          <tfoot>
            <Totals dictionaries={dictionaries} side={side} places={places} />
          </tfoot>
        )}
      </table>
    </div>
  );
}

interface CellProps {
  readonly active: number;
  readonly share: number;
  readonly isMean?: boolean;
}

function Cell({ active, share, isMean = false }: CellProps): VNode {
  return (
    <td class={sequentialClass(share, 1)} data-mean={isMean ? "true" : undefined} title={allDigits(share)}>
      <span class="sparsity-active">{isMean ? formatShort(active) : formatCount(active)}</span>
      <span class="sparsity-share">{percent(share)}</span>
    </td>
  );
}

/** Active latents of all dictionaries together. Shares do not add up; their mean stands beside. */
function Totals(
  { dictionaries, side, places }: Pick<SparsityGridProps, "dictionaries" | "side"> & {
    readonly places: readonly number[];
  },
): VNode {
  const activeAt = (token: number) => dictionaries.reduce((sum, { active }) => sum + (active[side]?.[token] ?? NaN), 0);
  const all = (dictionaries[0]?.active[side] ?? []).map((_, token) => activeAt(token));
  const shareAt = (token: number) => meanOf(dictionaries.map((own) => leftOut(own, side, token)));
  const share = meanOf(dictionaries.map((own) => tokenMeans(own, side).leftOut));
  return (
    <tr>
      <th scope="row">
        all <span class="fine-print">sum, mean share</span>
      </th>
      <Cell active={meanOf(all)} share={share} isMean />
      {places.map((token) => <Cell active={activeAt(token)} share={shareAt(token)} />)}
    </tr>
  );
}

/** A share as a percentage of two or three digits; more than all is possible. */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${formatShort(Math.round(share * 1000) / 10)}%` : "—";
}

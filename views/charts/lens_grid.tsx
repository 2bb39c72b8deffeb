/**
 * The logit lens (nostalgebraist, 2020) as a table: layers upwards, tokens across; what each would predict next if it were the last
 * layer. Colour is the target's probability.
 */
import type { VNode } from "preact";
import type { LensCell, LensResult } from "../../engine/mod.ts";
import { formatCount, formatProbability, quotedToken, tokenLabel } from "../format.ts";
import { SequentialLegend } from "./heat_legend.tsx";
import { shortened } from "./numbers.ts";
import { probabilityClass, probabilityScaleEnds } from "./sequential.ts";

export interface LensGridProps {
  readonly lens: LensResult;
  /** The token at which the objective is read; its column stands out. */
  readonly position: number;
}

/** Longest text of a token in a cell; the rest is in its title. */
const TOKEN_LENGTH = 9;

/** A cell a layer and token: the likeliest next token, and how the target fares. */
export function LensGrid({ lens: { tokens, target, from, rows, side }, position }: LensGridProps): VNode {
  const [low, high] = probabilityScaleEnds();
  const window = Array.from({ length: rows[0]?.length ?? 0 }, (_, index) => from + index);
  return (
    <div class="lens-grid">
      <p class="fine-print">
        In each cell: the likeliest next token and its probability; below, rank and probability of the target,{" "}
        <strong>{quotedToken(target.text)}</strong>. Where the target is the likeliest, the cell is framed and marked ✓.
        {window.includes(position) ? " The objective is read in the column marked ▾." : ""}
      </p>
      <SequentialLegend
        low={low}
        high={high}
        note={`probability of ${quotedToken(target.text)}; two shades are a factor of ten`}
      />
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of the logit lens">
        <table>
          <caption class="visually-hidden">
            Logit lens, {side}: the likeliest next token by layer, the last one first, and by token
          </caption>
          <thead>
            <tr>
              <th scope="col">After</th>
              {window.map((token) => (
                <th scope="col" aria-current={token === position ? "location" : undefined}>
                  <span class="lens-token" title={tokenLabel(tokens[token]?.text ?? "")}>
                    {shortened(tokenLabel(tokens[token]?.text ?? ""), TOKEN_LENGTH)}
                  </span>
                  <span class="token-index">
                    {token === position ? <span aria-hidden="true">▾</span> : null}
                    {token}
                    {token === position ? <span class="visually-hidden">, the objective is read here</span> : null}
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((cells, row) => (
              <tr>
                <th scope="row">{row === 0 ? "embed" : `layer ${row - 1}`}</th>
                {cells.map((cell, index) => (
                  <Cell cell={cell} isTarget={cell.top.id === target.id} isRead={window[index] === position} />
                ))}
              </tr>
            )).toReversed()}
          </tbody>
        </table>
      </div>
    </div>
  );
}

interface CellProps {
  readonly cell: LensCell;
  readonly isTarget: boolean;
  readonly isRead: boolean;
}

function Cell({ cell: { top, topLogProb, targetLogProb, targetRank }, isTarget, isRead }: CellProps): VNode {
  const label = tokenLabel(top.text);
  return (
    <td
      class={probabilityClass(targetLogProb)}
      title={label.length > TOKEN_LENGTH ? label : undefined}
      data-top={isTarget ? "target" : undefined}
      data-read={isRead ? "true" : undefined}
    >
      <span class="lens-top">
        {isTarget ? "✓ " : ""}
        <span class="lens-token">{shortened(label, TOKEN_LENGTH)}</span> {formatProbability(topLogProb)}
      </span>
      <span class="lens-target">#{formatCount(targetRank)} · {formatProbability(targetLogProb)}</span>
    </td>
  );
}

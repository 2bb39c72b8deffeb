/** Every head of a model by one of its scores: layers upwards, heads across. */
import type { VNode } from "preact";
import { SequentialLegend } from "./heat_legend.tsx";
import { allDigits } from "./numbers.ts";
import type { HeadScores } from "../../engine/mod.ts";
import { formatScore } from "./score_bars.tsx";
import { SCORE_TEXTS } from "./score_texts.ts";
import { sequentialClass } from "./sequential.ts";

export interface HeadGridProps {
  /** In any order; heads without scores may be missing. */
  readonly rows: readonly { readonly component: string; readonly scores: HeadScores | null }[];
  readonly score: keyof HeadScores;
  readonly layerCount: number;
  readonly headCount: number;
  /** HTML attributes of the link to a head, given as in `head/9/8`. */
  readonly headLink: (ref: string) => Record<string, string>;
}

/** One score of all heads; the shade ends at the largest of them. */
export function HeadGrid({ rows, score, layerCount, headCount, headLink }: HeadGridProps): VNode {
  const { name, meaning, unit } = SCORE_TEXTS[score];
  const values = new Map(rows.map(({ component, scores }) => [component, scores?.[score] ?? NaN]));
  const largest = [...values.values()].reduce((a, b) => Number.isFinite(b) ? Math.max(a, b) : a, 0);
  const heads = Array.from({ length: headCount }, (_, head) => head);
  return (
    <div class="head-grid">
      <p class="fine-print">{meaning}</p>
      <SequentialLegend
        low="0"
        high={`${formatScore(largest)}${unit === "" ? "" : ` ${unit}`}`}
        note={`${name.toLowerCase()}; the shade ends at the largest of this model`}
      />
      <div class="table-scroll" tabIndex={0} role="region" aria-label={`${name} of each head`}>
        <table>
          <caption class="visually-hidden">
            {name} of each head: layers downwards, the last one first; heads across
          </caption>
          <thead>
            <tr>
              <td />
              {heads.map((head) => <th scope="col">head {head}</th>)}
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: layerCount }, (_, layer) => (
              <tr>
                <th scope="row">layer {layer}</th>
                {heads.map((head) => {
                  const ref = `head/${layer}/${head}`;
                  return <Cell headRef={ref} value={values.get(ref) ?? NaN} largest={largest} headLink={headLink} />;
                })}
              </tr>
            )).toReversed()}
          </tbody>
        </table>
      </div>
    </div>
  );
}

interface CellProps extends Pick<HeadGridProps, "headLink"> {
  readonly headRef: string;
  readonly value: number;
  readonly largest: number;
}

function Cell({ headRef, value, largest, headLink }: CellProps): VNode {
  if (!Number.isFinite(value)) {
    return (
      <td title={`${headRef}: no score`}>
        <span aria-hidden="true">–</span>
        <span class="visually-hidden">no score</span>
      </td>
    );
  }
  return (
    <td class={sequentialClass(value, largest)}>
      <a {...headLink(headRef)} title={`${headRef}: ${allDigits(value)}`}>{formatScore(value)}</a>
    </td>
  );
}

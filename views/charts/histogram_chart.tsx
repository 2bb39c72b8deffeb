/** How often a component has which values: bars on a log scale over bins that grow outwards from zero. */
import { format } from "d3-format";
import type { VNode } from "preact";
import { formatCount } from "../format.ts";
import {
  type Bin,
  type BinRow,
  countTicks,
  heightOf,
  inRows,
  labelledEdges,
  placeOf,
  shownBins,
} from "./histogram_bins.ts";
import { allDigits, coordinate, formatShort } from "./numbers.ts";
import type { ValueStatistics } from "../../engine/mod.ts";

export interface HistogramChartProps {
  readonly statistics: ValueStatistics;
}

const WIDTH = 680;
const LEFT = 46;
const RIGHT = 24;
/** Rows of labels of quantiles, above the bars. */
const LABEL_ROWS = 3;
const LABEL_HEIGHT = 14;
const TOP = LABEL_ROWS * LABEL_HEIGHT + 6;
const HEIGHT = 150;
const BELOW = 24;
const WIDEST_BIN = 28;
/** Room for a label of an edge, and for a letter of a quantile's. */
const EDGE_LABEL = 52;
const LETTER = 6.6;

const shortCount = format("~s");
const percent = format(".4~");

/** The histogram with its quantiles, and both as tables. */
export function HistogramChart({ statistics: { histogram, quantiles, count } }: HistogramChartProps): VNode {
  const row = shownBins(histogram);
  const { bins } = row;
  if (bins.length === 0) return <p class="empty-state">No values were seen.</p>;
  const largest = Math.max(...bins.map((bin) => bin.count));
  const step = Math.min(WIDEST_BIN, (WIDTH - LEFT - RIGHT) / bins.length);
  const x = (place: number) => coordinate(LEFT + place * step);
  const y = (counted: number) => coordinate(TOP + HEIGHT * (1 - heightOf(counted, largest)));
  const bottom = TOP + HEIGHT;
  const marks = inRows(
    quantiles.filter(({ value }) => Number.isFinite(value)).map(({ share, value }) => {
      const text = `${percent(share * 100)}%`;
      return { share, value, text, x: x(placeOf(value, bins)), width: text.length * LETTER + 6 };
    }),
    LABEL_ROWS,
  );
  return (
    <figure class="histogram">
      <figcaption>
        {formatCount(count)} values.{" "}
        <span class="fine-print">
          Counts are on a log scale; bins grow by half an octave outwards from zero. Dashed: the share of values below.
        </span>
      </figcaption>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Histogram">
        <svg
          width={WIDTH}
          height={bottom + BELOW}
          viewBox={`0 0 ${WIDTH} ${bottom + BELOW}`}
          role="img"
          aria-label={`Histogram of ${formatCount(count)} values; the tables below hold its numbers`}
        >
          {countTicks(largest).map((tick) => (
            <>
              <line class="grid-line" x1={LEFT} x2={x(bins.length)} y1={y(tick)} y2={y(tick)} />
              <text x={LEFT - 6} y={y(tick) + 4} text-anchor="end">{shortCount(tick)}</text>
            </>
          ))}
          {bins.map((bin, index) =>
            bin.count > 0
              ? (
                <rect
                  class={barClass(bin)}
                  x={x(index)}
                  y={y(bin.count)}
                  width={coordinate(Math.max(1, step - 1))}
                  height={coordinate(bottom - y(bin.count))}
                >
                  <title>{`${binName(bin, index, row)}: ${formatCount(bin.count)}`}</title>
                </rect>
              )
              : null
          )}
          <line class="zero-line" x1={LEFT} x2={x(bins.length)} y1={bottom} y2={bottom} />
          {labelledEdges(bins, EDGE_LABEL / step).map(({ place, value }) => (
            <>
              {value === 0 ? null : <line class="zero-line" x1={x(place)} x2={x(place)} y1={bottom} y2={bottom + 4} />}
              <text class={value === 0 ? "bin-zero" : undefined} x={x(place)} y={bottom + 17} text-anchor="middle">
                {formatShort(value)}
              </text>
            </>
          ))}
          {marks.map(({ x: place, row: labelRow }) => (
            <line
              class="quantile-line"
              x1={place}
              x2={place}
              y1={(LABEL_ROWS - labelRow) * LABEL_HEIGHT + 2}
              y2={bottom}
            />
          ))}
          {marks.map(({ text, x: place, row: labelRow }) => (
            <text class="quantile" x={place} y={(LABEL_ROWS - labelRow) * LABEL_HEIGHT - 2} text-anchor="middle">
              {text}
            </text>
          ))}
        </svg>
      </div>
      <Numbers row={row} quantiles={quantiles} />
    </figure>
  );
}

function barClass({ hasZero, to }: Bin): string {
  if (hasZero) return "bin-zero";
  return to <= 0 ? "bin-below" : "bin-above";
}

function binName({ from, to }: Bin, index: number, { bins, isOpenBelow, isOpenAbove }: BinRow): string {
  if (isOpenBelow && index === 0 && bins.length > 1 && from !== 0) return `below ${formatShort(to)}`;
  if (isOpenAbove && index === bins.length - 1) return `${formatShort(from)} and more`;
  return `${formatShort(from)} to ${formatShort(to)}`;
}

function Numbers({ row, quantiles }: { readonly row: BinRow } & Pick<ValueStatistics, "quantiles">): VNode {
  return (
    <details>
      <summary>The numbers</summary>
      <div class="histogram-numbers">
        <table>
          <caption>Quantiles</caption>
          <thead>
            <tr>
              <th scope="col" class="number">Share below</th>
              <th scope="col" class="number">Value</th>
            </tr>
          </thead>
          <tbody>
            {quantiles.map(({ share, value }) => (
              <tr>
                <th scope="row" class="number">{percent(share * 100)}%</th>
                <td class="number" title={allDigits(value)}>{formatShort(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <table>
          <caption>Counts</caption>
          <thead>
            <tr>
              <th scope="col">Values</th>
              <th scope="col" class="number">Count</th>
            </tr>
          </thead>
          <tbody>
            {row.bins.map((bin, index) =>
              bin.count === 0 ? null : (
                <tr>
                  <th scope="row">{binName(bin, index, row)}</th>
                  <td class="number">{formatCount(bin.count)}</td>
                </tr>
              )
            )}
          </tbody>
        </table>
      </div>
    </details>
  );
}

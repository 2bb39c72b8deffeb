/**
 * One head's token pairs: queries downwards, keys across. Cells are as small as they can be written, because a window has up to
 * 2,080 of them: their place follows from their order, and the readout is a script's (`static/js/pictures.js`).
 */
import type { VNode } from "preact";
import type { AttentionResult, Metric } from "../../engine/mod.ts";
import { tokenLabel } from "../format.ts";
import { heatClass } from "../heat.ts";
import { HeatLegend, SequentialLegend } from "./heat_legend.tsx";
import { coordinate, formatShort, formatShortSigned, largestSize, shortened } from "./numbers.ts";
import { PinnedRow } from "./pinned_row.tsx";
import { sequentialClass } from "./sequential.ts";

/** Most tokens of a window. */
export const MAX_ATTENTION_WINDOW = 64;

export interface AttentionMatrixProps {
  readonly attention: Pick<AttentionResult, "head" | "metric" | "tokens" | "values">;
  /** The tokens shown on both axes. */
  readonly window: { readonly from: number; readonly count: number };
  /** Queries whose rows are outlined and listed below. */
  readonly pinned: readonly number[];
  /** HTML attributes of the link that pins a query's row, or unpins it: `href` and what htmx needs. */
  readonly rowLink: (query: number) => Record<string, string>;
}

const METRIC_NAMES: Readonly<Record<Metric, string>> = {
  activation: "attention",
  writeNorm: "write magnitude",
  directEffect: "direct effect",
  totalEffect: "total effect",
};

/** Room for the labels to the left and, turned, above. */
const LEFT = 116;
const ABOVE = 98;
const LABEL_LENGTH = 14;

/** Below this many tokens, cells can afford titles, which tell their values without a script. */
const TITLED_TOKENS = 32;

/** The matrix of a window, its legend, and a table for each pinned row. */
export function AttentionMatrix({ attention, window, pinned, rowLink }: AttentionMatrixProps): VNode {
  const { head, metric, tokens, values } = attention;
  const from = Math.max(0, window.from);
  const count = Math.max(0, Math.min(window.count, MAX_ATTENTION_WINDOW, tokens.length - from));
  const shown = Array.from({ length: count }, (_, index) => from + index);
  const isSigned = metric === "directEffect" || metric === "totalEffect";
  const write = isSigned ? formatShortSigned : formatShort;
  const largest = largestSize(shown.flatMap((query) => (values[query] ?? []).slice(from, query + 1)));
  const cell = cellSize(count);
  const width = LEFT + count * cell + 60;
  const height = ABOVE + count * cell + 4;
  const nameOf = (token: number) => `${token} ${tokenLabel(tokens[token]?.text ?? "")}`;
  const colour = isSigned ? heatClass : sequentialClass;
  return (
    <div class="attention-matrix" data-picture data-signed={isSigned ? "true" : undefined}>
      <div class="attention-head">
        {isSigned
          ? <HeatLegend low={write(-largest)} high={write(largest)} note={METRIC_NAMES[metric]} />
          : <SequentialLegend low="0" high={write(largest)} note={METRIC_NAMES[metric]} />}
        <output class="readout" aria-live="off" data-readout />
      </div>
      <p class="fine-print">
        Down: the token that looks (query). Across: the token looked at (key). A row’s label pins the row, and its
        values are listed below.
      </p>
      <div class="attention-body">
        <div class="table-scroll" tabIndex={0} role="region" aria-label={`Matrix of ${head}`}>
          <svg
            width={width}
            height={height}
            viewBox={`0 0 ${width} ${height}`}
            role="group"
            aria-label={`${METRIC_NAMES[metric]} of ${head}, query by key`}
            data-cell={cell}
          >
            {shown.map((key, index) => (
              <text
                class="key-label"
                data-key={nameOf(key)}
                transform={`translate(${LEFT + coordinate((index + 0.5) * cell)} ${ABOVE - 6}) rotate(-60)`}
              >
                {shortened(nameOf(key), LABEL_LENGTH)}
              </text>
            ))}
            {shown.map((query, index) => (
              <RowLabel
                name={nameOf(query)}
                y={ABOVE + (index + 0.5) * cell + 4}
                isPinned={pinned.includes(query)}
                link={{ id: `query-${query}`, ...rowLink(query) }}
              />
            ))}
            <g data-roving transform={`translate(${LEFT} ${ABOVE})`}>
              {shown.map((query, row) => (
                <g data-query={nameOf(query)} transform={`translate(0 ${row * cell})`}>
                  {shown.slice(0, row + 1).map((key, column) => {
                    const value = values[query]?.[key] ?? 0;
                    const told = `${nameOf(query)} → ${nameOf(key)}: ${write(value)}`;
                    // The one cell that Tab leads to; the arrow keys lead on from there.
                    const isStart = row === count - 1 && column === 0;
                    return (
                      <rect
                        class={colour(value, largest)}
                        x={column * cell}
                        data-v={write(value)}
                        tabIndex={isStart ? 0 : undefined}
                        role={isStart ? "img" : undefined}
                        aria-label={isStart ? told : undefined}
                      >
                        {count <= TITLED_TOKENS ? <title>{told}</title> : null}
                      </rect>
                    );
                  })}
                </g>
              ))}
            </g>
            <path class="matrix-edge" d={edgePath(count, cell)} />
            {shown.map((query, row) =>
              pinned.includes(query)
                ? (
                  <rect
                    class="pinned-outline"
                    x={LEFT - 1.5}
                    y={ABOVE + row * cell - 1.5}
                    width={(row + 1) * cell + 2}
                    height={cell + 2}
                  />
                )
                : null
            )}
          </svg>
        </div>
        <div class="pinned-rows">
          {pinned.filter((query) => query >= 0 && query < tokens.length).map((query) => (
            <PinnedRow
              name={nameOf(query)}
              values={values[query] ?? []}
              largest={largest}
              nameOf={nameOf}
              write={write}
              colour={colour}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

/** The distance of cells: few tokens get large ones. The style sheet knows these three and makes cells a pixel less. */
function cellSize(count: number): number {
  if (count <= 24) return 22;
  return count <= 40 ? 17 : 13;
}

/** The stairs around the lower triangle, so that pale cells still have a border. */
function edgePath(count: number, cell: number): string {
  const steps = `h${cell}v${cell}`.repeat(count);
  return `M${LEFT - 0.5} ${ABOVE - 0.5}${steps}H${LEFT - 0.5}Z`;
}

interface RowLabelProps {
  readonly name: string;
  readonly y: number;
  readonly isPinned: boolean;
  readonly link: Record<string, string>;
}

function RowLabel({ name, y, isPinned, link }: RowLabelProps): VNode {
  const written = shortened(name, LABEL_LENGTH);
  return (
    <a
      {...link}
      class="query-label"
      aria-current={isPinned ? "true" : undefined}
      aria-label={`${written}: ${isPinned ? "unpin" : "pin"} this row`}
    >
      <text x={LEFT - 8} y={coordinate(y)} text-anchor="end">{written}</text>
    </a>
  );
}

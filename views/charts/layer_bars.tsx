/** Horizontal bars around a zero line: one panel of the layer summary. */
import type { VNode } from "preact";
import { formatSigned } from "../format.ts";
import { LAYER_KIND_NAMES, type LayerRow } from "./layer_rows.ts";
import { coordinate } from "./numbers.ts";

/** The ends of the scale, which all panels of a summary share. */
export interface BarScale {
  readonly low: number;
  readonly high: number;
}

export interface LayerBarsProps {
  readonly title: string;
  readonly rows: readonly LayerRow[];
  readonly scale: BarScale;
}

const WIDTH = 420;
const BARS_FROM = 112;
const BARS_TO = 356;
const ROW = 15;
const BAR = 10;
/** Between layers, and above the embeddings. */
const GAP = 8;

/** A scale that holds zero and every value. */
export function barScale(values: readonly number[]): BarScale {
  const finite = values.filter(Number.isFinite);
  return { low: Math.min(0, ...finite), high: Math.max(0, ...finite) };
}

/** The bars of one effect on one side, with their numbers. */
export function LayerBars({ title, rows, scale: { low, high } }: LayerBarsProps): VNode {
  const span = high - low || 1;
  const x = (value: number) => coordinate(BARS_FROM + (value - low) / span * (BARS_TO - BARS_FROM));
  // MLP, attention, gap: two rows a layer, one for the embeddings.
  const top = (index: number) => index * ROW + Math.floor(index / 2) * GAP + GAP / 2;
  const height = top(rows.length - 1) + ROW + GAP / 2;
  return (
    <figure class="layer-bars">
      <figcaption>{title}</figcaption>
      <svg
        width={WIDTH}
        height={height}
        viewBox={`0 0 ${WIDTH} ${height}`}
        role="img"
        aria-label={`${title} of each layer’s attention and MLP; the table below holds the numbers`}
      >
        {rows.map(({ layer, kind }, index) =>
          kind === "mlp"
            ? (
              <>
                {index % 4 === 0
                  ? <rect class="layer-band" x={0} y={top(index) - GAP / 2} width={WIDTH} height={2 * ROW + GAP} />
                  : null}
                <text class="layer-number" x={22} y={top(index) + ROW + 4} text-anchor="end">{layer}</text>
              </>
            )
            : null
        )}
        <line class="zero-line" x1={x(0)} x2={x(0)} y1={0} y2={height} />
        {rows.map(({ kind, value }, index) => {
          const end = Number.isFinite(value) ? value : 0;
          const [from, to] = [x(Math.min(0, end)), x(Math.max(0, end))];
          const middle = top(index) + ROW / 2;
          return (
            <>
              <text class="layer-kind" data-kind={kind} x={32} y={middle + 4}>{LAYER_KIND_NAMES[kind]}</text>
              <rect
                class={value < 0 ? "bar-against" : "bar-for"}
                x={from}
                y={middle - BAR / 2}
                width={coordinate(to - from)}
                height={BAR}
              />
              <text class="bar-value" x={WIDTH - 4} y={middle + 4} text-anchor="end">{formatSigned(value)}</text>
            </>
          );
        })}
      </svg>
    </figure>
  );
}

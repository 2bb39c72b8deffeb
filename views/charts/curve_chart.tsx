/** How a number went over the steps of a training: a line of means, and points where it was measured on held-out text. */
import type { VNode } from "preact";
import { formatCount } from "../format.ts";
import { coordinate, formatShort } from "./numbers.ts";

const WIDTH = 260;
const HEIGHT = 120;
const LEFT = 44;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 18;
/** Share of the largest value that the axis spans at least. */
const SMALLEST_SPAN = 0.05;

export interface CurveStep {
  readonly step: number;
  readonly value: number;
}

export interface CurveChartProps {
  readonly title: string;
  /** Rising steps. */
  readonly line: readonly CurveStep[];
  readonly points: readonly CurveStep[];
  /** Steps in all: where the axis ends. */
  readonly steps: number;
  /** How values are written; default: three digits. */
  readonly format?: (value: number) => string;
}

/** Values that are no numbers are left out. */
export function CurveChart({ title, steps, format = formatShort, ...curves }: CurveChartProps): VNode {
  const line = curves.line.filter(({ value }) => Number.isFinite(value));
  const points = curves.points.filter(({ value }) => Number.isFinite(value));
  const values = [...line, ...points].map(({ value }) => value);
  const [low, high] = values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
  const x = (step: number) => coordinate(LEFT + step / Math.max(1, steps) * (WIDTH - LEFT - RIGHT));
  // What changes by next to nothing is a flat line.
  const span = Math.max(high - low, SMALLEST_SPAN * Math.abs(high)) || 1;
  const y = (value: number) => coordinate(HEIGHT - BOTTOM - (value - low) / span * (HEIGHT - TOP - BOTTOM));
  const last = line.at(-1) ?? points.at(-1);
  const now = last === undefined ? "nothing yet" : `${format(last.value)} after ${formatCount(last.step)} steps`;
  return (
    <figure class="curve">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}: ${now}`}>
        <line class="curve-axis" x1={LEFT} x2={WIDTH - RIGHT} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
        <line class="curve-axis" x1={LEFT} x2={LEFT} y1={TOP} y2={HEIGHT - BOTTOM} />
        {values.length === 0
          ? null
          : [low, low + span].map((value) => (
            <text class="curve-number" x={LEFT - 4} y={y(value) + 3} text-anchor="end">{format(value)}</text>
          ))}
        <text class="curve-number" x={LEFT} y={HEIGHT - 5} text-anchor="middle">0</text>
        <text class="curve-number" x={WIDTH - RIGHT} y={HEIGHT - 5} text-anchor="end">
          {`${formatCount(steps)} steps`}
        </text>
        {line.length < 2
          ? null
          : <polyline class="curve-line" points={line.map(({ step, value }) => `${x(step)},${y(value)}`).join(" ")} />}
        {points.map(({ step, value }) => (
          <circle class="curve-point" cx={x(step)} cy={y(value)} r={2.5}>
            <title>{`held out, step ${formatCount(step)}: ${format(value)}`}</title>
          </circle>
        ))}
      </svg>
      <figcaption>
        {title}: <strong>{now}</strong>
      </figcaption>
    </figure>
  );
}

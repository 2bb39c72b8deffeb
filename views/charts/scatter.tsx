/** Estimates against measurements. */
import type { VNode } from "preact";
import type { MeasuredNode } from "../../engine/mod.ts";
import { formatSigned } from "../format.ts";
import { coordinate, formatShortSigned } from "./numbers.ts";

const SIZE = 240;
const MARGIN = 28;

/** Estimate to the right, measurement upwards, on one scale; points on the line are estimated exactly. */
export function Scatter({ nodes }: { readonly nodes: readonly MeasuredNode[] }): VNode {
  const values = nodes.flatMap(({ totalEffect, measured }) => [totalEffect, measured]).filter(Number.isFinite);
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const span = high - low || 1;
  const x = (value: number) => coordinate(MARGIN + (value - low) / span * (SIZE - 2 * MARGIN));
  const y = (value: number) => coordinate(SIZE - x(value));
  return (
    <figure class="scatter">
      <svg
        viewBox={`0 0 ${SIZE} ${SIZE}`}
        role="img"
        aria-label="Estimated total effect against measured effect of each node"
      >
        <line class="scatter-axis" x1={x(low)} x2={x(high)} y1={y(0)} y2={y(0)} />
        <line class="scatter-axis" x1={x(0)} x2={x(0)} y1={y(low)} y2={y(high)} />
        <line class="scatter-diagonal" x1={x(low)} y1={y(low)} x2={x(high)} y2={y(high)} />
        {/* Names stand in the two corners that the line leaves free. */}
        <text class="scatter-name" x={MARGIN} y={MARGIN - 12}>↑ measured</text>
        <text class="scatter-name" x={SIZE - MARGIN} y={SIZE - MARGIN + 18} text-anchor="end">total effect →</text>
        {[low, high].filter((value) => value !== 0).map((value) => (
          <>
            <text class="scatter-number" x={x(value)} y={y(0) + 12} text-anchor="middle">
              {formatShortSigned(value)}
            </text>
            <text class="scatter-number" x={x(0) - 4} y={y(value) + 3} text-anchor="end">
              {formatShortSigned(value)}
            </text>
          </>
        ))}
        {nodes.map(({ ref, totalEffect, measured }) => (
          <circle class="scatter-point" cx={x(totalEffect)} cy={y(measured)} r={3.5}>
            <title>{`${ref}: estimated ${formatSigned(totalEffect)}, measured ${formatSigned(measured)}`}</title>
          </circle>
        ))}
      </svg>
      <figcaption class="fine-print">Right: total effect. Up: measured. On the line, the estimate is exact.</figcaption>
    </figure>
  );
}

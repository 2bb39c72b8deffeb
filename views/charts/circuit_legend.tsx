/** The legend inside a circuit's picture, so that it stays with a downloaded one. */
import type { VNode } from "preact";
import { formatNumber } from "../format.ts";
import { MAX_DRAWN_EDGES } from "./circuit_edges.ts";

/** Width that a legend needs, in px. */
export function legendWidth(hasDictionaries: boolean): number {
  return hasDictionaries ? 650 : 560;
}

export const LEGEND_HEIGHT = 62;

export interface CircuitLegendProps {
  readonly y: number;
  /** The size of the widest edge; 0 without edges. */
  readonly largest: number;
  /** Edges that are not drawn; 0 where all are. */
  readonly leftOut: number;
  /** Whether there are latents or errors among the nodes. */
  readonly hasDictionaries: boolean;
}

const KINDS = [["head", "head", 96], ["neuron", "neuron", 158], ["embed", "embedding", 230]] as const;
/** Latents of all kinds look the same. */
const DICTIONARY_KINDS = [["mlp-latent", "latent", 330], ["error", "error", 398]] as const;

/** Kinds of boxes in one line; what edges mean in another. */
export function CircuitLegend({ y, largest, leftOut, hasDictionaries }: CircuitLegendProps): VNode {
  const [first, second] = [y + 18, y + 42];
  return (
    <g class="circuit-legend">
      <text class="row-name" x={10} y={first + 4}>nodes</text>
      {[...KINDS, ...hasDictionaries ? DICTIONARY_KINDS : []].map(([kind, name, x]) => (
        <>
          <g class="node-box" data-kind={kind}>
            <rect x={x} y={first - 6} width={16} height={12} rx={3} />
          </g>
          <text x={x + 22} y={first + 4}>{name}</text>
        </>
      ))}
      <text x={hasDictionaries ? 462 : 330} y={first + 4}>q, k, v: the way into a head</text>
      <text class="row-name" x={10} y={second + 4}>edges, upwards</text>
      {largest === 0 ? <text x={112} y={second + 4}>none among these nodes</text> : (
        <>
          <path class="edge edge-for" d={`M112 ${second}h30`} stroke-width={4} />
          <text x={148} y={second + 4}>for the target</text>
          <path class="edge edge-against" d={`M244 ${second}h34`} stroke-width={4} stroke-dasharray="8 5" />
          <text x={284} y={second + 4}>against it</text>
          <path class="edge edge-for" d={`M358 ${second}h24`} stroke-width={7} />
          <text x={388} y={second + 4}>widest: {formatNumber(largest)}</text>
        </>
      )}
      {leftOut > 0
        ? (
          <text x={112} y={second + 20}>
            the {MAX_DRAWN_EDGES} strongest between nodes; {leftOut} weaker ones are not drawn
          </text>
        )
        : null}
    </g>
  );
}

/** A circuit as a picture: nodes in their places in the model, edges by what they carry to the objective. */
import type { VNode } from "preact";
import type { CircuitResult, Token } from "../../engine/mod.ts";
import { formatNumber, formatSigned, tokenLabel } from "../format.ts";
import { isLatentRef, kindOf, placesOf } from "../refs.ts";
import { drawEdges, type DrawnEdge, OBJECTIVE } from "./circuit_edges.ts";
import { type CircuitLayout, layoutCircuit, type PlacedNode } from "./circuit_layout.ts";
import { CircuitLegend, LEGEND_HEIGHT, legendWidth } from "./circuit_legend.tsx";
import { STANDALONE_STYLE } from "./circuit_style.ts";
import { coordinate, largestSize, wellFormed } from "./numbers.ts";

export interface CircuitGraphProps {
  readonly circuit: CircuitResult;
  readonly layerCount: number;
  /** The token at which the objective is read. */
  readonly position: number;
  /** HTML attributes of a node's link: `href` and what htmx needs. */
  readonly nodeLink: (ref: string) => Record<string, string>;
  /** A file of its own: with its own colours, on white, and without links. */
  readonly standalone?: boolean;
}

/** Room below the boxes for the tokens. */
const TOKEN_LABELS = 46;

/** Room that the letter of a path needs. */
const LETTER_WIDTH = 9;

/** One SVG with its legend inside. */
export function CircuitGraph(props: CircuitGraphProps): VNode {
  const { circuit, layerCount, position, nodeLink, standalone = false } = props;
  const layout = layoutCircuit(circuit, { layerCount, position });
  const edges = drawEdges(circuit, layout);
  const largest = largestSize(edges.map(({ attribution }) => attribution));
  const drawn = edges.filter(({ to }) => to !== OBJECTIVE).length;
  const hasDictionaries = circuit.nodes.some(({ ref }) => isLatentRef(ref) || kindOf(ref) === "error");
  const width = coordinate(Math.max(layout.width, legendWidth(hasDictionaries)));
  const legendTop = layout.height + TOKEN_LABELS;
  const height = coordinate(legendTop + LEGEND_HEIGHT);
  return (
    <svg
      class="circuit-graph"
      {...(standalone ? { xmlns: "http://www.w3.org/2000/svg" } : {})}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role={standalone ? "img" : "group"}
      aria-label={`Circuit of ${circuit.nodes.length} nodes; the tables beside it hold its numbers`}
    >
      {standalone ? <style>{STANDALONE_STYLE}</style> : null}
      {standalone ? <rect class="ground" width={width} height={height} /> : null}
      <Frame layout={layout} tokens={circuit.tokens} width={width} />
      <g class="edges">{edges.map((edge) => <Edge edge={edge} />)}</g>
      <Objective layout={layout} objective={circuit.objective} />
      {layout.nodes.map((placed) => (
        <NodeBox placed={placed} circuit={circuit} link={standalone ? null : nodeLink(placed.ref)} />
      ))}
      <g class="letters">
        {spacedLetters(edges).map(({ path, letter: { x, y } }) => <text x={x} y={y} text-anchor="middle">{path}</text>)}
      </g>
      <CircuitLegend
        y={coordinate(legendTop)}
        largest={largest}
        leftOut={circuit.edges.length - drawn}
        hasDictionaries={hasDictionaries}
      />
    </svg>
  );
}

/** Layers, tokens, and what is left out of both. */
function Frame(
  { layout, tokens, width }: { readonly layout: CircuitLayout } & Pick<CircuitResult, "tokens"> & {
    readonly width: number;
  },
): VNode {
  const { bands, rowNames, columns, gaps, height } = layout;
  // Every other layer that holds nodes is shaded.
  const shaded = bands.filter(({ isEmpty }) => !isEmpty).map(({ label }) => label);
  return (
    <g class="frame">
      {bands.map(({ label, y, height: bandHeight, isEmpty }, index) => (
        <>
          {isEmpty || shaded.indexOf(label) % 2 === 1
            ? null
            : <rect class="band" x={0} y={y} width={width} height={bandHeight} />}
          <line class="band-line" x1={0} x2={width} y1={y} y2={y} />
          {index === bands.length - 1
            ? <line class="band-line" x1={0} x2={width} y1={y + bandHeight} y2={y + bandHeight} />
            : null}
          <text class={isEmpty ? "band-name band-empty" : "band-name"} x={10} y={y + 14}>{label}</text>
        </>
      ))}
      {rowNames.map(({ label, y }) => <text class="row-name" x={10} y={coordinate(y + 4)}>{label}</text>)}
      {gaps.map(({ x, first, last }) => (
        <text class="token-gap" x={coordinate(x)} y={height + 18} text-anchor="middle">
          ⋯<title>{first === last ? `Token ${first} holds no node` : `Tokens ${first} to ${last} hold no nodes`}</title>
        </text>
      ))}
      {columns.map(({ token, label, x, width: columnWidth }) => (
        <text class="column-name" x={coordinate(x + columnWidth / 2)} y={height + 18} text-anchor="middle">
          {label}
          <tspan class="column-index" x={coordinate(x + columnWidth / 2)} dy={15}>{token}</tspan>
          <title>{`Token ${token}: ${nameOf(tokens[token])}`}</title>
        </text>
      ))}
    </g>
  );
}

function Objective(
  { layout: { objective: { x, y, width, height } }, objective }: {
    readonly layout: CircuitLayout;
    readonly objective: number;
  },
): VNode {
  return (
    <g class="objective-box">
      <rect x={coordinate(x)} y={y} width={coordinate(width)} height={height} rx={8} />
      <text class="box-name" x={coordinate(x + width / 2)} y={y + 17} text-anchor="middle">objective</text>
      <text class="box-detail" x={coordinate(x + width / 2)} y={y + 32} text-anchor="middle">
        {formatSigned(objective)}
      </text>
    </g>
  );
}

/** Edges whose letters have room, the strongest first: where many edges meet, letters on top of each other would say nothing. */
function spacedLetters(edges: readonly DrawnEdge[]): readonly DrawnEdge[] {
  const kept: DrawnEdge[] = [];
  for (const edge of edges.toSorted((a, b) => Math.abs(b.attribution) - Math.abs(a.attribution))) {
    const { x, y } = edge.letter;
    const isTaken = kept.some(({ letter }) => Math.abs(letter.x - x) < LETTER_WIDTH && Math.abs(letter.y - y) < 8);
    if (edge.path !== null && !isTaken) kept.push(edge);
  }
  return kept;
}

function Edge({ edge: { from, to, path, attribution, curve, width, opacity } }: { readonly edge: DrawnEdge }): VNode {
  return (
    <path
      class={`edge ${attribution < 0 ? "edge-against" : "edge-for"}`}
      d={curve}
      stroke-width={width}
      stroke-opacity={opacity}
      stroke-dasharray={attribution < 0 ? `${coordinate(4 + width)} ${coordinate(3 + width / 2)}` : undefined}
    >
      <title>{`${from} → ${to}${path === null ? "" : ` (${path})`} ${formatSigned(attribution)}`}</title>
    </path>
  );
}

interface NodeBoxProps {
  readonly placed: PlacedNode;
  readonly circuit: CircuitResult;
  /** Null: no link. */
  readonly link: Record<string, string> | null;
}

function NodeBox({ placed: { ref, name, detail, x, y, width, height }, circuit, link }: NodeBoxProps): VNode {
  const centre = coordinate(x + width / 2);
  const content = (
    <>
      <title>{nodeTitle(ref, circuit)}</title>
      <rect x={coordinate(x)} y={coordinate(y)} width={coordinate(width)} height={height} rx={7} />
      <text class="box-name" x={centre} y={coordinate(y + (detail === "" ? 22 : 15))} text-anchor="middle">{name}</text>
      {detail === ""
        ? null
        : <text class="box-detail" x={centre} y={coordinate(y + 29)} text-anchor="middle">{detail}</text>}
    </>
  );
  return link === null
    ? <g class="node-box" data-kind={kindOf(ref)}>{content}</g>
    : <a {...link} class="node-box" data-kind={kindOf(ref)} aria-label={`${name} ${detail}: ${ref}`}>{content}</a>;
}

function nodeTitle(ref: string, { nodes, tokens }: CircuitResult): string {
  const found = nodes.find((node) => node.ref === ref);
  const [token, key] = placesOf(ref).map((place) => `${place} ${nameOf(tokens[place])}`);
  const told = [
    `activation ${known(found?.activation, formatNumber)}`,
    `direct effect ${known(found?.directEffect, formatSigned)}`,
    `total effect ${known(found?.totalEffect, formatSigned)}`,
  ];
  return `${ref}, at token ${token}${key === undefined ? "" : ` looking at ${key}`}: ${told.join(", ")}`;
}

function nameOf(token: Token | undefined): string {
  return wellFormed(tokenLabel(token?.text ?? ""));
}

function known(value: number | null | undefined, write: (value: number) => string): string {
  return value === null || value === undefined ? "not known" : write(value);
}

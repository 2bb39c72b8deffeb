/**
 * Where the boxes of a circuit stand: tokens across, layers upwards, attention of a layer below its MLP, as the residual stream passes
 * them, and what a dictionary reads of the stream itself on top. Only tokens and layers that hold something take room; what is left out between is told.
 */
import type { CircuitResult } from "../../engine/mod.ts";
import { tokenLabel } from "../format.ts";
import { type BlockPart, componentOf, layerOf, partOf, placesOf } from "../refs.ts";
import { shortened, wellFormed } from "./numbers.ts";

/** A rectangle, by its upper left corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedNode extends Box {
  readonly ref: string;
  /** The component, as in `head/3/3`. */
  readonly name: string;
  /** What it reads: the key of a head, the token of an embedding; empty for neurons, latents and errors. */
  readonly detail: string;
}

/** A token with boxes above it. */
export interface Column {
  readonly token: number;
  readonly label: string;
  readonly x: number;
  readonly width: number;
}

/** A layer with boxes, or a run of layers without. */
export interface Band {
  readonly label: string;
  readonly y: number;
  readonly height: number;
  readonly isEmpty: boolean;
}

export interface CircuitLayout {
  readonly width: number;
  readonly height: number;
  readonly objective: Box;
  readonly nodes: readonly PlacedNode[];
  readonly columns: readonly Column[];
  readonly bands: readonly Band[];
  /** Names of rows inside bands. */
  readonly rowNames: readonly { readonly label: string; readonly y: number }[];
  /** Where tokens are left out between two columns. */
  readonly gaps: readonly { readonly x: number; readonly first: number; readonly last: number }[];
}

export interface CircuitPlace {
  readonly layerCount: number;
  /** The token at which the objective is read. */
  readonly position: number;
}

type CircuitNode = CircuitResult["nodes"][number];

const LEFT = 96;
const RIGHT = 16;
const TOP = 12;
const BOX_HEIGHT = 36;
const OBJECTIVE_HEIGHT = 40;
/** Between boxes of one cell. */
const SPACE = 10;
/** Between rows: room for the curves. */
const ROW_GAP = 44;
const EMPTY_BAND = 20;
const COLUMN_PADDING = 20;
const TOKEN_GAP = 30;
/** Boxes beside each other before a cell begins another line. */
const BOXES_A_LINE = 4;
const CHARACTER = 7;

/** Places every node, and the objective above them. */
export function layoutCircuit(circuit: CircuitResult, { layerCount, position }: CircuitPlace): CircuitLayout {
  const { nodes, tokens } = circuit;
  const named = nodes.map((node) => ({ node, ...namesOf(node, circuit) }));
  const boxWidth = Math.max(
    64,
    ...named.map(({ name, detail }) => 16 + CHARACTER * Math.max([...name].length, [...detail].length)),
  );
  const cells = Map.groupBy(named, ({ node: { ref } }) => `${tokenOf(ref)} ${rowOf(ref)}`);
  const cellOf = (token: number, row: number) => cells.get(`${token} ${row}`) ?? [];

  const usedRows = [...new Set(nodes.map(({ ref }) => rowOf(ref)))];
  const usedTokens = [...new Set([...nodes.map(({ ref }) => tokenOf(ref)), position])].toSorted((a, b) => a - b);
  const objectiveWidth = Math.max(130, 14 * nodes.length);
  const { columns, gaps, end } = placeColumns(usedTokens, (token) => ({
    label: wellFormed(shortened(tokenLabel(tokens[token]?.text ?? ""), 14)),
    width: COLUMN_PADDING + Math.max(
      token === position ? objectiveWidth : 70,
      ...usedRows.map((row) => Math.min(BOXES_A_LINE, cellOf(token, row).length) * (boxWidth + SPACE) - SPACE),
    ),
  }));
  const { rows, bands, rowNames, bottom } = placeRows(layerCount, (row) => {
    const lines = Math.max(0, ...usedTokens.map((token) => Math.ceil(cellOf(token, row).length / BOXES_A_LINE)));
    return lines === 0 ? 0 : lines * (BOX_HEIGHT + SPACE) - SPACE;
  });

  const placed = columns.flatMap((column) =>
    usedRows.flatMap((row) =>
      cellOf(column.token, row).map(({ node: { ref }, name, detail }, index, { length }): PlacedNode => {
        const line = Math.floor(index / BOXES_A_LINE);
        const inLine = Math.min(BOXES_A_LINE, length - line * BOXES_A_LINE);
        const start = column.x + (column.width - inLine * (boxWidth + SPACE) + SPACE) / 2;
        return {
          ref,
          name,
          detail,
          x: start + (index % BOXES_A_LINE) * (boxWidth + SPACE),
          y: (rows.get(row) ?? 0) + line * (BOX_HEIGHT + SPACE),
          width: boxWidth,
          height: BOX_HEIGHT,
        };
      })
    )
  );
  const home = columns.find(({ token }) => token === position);
  return {
    width: end + RIGHT,
    height: bottom,
    objective: {
      x: home === undefined ? LEFT : home.x + (home.width - objectiveWidth) / 2,
      y: TOP,
      width: objectiveWidth,
      height: OBJECTIVE_HEIGHT,
    },
    nodes: placed,
    columns,
    bands,
    rowNames,
    gaps,
  };
}

function tokenOf(ref: string): number {
  return placesOf(ref)[0] ?? 0;
}

/** Rows of a layer, upwards. */
const LAYER_ROWS: readonly BlockPart[] = ["attention", "MLP", "residual stream"];

/** Rows count upwards: embeddings, then attention, MLP and stream of each layer. */
function rowOf(ref: string): number {
  const layer = layerOf(ref);
  const part = partOf(ref);
  return layer === null || part === null ? 0 : rowOfPart(layer, part);
}

function rowOfPart(layer: number, part: BlockPart): number {
  return LAYER_ROWS.length * layer + 1 + LAYER_ROWS.indexOf(part);
}

function namesOf({ ref }: CircuitNode, { tokens }: CircuitResult): Pick<PlacedNode, "name" | "detail"> {
  const [token = 0, key] = placesOf(ref);
  const textOf = (index: number) => wellFormed(shortened(tokenLabel(tokens[index]?.text ?? ""), 9));
  const component = componentOf(ref);
  if (component === null) return { name: "embed", detail: textOf(token) };
  return { name: component, detail: key === undefined ? "" : `← ${key} ${textOf(key)}` };
}

/** Columns from left to right; tokens left out between two are a gap. */
function placeColumns(
  usedTokens: readonly number[],
  measure: (token: number) => Pick<Column, "label" | "width">,
): Pick<CircuitLayout, "columns" | "gaps"> & { readonly end: number } {
  const columns: Column[] = [];
  const gaps: CircuitLayout["gaps"][number][] = [];
  let x = LEFT;
  let before: number | null = null;
  for (const token of usedTokens) {
    if (before !== null && token > before + 1) {
      gaps.push({ x: x + TOKEN_GAP / 2, first: before + 1, last: token - 1 });
      x += TOKEN_GAP;
    }
    const { label, width } = measure(token);
    columns.push({ token, label, x, width });
    x += width;
    before = token;
  }
  return { columns, gaps, end: x };
}

/** Rows from the objective downwards; layers without boxes share a thin band. */
function placeRows(
  layerCount: number,
  heightOf: (row: number) => number,
): Pick<CircuitLayout, "bands" | "rowNames"> & { readonly rows: ReadonlyMap<number, number>; readonly bottom: number } {
  const rows = new Map<number, number>();
  const bands: Band[] = [];
  const rowNames: CircuitLayout["rowNames"][number][] = [];
  let y = TOP + OBJECTIVE_HEIGHT + ROW_GAP / 2;
  let lastEmpty: number | null = null;
  const endEmpty = (layer: number) => {
    if (lastEmpty === null) return;
    const label = lastEmpty === layer ? `layer ${layer}` : `layers ${layer}–${lastEmpty}`;
    bands.push({ label, y, height: EMPTY_BAND, isEmpty: true });
    y += EMPTY_BAND;
    lastEmpty = null;
  };
  const place = (row: number, name: string) => {
    const height = heightOf(row);
    if (height === 0) return;
    rows.set(row, y + ROW_GAP / 2);
    rowNames.push({ label: name, y: y + (ROW_GAP + height) / 2 });
    y += height + ROW_GAP;
  };
  for (let layer = layerCount - 1; layer >= 0; layer--) {
    if (LAYER_ROWS.every((part) => heightOf(rowOfPart(layer, part)) === 0)) {
      lastEmpty ??= layer;
      continue;
    }
    endEmpty(layer + 1);
    const start = y;
    for (const part of LAYER_ROWS.toReversed()) place(rowOfPart(layer, part), part);
    bands.push({ label: `layer ${layer}`, y: start, height: y - start, isEmpty: false });
  }
  endEmpty(0);
  place(0, "embed");
  return { rows, bands, rowNames, bottom: y };
}

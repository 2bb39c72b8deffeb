/** The curves of a circuit: which edges are drawn, where they leave and arrive, and how they pass the boxes between. */
import type { CircuitEdge, CircuitResult } from "../../engine/mod.ts";
import type { Box, CircuitLayout } from "./circuit_layout.ts";
import { coordinate, largestSize } from "./numbers.ts";

/** More curves than these are no longer a picture; the table holds them all. */
export const MAX_DRAWN_EDGES = 100;

/** The reader's name of edges into the objective. */
export const OBJECTIVE = "objective";

export interface DrawnEdge extends CircuitEdge {
  readonly curve: string;
  /** In pixels; grows with the size of the attribution. */
  readonly width: number;
  /** Likewise, so that a thick bundle of weak edges stays quiet. */
  readonly opacity: number;
  /** Where the path's letter stands, at the reader. */
  readonly letter: { readonly x: number; readonly y: number };
}

const THINNEST = 1;
const WIDEST = 7;
const FAINTEST = 0.45;
/** How far to the side a curve may swing in order to pass the boxes between. */
const SWINGS = [0, 40, -40, 80, -80, 130, -130];
/** The swings of both halves of a curve, gentle ones first. */
const SWING_PAIRS = SWINGS.flatMap((first) => SWINGS.map((second) => [first, second] as const)).toSorted((a, b) =>
  swingOf(a) - swingOf(b)
);
const SAMPLES = 20;

type Point = readonly [number, number];

const ORIGIN: Point = [0, 0];

/** All edges that have a size: between nodes by falling size, then those from nodes to the objective, by direct effect. */
export function circuitEdges({ edges, nodes }: Pick<CircuitResult, "edges" | "nodes">): readonly CircuitEdge[] {
  const between = edges.filter(({ attribution }) => isDrawable(attribution)).toSorted(
    (a, b) => Math.abs(b.attribution) - Math.abs(a.attribution),
  );
  const direct = nodes.flatMap(({ ref, directEffect }): readonly CircuitEdge[] =>
    directEffect !== null && isDrawable(directEffect)
      ? [{ from: ref, to: OBJECTIVE, path: null, attribution: directEffect }]
      : []
  );
  return [...between, ...direct];
}

/** The strongest edges as curves, weak ones first, so that strong ones lie above them. */
export function drawEdges(circuit: CircuitResult, layout: CircuitLayout): readonly DrawnEdge[] {
  const boxes = new Map<string, Box>([...layout.nodes.map((node) => [node.ref, node] as const), [
    OBJECTIVE,
    layout.objective,
  ]]);
  const known = circuitEdges(circuit).filter(({ from, to }) => boxes.has(from) && boxes.has(to));
  const direct = known.filter(({ to }) => to === OBJECTIVE);
  const shown = [...known.filter(({ to }) => to !== OBJECTIVE).slice(0, MAX_DRAWN_EDGES), ...direct];
  const largest = largestSize(shown.map(({ attribution }) => attribution));
  const starts = ports(shown, boxes, "from");
  const ends = ports(shown, boxes, "to");
  return shown.map((edge): DrawnEdge => {
    const share = Math.abs(edge.attribution) / largest;
    const start = starts.get(edge) ?? ORIGIN;
    const end = ends.get(edge) ?? ORIGIN;
    const between = layout.nodes.filter(({ ref }) => ref !== edge.from && ref !== edge.to);
    return {
      ...edge,
      curve: curveText(bestCurve([start, end], between, layout.width)),
      width: Math.round((THINNEST + share * (WIDEST - THINNEST)) * 100) / 100,
      opacity: Math.round((FAINTEST + share * (1 - FAINTEST)) * 100) / 100,
      letter: { x: coordinate(end[0]), y: coordinate(end[1] + 12) },
    };
  }).toSorted((a, b) => Math.abs(a.attribution) - Math.abs(b.attribution));
}

function isDrawable(value: number): boolean {
  return Number.isFinite(value) && value !== 0;
}

/** Edges share a side of a box evenly, in the order of what they lead to, so that they do not cross at the box. */
function ports(
  edges: readonly CircuitEdge[],
  boxes: ReadonlyMap<string, Box>,
  end: "from" | "to",
): ReadonlyMap<CircuitEdge, Point> {
  const other = end === "from" ? "to" : "from";
  const centre = (ref: string) => {
    const box = boxes.get(ref);
    return box === undefined ? 0 : box.x + box.width / 2;
  };
  const found = new Map<CircuitEdge, Point>();
  for (const [ref, group] of Map.groupBy(edges, (edge) => edge[end])) {
    const box = boxes.get(ref);
    if (box === undefined) continue;
    const ordered = group.toSorted((a, b) => centre(a[other]) - centre(b[other]));
    ordered.forEach((edge, index) => {
      const x = box.x + box.width * (index + 1) / (ordered.length + 1);
      found.set(edge, [x, end === "from" ? box.y : box.y + box.height]);
    });
  }
  return found;
}

type Curve = readonly [Point, Point, Point, Point];

function swingOf([first, second]: readonly [number, number]): number {
  return Math.abs(first) + Math.abs(second);
}

/** The curve with the fewest samples inside boxes; of equals, the one that swings least. */
function bestCurve([start, end]: readonly [Point, Point], obstacles: readonly Box[], width: number): Curve {
  const near = obstacles.filter(({ y, height }) => y < start[1] && y + height > end[1]);
  let best = swungCurve(start, end, [0, 0]);
  let fewest = Infinity;
  for (const swing of SWING_PAIRS) {
    const curve = swungCurve(start, end, swing);
    const points = samples(curve);
    if (points.some(([x]) => x < 4 || x > width - 4)) continue;
    const hits = points.filter((point) => near.some((box) => isInside(point, box))).length;
    if (hits >= fewest) continue;
    [best, fewest] = [curve, hits];
    if (hits === 0) break;
  }
  return best;
}

/** Leaves upwards and arrives from below. */
function swungCurve(start: Point, end: Point, [first, second]: readonly [number, number]): Curve {
  const reach = Math.max(20, (start[1] - end[1]) * 0.5);
  // 4/3: with both halves alike, the curve itself then swings so far.
  return [start, [start[0] + first * 4 / 3, start[1] - reach], [end[0] + second * 4 / 3, end[1] + reach], end];
}

function samples([a, b, c, d]: Curve): readonly Point[] {
  return Array.from({ length: SAMPLES }, (_, index): Point => {
    const t = (index + 1) / (SAMPLES + 1);
    const s = 1 - t;
    const [wa, wb, wc, wd] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
    return [wa * a[0] + wb * b[0] + wc * c[0] + wd * d[0], wa * a[1] + wb * b[1] + wc * c[1] + wd * d[1]];
  });
}

function isInside([x, y]: Point, box: Box): boolean {
  return x > box.x - 4 && x < box.x + box.width + 4 && y > box.y - 4 && y < box.y + box.height + 4;
}

function curveText([a, b, c, d]: Curve): string {
  const text = ([x, y]: Point) => `${coordinate(x)} ${coordinate(y)}`;
  return `M${text(a)}C${text(b)} ${text(c)} ${text(d)}`;
}

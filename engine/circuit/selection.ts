/**
 * Choosing the nodes worth showing, inside the graph: whole scalar tensors never leave ONNX Runtime.
 *
 * For each layer and kind, on every side, the graph takes the k largest by size of activation and write norm, and the k largest
 * and k smallest of both effects (the largest of their negatives); then it gathers all four scalars of the union, on all sides. `readSelection` takes the top k
 * over layers from these candidates: every node among the k of all layers is among the k of its own.
 * Masked pairs (key after query) and empty slots are moved to ±∞ first, so that they are never chosen before a real node.
 */
import { abs, add, cast, greaterOrEqual, neg, scale, shift, where } from "../onnx/elementwise.ts";
import { reduceMax } from "../onnx/linear.ts";
import { concat, expand, gather, nonZero, reshape, topK, unsqueeze } from "../onnx/shaping.ts";
import { graphInput, scalar, type Value } from "../onnx/value.ts";
import { type Dim, divideDim } from "../tensor/dim.ts";
import { elementCount } from "../tensor/shape.ts";
import { float32Data, int64, int64Numbers, type Tensor } from "../tensor/tensor.ts";
import type { LatentKind } from "../model/dictionary.ts";
import { isToken } from "../model/transformer.ts";
import type { Metric, NodeScalars } from "./metrics.ts";

/** Kinds of nodes that are chosen from. Embeddings and errors are few: all of them are shown. */
export type SelectedKind = "mlp" | "head" | LatentKind;

/**
 * What is compared, in the order of the graph's rows: of each row the largest are taken. The sign of an activation says nothing about how
 * much it matters.
 */
const CRITERIA = [
  "activation by size",
  "write norm",
  "direct effect",
  "total effect",
  "−direct effect",
  "−total effect",
];

/** Rows of a layer's columns: what is compared, and the activation itself, by which more than that may be chosen. */
const ROW_COUNT = CRITERIA.length + 1;

/** One chosen node: its place in the layer's flattened scalars and its values by metric and side. */
export interface Candidate {
  readonly layer: number;
  /** Index into `[token, neuron]`, `[token, latent]` or `[head, query, key]`. */
  readonly flatIndex: number;
  readonly values: Readonly<Record<Metric, readonly number[]>>;
}

/** Feeds the k of a kind. @param nodeCount Nodes of one layer on one side, padding included. */
export function selectionFeeds(kind: SelectedKind, k: number, nodeCount: number): Record<string, Tensor> {
  const count = Math.min(k, nodeCount);
  return {
    [kInput(kind)]: int64([1], [count]),
    [fillerInput(kind)]: int64([count], Array.from({ length: count }, (_, index) => index)),
  };
}

/** Outputs that hold the candidates of one layer. */
export function selectionOutputs(kind: SelectedKind, layer: number): SelectionOutputs {
  const prefix = `top.${kind}.${layer}`;
  return { indices: `${prefix}.indices`, columns: `${prefix}.columns` };
}

/** Names of a layer's outputs. */
interface SelectionOutputs {
  /** int64 `[candidate]` into the flattened scalars. */
  readonly indices: string;
  /** What the criteria compare, then the activation with its sign, of every candidate: `[batch, row, candidate]` */
  readonly columns: string;
}

/**
 * Graph outputs with the candidates of one layer and kind.
 *
 * @param penalty 0 at real nodes, −∞ elsewhere, broadcastable to the scalars: `tokenPenalty` or `pairPenalty`
 */
export function selectNodes(
  { kind, layer, k }: { readonly kind: SelectedKind; readonly layer: number; readonly k: Value },
  { activation, writeNorm, directEffect, totalEffect }: NodeScalars,
  penalty: Value,
): Record<string, Value> {
  const effects = concat([directEffect, totalEffect], 1);
  const columns = rows(concat([abs(activation), writeNorm, effects, neg(effects), activation], 1), ROW_COUNT);
  // Every row gets the same penalty.
  const { places, chosen } = choose(columns, rows(expand(penalty, activation.shape), 1), { kind, k });
  const names = selectionOutputs(kind, layer);
  return { [names.indices]: places, [names.columns]: chosen };
}

/**
 * The same for latents, of which few are active: only those that are on some side are compared. As it is not known how many there are,
 * k others fill up, behind all of them.
 *
 * @param penalty `tokenPenalty`
 */
export function selectLatents(
  { kind, layer, k }: { readonly kind: LatentKind; readonly layer: number; readonly k: Value },
  scalars: NodeScalars,
  penalty: Value,
): Record<string, Value> {
  const { shape } = scalars.activation;
  const [batch, token, latent] = shape as readonly [Dim, Dim, Dim];
  const flat = elementCount([token, latent]);
  const largest = reduceMax(abs(scalars.activation), { axes: [0] });
  const filler = graphInput(fillerInput(kind), "int64", [kDim(kind)]);
  const active = nonZero(reshape(largest, [flat]), `active_${kind}_${layer}`);
  const indices = concat([active, filler], 0);
  const at = (values: Value) => gather(reshape(values, [batch, 1, flat]), indices, 2);
  const [activation, writeNorm, direct, total] = [
    at(scalars.activation),
    at(scalars.writeNorm),
    at(scalars.directEffect),
    at(scalars.totalEffect),
  ];
  const columns = concat([abs(activation), writeNorm, direct, total, neg(direct), neg(total), activation], 1);
  const behind = (own: Value, by: number) => shift(scale(cast(own, "float32"), 0), by);
  const last = concat([behind(active, 0), behind(filler, -Infinity)], 0);
  const { places, chosen } = choose(columns, add(at(expand(penalty, shape)), last), { kind, k });
  const names = selectionOutputs(kind, layer);
  return { [names.indices]: gather(indices, places), [names.columns]: chosen };
}

/**
 * The k largest of each row, on every side, with the whole columns of all of them.
 *
 * @param columns `[batch, row, node]`
 * @param penalties `[batch, 1, node]`
 */
function choose(
  columns: Value,
  penalties: Value,
  { kind, k }: { readonly kind: SelectedKind; readonly k: Value },
): { readonly places: Value; readonly chosen: Value } {
  const { indices } = topK(add(columns, penalties), k, { kDim: kDim(kind), largest: true });
  const places = reshape(indices, [elementCount(indices.shape)]);
  return { places, chosen: gather(columns, places, 2) };
}

/** The input that says how many nodes of a kind are taken: int64 `[1]`. */
export function topKInput(kind: SelectedKind): Value {
  return graphInput(kInput(kind), "int64", [1]);
}

/** For neurons: 0 at tokens, −∞ at empty slots; `[batch, token, 1]`. @param order As in `Forward`. */
export function tokenPenalty(order: Value): Value {
  return unsqueeze(minusInfinityUnless(isToken(order)), 2);
}

/** For head pairs: 0 where a token attends to one not after it, else −∞; `[batch, 1, query, key]`. @param order As in `Forward`. */
export function pairPenalty(order: Value): Value {
  const causal = minusInfinityUnless(greaterOrEqual(unsqueeze(order, 2), unsqueeze(order, 1)));
  return unsqueeze(add(tokenPenalty(order), causal), 1);
}

function minusInfinityUnless(isReal: Value): Value {
  return where(isReal, scalar(0), scalar(-Infinity));
}

/** Columns that lie behind one another along axis 1, as rows: `[batch, row, node]`. */
function rows(columns: Value, count: number): Value {
  const [batch, first, ...rest] = columns.shape as readonly [Dim, Dim, ...Dim[]];
  return reshape(columns, [batch, count, elementCount([divideDim(first, count), ...rest])]);
}

function kDim(kind: SelectedKind): string {
  return `k_${kind}`;
}

function kInput(kind: SelectedKind): string {
  return `k.${kind}`;
}

/** Latents that fill up where fewer than k are active: any k of them. */
function fillerInput(kind: SelectedKind): string {
  return `filler.${kind}`;
}

/** What `readSelection` needs to know of the question. */
export interface SelectionContext {
  /** Those that have nodes of the kind. */
  readonly layers: readonly number[];
  readonly k: number;
  readonly sideCount: number;
  /** Whether a flattened index is a node of this side. */
  readonly isNode: (flatIndex: number, side: number, layer: number) => boolean;
}

/**
 * The nodes of one kind that are among the top k of any column on any side, over all layers.
 *
 * @param fetches The outputs that `selectNodes` asked for.
 */
export function readSelection(
  kind: SelectedKind,
  fetches: Readonly<Record<string, Tensor>>,
  { layers, k, sideCount, isNode }: SelectionContext,
): readonly Candidate[] {
  const found = layers.flatMap((layer) => readLayer(kind, fetches, layer));
  const chosen = new Set<FoundNode>();
  for (let side = 0; side < sideCount; side++) {
    const onSide = found.filter(({ flatIndex, layer }) => isNode(flatIndex, side, layer));
    for (let row = 0; row < CRITERIA.length; row++) {
      const keys = Float32Array.from(onSide, ({ columns, place }) => columns.at(row, side, place));
      for (const index of largest(keys, k)) {
        const node = onSide[index];
        if (node !== undefined) chosen.add(node);
      }
    }
  }
  return found.filter((node) => chosen.has(node)).map((node) => candidateOf(node, sideCount));
}

/** Indices of the k largest, of equal ones the first. Sorting numbers alone is much faster than sorting by a comparison. */
function largest(keys: Float32Array, k: number): readonly number[] {
  const least = keys.length <= k ? -Infinity : keys.toSorted()[keys.length - k] ?? -Infinity;
  let equalLeft = k - keys.reduce((count, key) => count + Number(key > least), 0);
  const indices: number[] = [];
  keys.forEach((key, index) => {
    if (key > least || (key === least && equalLeft-- > 0)) indices.push(index);
  });
  return indices;
}

/** What a layer's graph chose, with what it compares. */
interface Columns {
  /** @param row As in `selectNodes` @param place Among the layer's candidates */
  at(row: number, side: number, place: number): number;
}

/** A candidate before its values are read. */
interface FoundNode {
  readonly layer: number;
  readonly flatIndex: number;
  readonly place: number;
  readonly columns: Columns;
}

/** Candidates of one layer, each once, by rising index. */
function readLayer(
  kind: SelectedKind,
  fetches: Readonly<Record<string, Tensor>>,
  layer: number,
): readonly FoundNode[] {
  const names = selectionOutputs(kind, layer);
  const [indices, values] = [fetches[names.indices], fetches[names.columns]];
  if (indices === undefined || values === undefined) {
    throw new Error(`Internal: no candidates of ${kind} layer ${layer}`);
  }
  const flatIndices = int64Numbers(indices);
  const count = flatIndices.length;
  const data = float32Data(values);
  const columns: Columns = { at: (row, side, place) => data[(side * ROW_COUNT + row) * count + place] ?? NaN };
  const firstPlace = new Map<number, number>();
  flatIndices.forEach((flatIndex, place) => {
    if (!firstPlace.has(flatIndex)) firstPlace.set(flatIndex, place);
  });
  return [...firstPlace].sort(([a], [b]) => a - b).map(([flatIndex, place]) => ({ layer, flatIndex, place, columns }));
}

function candidateOf({ layer, flatIndex, place, columns }: FoundNode, sideCount: number): Candidate {
  // Adding 0 makes a zero of either sign the same zero, as it is once stored.
  const onSides = (row: number) => Array.from({ length: sideCount }, (_, side) => columns.at(row, side, place) + 0);
  return {
    layer,
    flatIndex,
    values: {
      activation: onSides(CRITERIA.length),
      writeNorm: onSides(1),
      directEffect: onSides(2),
      totalEffect: onSides(3),
    },
  };
}

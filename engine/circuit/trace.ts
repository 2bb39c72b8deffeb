/** A trace: the scalar that gradients start from instead of the objective, as it is asked and as it is fed. What it computes is in `trace_graph.ts`. */
import { concat, expand, gather, unsqueeze } from "../onnx/shaping.ts";
import { constant, graphInput, type Value } from "../onnx/value.ts";
import type { LatentKind } from "../model/dictionary.ts";
import { int64, type Tensor } from "../tensor/tensor.ts";
import { isLatent, type LatentRef, type NodeRef } from "./refs.ts";

export const HEAD_PATHS = ["q", "k", "qk", "v"] as const;
/** The way into a head: through the query, the key, both, or the value. */
export type HeadPath = typeof HEAD_PATHS[number];

/** A node that is traced. Tokens are slots. */
export type TracedNode =
  | Extract<NodeRef, { kind: "mlp" }>
  | LatentRef
  | Extract<NodeRef, { kind: "head" }> & { readonly path: HeadPath };

/** A trace, ready to be fed. */
export interface Trace {
  readonly node: TracedNode;
  /** For the path v: the later node that the value is measured by; null is the objective. */
  readonly towards: TracedNode | null;
  /** Before the nonlinearity (GELU, softmax), as is usual, or after it. */
  readonly activation: "pre" | "post";
  /** Hold the scale of the norm in front of the node constant. */
  readonly freezeNorm: boolean;
  /**
   * The scalar itself, or the node's attribution: the scalar times the objective's gradient with respect to it, which is held constant.
   * Direct effects on an attribution are edges: how much of what the node adds to the objective comes from each writer.
   */
  readonly of: "value" | "attribution";
}

/** A traced node without what is fed. */
export type TracedKind =
  | { readonly kind: "mlp"; readonly layer: number }
  | { readonly kind: LatentKind; readonly layer: number }
  | { readonly kind: "head"; readonly layer: number; readonly path: HeadPath };

/** What decides the structure of a trace's graph. */
export interface TraceKind extends Omit<Trace, "node" | "towards"> {
  readonly node: TracedKind;
  readonly towards: TracedKind | null;
}

export function traceKind({ node, towards, ...rest }: Trace): TraceKind {
  return { node: tracedKind(node), towards: towards === null ? null : tracedKind(towards), ...rest };
}

function tracedKind(node: TracedNode): TracedKind {
  const { kind, layer } = node;
  return kind === "head" ? { kind, layer, path: node.path } : { kind, layer };
}

/** The two places of a trace's nodes among the inputs. */
export type TracePlace = "node" | "towards";

export interface TraceInputs {
  /** The neuron, latent or head: int64 `[1]` */
  readonly unit: Value;
  /** Row and token, or query: int64 `[batch, 2]` */
  readonly first: Value;
  /** Row and key: int64 `[batch, 2]` */
  readonly second: Value;
  /** Row, token and neuron, or latent: int64 `[batch, 3]` */
  readonly cell: Value;
  /** Row, head, query and key: int64 `[batch, 4]` */
  readonly pair: Value;
}

export function traceInputs(place: TracePlace): TraceInputs {
  const unit = graphInput(`trace.${place}.unit`, "int64", [1]);
  const first = graphInput(`trace.${place}.first`, "int64", ["batch", 2]);
  const second = graphInput(`trace.${place}.second`, "int64", ["batch", 2]);
  const column = (index: Value, at: number) => gather(index, constant("int64", [1], BigInt64Array.of(BigInt(at))), 1);
  const row = column(first, 0);
  const units = expand(unsqueeze(unit, 0), row.shape);
  const pair = concat([row, units, column(first, 1), column(second, 1)], 1);
  return { unit, first, second, cell: concat([first, units], 1), pair };
}

/** Feeds of a trace's inputs. */
export function traceFeeds({ node, towards }: Trace, rowCount: number): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [place, traced] of [["node", node], ["towards", towards]] as const) {
    if (traced === null) continue;
    const [unit, first, second] = placeOf(traced);
    const atRows = (token: number) =>
      int64([rowCount, 2], Array.from({ length: rowCount }, (_, row) => [row, token]).flat());
    feeds[`trace.${place}.unit`] = int64([1], [unit]);
    feeds[`trace.${place}.first`] = atRows(first);
    feeds[`trace.${place}.second`] = atRows(second);
  }
  return feeds;
}

/** The unit, and the one or two tokens, of a traced node. */
function placeOf(node: TracedNode): readonly [unit: number, first: number, second: number] {
  if (node.kind === "head") return [node.head, node.query, node.key];
  return [isLatent(node) ? node.latent : node.neuron, node.token, node.token];
}

/** Slots at which the residual in front of a trace's node is read, each once. */
export function readSlots({ node, activation }: Trace, slotCount: number): readonly number[] {
  const everySlot = () => Array.from({ length: slotCount }, (_, slot) => slot);
  // A latent of the attention reads what all heads bring from wherever they attend.
  if (node.kind === "attn-latent") return everySlot();
  if (node.kind !== "head") return [node.token];
  if (activation === "post" && node.path !== "v") return everySlot();
  switch (node.path) {
    case "q":
      return [node.query];
    case "k":
    case "v":
      return [node.key];
    case "qk":
      return [...new Set([node.query, node.key])];
  }
}

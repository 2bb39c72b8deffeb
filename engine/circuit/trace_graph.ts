/**
 * The scalar that a trace starts from, as a graph: a neuron's pre-activation, an attention score, or what a head's value adds to
 * something later (`reference-semantics.md` §2.2 and §2.6). It is computed anew from the residual in front of the node, so that edits
 * of the node's own block do not enter and nothing but that residual is differentiated through. The norm in front of the node has
 * its scale held constant; norms further up are differentiated fully.
 */
import { add, gelu, greaterOrEqual, mul, scale, stopGradient, where } from "../onnx/elementwise.ts";
import { matMul, reduceSum, softmax } from "../onnx/linear.ts";
import { concat, expand, gather, gatherNd, reshape, unsqueeze } from "../onnx/shaping.ts";
import { constant, graphInput, scalar, type Value } from "../onnx/value.ts";
import { blockOf, type NormWeights } from "../model/architecture.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { type Forward, hookOf, linear, normOutput } from "../model/transformer.ts";
import { int64, type Tensor } from "../tensor/tensor.ts";
import type { NodeRef } from "./refs.ts";

export const HEAD_PATHS = ["q", "k", "qk", "v"] as const;
/** The way into a head: through the query, the key, both, or the value. */
export type HeadPath = typeof HEAD_PATHS[number];

/** A node that is traced. Tokens are slots. */
export type TracedNode =
  | Extract<NodeRef, { kind: "mlp" }>
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
  return kind === "mlp" ? { kind, layer } : { kind, layer, path: node.path };
}

export interface TraceGraph {
  /** The traced scalar of every side: `[batch]` */
  readonly value: Value;
  /** The residual in front of the node: `[batch, token, d_model]` */
  readonly front: Value;
}

/**
 * @param objectiveGradient The objective's gradient at a value of the forward pass.
 * @param gradientOf ∂Σvalue/∂target.
 */
export function buildTrace(
  model: ModelWeights,
  { forward, trace, objectiveGradient, gradientOf }: {
    readonly forward: Forward;
    readonly trace: TraceKind;
    readonly objectiveGradient: (at: Value) => Value;
    readonly gradientOf: (value: Value, target: Value) => Value;
  },
): TraceGraph {
  const { node, towards } = trace;
  const source = { model, forward, options: trace };
  const isAttribution = trace.of === "attribution";
  if (node.kind === "mlp") {
    const traced = neuronTrace(node, "node", source);
    if (!isAttribution) return traced;
    const slope = gatherNd(
      objectiveGradient(hookOf(forward, `blocks.${node.layer}.mlp.hook_post`)),
      traced.inputs.cell,
    );
    return { ...traced, value: mul(traced.value, stopGradient(slope)) };
  }
  if (node.path !== "v") {
    const traced = scoreTrace(node, "node", source);
    if (!isAttribution) return traced;
    const slope = gatherNd(
      objectiveGradient(hookOf(forward, `blocks.${node.layer}.attn.hook_pattern`)),
      traced.inputs.pair,
    );
    return { ...traced, value: mul(traced.value, stopGradient(slope)) };
  }
  const direction = () => {
    if (isAttribution) return objectiveGradient(hookOf(forward, `blocks.${node.layer}.hook_attn_out`));
    if (towards === null) return objectiveGradient(forward.residual);
    const later = towards.kind === "mlp"
      ? neuronTrace(towards, "towards", source)
      : scoreTrace(towards, "towards", source);
    return gradientOf(later.value, later.front);
  };
  return valueTrace(node, direction(), source);
}

/** The two places of a trace's nodes among the inputs. */
type Place = "node" | "towards";

interface Source {
  readonly model: ModelWeights;
  readonly forward: Forward;
  readonly options: Pick<Trace, "activation" | "freezeNorm">;
}

type Traced = TraceGraph & { readonly inputs: TraceInputs };

function neuronTrace({ layer }: TracedKind, place: Place, { model, forward, options }: Source): Traced {
  const { norm2, mlpIn } = blockOf(model.weights, layer);
  const front = hookOf(forward, `blocks.${layer}.hook_resid_mid`);
  const inputs = inputsOf(place);
  const { unit, first } = inputs;
  const rows = normed(gatherNd(front, first), norm2, { model, options });
  const pre = add(matMul(rows, gather(mlpIn.weight, unit, 1)), gather(mlpIn.bias, unit));
  const value = reshape(pre, ["batch"]);
  return { value: options.activation === "post" && place === "node" ? gelu(value) : value, front, inputs };
}

function scoreTrace(
  { layer, path }: Extract<TracedKind, { kind: "head" }>,
  place: Place,
  { model, forward, options }: Source,
): Traced {
  const { norm1, qkv } = blockOf(model.weights, layer);
  const front = hookOf(forward, `blocks.${layer}.hook_resid_pre`);
  const inputs = inputsOf(place);
  const { unit, first, second } = inputs;
  const isPost = options.activation === "post" && place === "node";
  const rows = (index: Value, part: number) =>
    headRows(linear(normed(gatherNd(front, index), norm1, { model, options }), qkv), { unit, part, model });
  const held = (value: Value, isHeld: boolean) => isHeld ? stopGradient(value) : value;
  // [batch, 1, d_head] each; after the softmax all keys matter: [batch, token, d_head].
  const query = held(rows(first, 0), path === "k");
  const keys = held(
    isPost
      ? headRows(linear(normed(front, norm1, { model, options }), qkv), { unit, part: 1, model })
      : rows(second, 1),
    path === "q",
  );
  const scores = scale(
    matMul(query, keys, { transB: true }),
    1 / Math.sqrt(model.architecture.headWidth),
  );
  if (!isPost) return { value: reshape(scores, ["batch"]), front, inputs };
  const { order } = forward;
  const isCausal = greaterOrEqual(unsqueeze(gatherNd(order, first), 1), order);
  const pattern = softmax(where(isCausal, reshape(scores, ["batch", "token"]), scalar(-Infinity)));
  return { value: gatherNd(pattern, second), front, inputs };
}

/** P[q, k, h] ⟨v[k, h] W_O[h], direction[q]⟩ with P and the direction constant. */
function valueTrace({ layer }: TracedKind, direction: Value, { model, forward, options }: Source): TraceGraph {
  const { norm1, qkv, attentionOut } = blockOf(model.weights, layer);
  const { headCount, headWidth, modelWidth } = model.architecture;
  const front = hookOf(forward, `blocks.${layer}.hook_resid_pre`);
  const { unit, first, second, pair } = inputsOf("node");
  const value = headRows(linear(normed(gatherNd(front, second), norm1, { model, options }), qkv), {
    unit,
    part: 2,
    model,
  });
  const output = gather(reshape(attentionOut.weight, [headCount, headWidth, modelWidth]), unit);
  const write = reshape(matMul(value, output), ["batch", modelWidth]);
  const probability = stopGradient(gatherNd(hookOf(forward, `blocks.${layer}.attn.hook_pattern`), pair));
  const along = reduceSum(mul(write, stopGradient(gatherNd(direction, first))), { axes: [1] });
  return { value: mul(probability, along), front };
}

/** What a layer reads of the residual. @param x `[batch, …, d_model]` */
function normed(x: Value, norm: NormWeights, { model, options }: Pick<Source, "model" | "options">): Value {
  return normOutput(x, norm, { epsilon: model.architecture.normEpsilon, freezeScale: options.freezeNorm });
}

/**
 * The query (part 0), key (1) or value (2) vector of one head, from the fused rows of all.
 *
 * @param fused `[batch, 3·d_model]` or `[batch, token, 3·d_model]`
 * @returns `[batch, 1 or token, d_head]`
 */
function headRows(
  fused: Value,
  { unit, part, model }: { readonly unit: Value; readonly part: number; readonly model: ModelWeights },
): Value {
  const { headCount, headWidth } = model.architecture;
  const [batch = 1, ...rest] = fused.shape.slice(0, -1);
  const token = rest[0] ?? 1;
  const heads = reshape(fused, [batch, token, 3 * headCount, headWidth]);
  const offset = constant("int64", [], BigInt64Array.of(BigInt(part * headCount)));
  return reshape(gather(heads, add(unit, offset), 2), [batch, token, headWidth]);
}

interface TraceInputs {
  /** The neuron or head: int64 `[1]` */
  readonly unit: Value;
  /** Row and token, or query: int64 `[batch, 2]` */
  readonly first: Value;
  /** Row and key: int64 `[batch, 2]` */
  readonly second: Value;
  /** Row, token and neuron: int64 `[batch, 3]` */
  readonly cell: Value;
  /** Row, head, query and key: int64 `[batch, 4]` */
  readonly pair: Value;
}

function inputsOf(place: Place): TraceInputs {
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
    const [unit, first, second] = traced.kind === "mlp"
      ? [traced.neuron, traced.token, traced.token]
      : [traced.head, traced.query, traced.key];
    const atRows = (token: number) =>
      int64([rowCount, 2], Array.from({ length: rowCount }, (_, row) => [row, token]).flat());
    feeds[`trace.${place}.unit`] = int64([1], [unit]);
    feeds[`trace.${place}.first`] = atRows(first);
    feeds[`trace.${place}.second`] = atRows(second);
  }
  return feeds;
}

/** Slots at which the residual in front of a trace's node is read, each once. */
export function readSlots({ node, activation }: Trace, slotCount: number): readonly number[] {
  if (node.kind === "mlp") return [node.token];
  if (activation === "post" && node.path !== "v") return Array.from({ length: slotCount }, (_, slot) => slot);
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

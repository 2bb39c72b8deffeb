/**
 * The scalar that a trace starts from, as a graph: a neuron's pre-activation, an attention score, or what a head's value adds to
 * something later (`reference-semantics.md` §2.2 and §2.6). It is computed anew from the residual in front of the node, so that edits
 * of the node's own block do not enter and nothing but that residual is differentiated through. The norm in front of the node has
 * its scale held constant; norms further up are differentiated fully.
 */
import { add, gelu, greaterOrEqual, mul, scale, stopGradient, where } from "../onnx/elementwise.ts";
import { matMul, reduceSum, softmax } from "../onnx/linear.ts";
import { gather, gatherNd, reshape, unsqueeze } from "../onnx/shaping.ts";
import { constant, scalar, type Value } from "../onnx/value.ts";
import { blockOf } from "../model/architecture.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { hookOf, linear, readAt } from "../model/transformer.ts";
import { latentTrace, spliceOf } from "./latent_trace_graph.ts";
import { type TracedKind, traceInputs, type TraceKind, type TracePlace } from "./trace.ts";
import { normed, type Traced, type TraceGraph, type TraceSource } from "./trace_source.ts";
import { writesAt } from "./splice.ts";

/** What gradients are taken with. */
export interface TraceGradients {
  /** The objective's gradient at a value of the forward pass. */
  readonly ofObjective: (at: Value) => Value;
  /** ∂Σvalue/∂target. */
  readonly of: (value: Value, target: Value) => Value;
}

export function buildTrace(
  trace: TraceKind,
  source: Omit<TraceSource, "options">,
  gradients: TraceGradients,
): TraceGraph {
  const { node, towards } = trace;
  const context = { ...source, options: trace };
  const isAttribution = trace.of === "attribution";
  if (node.kind !== "head" || node.path !== "v") {
    const traced = scalarTrace(node, "node", context);
    if (!isAttribution) return traced;
    return { ...traced, value: mul(traced.value, stopGradient(slopeAt(node, traced, { source, gradients }))) };
  }
  const direction = () => {
    if (isAttribution) return gradients.ofObjective(readAt(source.forward, `blocks.${node.layer}.hook_attn_out`));
    if (towards === null) return gradients.ofObjective(source.forward.residual);
    const later = scalarTrace(towards, "towards", context);
    return gradients.of(later.value, later.front);
  };
  return valueTrace(node, direction(), context);
}

/** A node's own scalar. */
function scalarTrace(node: TracedKind, place: TracePlace, source: TraceSource): Traced {
  switch (node.kind) {
    case "mlp":
      return neuronTrace(node, place, source);
    case "head":
      return scoreTrace(node, place, source);
    default:
      return latentTrace(node, place, source);
  }
}

/** The objective's gradient with respect to a node's activation: `[batch]` */
function slopeAt(
  { kind, layer }: TracedKind,
  { inputs: { unit, first, cell, pair } }: Traced,
  { source: { forward, splices }, gradients }: {
    readonly source: Omit<TraceSource, "options">;
    readonly gradients: TraceGradients;
  },
): Value {
  switch (kind) {
    case "mlp":
      return gatherNd(gradients.ofObjective(hookOf(forward, `blocks.${layer}.mlp.hook_post`)), cell);
    case "head":
      return gatherNd(gradients.ofObjective(hookOf(forward, `blocks.${layer}.attn.hook_pattern`)), pair);
    default: {
      const splice = spliceOf(splices, kind, layer);
      const gradient = gatherNd(gradients.ofObjective(splice.output), first);
      return reduceSum(mul(gradient, writesAt(splice, { at: first, unit })), { axes: [1] });
    }
  }
}

function neuronTrace({ layer }: TracedKind, place: TracePlace, source: TraceSource): Traced {
  const { model, forward, options } = source;
  const { norm2, mlpIn } = blockOf(model.weights, layer);
  const front = readAt(forward, `blocks.${layer}.hook_resid_mid`);
  const inputs = traceInputs(place);
  const { unit, first } = inputs;
  const rows = normed(gatherNd(front, first), norm2, source).output;
  const pre = add(matMul(rows, gather(mlpIn.weight, unit, 1)), gather(mlpIn.bias, unit));
  const value = reshape(pre, ["batch"]);
  return { value: options.activation === "post" && place === "node" ? gelu(value) : value, front, inputs };
}

function scoreTrace(
  { layer, path }: Extract<TracedKind, { kind: "head" }>,
  place: TracePlace,
  source: TraceSource,
): Traced {
  const { model, forward, options } = source;
  const { norm1, qkv } = blockOf(model.weights, layer);
  const front = readAt(forward, `blocks.${layer}.hook_resid_pre`);
  const inputs = traceInputs(place);
  const { unit, first, second } = inputs;
  const isPost = options.activation === "post" && place === "node";
  const rows = (index: Value, part: number) =>
    headRows(linear(normed(gatherNd(front, index), norm1, source).output, qkv), { unit, part, model });
  const held = (value: Value, isHeld: boolean) => isHeld ? stopGradient(value) : value;
  // [batch, 1, d_head] each; after the softmax all keys matter: [batch, token, d_head].
  const query = held(rows(first, 0), path === "k");
  const keys = held(
    isPost ? headRows(linear(normed(front, norm1, source).output, qkv), { unit, part: 1, model }) : rows(second, 1),
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
function valueTrace({ layer }: TracedKind, direction: Value, source: TraceSource): TraceGraph {
  const { model, forward } = source;
  const { norm1, qkv, attentionOut } = blockOf(model.weights, layer);
  const { headCount, headWidth, modelWidth } = model.architecture;
  const front = readAt(forward, `blocks.${layer}.hook_resid_pre`);
  const { unit, first, second, pair } = traceInputs("node");
  const value = headRows(linear(normed(gatherNd(front, second), norm1, source).output, qkv), {
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

/**
 * The scalar of a traced latent: its pre-activation, computed anew from the residual in front of its block's part
 * (`reference-semantics.md` §2.2, rule 6). A latent of the MLP reads through norm, MLP and encoder at its token; one of the attention through
 * norm, the patterns and values of all heads, and encoder; one of the residual through the encoder alone. Only the norm's scale is held.
 */
import { equal, gelu, greaterOrEqual, scale, where } from "../onnx/elementwise.ts";
import { matMul, softmax } from "../onnx/linear.ts";
import { expand, gatherNd, reshape, split, transpose, unsqueeze } from "../onnx/shaping.ts";
import { scalar, type Value } from "../onnx/value.ts";
import { blockOf } from "../model/architecture.ts";
import type { LatentKind } from "../model/dictionary.ts";
import { encodeEntries, preEntries } from "../model/latents.ts";
import { hookOf, linear, readAt } from "../model/transformer.ts";
import { dimAt } from "../tensor/shape.ts";
import type { Splice } from "./splice.ts";
import { type TracedKind, traceInputs, type TracePlace } from "./trace.ts";
import { normed, type Traced, type TraceSource } from "./trace_source.ts";

/** A latent as a traced node. @throws {Error} if the question splices no such dictionary in */
export function latentTrace(
  { kind, layer }: TracedKind & { readonly kind: LatentKind },
  place: TracePlace,
  source: TraceSource,
): Traced {
  const splice = spliceOf(source.splices, kind, layer);
  const { dictionary } = splice;
  const inputs = traceInputs(place);
  const { unit, first, cell } = inputs;
  const front = frontOf(splice, source);
  const read = readRows(splice, { front, first, source });
  // The same latent on every side.
  const units = expand(unit, ["batch"]);
  if (source.options.activation === "pre" || place === "towards") {
    return { value: preEntries(dictionary, read, units), front, inputs };
  }
  const isOff = equal(gatherNd(splice.ownLatents, cell), scalar(0));
  return { value: encodeEntries(dictionary, read, { units, isOff }).latents, front, inputs };
}

/** The dictionary of a question whose latents are of some kind. */
export function spliceOf(splices: readonly Splice[], kind: LatentKind, layer: number): Splice {
  const found = splices.find((splice) => splice.kind === kind && splice.layer === layer);
  if (found === undefined) throw new Error(`Internal: no dictionary has latents ${kind}/${layer}`);
  return found;
}

/** The residual from which what the dictionary reads is computed. */
function frontOf({ layer, dictionary: { detail: { readHook, writeHook } } }: Splice, { forward }: TraceSource): Value {
  // A dictionary of the stream reads it before it is spliced in itself.
  if (readHook.includes(".hook_resid_")) {
    return readHook === writeHook ? hookOf(forward, readHook) : readAt(forward, readHook);
  }
  return readAt(
    forward,
    `blocks.${layer}.${readHook.endsWith(".hook_attn_out") ? "hook_resid_pre" : "hook_resid_mid"}`,
  );
}

interface Reading {
  readonly front: Value;
  /** Row and token: int64 `[batch, 2]` */
  readonly first: Value;
  readonly source: TraceSource;
}

/** What the dictionary reads at the token: `[batch, in]` */
function readRows(
  { layer, dictionary: { detail: { readHook } } }: Splice,
  { front, first, source }: Reading,
): Value {
  const rows = gatherNd(front, first);
  if (readHook.includes(".hook_resid_")) return rows;
  if (readHook.endsWith(".hook_attn_out")) return attentionRows(layer, { front, first, source });
  const { norm2, mlpIn, mlpOut } = blockOf(source.model.weights, layer);
  const { normalized, output } = normed(rows, norm2, source);
  if (readHook.endsWith(".ln2.hook_normalized")) return normalized;
  const neurons = gelu(linear(output, mlpIn));
  return readHook.endsWith(".mlp.hook_post") ? neurons : linear(neurons, mlpOut);
}

/** What the attention of a layer writes at one token a side: `[batch, d_model]` */
function attentionRows(layer: number, { front, first, source }: Reading): Value {
  const { headCount, headWidth, modelWidth } = source.model.architecture;
  const { norm1, qkv, attentionOut } = blockOf(source.model.weights, layer);
  const fused = linear(normed(front, norm1, source).output, qkv);
  const parts = (rows: Value) => {
    const byHead = reshape(rows, [dimAt(rows.shape, 0), dimAt(rows.shape, 1), 3 * headCount, headWidth]);
    return split(byHead, 2, [headCount, headCount, headCount]).map((part) => transpose(part, [0, 2, 1, 3]));
  };
  const [query] = parts(unsqueeze(gatherNd(fused, first), 1));
  const [, keys, values] = parts(fused);
  if (query === undefined || keys === undefined || values === undefined) {
    throw new Error("Internal: c_attn has three parts");
  }
  const scores = scale(matMul(query, keys, { transB: true }), 1 / Math.sqrt(headWidth));
  const { order } = source.forward;
  const isCausal = greaterOrEqual(unsqueeze(gatherNd(order, first), 1), order);
  const pattern = softmax(where(unsqueeze(unsqueeze(isCausal, 1), 1), scores, scalar(-Infinity)));
  return linear(reshape(transpose(matMul(pattern, values), [0, 2, 1, 3]), ["batch", modelWidth]), attentionOut);
}

/**
 * The forward pass as a graph, block by block, every activation passed through its hook point.
 *
 * x = token embedding + position embedding; per block x += attention(norm₁(x)), x += mlp(norm₂(x)); logits = norm_f(x) W_U.
 * A norm is one call, or written out (mean, scale = √(mean x² + ε), division, gain, bias) where its scale is to be read or
 * frozen. GELU is the tanh form. A prompt need not fill its row: an empty slot comes later than every token in `order`, so that no token
 * attends to it and the rows of real tokens are exact without a mask of their own. Source: Radford et al. 2019; `spec/reference-semantics.md` §1.1.
 */
import {
  add,
  div,
  gelu,
  greaterOrEqual,
  mul,
  scale,
  shift,
  sqrt,
  stopGradient,
  sub,
  where,
} from "../onnx/elementwise.ts";
import { layerNorm, matMul, reduceMean, softmax } from "../onnx/linear.ts";
import { gather, reshape, split, transpose, unsqueeze } from "../onnx/shaping.ts";
import { constant, graphInput, scalar, type Value } from "../onnx/value.ts";
import { dimAt } from "../tensor/shape.ts";
import type { Architecture, BlockWeights, LinearWeights, NormWeights, TransformerWeights } from "./architecture.ts";
import type { HookName } from "./hook_points.ts";

/** Sees each activation as it is made and returns what the rest of the forward pass reads in its place. */
export type HookEdit = (name: HookName, activation: Value) => Value;

/** Sees each activation after its edit and returns what the rest of the forward pass reads in its place. */
export type HookSplice = (name: HookName, activation: Value, readAt: (before: HookName) => Value) => Value;

export interface ForwardOptions {
  /** Edits activations at hook points; by default none. */
  readonly edit?: HookEdit;
  /** Stands something in for activations behind their hook points, which do not show it; by default nothing. */
  readonly splice?: HookSplice;
  /** Write the norms of all blocks out, so that their hook points are there; by default they are not. */
  readonly hookNorms?: boolean;
}

/** A normalised activation with what its hook points hold. */
export interface Normed {
  /** √(mean x² + ε): `[…, 1]` */
  readonly scale: Value;
  /** Before gain and bias. */
  readonly normalized: Value;
  /** After gain and bias. */
  readonly output: Value;
}

export interface Forward {
  /** int64 `[batch, token]`: fed under the name `tokens`. */
  readonly tokens: Value;
  /** int64 `[batch, token]`: where each token stands in its prompt, from 0; `EMPTY_SLOT` where there is none. Fed as `order`. */
  readonly order: Value;
  /** Every hook point up to the last residual, by name, after its edit; those of norms only if asked for. */
  readonly hooks: ReadonlyMap<HookName, Value>;
  /** What the rest of the pass reads, where that differs from the hook point because something was spliced in. */
  readonly spliced: ReadonlyMap<HookName, Value>;
  /** What the embeddings (token and position) write, as the first block reads it: `[batch, token, d_model]`. */
  readonly embedding: Value;
  /** The last residual, `[batch, token, d_model]`. */
  readonly residual: Value;
}

/** What `order` holds for a slot without a token: more than any position. */
export const EMPTY_SLOT = 2 ** 31 - 1;

/** Builds the forward pass up to the last residual; `readOut` goes on from there. Inputs: `tokens`, `order`. */
export function buildForward(
  architecture: Architecture,
  weights: TransformerWeights,
  { edit = (_name, activation) => activation, splice, hookNorms = false }: ForwardOptions = {},
): Forward {
  const tokens = graphInput("tokens", "int64", ["batch", "token"]);
  const order = graphInput("order", "int64", ["batch", "token"]);
  const hooks = new Map<HookName, Value>();
  const spliced = new Map<HookName, Value>();
  const hook: HookEdit = (name, activation) => {
    const edited = edit(name, activation);
    hooks.set(name, edited);
    const read = splice?.(name, edited, (before) => readAt({ hooks, spliced }, before)) ?? edited;
    if (read !== edited) spliced.set(name, read);
    return read;
  };
  const tokenPart = hook("hook_embed", gather(weights.tokenEmbedding, tokens));
  const positions = where(isToken(order), order, constant("int64", [], BigInt64Array.of(0n)));
  const positionPart = hook("hook_pos_embed", gather(weights.positionEmbedding, positions));
  const mask = causalMask(order);

  let residual = add(tokenPart, positionPart);
  weights.blocks.forEach((block, layer) => {
    const at = (suffix: string) => `blocks.${layer}.${suffix}` as HookName;
    const blockHook = (suffix: string, activation: Value) => hook(at(suffix), activation);
    residual = blockHook("hook_resid_pre", residual);
    const normed = (norm: "ln1" | "ln2", weights: NormWeights) => {
      const { normEpsilon: epsilon } = architecture;
      if (!hookNorms) return layerNorm(residual, weights, epsilon);
      return writtenOutNorm(residual, weights, {
        epsilon,
        hook: (part, x) => blockHook(`${norm}.hook_${part}`, x),
      }).output;
    };
    const attentionOut = attention(normed("ln1", block.norm1), block, { architecture, mask, hook: blockHook });
    residual = blockHook("hook_resid_mid", add(residual, blockHook("hook_attn_out", attentionOut)));
    const pre = blockHook("mlp.hook_pre", linear(normed("ln2", block.norm2), block.mlpIn));
    const mlpOut = blockHook("hook_mlp_out", linear(blockHook("mlp.hook_post", gelu(pre)), block.mlpOut));
    residual = blockHook("hook_resid_post", add(residual, mlpOut));
  });
  const embedding = hooks.get("blocks.0.hook_resid_pre") ?? residual;
  return { tokens, order, hooks, spliced, embedding, residual };
}

/** What is added to scores: 0 where a query may attend to a key, else −∞; `[batch, 1, query, key]`. */
export function causalMask(order: Value): Value {
  const isCausal = unsqueeze(greaterOrEqual(unsqueeze(order, 2), unsqueeze(order, 1)), 1);
  return where(isCausal, scalar(0), scalar(-Infinity));
}

/** What the rest of the pass reads at a hook point. @throws {Error} if the pass was built without it */
export function readAt(forward: Pick<Forward, "hooks" | "spliced">, name: HookName): Value {
  return forward.spliced.get(name) ?? hookOf(forward, name);
}

/** The value of a hook point. @throws {Error} if the pass was built without it */
export function hookOf({ hooks }: Pick<Forward, "hooks">, name: HookName): Value {
  const value = hooks.get(name);
  if (value === undefined) throw new Error(`Internal: the forward pass has no hook point ${name}`);
  return value;
}

/** Which slots hold a token: bool `[batch, token]`. */
export function isToken(order: Value): Value {
  return greaterOrEqual(constant("int64", [], BigInt64Array.of(BigInt(EMPTY_SLOT) - 1n)), order);
}

export interface ReadOut extends Normed {
  /** `[…, vocab]` */
  readonly logits: Value;
}

export interface ReadOutOptions {
  /** Make the norm's scale a constant in gradients. The gradient with respect to `scale` itself is still defined. */
  readonly freezeScale: boolean;
}

/**
 * The final norm and the unembedding of a residual.
 *
 * @param residual `[batch, row, d_model]`: all tokens, or chosen ones
 */
export function readOut(
  residual: Value,
  { architecture, weights }: { readonly architecture: Architecture; readonly weights: TransformerWeights },
  { freezeScale }: ReadOutOptions,
): ReadOut {
  const normed = writtenOutNorm(residual, weights.finalNorm, {
    epsilon: architecture.normEpsilon,
    hook: (part, x) => part === "scale" && freezeScale ? stopGradient(x) : x,
  });
  return { ...normed, logits: matMul(normed.output, weights.unembedding, { transB: true }) };
}

interface NormOptions {
  readonly epsilon: number;
  readonly hook: (part: "scale" | "normalized", activation: Value) => Value;
}

function writtenOutNorm(x: Value, { gain, bias }: NormWeights, { epsilon, hook }: NormOptions): Normed {
  const centered = sub(x, reduceMean(x, { axes: [-1], keepDims: true }));
  const variance = reduceMean(mul(centered, centered), { axes: [-1], keepDims: true });
  const normScale = hook("scale", sqrt(shift(variance, epsilon)));
  const normalized = hook("normalized", div(centered, normScale));
  return { scale: normScale, normalized, output: add(mul(normalized, gain), bias) };
}

/** A norm whose scale may be a constant in gradients. @param x `[…, d_model]` */
export function freezableNorm(
  x: Value,
  norm: NormWeights,
  { epsilon, freezeScale }: { readonly epsilon: number; readonly freezeScale: boolean },
): Normed {
  const hook: NormOptions["hook"] = (part, value) => part === "scale" && freezeScale ? stopGradient(value) : value;
  return writtenOutNorm(x, norm, { epsilon, hook });
}

/** x W + b. @param x `[…, in]` */
export function linear(x: Value, { weight, bias }: LinearWeights): Value {
  return add(matMul(x, weight), bias);
}

interface AttentionOptions {
  readonly architecture: Architecture;
  /** `[batch, 1, query, key]`, as `causalMask` makes it */
  readonly mask: Value;
  readonly hook: (suffix: string, activation: Value) => Value;
}

function attention(x: Value, block: BlockWeights, { architecture, mask, hook }: AttentionOptions): Value {
  const { headCount, headWidth, modelWidth } = architecture;
  const [batch, token] = [dimAt(x.shape, 0), dimAt(x.shape, 1)];
  const byHead = reshape(linear(x, block.qkv), [batch, token, 3 * headCount, headWidth]);
  const [q, k, v] = split(byHead, 2, [headCount, headCount, headCount]).map((part, index) =>
    transpose(hook(`attn.hook_${"qkv"[index]}`, part), [0, 2, 1, 3])
  );
  if (q === undefined || k === undefined || v === undefined) {
    throw new Error("Internal: c_attn split into fewer than three parts");
  }
  const products = scale(matMul(q, k, { transB: true }), 1 / Math.sqrt(headWidth));
  const scores = hook("attn.hook_attn_scores", add(products, mask));
  const pattern = hook("attn.hook_pattern", softmax(scores));
  const z = hook("attn.hook_z", transpose(matMul(pattern, v), [0, 2, 1, 3]));
  return linear(reshape(z, [batch, token, modelWidth]), block.attentionOut);
}

/**
 * The forward pass over a batch of sequences, with what a sweep collects: every neuron's activation, what every head's pairs write, and
 * how heads attend. A pair's write norm is its probability times ‖v W_O‖ of its key: no tensor of tokens² × width appears.
 */
import { log, mul, neg, shift } from "../onnx/elementwise.ts";
import { reduceSum } from "../onnx/linear.ts";
import { gather, reshape, transpose } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { graphInput, type Value } from "../onnx/value.ts";
import type { HookName } from "../model/hook_points.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { buildForward, type Forward, hookOf } from "../model/transformer.ts";
import { multiplyDims } from "../tensor/dim.ts";
import { dimAt } from "../tensor/shape.ts";
import { int64, type Tensor } from "../tensor/tensor.ts";
import type { ModelKind } from "./component.ts";
import { normsByGram, pairNorms, writeNorms } from "./write_norms.ts";

/** Longest sequence of a sweep, in tokens; longer documents are cut into several. */
export const MAX_SEQUENCE_TOKENS = 128;

/** Names of the outputs of a layer. */
export interface SweepOutputs {
  /** Activations `[neuron, sequence, token]`. */
  readonly neurons: string;
  /** Write norms `[sequence, head, query, key]`, 0 where the key comes after the query. */
  readonly pairs: string;
  /** Probabilities of the chosen pairs: `[sequence, head, pair]`. */
  readonly attention: string;
  /** Entropy of the probabilities in nats: `[sequence, head, query]`. */
  readonly entropy: string;
}

export function sweepOutputs(layer: number): SweepOutputs {
  const named = (name: string) => `${name}.${layer}`;
  return {
    neurons: named("neurons"),
    pairs: named("pairs"),
    attention: named("attention"),
    entropy: named("entropy"),
  };
}

/** Input int64 `[pair]`: query · tokens + key of the pairs whose probabilities are read. */
const ATTENTION_INPUT = "attention.pairs";

/** A query with the key that is read of it. */
export type QueryKey = readonly [query: number, key: number];

/** The feed that chooses pairs. @param width Tokens of the longest sequence of the batch */
export function attentionFeeds(pairs: readonly QueryKey[], width: number): Record<string, Tensor> {
  return { [ATTENTION_INPUT]: int64([pairs.length], pairs.map(([query, key]) => query * width + key)) };
}

/** Outputs of every layer as `sweepOutputs` names them. */
export function buildSweepGraph(model: ModelWeights): GraphRequest {
  const forward = buildForward(model.architecture, model.weights);
  const pairs = graphInput(ATTENTION_INPUT, "int64", ["pair"]);
  const outputs: Record<string, Value> = {};
  for (let layer = 0; layer < model.architecture.layerCount; layer++) {
    const names = sweepOutputs(layer);
    const pattern = blockHook(forward, layer, "attn.hook_pattern");
    outputs[names.neurons] = transpose(blockHook(forward, layer, "mlp.hook_post"), [2, 0, 1]);
    outputs[names.pairs] = pairNorms(forward, layer, normsByGram(model, forward, layer));
    outputs[names.attention] = gather(flattenPairs(pattern), pairs, 2);
    // The smallest normal number keeps the logarithm of 0 finite; times 0 it adds nothing.
    outputs[names.entropy] = neg(reduceSum(mul(pattern, log(shift(pattern, 2 ** -126))), { axes: [3] }));
  }
  return { outputs, names: new Map() };
}

/** `[sequence, head, query, key]` as `[sequence, head, query · key]`. */
function flattenPairs(pattern: Value): Value {
  const dim = (axis: number) => dimAt(pattern.shape, axis);
  return reshape(pattern, [dim(0), dim(1), multiplyDims(dim(2), dim(3))]);
}

/** Input int64 `[1]`: which neuron, head or latent. */
export const COMPONENT_INPUT = "component";

/** Output `values` of one component of a layer: activations `[sequence, token]`, or write norms `[sequence, query, key]`. */
export function buildValuesGraph(
  model: ModelWeights,
  { kind, layer }: { readonly kind: ModelKind; readonly layer: number },
): GraphRequest {
  const forward = buildForward(model.architecture, model.weights);
  const values = kind === "mlp"
    ? blockHook(forward, layer, "mlp.hook_post")
    : pairNorms(forward, layer, writeNorms(model, forward, layer));
  const chosen = gather(values, graphInput(COMPONENT_INPUT, "int64", [1]), kind === "mlp" ? 2 : 1);
  const shape = chosen.shape.filter((_, axis) => axis !== (kind === "mlp" ? 2 : 1));
  return { outputs: { values: reshape(chosen, shape) }, names: new Map() };
}

/** The feed that chooses the component; the texts are fed as those of means are. */
export function valuesFeeds(index: number): Record<string, Tensor> {
  return { [COMPONENT_INPUT]: int64([1], [index]) };
}

/** A hook point of a layer, as in `mlp.hook_post`. */
export function blockHook(forward: Forward, layer: number, suffix: string): Value {
  return hookOf(forward, `blocks.${layer}.${suffix}` as HookName);
}

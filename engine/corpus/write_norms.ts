/**
 * What a head's pairs write: ‖P v W_O‖, the probability times the norm of what the key's value writes. A sweep asks for it at every token of
 * a text set, and reads ‖v W_O‖² as v (W_O W_Oᵀ) vᵀ from matrices of the head's width, multiplied once: in float64, for the square of a norm
 * takes twice the digits.
 */
import { abs, cast, mul, sqrt } from "../onnx/elementwise.ts";
import { matMul, reduceL2, reduceSum } from "../onnx/linear.ts";
import { reshape, transpose, unsqueeze } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { graphInput, type Value } from "../onnx/value.ts";
import { blockOf } from "../model/architecture.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { type Forward, hookOf } from "../model/transformer.ts";

/** Of a layer's pairs, `[sequence, head, query, key]`; 0 where the key comes after the query. @param norms `[sequence, head, key]` */
export function pairNorms(forward: Forward, layer: number, norms: Value): Value {
  return mul(hookOf(forward, `blocks.${layer}.attn.hook_pattern`), unsqueeze(norms, 2));
}

/** ‖v W_O‖: `[sequence, head, key]`. */
export function writeNorms(model: ModelWeights, forward: Forward, layer: number): Value {
  return reduceL2(matMul(valuesByHead(forward, layer), outputsByHead(model, layer)), { axes: [-1] });
}

/** The same, from `gramFeeds`. */
export function normsByGram({ architecture }: ModelWeights, forward: Forward, layer: number): Value {
  const { headCount, headWidth } = architecture;
  const gram = graphInput(gramName(layer), "float64", [headCount, headWidth, headWidth]);
  const values = cast(valuesByHead(forward, layer), "float64");
  const squares = reduceSum(mul(matMul(values, gram), values), { axes: [-1] });
  // A value that writes nothing may come out a little below 0.
  return cast(sqrt(abs(squares)), "float32");
}

/** Outputs W_O W_Oᵀ of every head, float64 `[head, d_head, d_head]`, under the names that `normsByGram` is fed by. */
export function buildGramGraph(model: ModelWeights): GraphRequest {
  const layers = Array.from({ length: model.architecture.layerCount }, (_, layer) => layer);
  const outputs = layers.map((layer) => {
    const output = cast(outputsByHead(model, layer), "float64");
    return [gramName(layer), matMul(output, transpose(output, [0, 2, 1]))];
  });
  return { outputs: Object.fromEntries(outputs), names: new Map() };
}

function gramName(layer: number): string {
  return `gram.${layer}`;
}

/** `[sequence, head, key, d_head]` */
function valuesByHead(forward: Forward, layer: number): Value {
  return transpose(hookOf(forward, `blocks.${layer}.attn.hook_v`), [0, 2, 1, 3]);
}

/** `[head, d_head, d_model]` */
function outputsByHead({ architecture, weights }: ModelWeights, layer: number): Value {
  const { headCount, headWidth, modelWidth } = architecture;
  return reshape(blockOf(weights, layer).attentionOut.weight, [headCount, headWidth, modelWidth]);
}

/**
 * The whole translation between the golden cases' vocabulary (locations, derived scalars) and ours (hook points, scalars): one
 * rule per golden tensor. `#` in a name stands for the layer.
 */
import {
  alongDirection,
  dataOf,
  EMBEDDING,
  GoldenModel,
  grid,
  inLayer,
  PATTERN,
  POST,
  rowsOf,
  type Rule,
  same,
  shapeOf,
  type TensorLookup,
  throughOutput,
  total,
  VALUES,
} from "./golden_rule_parts.ts";
import { LATENT_RULES } from "./golden_latent_rules.ts";

/**
 * The names of ours that a golden tensor needs, and the function from them to it.
 * @throws {RangeError} if no rule covers the tensor.
 */
export function translation(
  model: GoldenModel,
  goldenName: string,
  { axes, shape }: { readonly axes: readonly string[]; readonly shape: readonly number[] },
): { readonly needs: readonly string[]; readonly compute: (get: TensorLookup) => Float64Array } {
  const rule = RULES[goldenName] ?? LATENT_RULES[goldenName];
  if (rule === undefined) throw new RangeError(`Expected a rule for golden tensor "${goldenName}"`);
  const isLayered = axes[0] === "layer";
  const [, only] = /^layer:(\d+)$/.exec(axes[0] ?? "") ?? [];
  const layers = isLayered ? Array.from({ length: model.layerCount }, (_, layer) => layer) : [Number(only ?? 0)];
  if (isLayered && shape[0] !== model.layerCount) {
    throw new RangeError(`Golden tensor "${goldenName}" has ${shape[0]} layers, expected ${model.layerCount}`);
  }
  const needs = [...new Set(layers.flatMap((layer) => rule.needs(layer, model)))];
  const compute = (get: TensorLookup) =>
    Float64Array.from(
      layers.flatMap((layer) => Array.from(rule.compute(rule.needs(layer, model).map(get), layer, model))),
    );
  return { needs, compute };
}

/** A value per token from all channels of our tensor there. */
function norm(name: string): Rule {
  return {
    needs: (layer) => [inLayer(name, layer)],
    compute: ([tensor]) => rowsOf(tensor).map((row) => Math.hypot(...row)),
  };
}

/** `[query, key, head]` summed over keys: `[query, head]`. */
function summedOverKeys(name: string): Rule {
  return {
    needs: (layer) => [inLayer(name, layer)],
    compute: ([tensor]) => {
      const [n = 0, , heads = 0] = shapeOf(tensor);
      const data = dataOf(tensor);
      return grid([n, heads], (query, head) => total(n, (key) => data[(query * n + key) * heads + head]));
    },
  };
}

/** `[query, key, head]` without the pairs whose key comes after the query: `[pair, head]`. */
function lowerTriangle(name: string): Rule {
  return {
    needs: (layer) => [inLayer(name, layer)],
    compute: ([tensor]) => {
      const [n = 0, , heads = 0] = shapeOf(tensor);
      const data = dataOf(tensor);
      return Array.from(
        { length: n },
        (_, query) => Array.from(data.slice(query * n * heads, (query * n + query + 1) * heads)),
      )
        .flat();
    },
  };
}

/** LayerNorm's result from its normalized input: gain and bias are weights. */
function affine(hook: string, weights: string): Rule {
  return {
    needs: (layer) => [inLayer(hook, layer)],
    compute: ([tensor], layer, model) => {
      const gain = model.weight(`${inLayer(weights, layer)}.weight`).data;
      const bias = model.weight(`${inLayer(weights, layer)}.bias`).data;
      return dataOf(tensor).map((value, i) => value * (gain[i % gain.length] ?? NaN) + (bias[i % bias.length] ?? NaN));
    },
  };
}

/** d_head^(±1/4): golden queries and keys carry the square root of the score's scale, ours carry none of it. */
function rootScale(exponent: 0.25 | -0.25) {
  return (model: GoldenModel) => ((model.weight("wte.weight").shape[1] ?? NaN) / model.headCount) ** exponent;
}

/** Pattern times value times W_O, `[query, key, head, d_model]`, or its sum over heads. */
function attentionWrite(sumHeads: boolean): Rule {
  return {
    needs: (layer) => [inLayer(PATTERN, layer), inLayer(VALUES, layer)],
    compute: ([pattern, values], layer, model) => {
      const [n = 0, , heads = 0] = shapeOf(pattern);
      const headWidth = shapeOf(values)[2] ?? NaN;
      const [probabilities, valueData] = [dataOf(pattern), dataOf(values)];
      const width = heads * headWidth;
      const writes = grid(
        [n, heads, width],
        (key, head, channel) =>
          throughOutput(valueData, (key * heads + head) * headWidth, { model, layer, head, channel }),
      );
      const write = (pair: number, head: number, channel: number) =>
        (probabilities[pair * heads + head] ?? NaN) * (writes[((pair % n) * heads + head) * width + channel] ?? NaN);
      return sumHeads
        ? grid([n * n, width], (pair, channel) => total(heads, (head) => write(pair, head, channel)))
        : grid([n * n, heads, width], write);
    },
  };
}

const RULES: Readonly<Record<string, Rule>> = {
  "fwd.logits": same("logits"),
  "fwd.resid_post_embedding": same(EMBEDDING),
  "fwd.resid_delta_attn": same("blocks.#.hook_attn_out"),
  "fwd.resid_post_attn": same("blocks.#.hook_resid_mid"),
  "fwd.resid_delta_mlp": same("blocks.#.hook_mlp_out"),
  "fwd.resid_post_mlp": same("blocks.#.hook_resid_post"),
  "fwd.attn_input_layer_norm_scale": same("blocks.#.ln1.hook_scale"),
  "fwd.mlp_input_layer_norm_scale": same("blocks.#.ln2.hook_scale"),
  "fwd.resid_final_layer_norm_scale": same("ln_final.hook_scale"),
  "fwd.attn_query": same("blocks.#.attn.hook_q", rootScale(-0.25)),
  "fwd.attn_key": same("blocks.#.attn.hook_k", rootScale(-0.25)),
  "fwd.attn_value": same(VALUES),
  "fwd.attn_qk_logits": same("blocks.#.attn.hook_attn_scores"),
  "fwd.attn_qk_probs": same(PATTERN),
  "fwd.attn_weighted_sum_of_values": same("blocks.#.attn.hook_z"),
  "fwd.mlp_pre_act": same("blocks.#.mlp.hook_pre"),
  "fwd.mlp_post_act": same(POST),
  "fwd.ln_attn_out": affine("blocks.#.ln1.hook_normalized", "h.#.ln_1"),
  "fwd.ln_mlp_out": affine("blocks.#.ln2.hook_normalized", "h.#.ln_2"),
  "fwd.ln_f_out": affine("ln_final.hook_normalized", "ln_f"),
  "fwd.logprobs": {
    needs: () => ["logits"],
    compute: ([logits]) =>
      rowsOf(logits).flatMap((row) => {
        const largest = Math.max(...row);
        const logSum = largest + Math.log(total(row.length, (i) => Math.exp((row[i] ?? NaN) - largest)));
        return Array.from(row, (logit) => logit - logSum);
      }),
  },

  "bwd.logits": same("grad:logits"),
  "bwd.resid_post_embedding": same(`grad:${EMBEDDING}`),
  "bwd.resid_post_attn": same("grad:blocks.#.hook_resid_mid"),
  "bwd.resid_post_mlp": same("grad:blocks.#.hook_resid_post"),
  "bwd.attn_input_layer_norm_scale": same("grad:blocks.#.ln1.hook_scale"),
  "bwd.mlp_input_layer_norm_scale": same("grad:blocks.#.ln2.hook_scale"),
  "bwd.resid_final_layer_norm_scale": same("grad:ln_final.hook_scale"),
  "bwd.attn_query": same("grad:blocks.#.attn.hook_q", rootScale(0.25)),
  "bwd.attn_key": same("grad:blocks.#.attn.hook_k", rootScale(0.25)),
  "bwd.attn_value": same(`grad:${VALUES}`),
  "bwd.attn_qk_logits": same("grad:blocks.#.attn.hook_attn_scores"),
  "bwd.attn_qk_probs": same(`grad:${PATTERN}`),
  "bwd.attn_weighted_sum_of_values": same("grad:blocks.#.attn.hook_z"),
  "bwd.mlp_pre_act": same("grad:blocks.#.mlp.hook_pre"),
  "bwd.mlp_post_act": same(`grad:${POST}`),

  "dst.mlp_act_times_grad": same("scalar:total_effect:mlp:#"),
  "dst.mlp_write_to_final_residual_grad": same("scalar:direct_effect:mlp:#"),
  // The same, computed there from the residual alone instead of by a backward pass.
  "dst.mlp_write_to_final_activation_residual_grad": same("scalar:direct_effect:mlp:#"),
  "dst.unflattened_attn_write_to_final_activation_residual_grad": same("scalar:direct_effect:head:#"),
  "dst.resid_post_embedding_proj_to_final_activation_residual_grad": same("scalar:direct_effect:embed"),
  // The golden write norm carries the activation's sign, ours is a norm.
  "dst.mlp_write_norm": {
    needs: (layer) => [inLayer("scalar:write_norm:mlp:#", layer), inLayer("scalar:activation:mlp:#", layer)],
    compute: ([writeNorm, activation]) => {
      const signs = dataOf(activation);
      return dataOf(writeNorm).map((value, i) => value * Math.sign(signs[i] ?? NaN));
    },
  },
  "dst.mlp_layer_write_norm": norm("blocks.#.hook_mlp_out"),
  "dst.mlp_layer_write_to_final_residual_grad": alongDirection("blocks.#.hook_mlp_out"),
  "dst.resid_delta_mlp_from_mlp_post_act": {
    needs: (layer) => [inLayer("blocks.#.hook_mlp_out", layer)],
    compute: ([tensor], layer, model) => {
      const bias = model.weight(`h.${layer}.mlp.c_proj.bias`).data;
      return dataOf(tensor).map((value, i) => value - (bias[i % bias.length] ?? NaN));
    },
  },

  "dst.unflattened_attn_act_times_grad": same("scalar:total_effect:head:#"),
  "dst.unflattened_attn_write_to_final_residual_grad": same("scalar:direct_effect:head:#"),
  "dst.unflattened_attn_write_norm": same("scalar:write_norm:head:#"),
  "dst.attn_act_times_grad": lowerTriangle("scalar:total_effect:head:#"),
  "dst.attn_write_to_final_residual_grad": lowerTriangle("scalar:direct_effect:head:#"),
  "dst.attn_write_norm": lowerTriangle("scalar:write_norm:head:#"),
  "dst.flattened_attn_post_softmax": lowerTriangle("scalar:activation:head:#"),
  "dst.attn_act_times_grad_per_sequence_token": summedOverKeys("scalar:total_effect:head:#"),
  "dst.attn_write_to_final_residual_grad_per_sequence_token": summedOverKeys("scalar:direct_effect:head:#"),
  // The norm of a head's whole write at a token, not the sum of its norms per key.
  "dst.attn_write_norm_per_sequence_token": {
    needs: (layer) => [inLayer("blocks.#.attn.hook_z", layer)],
    compute: ([z], layer, model) => {
      const [n = 0, heads = 0, headWidth = 0] = shapeOf(z);
      const data = dataOf(z);
      return grid([n, heads], (token, head) =>
        Math.hypot(
          ...grid([heads * headWidth], (channel) =>
            throughOutput(data, (token * heads + head) * headWidth, { model, layer, head, channel })),
        ));
    },
  },
  "dst.attn_layer_write_norm": norm("blocks.#.hook_attn_out"),
  "dst.attn_layer_write_to_final_residual_grad": alongDirection("blocks.#.hook_attn_out"),
  "dst.attn_weighted_value": {
    needs: (layer) => [inLayer(PATTERN, layer), inLayer(VALUES, layer)],
    compute: ([pattern, values]) => {
      const [n = 0, , heads = 0] = shapeOf(pattern);
      const headWidth = shapeOf(values)[2] ?? NaN;
      const [probabilities, data] = [dataOf(pattern), dataOf(values)];
      return grid(
        [n * n, heads, headWidth],
        (pair, head, i) =>
          (probabilities[pair * heads + head] ?? NaN) * (data[((pair % n) * heads + head) * headWidth + i] ?? NaN),
      );
    },
  },
  "dst.attn_write": attentionWrite(false),
  "dst.attn_write_sum_heads": attentionWrite(true),

  "dst.token_attribution": same("scalar:total_effect:embed"),
  "dst.resid_post_embedding_proj_to_final_residual_grad": same("scalar:direct_effect:embed"),
  "dst.resid_post_embedding_norm": same("scalar:write_norm:embed"),
  "dst.resid_post_attn_norm": norm("blocks.#.hook_resid_mid"),
  "dst.resid_post_mlp_norm": norm("blocks.#.hook_resid_post"),
  "dst.resid_post_attn_proj_to_final_residual_grad": alongDirection("blocks.#.hook_resid_mid"),
  // A place in the stream does not come before itself, so the last layer's projection is 0 by definition.
  "dst.resid_post_mlp_proj_to_final_residual_grad": {
    needs: (layer, model) => alongDirection("blocks.#.hook_resid_post").needs(layer, model),
    compute: (tensors, layer, model) => {
      const projection = Array.from(alongDirection("blocks.#.hook_resid_post").compute(tensors, layer, model));
      return layer === model.layerCount - 1 ? projection.fill(0) : projection;
    },
  },
};

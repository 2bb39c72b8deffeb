/** The golden tensors that autoencoders bring, in our words. `#` in a name stands for the layer. */
import {
  dataOf,
  directionName,
  dot,
  type GoldenModel,
  grid,
  inLayer,
  type NamedTensor,
  PATTERN,
  rowsOf,
  type Rule,
  shapeOf,
  throughOutput,
  total,
  VALUES,
} from "./golden_rule_parts.ts";

type Part = "mlp" | "attn";

/** One of the hook points that the part's autoencoder adds. */
function hookName(part: Part, name: string, layer: number, model: GoldenModel): string {
  return `blocks.${layer}.${model.autoencoder(part).site}.hook_sae_${name}`;
}

function hook(part: Part, name: string, prefix: "" | "grad:" = ""): Rule {
  return {
    needs: (layer, model) => [`${prefix}${hookName(part, name, layer, model)}`],
    compute: ([tensor]) => dataOf(tensor),
  };
}

function scalars(part: Part, metric: string): Rule {
  return { needs: (layer) => [`scalar:${metric}:${part}-latent:${layer}`], compute: ([tensor]) => dataOf(tensor) };
}

/** The golden write norm carries the activation's sign, ours is a norm. */
function signedWriteNorm(part: Part): Rule {
  return {
    needs: (layer) => [`scalar:write_norm:${part}-latent:${layer}`, `scalar:activation:${part}-latent:${layer}`],
    compute: ([writeNorm, activation]) => {
      const signs = dataOf(activation);
      return dataOf(writeNorm).map((value, i) => value * Math.sign(signs[i] ?? NaN));
    },
  };
}

/** The site's activation encoded anew; that of the MLP's output without its bias, which the other implementation leaves out there. */
function encodedAnew(part: Part): Rule {
  const siteName = (layer: number, model: GoldenModel) => `blocks.${layer}.${model.autoencoder(part).site}`;
  return {
    needs: (layer, model) => [siteName(layer, model)],
    compute: ([site], layer, model) => {
      const bias = model.autoencoder(part).site === "hook_mlp_out"
        ? model.weight(`h.${layer}.mlp.c_proj.bias`).data
        : new Float64Array(shapeOf(site)[1] ?? 0);
      return rowsOf(site).flatMap((row) => encodeRow(model, part, layer, row.map((x, i) => x - (bias[i] ?? NaN))));
    },
  };
}

function encodeRow(model: GoldenModel, part: Part, layer: number, row: Float64Array): readonly number[] {
  const { k } = model.autoencoder(part);
  const read = (name: string) => dataOf(model.autoencoder(part).tensors.get(`layer.${layer}.${name}`));
  const [center, bias] = [read("pre_bias"), read("latent_bias")];
  const centered = row.map((x, i) => x - (center[i] ?? NaN));
  const pre = encoderRows(model, part, layer).map((weights, latent) => dot(weights, centered) + (bias[latent] ?? NaN));
  const least = k === null ? -Infinity : pre.toSorted((a, b) => b - a)[k - 1] ?? NaN;
  return pre.map((value) => value >= least ? Math.max(0, value) : 0);
}

function encoderRows(model: GoldenModel, part: Part, layer: number): readonly Float64Array[] {
  return rowsOf(model.autoencoder(part).tensors.get(`layer.${layer}.encoder.weight`));
}

/** What each channel of the error is multiplied by: `[token][channel]` from its gradient, or from the residual's gradient g. */
function errorTimes(
  second: (layer: number, model: GoldenModel) => readonly string[],
  factor: (token: number, channel: number, context: ErrorContext) => number,
): Rule {
  return {
    needs: (layer, model) => [hookName("mlp", "error", layer, model), ...second(layer, model)],
    compute: ([error, ...others], layer, model) => {
      const output = rowsOf(model.weight(`h.${layer}.mlp.c_proj.weight`));
      const context = { layer, model, output, others: others.map(rowsOf) };
      return rowsOf(error).flatMap((row, token) => Array.from(row, (value, i) => value * factor(token, i, context)));
    },
  };
}

interface ErrorContext {
  readonly layer: number;
  readonly model: GoldenModel;
  /** W_out: `[neuron][channel]` */
  readonly output: readonly Float64Array[];
  readonly others: readonly (readonly Float64Array[])[];
}

/** Where one attention latent is active, its encoder row; else 0: `[token][channel]` */
function rowsWhereActive(latents: NamedTensor | undefined, layer: number, model: GoldenModel): readonly Float64Array[] {
  const { latent } = model.autoencoder("attn");
  const row = encoderRows(model, "attn", layer)[latent ?? -1] ?? new Float64Array();
  return rowsOf(latents).map((values) => (values[latent ?? -1] ?? 0) > 0 ? row : row.map(() => 0));
}

const needsOfWrites = (layer: number, model: GoldenModel) => [
  inLayer(PATTERN, layer),
  inLayer(VALUES, layer),
  hookName("attn", "acts_post", layer, model),
];

/** ⟨P v W_O, a row per query⟩ of every pair and head: `[query·key, head]` */
function pairsAlong(
  [pattern, values]: readonly (NamedTensor | undefined)[],
  rowAt: (query: number) => ArrayLike<number>,
  { model, layer }: { readonly model: GoldenModel; readonly layer: number },
): Float64Array {
  const [n = 0, , heads = 0] = shapeOf(pattern);
  const headWidth = shapeOf(values)[2] ?? NaN;
  const [probabilities, valueData] = [dataOf(pattern), dataOf(values)];
  const writes = grid(
    [n, heads, heads * headWidth],
    (key, head, channel) => throughOutput(valueData, (key * heads + head) * headWidth, { model, layer, head, channel }),
  );
  const width = heads * headWidth;
  return grid([n * n, heads], (pair, head) => {
    const [query, key] = [Math.floor(pair / n), pair % n];
    const write = writes.subarray((key * heads + head) * width, (key * heads + head + 1) * width);
    return (probabilities[pair * heads + head] ?? NaN) * dot(write, rowAt(query));
  });
}

function writeToLatent(sumHeads: boolean): Rule {
  return {
    needs: needsOfWrites,
    compute: ([pattern, values, latents], layer, model) => {
      const rows = rowsWhereActive(latents, layer, model);
      const pairs = pairsAlong([pattern, values], (query) => rows[query] ?? [], { model, layer });
      const heads = shapeOf(pattern)[2] ?? 0;
      return sumHeads
        ? grid([pairs.length / heads], (pair) => total(heads, (head) => pairs[pair * heads + head]))
        : pairs;
    },
  };
}

/** Of every latent: summed over keys `[token, head, latent]`, or over heads, without later keys, `[pair, latent]`. */
function writesToLatents(sumOver: "keys" | "heads"): Rule {
  return {
    needs: needsOfWrites,
    compute: ([pattern, values, latents], layer, model) => {
      const [n = 0, , heads = 0] = shapeOf(pattern);
      const active = rowsOf(latents);
      const columns = encoderRows(model, "attn", layer).map((row, latent) => {
        const zeros = row.map(() => 0);
        return pairsAlong([pattern, values], (query) => (active[query]?.[latent] ?? 0) > 0 ? row : zeros, {
          model,
          layer,
        });
      });
      if (sumOver === "keys") {
        return grid(
          [n, heads, columns.length],
          (query, head, latent) => total(n, (key) => columns[latent]?.[(query * n + key) * heads + head]),
        );
      }
      const pairs = Array.from(
        { length: n },
        (_, query) => Array.from({ length: query + 1 }, (_, key) => query * n + key),
      );
      return pairs.flat().flatMap((pair) =>
        columns.map((column) => total(heads, (head) => column[pair * heads + head]))
      );
    },
  };
}

function ofPart(part: Part, name: "mlp" | "attention"): Readonly<Record<string, Rule>> {
  return {
    [`dst.online_${name}_autoencoder_latent`]: hook(part, "acts_post"),
    [`dst.${name}_autoencoder_latent`]: encodedAnew(part),
    [`dst.online_${name}_autoencoder_act_times_grad`]: scalars(part, "total_effect"),
    [`dst.online_${name}_autoencoder_write_to_final_residual_grad`]: scalars(part, "direct_effect"),
    [`dst.online_${name}_autoencoder_write_norm`]: signedWriteNorm(part),
    [`dst.online_residual_${name}_autoencoder_error`]: hook(part, "error"),
    [`bwd.online_${name}_autoencoder_latent`]: hook(part, "acts_post", "grad:"),
  };
}

export const LATENT_RULES: Readonly<Record<string, Rule>> = {
  ...ofPart("mlp", "mlp"),
  ...ofPart("attn", "attention"),
  "dst.online_mlp_autoencoder_error": hook("mlp", "error"),
  "bwd.online_mlp_autoencoder_error": hook("mlp", "error", "grad:"),
  // The other implementation treats the error of neurons neuron by neuron.
  "dst.online_mlp_autoencoder_error_act_times_grad": errorTimes(
    (layer, model) => [`grad:${hookName("mlp", "error", layer, model)}`],
    (token, neuron, { others: [gradient] }) => gradient?.[token]?.[neuron] ?? NaN,
  ),
  "dst.online_mlp_autoencoder_error_write_norm": errorTimes(
    () => [],
    (_token, neuron, { output }) => Math.hypot(...output[neuron] ?? [NaN]),
  ),
  "dst.online_mlp_autoencoder_error_write_to_final_residual_grad": errorTimes(
    (_layer, model) => [
      model.tracedMlp === null ? directionName(model) : `grad:blocks.${model.tracedMlp}.hook_resid_mid`,
    ],
    (token, neuron, { layer, model, output, others: [direction] }) =>
      layer >= (model.tracedMlp ?? Infinity) ? 0 : dot(output[neuron] ?? new Float64Array(), direction?.[token] ?? []),
  ),
  "dst.autoencoder_latent_grad_wrt_residual_input": {
    needs: (layer, model) => [hookName("attn", "acts_post", layer, model)],
    compute: ([latents], layer, model) => rowsWhereActive(latents, layer, model).flatMap((row) => [...row]),
  },
  "dst.attn_write_to_latent": writeToLatent(false),
  "dst.attn_write_to_latent_summed_over_heads": writeToLatent(true),
  "dst.attn_write_to_latent_per_sequence_token_batched": writesToLatents("keys"),
  "dst.flattened_attn_write_to_latent_summed_over_heads_batched": writesToLatents("heads"),
};

/** What every question about a model needs and no question changes: computed once through the runtime, then fed. */
import { concat, unsqueeze } from "../onnx/shaping.ts";
import { reduceL2 } from "../onnx/linear.ts";
import { lowerGraph } from "../onnx/lower.ts";
import { encodeModel } from "../onnx/proto.ts";
import { blockOf } from "../model/architecture.ts";
import { type Dictionary, standsForNeurons } from "../model/dictionary.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { writeNorms } from "../model/latents.ts";
import type { Backend } from "../runtime/backend.ts";
import { float32, float32Data, type Tensor } from "../tensor/tensor.ts";
import { latentNormsInput } from "./latent_scalars.ts";
import { BIAS_SUM_INPUT, writeNormsInput } from "./node_scalars.ts";
import type { Upstream } from "./question_graph.ts";

export interface ModelConstants {
  /** Feeds with ‖W_out[i]‖ of every neuron, `[d_mlp]` a layer. */
  readonly writeNorms: Readonly<Record<string, Tensor>>;
  /** Output biases of attention and MLP, layer by layer: `[2·layer, d_model]` */
  readonly outputBiases: Float32Array;
}

export async function computeModelConstants(
  { weights: { blocks } }: ModelWeights,
  backend: Backend,
): Promise<ModelConstants> {
  const norms = blocks.map(({ mlpOut: { weight } }, layer) =>
    [writeNormsInput(layer), reduceL2(weight, { axes: [1] })] as const
  );
  const biases = blocks.flatMap(({ attentionOut, mlpOut }) => [attentionOut.bias, mlpOut.bias]);
  const outputs = { ...Object.fromEntries(norms), biases: concat(biases.map((bias) => unsqueeze(bias, 0)), 0) };
  await using session = await backend.prepare(encodeModel(lowerGraph({ outputs })));
  const { biases: found, ...writeNorms } = await session.execute({});
  if (found === undefined) throw new Error("Internal: the constants' graph has no output biases");
  return { writeNorms, outputBiases: float32Data(found) };
}

/** The norms of what a dictionary's latents write, `[latent]`, under the name of their input. */
export async function computeLatentNorms(
  { weights }: ModelWeights,
  dictionary: Dictionary,
  backend: Backend,
): Promise<Readonly<Record<string, Tensor>>> {
  const output = standsForNeurons(dictionary) ? blockOf(weights, dictionary.detail.layer).mlpOut.weight : null;
  const outputs = { [latentNormsInput(dictionary.detail)]: writeNorms(dictionary, output) };
  await using session = await backend.prepare(encodeModel(lowerGraph({ outputs })));
  return await session.execute({});
}

/** Feeds of the constants: all write norms, and the sum of the biases of the layers upstream. */
export function constantFeeds(
  { writeNorms, outputBiases }: ModelConstants,
  { upstream, modelWidth }: {
    readonly upstream: Pick<Upstream, "head" | "mlp">;
    readonly modelWidth: number;
  },
): Readonly<Record<string, Tensor>> {
  const sum = new Float32Array(modelWidth);
  outputBiases.forEach((bias, i) => {
    const row = Math.floor(i / modelWidth);
    const layer = row >> 1;
    const isUpstream = layer < (row % 2 === 0 ? upstream.head : upstream.mlp);
    if (isUpstream) sum[i % modelWidth] = (sum[i % modelWidth] ?? 0) + bias;
  });
  return { ...writeNorms, [BIAS_SUM_INPUT]: float32([modelWidth], sum) };
}

/** What every question about a model needs and no question changes: computed once through the runtime, then fed. */
import { addAll } from "../onnx/elementwise.ts";
import { reduceL2 } from "../onnx/linear.ts";
import { lowerGraph } from "../onnx/lower.ts";
import { encodeModel } from "../onnx/proto.ts";
import type { ModelWeights } from "../model/language_model.ts";
import type { Backend } from "../runtime/backend.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { BIAS_SUM_INPUT, writeNormsInput } from "./node_scalars.ts";

/** Feeds with ‖W_out[i]‖ of every neuron, `[d_mlp]` a layer, and the sum of all output biases, `[d_model]`. */
export async function computeModelConstants(
  { weights: { blocks }, folder }: ModelWeights,
  backend: Backend,
): Promise<Readonly<Record<string, Tensor>>> {
  const norms = blocks.map(({ mlpOut: { weight } }, layer) =>
    [writeNormsInput(layer), reduceL2(weight, { axes: [1] })] as const
  );
  const biases = blocks.flatMap(({ attentionOut, mlpOut }) => [attentionOut.bias, mlpOut.bias]);
  const outputs = { ...Object.fromEntries(norms), [BIAS_SUM_INPUT]: addAll(biases) };
  await using session = await backend.prepare(encodeModel(lowerGraph({ outputs })), { weightsFolder: folder });
  return await session.execute({});
}

/** ‖W_out[i]‖ of every neuron: constants of a model, computed once through the runtime and then fed to every question. */
import { mul, sqrt } from "../onnx/elementwise.ts";
import { reduceSum } from "../onnx/linear.ts";
import { lowerGraph } from "../onnx/lower.ts";
import { encodeModel } from "../onnx/proto.ts";
import type { LanguageModel } from "../model/language_model.ts";
import type { Backend } from "../runtime/backend.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { writeNormsInput } from "./node_scalars.ts";

/** Feeds with the norms of all layers, `[d_mlp]` each. */
export async function computeWriteNorms(
  model: LanguageModel,
  backend: Backend,
): Promise<Readonly<Record<string, Tensor>>> {
  const norms = model.weights.blocks.map(({ mlpOut: { weight } }, layer) =>
    [writeNormsInput(layer), sqrt(reduceSum(mul(weight, weight), { axes: [1] }))] as const
  );
  const bytes = encodeModel(lowerGraph({ outputs: Object.fromEntries(norms) }));
  await using session = await backend.prepare(bytes, { weightsFolder: model.folder });
  return await session.execute({});
}

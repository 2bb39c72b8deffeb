/**
 * The yardstick: the matrix products of one forward and one backward pass of a GPT-2, and nothing else, through the same
 * runtime with the same settings, on the same stored weights.
 *
 * Forward, per layer: x W for c_attn, c_proj, c_fc, c_proj. Backward: the same four against the weights transposed. The unembedding
 * of the one position whose logits are read, forward only. Every product has its own input, so that none can be shared.
 */
import type { ModelWeights } from "../../engine/model/language_model.ts";
import { matMul, reduceSum } from "../../engine/onnx/linear.ts";
import { lowerGraph } from "../../engine/onnx/lower.ts";
import { encodeModel } from "../../engine/onnx/proto.ts";
import { addAll } from "../../engine/onnx/elementwise.ts";
import { graphInput, type Value } from "../../engine/onnx/value.ts";
import type { Backend, Session } from "../../engine/runtime/backend.ts";
import { dimAt } from "../../engine/tensor/shape.ts";
import { float32, type Tensor } from "../../engine/tensor/tensor.ts";

export interface PlainMatmuls {
  readonly session: Session;
  feeds(tokenCount: number): Readonly<Record<string, Tensor>>;
}

/** @param passes `forward` alone, or `both`. */
export async function preparePlainMatmuls(
  model: ModelWeights,
  backend: Backend,
  passes: "forward" | "both",
): Promise<PlainMatmuls> {
  const { modelWidth, mlpWidth } = model.architecture;
  const inputs = new Map<number, Value>();
  const rows = (width: number) => {
    const input = inputs.get(width) ?? graphInput(`x${width}`, "float32", ["token", width]);
    inputs.set(width, input);
    return input;
  };
  const products = model.weights.blocks.flatMap(({ qkv, attentionOut, mlpIn, mlpOut }) =>
    [qkv, attentionOut, mlpIn, mlpOut].flatMap(({ weight }) => {
      const [from, to] = [Number(dimAt(weight.shape, 0)), Number(dimAt(weight.shape, 1))];
      const forward = matMul(rows(from), weight);
      return passes === "forward" ? [forward] : [forward, matMul(rows(to), weight, { transB: true })];
    })
  );
  const position = graphInput("position", "float32", [1, modelWidth]);
  const logits = matMul(position, model.weights.unembedding, { transB: true });
  // A sum of one element a product keeps each alive without adding work that counts.
  const total = addAll([...products, logits].map((product) => reduceSum(product)));
  const session = await backend.prepare(encodeModel(lowerGraph({ outputs: { total } })));
  return {
    session,
    feeds: (tokenCount) => ({
      position: float32([1, modelWidth], new Float32Array(modelWidth).fill(0.01)),
      ...Object.fromEntries(
        [modelWidth, 3 * modelWidth, mlpWidth].map((
          width,
        ) => [`x${width}`, float32([tokenCount, width], new Float32Array(tokenCount * width).fill(0.01))]),
      ),
    }),
  };
}

import assert from "node:assert/strict";
import { jvp } from "../../../engine/autodiff/jvp.ts";
import { cast, exp, mul, tanh } from "../../../engine/onnx/elementwise.ts";
import { layerNorm, matMul, softmax } from "../../../engine/onnx/linear.ts";
import { graphInput, type Value } from "../../../engine/onnx/value.ts";
import { float64 } from "../../../engine/tensor/tensor.ts";
import { assertClose } from "../../support/assert_close.ts";
import { executeGraph } from "../../support/execute_graph.ts";
import { randomNumbers } from "../../support/random_numbers.ts";

const FUNCTIONS: Readonly<Record<string, (x: Value) => Value>> = {
  "a chain": (x) => mul(tanh(x), exp(x)),
  "a softmax of products": (x) => softmax(matMul(x, x, { transB: true })),
  "a norm": (x) => {
    const gain = cast(graphInput("gain", "float64", [4]), "float32");
    return cast(layerNorm(cast(x, "float32"), { gain, bias: gain }, 1e-3), "float64");
  },
};

for (const [what, f] of Object.entries(FUNCTIONS)) {
  Deno.test(`jvp() of ${what} is the directional derivative`, async () => {
    const x = graphInput("x", "float64", [3, 4]);
    const tangent = graphInput("tangent", "float64", [3, 4]);
    const y = f(x);
    const [at, along] = [randomNumbers(12, 1), randomNumbers(12, 2)].map((numbers) => Float64Array.from(numbers));
    assert.ok(at && along);
    const gain = float64([4], [1, 2, 0.5, 1]);
    const feeds = { x: float64([3, 4], at), tangent: float64([3, 4], along), gain };
    const { derivative } = await executeGraph({ derivative: jvp(y, x, tangent) }, feeds);
    assert.deepEqual(derivative?.shape, y.shape);
    const step = what === "a norm" ? 1e-2 : 1e-5;
    const moved = async (sign: number) => {
      const { value } = await executeGraph({ value: f(x) }, {
        gain,
        x: float64([3, 4], at.map((value, i) => value + sign * step * (along[i] ?? 0))),
      });
      return Array.from(value?.data ?? [], Number);
    };
    const [up, down] = [await moved(1), await moved(-1)];
    const expected = up.map((value, i) => (value - (down[i] ?? NaN)) / (2 * step));
    assertClose(Array.from(derivative?.data ?? [], Number), expected, {
      label: what,
      absolute: what === "a norm" ? 1e-3 : 1e-7,
    });
  });
}

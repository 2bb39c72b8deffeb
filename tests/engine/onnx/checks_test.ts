/** Constructors check at the call and say what they found. */
import assert from "node:assert/strict";
import { gradient } from "../../../engine/autodiff/gradient.ts";
import { add, cast, exp, stopGradient, where } from "../../../engine/onnx/elementwise.ts";
import { layerNorm, matMul, reduceMax, reduceSum, softmax } from "../../../engine/onnx/linear.ts";
import {
  concat,
  expand,
  gather,
  gatherNd,
  reshape,
  scatterNd,
  split,
  topK,
  transpose,
} from "../../../engine/onnx/shaping.ts";
import { graphInput, int64Vector, type Value } from "../../../engine/onnx/value.ts";

const matrix = graphInput("m", "float32", ["n", 3]);
const ids = graphInput("ids", "int64", ["n"]);

const REFUSED: Readonly<Record<string, readonly [() => Value | readonly Value[] | object, RegExp]>> = {
  "add() of shapes that do not broadcast": [
    () => add(matrix, graphInput("b", "float32", [4])),
    /Add: cannot broadcast \[n, 3\] with \[4\]/,
  ],
  "add() of different types": [
    () => add(matrix, cast(matrix, "float64")),
    /Add: expected operands of one type but found float32 and float64/,
  ],
  "add() of two symbols that may differ": [
    () => add(graphInput("a", "float32", ["a"]), graphInput("b", "float32", ["b"])),
    /cannot broadcast \[a\] with \[b\]/,
  ],
  "exp() of integers": [() => exp(ids), /Exp: expected a float operand but found int64/],
  "where() without a condition": [
    () => where(matrix, matrix, matrix),
    /Where: expected a bool condition but found float32/,
  ],
  "matMul() of unequal inner dims": [
    () => matMul(matrix, graphInput("b", "float32", [4, 2])),
    /MatMul of \[n, 3\] and \[4, 2\]: inner dims differ/,
  ],
  "matMul() of a vector": [() => matMul(matrix, graphInput("b", "float32", [3])), /at least two axes/],
  "matMul() of unequal inner dims, transposed": [
    () => matMul(matrix, graphInput("b", "float32", [4, 2]), { transB: true }),
    /MatMul of \[n, 3\] and \[4, 2\]ᵀ: inner dims differ/,
  ],
  "layerNorm() with a gain of another width": [
    () =>
      layerNorm(
        matrix,
        { gain: graphInput("gain", "float32", [4]), bias: graphInput("bias", "float32", [3]) },
        1e-5,
      ),
    /expected gain and bias of shape \[3\] but found \[4\]/,
  ],
  "softmax() along no axis": [() => softmax(matrix, 2), /expected an axis in -2\.\.1 but found 2/],
  "reshape() to another count": [() => reshape(matrix, ["n", 4]), /\[n, 3\] has not as many elements as \[n, 4\]/],
  "expand() of what is no 1": [() => expand(matrix, ["n", 6]), /cannot broadcast \[n, 3\] with \[n, 6\]/],
  "transpose() by no permutation": [() => transpose(matrix, [0, 0]), /is no permutation/],
  "concat() of nothing": [() => concat([], 0), /at least one value/],
  "concat() of different widths": [() => concat([matrix, graphInput("b", "float32", ["n", 4])], 0), /differ elsewhere/],
  "split() into parts that do not add up": [() => split(matrix, 1, [1, 1]), /do not add up/],
  "gather() by floats": [() => gather(matrix, matrix), /expected int64 indices but found float32/],
  "gatherNd() by indices that are too deep": [
    () => gatherNd(matrix, graphInput("i", "int64", [5, 3])),
    /cannot address/,
  ],
  "scatterNd() of misshapen updates": [
    () =>
      scatterNd(matrix, graphInput("i", "int64", [5, 1]), {
        updates: graphInput("u", "float32", [5, 4]),
        reduction: "add",
      }),
    /updates have shape \[5, 4\]/,
  ],
  "topK() by two numbers": [
    () => topK(matrix, int64Vector([1, 2]), { kDim: "k", largest: true }),
    /expected k as int64 \[1\]/,
  ],
  "gradient() of a vector without a seed": [() => gradient(matrix, [matrix]), /expected a scalar/],
  "gradient() through an operator without derivative": [
    () => gradient(reduceSum(mulByMax(matrix)), [matrix]),
    /Cannot differentiate through ReduceMax/,
  ],
};

for (const [what, [call, message]] of Object.entries(REFUSED)) {
  Deno.test(`${what} is refused at the call`, () => {
    assert.throws(call, message);
  });
}

Deno.test("gradient() of a target that nothing depends on is zeros of its shape", () => {
  const [g] = gradient(reduceSum(exp(stopGradient(matrix))), [matrix]);
  assert.deepEqual(g?.shape, ["n", 3]);
  assert.equal(g?.origin.kind === "output" && g.origin.call.op, "Expand");
});

function mulByMax(value: Value): Value {
  return add(value, reduceMax(value, { axes: [0], keepDims: true }));
}

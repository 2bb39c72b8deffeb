/** Inferred shapes are ONNX Runtime's shapes, for random operators, ranks and sizes; symbolic algebra agrees with numbers. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { gradient } from "../../engine/autodiff/gradient.ts";
import { add, tanh } from "../../engine/onnx/elementwise.ts";
import { matMul, reduceMean, reduceSum, softmax } from "../../engine/onnx/linear.ts";
import { concat, expand, reshape, split, transpose, unsqueeze } from "../../engine/onnx/shaping.ts";
import { graphInput, type Value } from "../../engine/onnx/value.ts";
import { addDims, type Dim, evaluateDim, multiplyDims } from "../../engine/tensor/dim.ts";
import { elementCount, evaluateShape } from "../../engine/tensor/shape.ts";
import { float64 } from "../../engine/tensor/tensor.ts";
import { executeGraph } from "../support/execute_graph.ts";

const SYMBOLS = ["batch", "token", "head"];

/** A step of a random program: from one value to another. */
type Step = (value: Value) => Value;

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>(tanh),
  fc.constant<Step>((value) => value.shape.length === 0 ? value : softmax(value)),
  fc.constant<Step>((value) => add(value, value)),
  fc.nat(3).map((axis): Step => (value) => unsqueeze(value, Math.min(axis, value.shape.length))),
  fc.tuple(fc.nat(3), fc.boolean()).map(([axis, keepDims]): Step => (value) =>
    axis < value.shape.length ? reduceSum(value, { axes: [axis], keepDims }) : value
  ),
  fc.tuple(fc.nat(3), fc.boolean()).map(([axis, keepDims]): Step => (value) =>
    axis < value.shape.length ? reduceMean(value, { axes: [axis], keepDims }) : value
  ),
  fc.constant<Step>((value) => transpose(value, value.shape.map((_, axis) => axis).toReversed())),
  fc.constant<Step>((value) => reshape(value, [elementCount(value.shape)])),
  fc.constant<Step>((value) => typeof value.shape[0] === "number" ? concat([value, value], 0) : value),
  fc.constant<Step>((value) => value.shape.length > 0 ? expand(value, [2, ...value.shape]) : value),
  fc.constant<Step>((value) => value.shape.length >= 2 ? matMul(value, transpose(value, swapLast(value))) : value),
  fc.constant<Step>((value) => {
    const last = value.shape.at(-1);
    if (typeof last !== "number" || last < 2) return value;
    const [first] = split(value, -1, [1, last - 1]);
    return first ?? value;
  }),
);

Deno.test("inferred shapes equal ONNX Runtime's shapes, of values and of their gradients", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom<Dim>(...SYMBOLS, 1, 2, 3), { minLength: 1, maxLength: 3 }),
      fc.array(steps, { minLength: 1, maxLength: 4 }),
      fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      async (shape, program, sizes) => {
        const counts = new Map(SYMBOLS.map((symbol, index) => [symbol, sizes[index] ?? 1]));
        const x = graphInput("x", "float64", shape);
        const y = program.reduce((value, step) => step(value), x);
        const [gx] = gradient(reduceSum(y), [x]);
        assert.ok(gx);
        const concrete = evaluateShape(shape, counts);
        const found = await executeGraph({ y, gx }, {
          x: float64(concrete, new Float64Array(elementCount(concrete)).fill(0.5)),
        });
        assert.deepEqual(found["y"]?.shape, evaluateShape(y.shape, counts));
        assert.deepEqual(found["gx"]?.shape, concrete);
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("symbolic dims add and multiply as the numbers that they stand for", () => {
  const dims = fc.letrec<{ dim: Dim }>((tie) => ({
    dim: fc.oneof(
      { maxDepth: 3 },
      fc.nat(4),
      fc.constantFrom(...SYMBOLS),
      fc.tuple(tie("dim"), tie("dim")).map(([a, b]) => addDims(a, b)),
      fc.tuple(tie("dim"), tie("dim")).map(([a, b]) => multiplyDims(a, b)),
    ),
  })).dim;
  const counts = new Map([["batch", 2], ["token", 7], ["head", 3]]);
  fc.assert(fc.property(dims, dims, (a, b) => {
    const [x, y] = [evaluateDim(a, counts), evaluateDim(b, counts)];
    assert.equal(evaluateDim(addDims(a, b), counts), x + y);
    assert.equal(evaluateDim(multiplyDims(a, b), counts), x * y);
    assert.equal(addDims(a, b), addDims(b, a));
    assert.equal(multiplyDims(a, b), multiplyDims(b, a));
  }));
});

function swapLast({ shape }: Value): readonly number[] {
  const axes = shape.map((_, axis) => axis);
  return [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
}

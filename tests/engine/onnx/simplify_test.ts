import assert from "node:assert/strict";
import { gradient } from "../../../engine/autodiff/gradient.ts";
import { add, mul, stopGradient, sub, tanh } from "../../../engine/onnx/elementwise.ts";
import { matMul, reduceMean, reduceSum } from "../../../engine/onnx/linear.ts";
import { lowerGraph } from "../../../engine/onnx/lower.ts";
import { printGraph } from "../../../engine/onnx/onnx_graph.ts";
import { encodeModel } from "../../../engine/onnx/proto.ts";
import { expand, reshape, transpose } from "../../../engine/onnx/shaping.ts";
import { graphInput, scalar, type Value, weight } from "../../../engine/onnx/value.ts";

function opsOf(outputs: Record<string, Value>): readonly string[] {
  return lowerGraph({ outputs }).calls.map(({ opType }) => opType).filter((op) => op !== "Identity");
}

const x = graphInput("x", "float32", ["batch", "token", 4]);

Deno.test("simplify() makes equal calls once", () => {
  assert.deepEqual(opsOf({ y: add(tanh(x), tanh(x)) }), ["Tanh", "Add"]);
  // Factors may change places, terms of a difference may not.
  const [a, b] = [tanh(x), stopGradient(x)];
  assert.deepEqual(opsOf({ y: add(mul(a, b), mul(b, a)) }), ["Tanh", "Mul", "Add"]);
  assert.deepEqual(opsOf({ y: add(sub(a, b), sub(b, a)) }), ["Tanh", "Sub", "Sub", "Add"]);
});

Deno.test("simplify() undoes transposes that undo each other, and joins others", () => {
  assert.deepEqual(opsOf({ y: tanh(transpose(transpose(x, [2, 0, 1]), [1, 2, 0])) }), ["Tanh"]);
  assert.deepEqual(opsOf({ y: transpose(transpose(x, [2, 0, 1]), [2, 0, 1]) }), ["Transpose"]);
});

Deno.test("simplify() joins reshapes and drops those that change nothing", () => {
  const there = reshape(x, ["batch", "4*token"]);
  assert.deepEqual(opsOf({ y: tanh(reshape(there, ["batch", "token", 4])) }), ["Tanh"]);
});

Deno.test("simplify() lets operators broadcast by themselves", () => {
  assert.deepEqual(opsOf({ y: mul(x, expand(scalar(2), x.shape)) }), ["Mul"]);
  // Here the repetition gives the result its shape and has to stay.
  assert.ok(opsOf({ y: mul(scalar(3), expand(scalar(2), x.shape)), z: tanh(x) }).includes("Expand"));
});

Deno.test("simplify() leaves no trace of stopGradient", () => {
  assert.deepEqual(opsOf({ y: tanh(stopGradient(x)) }), ["Tanh"]);
});

Deno.test("simplify() keeps given names", () => {
  const hidden = tanh(x);
  const onnxGraph = lowerGraph({
    outputs: { y: add(hidden, hidden) },
    names: new Map([[hidden, "blocks.0.mlp.hook_post"]]),
  });
  assert.ok(onnxGraph.calls.some(({ outputs }) => outputs.includes("blocks.0.mlp.hook_post")));
});

Deno.test("lowerGraph() writes equal graphs as equal bytes, and another graph as others", () => {
  const build = (factor: number) => {
    const input = graphInput("x", "float32", ["n", 3]);
    const w = weight("w", { type: "float32", shape: [3, 2] }, { file: "model.safetensors", offset: 64, length: 24 });
    const y = reduceSum(mul(tanh(matMul(input, w)), scalar(factor)));
    const [gx] = gradient(y, [input]);
    assert.ok(gx);
    return encodeModel(lowerGraph({ outputs: { y, gx } })).toBase64();
  };
  assert.equal(build(2), build(2));
  assert.notEqual(build(2), build(3));
});

Deno.test("lowerGraph() takes equal inputs for one and refuses others of the same name", () => {
  const equal = graphInput("x", "float32", ["batch", "token", 4]);
  assert.deepEqual(lowerGraph({ outputs: { y: add(x, equal) } }).inputs.map(({ name }) => name), ["x"]);
  const other = graphInput("x", "float32", ["batch", 1, 4]);
  assert.throws(() => lowerGraph({ outputs: { y: add(x, other) } }), /two inputs are named "x"/);
});

Deno.test("lowerGraph() tells weights of one name in several files apart", () => {
  const type = { type: "float32", shape: [4] } as const;
  const one = weight("w", type, { file: "a.safetensors", offset: 0, length: 16 });
  const same = weight("w", type, { file: "a.safetensors", offset: 0, length: 16 });
  const other = weight("w", type, { file: "b.safetensors", offset: 0, length: 16 });
  const { initializers } = lowerGraph({ outputs: { y: add(add(one, same), other) } });
  assert.deepEqual(initializers.map(({ name, region }) => [name, region?.file]), [
    ["w[4]", "a.safetensors"],
    ["w[4] 2", "b.safetensors"],
  ]);
});

Deno.test("printGraph() shows a layer norm and its gradient", async (t) => {
  const centered = add(x, mul(reduceMean(x, { axes: [-1], keepDims: true }), scalar(-1)));
  const y = reduceSum(mul(centered, centered));
  const [gx] = gradient(y, [x]);
  assert.ok(gx);
  await t.assertSnapshot(printGraph(lowerGraph({ outputs: { y, gx } })));
});

/**
 * Every rule of the table against central finite differences, in float64 through ONNX Runtime. For each operator a scalar
 * J = Σ c · f(x) with fixed weights c is differentiated by `gradient()` and by (J(x + h) − J(x − h)) / 2h.
 */
import assert from "node:assert/strict";
import { gradient } from "../../../engine/autodiff/gradient.ts";
import { NOT_DIFFERENTIABLE, VJP_RULES } from "../../../engine/autodiff/vjp_rules.ts";
import * as elementwise from "../../../engine/onnx/elementwise.ts";
import * as linear from "../../../engine/onnx/linear.ts";
import * as shaping from "../../../engine/onnx/shaping.ts";
import { constant, graphInput, type OpType, type Value } from "../../../engine/onnx/value.ts";
import { float64 } from "../../../engine/tensor/tensor.ts";
import { assertClose } from "../../support/assert_close.ts";
import { executeGraph } from "../../support/execute_graph.ts";
import { randomNumbers } from "../../support/random_numbers.ts";

/** A function of one to three inputs, with the shapes at which it is tried. */
interface RuleCase {
  readonly shapes: readonly (readonly number[])[];
  readonly f: (...inputs: Value[]) => Value;
  /** Inputs lie in this interval; default [−2, 2]. */
  readonly between?: readonly [number, number];
}

const indices = constant("int64", [2, 2], BigInt64Array.of(0n, 1n, 2n, 1n));
const rows = constant("int64", [4], BigInt64Array.of(2n, 0n, 2n, 1n));
const isEven = constant("bool", [2, 3], Uint8Array.of(1, 0, 1, 0, 1, 0));

type Differentiable = {
  readonly [K in OpType]: typeof VJP_RULES[K] extends typeof NOT_DIFFERENTIABLE ? never : K;
}[OpType];

/** Cases of every operator that has a rule; the table is total, so this one is too. */
const CASES: Readonly<Partial<Record<Differentiable, readonly RuleCase[]>>> = {
  Add: [{ shapes: [[2, 3], [3]], f: elementwise.add }, { shapes: [[2, 1], [1, 3]], f: elementwise.add }],
  Sub: [{ shapes: [[2, 3], [2, 1]], f: elementwise.sub }, { shapes: [[3], [2, 3]], f: elementwise.sub }],
  Mul: [
    { shapes: [[2, 3], [3]], f: elementwise.mul },
    { shapes: [[], [2, 3]], f: elementwise.mul },
    { shapes: [[2, 3]], f: (a) => elementwise.mul(a, a) },
  ],
  Div: [{ shapes: [[2, 3], [2, 1]], f: elementwise.div, between: [1, 2] }],
  Neg: [{ shapes: [[3]], f: elementwise.neg }],
  Abs: [{ shapes: [[5]], f: elementwise.abs }],
  Sqrt: [{ shapes: [[3]], f: elementwise.sqrt, between: [1, 2] }],
  Exp: [{ shapes: [[3]], f: elementwise.exp }],
  Log: [{ shapes: [[3]], f: elementwise.log, between: [1, 2] }],
  Tanh: [{ shapes: [[3]], f: elementwise.tanh }],
  Cast: [{ shapes: [[3]], f: (a) => elementwise.cast(elementwise.cast(a, "float32"), "float64") }],
  // ONNX Runtime has it in float32 only.
  Gelu: [{ shapes: [[7]], f: (a) => elementwise.cast(elementwise.gelu(elementwise.cast(a, "float32")), "float64") }],
  Where: [{ shapes: [[2, 3], [3]], f: (a, b) => elementwise.where(isEven, a, b) }],
  MatMul: [
    { shapes: [[2, 3], [3, 4]], f: (a, b) => linear.matMul(a, b) },
    { shapes: [[2, 2, 3], [3, 4]], f: (a, b) => linear.matMul(a, b) },
    { shapes: [[2, 1, 2, 3], [2, 3, 4]], f: (a, b) => linear.matMul(a, b) },
    ...[false, true].flatMap((transA) =>
      [false, true].map((transB): RuleCase => ({
        shapes: [transA ? [2, 3, 2] : [2, 2, 3], transB ? [4, 3] : [3, 4]],
        f: (a, b) => linear.matMul(a, b, { transA, transB }),
      }))
    ),
  ],
  // In float32 only: ONNX Runtime measures mean and scale in it. All three outputs, then the mean alone.
  LayerNorm: [[0, 1, 2], [1]].map((picked): RuleCase => ({
    shapes: [[2, 2, 5], [5], [5]],
    f: (...inputs) => {
      const [x, gain, bias] = inputs.map((input) => elementwise.cast(input, "float32"));
      assert.ok(x && gain && bias);
      const { origin } = linear.layerNorm(x, { gain, bias }, 1e-3);
      assert.ok(origin.kind === "output");
      const { outputs } = origin.call;
      return elementwise.cast(shaping.concat(outputs.filter((_, index) => picked.includes(index)), -1), "float64");
    },
  })),
  Softmax: [{ shapes: [[2, 3]], f: (a) => linear.softmax(a) }, { shapes: [[2, 3]], f: (a) => linear.softmax(a, 0) }],
  LogSoftmax: [{ shapes: [[2, 3]], f: (a) => linear.logSoftmax(a) }],
  ReduceSum: [
    { shapes: [[2, 3]], f: (a) => linear.reduceSum(a, { axes: [0] }) },
    { shapes: [[2, 3, 2]], f: (a) => linear.reduceSum(a, { axes: [0, 2], keepDims: true }) },
  ],
  ReduceMean: [
    { shapes: [[2, 3]], f: (a) => linear.reduceMean(a, { axes: [-1] }) },
    { shapes: [[2, 3]], f: (a) => linear.reduceMean(a) },
  ],
  ReduceL2: [
    { shapes: [[2, 3]], f: (a) => linear.reduceL2(a, { axes: [1] }), between: [1, 2] },
    { shapes: [[2, 3]], f: (a) => linear.reduceL2(a, { axes: [0], keepDims: true }), between: [1, 2] },
  ],
  Transpose: [{ shapes: [[2, 3, 4]], f: (a) => shaping.transpose(a, [2, 0, 1]) }],
  Reshape: [{ shapes: [[2, 6]], f: (a) => shaping.reshape(a, [3, 4]) }, {
    shapes: [[2, 3]],
    f: (a) => shaping.unsqueeze(a, 1),
  }],
  Expand: [{ shapes: [[2, 1]], f: (a) => shaping.expand(a, [4, 2, 3]) }],
  Concat: [{ shapes: [[2, 1], [2, 3], [2, 2]], f: (a, b, c) => shaping.concat([a, b, c], 1) }],
  Split: [{
    shapes: [[2, 5]],
    f: (a) => {
      const [first, , last] = shaping.split(a, 1, [2, 1, 2]);
      assert.ok(first && last);
      // The middle part is not used: its cotangent is zero.
      return elementwise.mul(first, elementwise.exp(last));
    },
  }],
  Gather: [
    { shapes: [[3, 2]], f: (a) => shaping.gather(a, rows) },
    { shapes: [[2, 3, 2]], f: (a) => shaping.gather(a, rows, 1) },
    { shapes: [[2, 2, 3]], f: (a) => shaping.gather(a, indices, 2) },
  ],
  GatherND: [{ shapes: [[3, 2, 2]], f: (a) => shaping.gatherNd(a, indices) }],
  ScatterND: [
    { shapes: [[3, 2, 2], [2, 2]], f: (a, b) => shaping.scatterNd(a, indices, { updates: b, reduction: "none" }) },
    { shapes: [[3, 2, 2], [2, 2]], f: (a, b) => shaping.scatterNd(a, indices, { updates: b, reduction: "add" }) },
  ],
};

/** Cases that go through float32. */
const ROUNDING = /^(Cast|Gelu|LayerNorm)/;

/** Operators whose rule says that nothing flows: nothing to compare. */
const WITHOUT_GRADIENT: ReadonlySet<string> = new Set(["Sign", "StopGradient"]);

for (const [op, rule] of Object.entries(VJP_RULES)) {
  if (rule === NOT_DIFFERENTIABLE || WITHOUT_GRADIENT.has(op)) continue;
  const cases = CASES[op as Differentiable];
  Deno.test(`VJP_RULES.${op} matches finite differences in float64`, async () => {
    assert.ok(cases, `expected a case for ${op}`);
    for (const [index, ruleCase] of cases.entries()) await checkCase(ruleCase, `${op} case ${index}`);
  });
}

Deno.test("gradient() of a gradient matches finite differences: second derivatives need no new machinery", async () => {
  await checkCase({
    shapes: [[2, 3], [3, 2]],
    f: (x, w) => {
      const inner = linear.reduceSum(elementwise.tanh(linear.matMul(linear.softmax(x), w)));
      const [gx] = gradient(inner, [x]);
      assert.ok(gx);
      return elementwise.mul(gx, gx);
    },
  }, "second derivative");
});

Deno.test("gradient() through a ReduceMean over symbolic axes divides by the real count", async () => {
  const x = graphInput("x", "float64", ["n"]);
  const [gx] = gradient(linear.reduceMean(elementwise.mul(x, x)), [x]);
  assert.ok(gx);
  const { gradient: found } = await executeGraph({ gradient: gx }, { x: float64([4], [1, 2, 3, 4]) });
  assert.deepEqual([...found?.data ?? []], [0.5, 1, 1.5, 2]);
});

async function checkCase({ shapes, f, between = [-2, 2] }: RuleCase, label: string): Promise<void> {
  const inputs = shapes.map((shape, index) => graphInput(`x${index}`, "float64", shape));
  const made = f(...inputs);
  const concrete = made.shape.map(Number);
  const weights = constant(
    "float64",
    concrete,
    Float64Array.from(randomNumbers(made.shape.reduce<number>((n, d) => n * Number(d), 1), 7)),
  );
  const objective = linear.reduceSum(elementwise.mul(made, weights));
  const gradients = gradient(objective, inputs);
  const values = shapes.map((shape, index) => {
    const [low, high] = between;
    const count = shape.reduce((n, d) => n * d, 1);
    return Float64Array.from(randomNumbers(count, 11 + index), (x) => low + (x + 1) / 2 * (high - low));
  });
  const feedsOf = (data: readonly Float64Array[]) =>
    Object.fromEntries(data.map((array, index) => [`x${index}`, float64(shapes[index] ?? [], array)]));
  const outputs = Object.fromEntries(gradients.map((value, index) => [`g${index}`, value]));
  const found = await executeGraph({ ...outputs, objective }, feedsOf(values));
  // float32 in the middle rounds: a step that is large against the rounding.
  const step = ROUNDING.test(label) ? 1e-2 : 1e-5;
  const tolerance = ROUNDING.test(label) ? 2e-4 : 1e-7;
  for (const [index, value] of values.entries()) {
    const expected = new Float64Array(value.length);
    for (let entry = 0; entry < value.length; entry++) {
      const at = async (offset: number) => {
        const moved = values.map((array, other) =>
          other === index ? array.with(entry, (array[entry] ?? 0) + offset) : array
        );
        return Number((await executeGraph({ objective }, feedsOf(moved)))["objective"]?.data[0]);
      };
      expected[entry] = (await at(step) - await at(-step)) / (2 * step);
    }
    assertClose([...found[`g${index}`]?.data ?? []].map(Number), expected, {
      label: `${label}, input ${index}`,
      absolute: tolerance * Math.max(1, ...expected.map(Math.abs)),
    });
  }
}

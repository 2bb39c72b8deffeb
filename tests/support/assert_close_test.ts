import assert from "node:assert/strict";
import { assertClose } from "./assert_close.ts";

Deno.test("assertClose() accepts differences within the larger of the absolute and the relative allowance", () => {
  assertClose([1.5, 100], [1, 100], { label: "x", absolute: 0.5 });
  assertClose([1.5, 100], [1, 100], { label: "x", relative: 0.01 });
  assertClose([1.5], [1], { label: "x", relative: 0.1, maxAbs: 5 });
  assertClose(Float32Array.of(-Infinity), [-Infinity], { label: "x" });
  assertClose([], [], { label: "x" });
});

Deno.test("assertClose() names the label, the worst entry, both values and the largest difference", () => {
  assert.throws(() => assertClose([1, 2, 9, 4.25], [1, 2, 3, 4], { label: "logits", absolute: 0.1 }), {
    name: "AssertionError",
    message: "logits: 2 of 4 entries differ by more than 1.00e-1; " +
      "worst at [2]: found 9, expected 3 (max difference 6.00e+0)",
  });
});

Deno.test("assertClose() never accepts NaN, an unequal infinity or another length", () => {
  const generous = { label: "x", absolute: 1e9 };
  assert.throws(() => assertClose([NaN], [NaN], generous), /found NaN, expected NaN/);
  assert.throws(() => assertClose([0, NaN], [0, 0], generous), /worst at \[1\]/);
  assert.throws(() => assertClose([-1e38], [-Infinity], generous), /expected -Infinity/);
  assert.throws(() => assertClose([Infinity], [-Infinity], generous), /found Infinity/);
  assert.throws(() => assertClose([0], [0, 0], generous), /x: expected 2 entries but found 1/);
});

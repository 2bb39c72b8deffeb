import assert from "node:assert/strict";
import { decode, encode, type FixtureDtype, readSafetensors, writeSafetensors } from "./safetensors_fixture.ts";

Deno.test("readSafetensors() reads what writeSafetensors() wrote, for every type", () => {
  const exact = [0, 1, -1.5, 2, 96, 0.25];
  const tensors = new Map((["F64", "F32", "F16", "BF16"] as const).map((dtype) => [
    `w.${dtype}`,
    { dtype, shape: [2, 3], data: exact },
  ]));
  const { metadata, tensors: read } = readSafetensors(writeSafetensors(tensors, { format: "pt" }));
  assert.deepEqual(metadata, { format: "pt" });
  assert.deepEqual([...read.keys()], ["w.F64", "w.F32", "w.F16", "w.BF16"]);
  for (const { shape, data } of read.values()) {
    assert.deepEqual(shape, [2, 3]);
    assert.deepEqual([...data], exact);
  }
});

Deno.test("writeSafetensors() writes the documented bytes", () => {
  const bytes = writeSafetensors(new Map([["a", { dtype: "U8", shape: [2], data: [7, 255] }]]));
  const json = '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}'.padEnd(56);
  assert.deepEqual([...bytes], [56, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(json), 7, 255]);
});

Deno.test("encode() rounds to nearest, ties to even", () => {
  const rounded = (dtype: FixtureDtype, value: number) => decode(dtype, encode(dtype, [value]).buffer)[0];
  assert.equal(rounded("BF16", 1 + 2 ** -8), 1); // halfway between 1 and 1 + 2⁻⁷: the even one
  assert.equal(rounded("BF16", 1 + 3 * 2 ** -8), 1 + 2 ** -6);
  assert.equal(rounded("BF16", -(1 + 2 ** -8 + 2 ** -20)), -(1 + 2 ** -7));
  assert.equal(rounded("F16", 1 + 2 ** -11), 1);
  assert.equal(rounded("F16", 1 + 3 * 2 ** -11), 1 + 2 ** -9);
  assert.equal(rounded("F32", 0.1), Math.fround(0.1));
});

Deno.test("readSafetensors() refuses a tensor whose bytes do not fit its shape", () => {
  const bytes = writeSafetensors(new Map([["a", { dtype: "U8", shape: [2], data: [7] }]]));
  assert.throws(() => readSafetensors(bytes), /Tensor "a" of shape \[2\] and type U8 has 1 bytes/);
});

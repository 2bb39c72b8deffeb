/** Safetensors files come from outside: whatever is done to their bytes, they parse or are refused by our own error. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { FileFormatError } from "../../engine/errors.ts";
import { encodeSafetensors, parseSafetensorsHeader, readSafetensorsHeader } from "../../engine/tensor/safetensors.ts";

const FILE = encodeSafetensors([
  { name: "a", shape: [2, 3], data: new Float32Array(6).fill(1) },
  { name: "b.weight", shape: [], data: Float32Array.of(2) },
], { format: "pt" });

function withHeader(header: unknown, dataBytes = 24): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

Deno.test("parseSafetensorsHeader() reads what encodeSafetensors() wrote", () => {
  const { tensors, metadata } = parseSafetensorsHeader(FILE, "file");
  assert.deepEqual([...tensors.keys()], ["a", "b.weight"]);
  assert.deepEqual(metadata, { format: "pt" });
  const a = tensors.get("a");
  assert.ok(a);
  assert.deepEqual([...new Float32Array(FILE.buffer.slice(a.offset, a.offset + a.length))], [1, 1, 1, 1, 1, 1]);
  assert.equal(a.offset % 8, 0);
});

Deno.test("parseSafetensorsHeader() parses mutated files or refuses them, and never reads outside", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(FILE.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.nat(FILE.length),
      (edits, cut) => {
        const bytes = FILE.slice(0, Math.max(cut, FILE.length - cut));
        for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte;
        try {
          for (const { offset, length } of parseSafetensorsHeader(bytes, "file").tensors.values()) {
            assert.ok(offset >= 8 && length >= 0 && offset + length <= bytes.length);
          }
        } catch (error) {
          assert.ok(error instanceof FileFormatError, String(error));
        }
      },
    ),
    { numRuns: 3000 },
  );
});

const HOSTILE: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
  "an empty file": [new Uint8Array(), /0 bytes are too few/],
  "a header longer than the file": [Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127), /its header claims/],
  "a header that is no JSON": [withHeader("{nonsense"), /its header is not a JSON object/],
  "a header that is a list": [withHeader([1, 2]), /its header is not a JSON object/],
  "an unknown dtype": [withHeader({ a: { dtype: "Q4", shape: [1], data_offsets: [0, 4] } }), /dtype Q4 is not one of/],
  "a dtype from the prototype": [
    withHeader({ a: { dtype: "constructor", shape: [1], data_offsets: [0, 4] } }),
    /dtype constructor/,
  ],
  "offsets that do not fit the shape": [
    withHeader({ a: { dtype: "F32", shape: [2], data_offsets: [0, 4] } }),
    /takes 8 bytes but 4/,
  ],
  "offsets past the end": [withHeader({ a: { dtype: "F32", shape: [100], data_offsets: [0, 400] } }), /ends at byte/],
  "offsets the wrong way round": [
    withHeader({ a: { dtype: "F32", shape: [1], data_offsets: [8, 4] } }),
    /takes 4 bytes but -4/,
  ],
  "a negative dim": [withHeader({ a: { dtype: "F32", shape: [-1], data_offsets: [0, 4] } }), /expected dtype, shape/],
  "a shape too large to count": [
    withHeader({ a: { dtype: "F32", shape: [1e15, 1e15], data_offsets: [0, 4] } }),
    /takes/,
  ],
  "no offsets": [withHeader({ a: { dtype: "F32", shape: [1] } }), /expected dtype, shape and two data_offsets/],
  "metadata of numbers": [withHeader({ __metadata__: { a: 1 } }), /__metadata__/],
};

for (const [what, [bytes, message]] of Object.entries(HOSTILE)) {
  Deno.test(`a safetensors file with ${what} is refused by name`, async () => {
    const refusal = (error: unknown) =>
      error instanceof FileFormatError && message.test(error.message) && error.message.includes("evil");
    assert.throws(() => parseSafetensorsHeader(bytes, "evil"), refusal);
    const path = await Deno.makeTempFile();
    try {
      await Deno.writeFile(path, bytes);
      await assert.rejects(readSafetensorsHeader(path, "evil"), refusal);
    } finally {
      await Deno.remove(path);
    }
  });
}

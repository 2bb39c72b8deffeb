/** NumPy's files: those that NumPy itself wrote (see `tests/fixtures/dictionaries`), and those that nobody should have written. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { readNpzTensors } from "../../../engine/dictionaries/npz_tensors.ts";
import { TensorTable } from "../../../engine/dictionaries/tensor_table.ts";
import { FileFormatError } from "../../../engine/errors.ts";
import { add } from "../../../engine/onnx/elementwise.ts";
import { scalar } from "../../../engine/onnx/value.ts";
import { MemorySource } from "../../support/byte_source.ts";
import { executeGraph } from "../../support/execute_graph.ts";
import { npy } from "../../support/npz_file.ts";
import { readMatrix, readValue } from "../../support/read_value.ts";
import { zipFile } from "../../support/zip_file.ts";

const FOLDER = fileURLToPath(new URL("../../fixtures/dictionaries/", import.meta.url));

async function savedTable(): Promise<TensorTable> {
  const path = `${FOLDER}numpy_savez.npz`;
  return new TensorTable(path, "saved", await readNpzTensors(new MemorySource(await Deno.readFile(path))));
}

Deno.test("readNpzTensors() finds what numpy.savez wrote, in C's and in Fortran's order", async () => {
  const expected = JSON.parse(await Deno.readTextFile(`${FOLDER}numpy_savez.json`));
  const table = await savedTable();
  const rows = async (name: string, sizes: readonly [number, number]) =>
    (await readMatrix(table.matrix(name, sizes))).map((row) => [...row]);
  assert.deepEqual(await rows("W_enc", [3, 5]), expected["W_enc"]);
  assert.deepEqual(await rows("W_dec", [5, 3]), expected["W_dec"]);
  assert.equal(table.matrix("W_dec", [5, 3]).isTransposed, true);
  for (const [name, size] of [["b_enc", 5], ["b_dec", 3], ["threshold", 5]] as const) {
    assert.deepEqual([...await readValue(table.vector(name, size))], expected[name]);
  }
});

Deno.test("ONNX Runtime reads tensors in place that begin at an odd byte", async () => {
  const value = (await savedTable()).matrix("W_enc", [3, 5]).value;
  assert.ok(value.origin.kind === "weight");
  assert.equal(value.origin.region.offset % 2, 1);
  const { sum } = await executeGraph({ sum: add(value, scalar(1)) }, {});
  const numbers = await readValue(value);
  assert.deepEqual(Array.from(sum?.data ?? [], Number), [...numbers].map((number) => Math.fround(number + 1)));
});

Deno.test("what numpy.savez_compressed wrote is refused with what would be right", async () => {
  const bytes = await Deno.readFile(`${FOLDER}numpy_savez_compressed.npz`);
  await assert.rejects(
    readNpzTensors(new MemorySource(bytes)),
    /"W_enc\.npy" is compressed \(method 8\), but tensors are read in place; save it again without compression/,
  );
});

Deno.test("readNpzTensors() reads every version and type", async () => {
  for (const version of [1, 2, 3]) {
    for (const [descr, bytes, type] of [["<f4", 4, "float32"], ["<f8", 8, "float64"], ["<f2", 2, "float16"]] as const) {
      const member = npy({ descr, shape: [2, 3], data: new Uint8Array(6 * bytes), version });
      const tensors = await readNpzTensors(new MemorySource(zipFile([{ name: "x.npy", bytes: member }])));
      const found = tensors.get("x");
      assert.deepEqual([found?.type, found?.shape, found?.length, found?.isTransposed], [
        type,
        [2, 3],
        6 * bytes,
        false,
      ]);
    }
  }
  const number = npy({ descr: "<f4", shape: [], data: new Uint8Array(4) });
  const tensors = await readNpzTensors(new MemorySource(zipFile([{ name: "x.npy", bytes: number }])));
  assert.deepEqual(tensors.get("x")?.shape, []);
});

const SIX = new Uint8Array(24);
const GOOD = npy({ descr: "<f4", shape: [2, 3], data: SIX });

const HOSTILE: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
  "is empty": [new Uint8Array(), /0 bytes are too few/],
  "begins otherwise": [Uint8Array.of(1, ...GOOD.slice(1)), /does not begin as an array/],
  "has version 9": [npy({ descr: "<f4", shape: [2, 3], data: SIX, version: 9 }), /its version is 9/],
  "has a header past its end": [GOOD.slice(0, 40), /its header claims 118 bytes/],
  "has a header of 4 GB": [
    Uint8Array.of(...GOOD.slice(0, 6), 2, 0, 0xff, 0xff, 0xff, 0xff, ...GOOD.slice(10)),
    /its header claims 4294967295 bytes/,
  ],
  "has a header that is code": [
    npy({ header: "__import__('os').system('true')", data: SIX }),
    /not as NumPy writes it/,
  ],
  "is big-endian": [npy({ descr: ">f4", shape: [2, 3], data: SIX }), /its type is ">f4", expected one of <f4/],
  "holds Python objects": [npy({ descr: "|O", shape: [6], data: SIX }), /its type is "\|O"/],
  "has a type from the prototype": [npy({ descr: "constructor", shape: [6], data: SIX }), /its type is "constructor"/],
  "has a shape too large": [
    npy({ descr: "<f4", shape: [1e9, 1e9], data: SIX }),
    /takes 4000000000000000000 bytes but 24/,
  ],
  "has a shape of 17 axes": [
    npy({ descr: "<f4", shape: new Array<number>(17).fill(1), data: SIX }),
    /its shape is \(1, 1/,
  ],
  "has a size past 2^53": [
    npy({ header: "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", data: SIX }),
    /its shape is/,
  ],
  "has too few bytes": [npy({ descr: "<f4", shape: [2, 4], data: SIX }), /takes 32 bytes but 24/],
  "has too many bytes": [npy({ descr: "<f4", shape: [2, 2], data: SIX }), /takes 16 bytes but 24/],
  "is in Fortran's order with three axes": [
    npy({ descr: "<f4", shape: [1, 2, 3], data: SIX, isFortran: true }),
    /Fortran's order, which only matrices may be/,
  ],
};

for (const [what, [bytes, message]] of Object.entries(HOSTILE)) {
  Deno.test(`an array that ${what} is refused`, async () => {
    await assert.rejects(
      readNpzTensors(new MemorySource(zipFile([{ name: "x.npy", bytes }]))),
      (error: unknown) =>
        error instanceof FileFormatError && error.message.startsWith("Cannot read evil, x.npy: ") &&
        message.test(error.message),
    );
  });
}

Deno.test("an .npz with something else in it is refused", async () => {
  const bytes = zipFile([{ name: "x.npy", bytes: GOOD }, { name: "run.py", bytes: SIX }]);
  await assert.rejects(readNpzTensors(new MemorySource(bytes)), /its member "run\.py" is no \.npy/);
});

Deno.test("readNpzTensors() finds tensors of mutated files inside them, or refuses them", async () => {
  const whole = await Deno.readFile(`${FOLDER}numpy_savez.npz`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.option(fc.nat(whole.length), { freq: 5 }),
      async (edits, cut) => {
        const bytes = whole.slice(0, cut ?? whole.length);
        for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte;
        try {
          for (const { offset, length } of (await readNpzTensors(new MemorySource(bytes))).values()) {
            assert.ok(offset >= 0 && length >= 0 && offset + length <= bytes.length);
          }
        } catch (error) {
          assert.ok(error instanceof FileFormatError, String(error));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

/** State dicts of torch: tensors are found in place, however they are stored; what cannot be read in place is refused by name. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { readTorchState } from "../../../engine/dictionaries/torch_state.ts";
import { FileFormatError } from "../../../engine/errors.ts";
import { MemorySource } from "../../support/byte_source.ts";
import { goldenAutoencoderPath } from "../../support/golden_dictionaries.ts";
import {
  pBool,
  pCall,
  pDict,
  pGlobal,
  pickle,
  type Pickled,
  pInt,
  pTensor,
  pText,
  pTuple,
  torchFile,
  type TorchTensor,
  torchZip,
} from "../../support/torch_file.ts";
import { decode } from "../../support/safetensors_fixture.ts";
import { zipFile } from "../../support/zip_file.ts";

const SIX = [1, 2, 3, 4, 5, 6];

async function numbersOf(tensor: TorchTensor): Promise<{ readonly numbers: number[]; readonly isTransposed: boolean }> {
  const bytes = torchFile({ x: tensor });
  const found = (await readTorchState(new MemorySource(bytes))).tensors.get("x");
  assert.ok(found);
  assert.deepEqual(found.shape, tensor.shape);
  const { dtype = "F32" } = tensor;
  const data = bytes.slice(found.offset, found.offset + found.length).buffer;
  const numbers = dtype === "I64"
    ? Array.from(new BigInt64Array(data), Number)
    : dtype === "I32"
    ? [...new Int32Array(data)]
    : [...decode(dtype, data)];
  return { numbers, isTransposed: found.isTransposed };
}

Deno.test("readTorchState() finds tensors of every type", async () => {
  for (const dtype of ["F64", "F32", "F16", "BF16", "I64", "I32"] as const) {
    assert.deepEqual(await numbersOf({ shape: [2, 3], data: SIX, dtype }), { numbers: SIX, isTransposed: false });
  }
});

Deno.test("readTorchState() finds views: a part of a storage, a transpose, a number, nothing, a parameter", async () => {
  assert.deepEqual(await numbersOf({ shape: [2], data: SIX, offset: 3 }), { numbers: [4, 5], isTransposed: false });
  assert.deepEqual(await numbersOf({ shape: [3, 2], strides: [1, 3], data: SIX }), {
    numbers: SIX,
    isTransposed: true,
  });
  assert.deepEqual(await numbersOf({ shape: [], data: [9] }), { numbers: [9], isTransposed: false });
  assert.deepEqual(await numbersOf({ shape: [0, 4], data: [] }), { numbers: [], isTransposed: false });
  assert.deepEqual(await numbersOf({ shape: [2], data: [1, 2], isParameter: true }), {
    numbers: [1, 2],
    isTransposed: false,
  });
  // Along an axis of one element, a stride says nothing.
  assert.deepEqual(await numbersOf({ shape: [1, 6], strides: [1, 1], data: SIX }), {
    numbers: SIX,
    isTransposed: false,
  });
});

Deno.test("readTorchState() keeps entries that are no tensors, of plain and of ordered dictionaries", async () => {
  for (const isPlainDict of [true, false]) {
    const bytes = torchFile({ x: { shape: [1], data: [1] } }, { plain: { activation: pText("TopK") }, isPlainDict });
    const { tensors, plain } = await readTorchState(new MemorySource(bytes));
    assert.deepEqual([...tensors.keys()], ["x"]);
    assert.deepEqual([...plain], [["activation", "TopK"]]);
  }
});

const REBUILD = pGlobal("torch._utils", "_rebuild_tensor_v2");
const X: TorchTensor = { shape: [2, 3], data: SIX };

function state(entry: Pickled): Uint8Array {
  return torchZip(pickle(pDict({ x: entry })), [new Uint8Array(24)]);
}

function strided(tensor: Partial<TorchTensor>): Uint8Array {
  return torchFile({ x: { ...X, ...tensor } });
}

const HOSTILE: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
  "is a bare pickle, as torch wrote before 1.6": [
    pickle(pDict({})),
    /before 1\.6, load it and save it again with torch\.save/,
  ],
  "is a zip file of something else": [
    zipFile([{ name: "readme.txt", bytes: new Uint8Array(8) }]),
    /not one that torch\.save wrote/,
  ],
  "has two pickles": [
    zipFile(["a", "b"].map((top) => ({ name: `${top}/data.pkl`, bytes: pickle(pDict({})) }))),
    /not one that torch\.save wrote/,
  ],
  "is big-endian": [torchFile({ x: X }, { byteOrder: "big" }), /its byte order is "big"/],
  "is a list": [torchZip(pickle(pTuple())), /it holds no dictionary/],
  "has a number as a key": [torchZip(pickle([0x7d, ...pInt(1), ...pInt(2), 0x73])), /whose key is no text/],
  "calls os.system": [state(pCall(pGlobal("os", "system"), pText("true"))), /names "os\.system"/],
  "holds a class": [
    state(pGlobal("sae_training.config", "RunnerConfig")),
    /names "sae_training\.config\.RunnerConfig"/,
  ],
  "has bytes of 8 bits": [torchFile({ x: { shape: [1], data: [1], dtype: "U8" } }), /names "torch\.ByteStorage"/],
  "lacks a storage": [torchZip(pickle(pDict({ x: pTensor("7", X) }))), /tensor "x": its storage "7" is missing/],
  "has a storage that is too short": [
    torchZip(pickle(pDict({ x: pTensor("0", X) })), [new Uint8Array(8)]),
    /float32 \[2, 3\] does not fit into its storage of 8 bytes/,
  ],
  "has a view past its storage": [strided({ offset: 1 }), /does not fit into its storage of 24 bytes/],
  "has a tensor of 2^60 elements": [strided({ shape: [0x7fffffff, 0x7fffffff] }), /does not fit/],
  "has a negative size": [strided({ shape: [-2, 3] }), /not described as torch does/],
  "has a negative offset": [strided({ offset: -1 }), /not described as torch does/],
  "has fewer strides than sizes": [strided({ strides: [1] }), /not described as torch does/],
  "repeats elements": [strided({ strides: [0, 1] }), /do not follow each other.*save it with \.contiguous\(\)/],
  "skips elements": [strided({ shape: [3], strides: [2] }), /do not follow each other/],
  "rebuilds a tensor from a number": [state(pCall(REBUILD, pInt(1))), /not described as torch does/],
  "rebuilds a parameter from a number": [
    state(pCall(pGlobal("torch._utils", "_rebuild_parameter"), pInt(1), pBool(true), pDict({}))),
    /calls torch\._utils\._rebuild_parameter in a way that torch does not/,
  ],
  "calls a storage class": [state(pCall(pGlobal("torch", "FloatStorage"), pInt(1))), /calls torch\.FloatStorage/],
  "has a storage of no class": [
    state([...pTuple(pText("storage"), pText("float"), pText("0"), pText("cpu"), pInt(1)), 0x51]),
    /a storage of its pickle/,
  ],
};

for (const [what, [bytes, message]] of Object.entries(HOSTILE)) {
  Deno.test(`a torch file that ${what} is refused`, async () => {
    await assert.rejects(
      readTorchState(new MemorySource(bytes)),
      (error: unknown) =>
        error instanceof FileFormatError && error.message.startsWith("Cannot read evil") && message.test(error.message),
    );
  });
}

Deno.test("readTorchState() reads a mutated file of torch's own inside it, or refuses it", async () => {
  const whole = await Deno.readFile(goldenAutoencoderPath("tiny.resid_delta_mlp.topk.pt/0.pt"));
  await readTorchState(new MemorySource(whole));
  // The first 900 bytes hold the pickle, the last 800 the directory.
  const place = fc.oneof(fc.nat(899), fc.nat(799).map((at) => whole.length - 1 - at));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 5 }),
      fc.option(fc.nat(whole.length), { freq: 5 }),
      async (edits, cut) => {
        const bytes = whole.slice(0, cut ?? whole.length);
        for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte;
        try {
          for (const { offset, length } of (await readTorchState(new MemorySource(bytes))).tensors.values()) {
            assert.ok(offset >= 0 && length >= 0 && offset + length <= bytes.length);
          }
        } catch (error) {
          assert.ok(error instanceof FileFormatError, String(error));
        }
      },
    ),
    { numRuns: 1500 },
  );
});

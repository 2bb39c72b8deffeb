/** Pickles come from outside and are programs: ours executes nothing, whatever they say, and takes no more memory than they have bytes. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type PickleRules, type PickleValue, readPickle } from "../../../engine/dictionaries/pickle.ts";
import { FileFormatError } from "../../../engine/errors.ts";
import {
  P_NONE,
  pBool,
  pCall,
  pDict,
  pFloat,
  pGlobal,
  pickle,
  type Pickled,
  pInt,
  pStateDict,
  pText,
  pTuple,
} from "../../support/torch_file.ts";
import { u32, u64 } from "../../support/zip_file.ts";

const RULES: PickleRules = {
  globals: new Set(["collections.OrderedDict"]),
  call: () => new Map(),
  persistent: (id) => id,
};

function read(bytes: Uint8Array, rules = RULES): PickleValue {
  return readPickle(bytes, "evil", rules);
}

Deno.test("readPickle() reads plain data of protocol 2", () => {
  const value = read(pickle(pDict({
    none: P_NONE,
    yes: pBool(true),
    no: pBool(false),
    small: pInt(7),
    large: pInt(40_000),
    negative: pInt(-5),
    float: pFloat(-1.5),
    text: pText("π 𝄞"),
    tuple: pTuple(pInt(1), pTuple(), pText("")),
  })));
  assert.deepEqual(
    value,
    new Map<string, PickleValue>([
      ["none", null],
      ["yes", true],
      ["no", false],
      ["small", 7],
      ["large", 40_000],
      ["negative", -5],
      ["float", -1.5],
      ["text", "π 𝄞"],
      ["tuple", [1, [], ""]],
    ]),
  );
});

Deno.test("readPickle() reads what protocols 4 and 5 add, as Python wrote it", () => {
  // pickle.dumps({"a": [1, 2.5], "b": (True, None, b"xyz"), "c": -(2**40)}, protocol=4)
  const four = Uint8Array.fromHex(
    "80049532000000000000007d94288c0161945d94284b01474004000000000000658c016294884e43037879" +
      "7a9487948c0163948a060000000000ff752e",
  );
  assert.deepEqual(
    read(four),
    new Map<string, PickleValue>([
      ["a", [1, 2.5]],
      ["b", [true, null, new TextEncoder().encode("xyz")]],
      ["c", -(2 ** 40)],
    ]),
  );
  // STACK_GLOBAL names what GLOBAL does in protocol 2.
  const named = Uint8Array.from([0x80, 4, ...short("collections"), ...short("OrderedDict"), 0x93, 0x29, 0x52, 0x2e]);
  assert.deepEqual(read(named), new Map());
});

function short(text: string): number[] {
  return [0x8c, text.length, ...new TextEncoder().encode(text)];
}

Deno.test("readPickle() remembers and recalls, and takes an ordered dictionary with metadata", () => {
  const shared = pickle([0x5d, 0x71, 0, 0x28, ...pInt(1), 0x68, 0, 0x65]);
  const list = read(shared);
  assert.ok(Array.isArray(list));
  assert.equal(list[0], 1);
  assert.equal(list[1], list);
  assert.deepEqual(read(pickle(pStateDict({ a: pInt(1) }))), new Map([["a", 1]]));
});

const HOSTILE: Readonly<Record<string, readonly [Pickled, RegExp]>> = {
  "calls os.system": [pCall(pGlobal("os", "system"), pText("true")), /names "os\.system".*nothing was executed/],
  "calls posix.system": [pCall(pGlobal("posix", "system"), pText("true")), /"posix\.system"/],
  "names eval": [pGlobal("builtins", "eval"), /"builtins\.eval"/],
  "names torch.load": [pGlobal("torch", "load"), /"torch\.load"/],
  "names through a dot": [pGlobal("collections", "OrderedDict.fromkeys"), /"collections\.OrderedDict\.fromkeys"/],
  "names a member of Object": [pGlobal("", "constructor"), /"\.constructor"/],
  "names os.system by texts on the stack": [[...short("os"), ...short("system"), 0x93], /"os\.system"/],
  "names something by a tuple": [[...pTuple(pText("os")), ...pText("system"), 0x93], /by what is no text/],
  "makes an instance (INST)": [[0x28, 0x69], /is 0x69, which no weights file needs/],
  "makes an object (OBJ)": [[0x28, 0x6f], /is 0x6f/],
  "makes a new object (NEWOBJ)": [[0x29, 0x81], /is 0x81/],
  "uses a registered extension (EXT1)": [[0x82, 1], /is 0x82/],
  "asks for a buffer out of band": [[0x97], /is 0x97/],
  "has a text of 4 GB": [[0x58, ...u32(0xffffffff)], /needs 4294967295 bytes/],
  "has a text of 2^62 bytes": [[0x8d, ...u64(2n ** 62n)], /needs 4611686018427388000 bytes/],
  "has bytes of 4 GB": [[0x42, ...u32(0xffffffff), 1, 2], /needs 4294967295 bytes/],
  "has an integer of 255 bytes": [[0x8a, 255], /an integer of 255 bytes/],
  "has an integer past 2^53": [[0x8a, 8, ...u64(2n ** 62n)], /has the integer 4611686018427388000/],
  "recalls what is not there": [[0x68, 3], /recalls value 3/],
  "takes from an empty stack": [[0x85], /takes a value at byte 3 where there is none/],
  "takes a mark": [[0x28, 0x85], /takes a value/],
  "has a tuple without a mark": [[...pInt(1), 0x74], /needs a mark/],
  "calls a number": [[...pInt(1), 0x29, 0x52], /calls something/],
  "calls without a tuple": [[...pGlobal("collections", "OrderedDict"), 0x7d, 0x52], /calls something/],
  "sets entries of a tuple": [[0x29, ...pInt(1), ...pInt(2), 0x73], /sets entries/],
  "sets a key without a value": [[0x7d, 0x28, ...pInt(1), 0x75], /sets entries/],
  "appends to a dictionary": [[0x7d, ...pInt(1), 0x61], /appends/],
  "sets the state of a number": [[...pInt(1), 0x7d, 0x62], /sets the state/],
  "stacks without end": [new Array<number>(200_000).fill(0x4e), /stacks more than 100000 values/],
  "remembers without end": [
    [0x4e, ...Array.from({ length: 100_001 }, (_, key) => [0x72, ...u32(key)]).flat()],
    /remembers more than 100000 values/,
  ],
};

for (const [what, [body, message]] of Object.entries(HOSTILE)) {
  Deno.test(`a pickle that ${what} is refused`, () => {
    assert.throws(
      () => read(pickle(body)),
      (error: unknown) =>
        error instanceof FileFormatError && error.message.startsWith("Cannot read evil: ") &&
        message.test(error.message),
    );
  });
}

Deno.test("a pickle of protocol 0, 1 or 6 is refused", () => {
  assert.throws(() => read(Uint8Array.of(0x80, 6, 0x4e, 0x2e)), /protocol 6, expected 2 to 5/);
  assert.throws(() => read(new TextEncoder().encode("(dp0\n.")), /is 0x64|is 0x70/);
});

Deno.test("a pickle of nested sums of itself takes no more than it has bytes", () => {
  // Thirty tuples of two, each twice the one before: 2^30 values if anything walked through them.
  const bomb = [0x29, 0x71, 0, ...Array.from({ length: 30 }, (_, n) => [0x68, n, 0x68, n, 0x86, 0x71, n + 1]).flat()];
  const value = read(pickle(bomb));
  assert.ok(Array.isArray(value) && value[0] === value[1]);
  assert.throws(() => read(pickle([...bomb, ...pText("x"), 0x93])), FileFormatError);
});

Deno.test("a pickle that is cut off anywhere is refused", () => {
  const whole = pickle(pStateDict({ a: pTuple(pInt(1), pFloat(2), pText("three")), b: pInt(70_000) }));
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => read(whole.subarray(0, length)), FileFormatError, `${length} bytes`);
  }
});

Deno.test("readPickle() reads any bytes or refuses them, and calls nothing but what the rules allow", () => {
  const called = new Set<string>();
  const rules: PickleRules = {
    ...RULES,
    call: (name) => {
      called.add(name);
      return new Map();
    },
  };
  const sample = pickle(pStateDict({ a: pTuple(pInt(1), pFloat(2), pText("three")) }));
  const mutated = fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    .map((edits) => {
      const bytes = sample.slice();
      for (const [at, byte] of edits) bytes[at] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 64 })), (bytes) => {
      try {
        read(bytes, rules);
      } catch (error) {
        assert.ok(error instanceof FileFormatError, String(error));
      }
    }),
    { numRuns: 5000 },
  );
  assert.deepEqual([...called], ["collections.OrderedDict"]);
});

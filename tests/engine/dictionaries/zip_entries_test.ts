/** Zip files come from outside: members are found where they are, and nothing that contradicts itself is believed. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { readZipEntries } from "../../../engine/dictionaries/zip_entries.ts";
import { FileFormatError } from "../../../engine/errors.ts";
import { MemorySource } from "../../support/byte_source.ts";
import { u16, u32, u64, type ZipLayout, zipLayout, type ZipOptions } from "../../support/zip_file.ts";

const MEMBERS = [
  { name: "a/one", bytes: Uint8Array.of(1, 2, 3) },
  { name: "a/π", bytes: Uint8Array.of(4, 5, 6, 7) },
  { name: "empty", bytes: new Uint8Array() },
];

const FORMS: Readonly<Record<string, ZipOptions>> = {
  "as it is": {},
  "aligned as torch does": { align: 64 },
  "with 64-bit fields": { isLong: true },
  "with a comment": { comment: "PK\x05\x06 is no end" },
};

for (const [form, options] of Object.entries(FORMS)) {
  Deno.test(`readZipEntries() finds members of a zip file ${form}`, async () => {
    const { bytes, members } = zipLayout(MEMBERS, options);
    const entries = await readZipEntries(new MemorySource(bytes));
    assert.deepEqual([...entries.keys()], MEMBERS.map(({ name }) => name));
    [...entries.values()].forEach(({ offset, length }, index) => {
      assert.equal(offset, members[index]?.data);
      assert.deepEqual(bytes.slice(offset, offset + length), MEMBERS[index]?.bytes);
    });
  });
}

function patched({ bytes }: ZipLayout, at: number, patch: readonly number[]): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  copy.set(patch, at);
  return copy;
}

const PLAIN = zipLayout(MEMBERS);
const LONG = zipLayout(MEMBERS, { isLong: true });
const [FIRST = { header: 0, data: 0, central: 0 }, SECOND = FIRST] = PLAIN.members;
const [LONG_FIRST = FIRST] = LONG.members;
/** Of the 64-bit fields: after the fixed part and the name. */
const LONG_FIELDS = LONG_FIRST.central + 46 + "a/one".length + 4;

const HOSTILE: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
  "is empty": [new Uint8Array(), /its directory is missing/],
  "is text": [new TextEncoder().encode("PK is no zip file, however long it may be"), /its directory is missing/],
  "has a directory past its end": [patched(PLAIN, PLAIN.end + 16, u32(0xfffffff0)), /its directory is said to end/],
  "has a directory too long": [patched(PLAIN, PLAIN.end + 12, u32(0x7fffffff)), /its directory is said to end/],
  "claims more members than it has": [patched(PLAIN, PLAIN.end + 10, u16(4)), /should describe a member and does not/],
  "has a member past its end": [
    patched(PLAIN, FIRST.central + 42, u32(0x7fffffff)),
    /bytes from byte 2147483647 are needed/,
  ],
  "has a member without a local header": [patched(PLAIN, FIRST.header, u32(0)), /"a\/one" should begin at byte 0/],
  "has a member larger than the file": [
    patched(PLAIN, FIRST.central + 20, [...u32(0x10000000), ...u32(0x10000000)]),
    /"a\/one" ends at byte/,
  ],
  "has a member with two sizes": [patched(PLAIN, FIRST.central + 20, u32(2)), /has two sizes: 3 and 2/],
  "has two members in one place": [patched(PLAIN, SECOND.central + 42, u32(FIRST.header)), /shares bytes with another/],
  "has a member that reaches into the next": [
    patched(PLAIN, FIRST.central + 20, [...u32(30), ...u32(30)]),
    /shares bytes with another/,
  ],
  "has a name longer than its directory": [patched(PLAIN, SECOND.central + 28, u16(0xffff)), /is cut off/],
  "has an extra field longer than its directory": [patched(PLAIN, SECOND.central + 30, u16(0xffff)), /is cut off/],
  "has a compressed member": [
    zipLayout([{ name: "x", bytes: Uint8Array.of(1), method: 8 }]).bytes,
    /"x" is compressed \(method 8\).*save it again without compression/,
  ],
  "has an encrypted member": [zipLayout([{ name: "x", bytes: Uint8Array.of(1), flags: 1 }]).bytes, /"x" is encrypted/],
  "has one name twice": [
    zipLayout([{ name: "x", bytes: Uint8Array.of(1) }, { name: "x", bytes: Uint8Array.of(2) }]).bytes,
    /two members named "x"/,
  ],
  "has too many members": [
    zipLayout(Array.from({ length: 10_001 }, (_, n) => ({ name: `${n}`, bytes: new Uint8Array() }))).bytes,
    /10001 members, at most 10000/,
  ],
  "lies about a 64-bit size": [
    patched(LONG, LONG_FIELDS, [...u64(2n ** 60n), ...u64(2n ** 60n)]),
    /a size or offset of its directory is 1152921504606846976/,
  ],
  "lies about a 64-bit offset": [patched(LONG, LONG_FIELDS + 16, u64(2n ** 52n)), /are needed/],
  "lacks a 64-bit field": [patched(LONG, LONG_FIELDS - 4, u16(9)), /a 64-bit field of its directory is missing/],
  "has no 64-bit directory where it should be": [
    patched(LONG, LONG.end - 20 + 8, u64(3)),
    /should describe a 64-bit directory/,
  ],
  "has no locator of its 64-bit directory": [patched(LONG, LONG.end - 20, u32(0)), /should locate a 64-bit directory/],
  "lies about the number of its members in 64 bits": [
    patched(LONG, LONG.end - 20 - 56 + 32, u64(2n ** 40n)),
    /1099511627776 members/,
  ],
};

for (const [what, [bytes, message]] of Object.entries(HOSTILE)) {
  Deno.test(`a zip file that ${what} is refused`, async () => {
    await assert.rejects(
      readZipEntries(new MemorySource(bytes)),
      (error: unknown) =>
        error instanceof FileFormatError && error.message.startsWith("Cannot read evil") && message.test(error.message),
    );
  });
}

Deno.test("a zip file that is cut off anywhere is refused", async () => {
  for (let length = 0; length < PLAIN.bytes.length; length++) {
    await assert.rejects(readZipEntries(new MemorySource(PLAIN.bytes.subarray(0, length))), FileFormatError);
  }
});

Deno.test("readZipEntries() finds members of mutated files inside them, or refuses them", async () => {
  for (const { bytes: whole } of [PLAIN, LONG]) {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        async (edits) => {
          const bytes = whole.slice();
          for (const [at, byte] of edits) bytes[at] = byte;
          try {
            for (const { offset, length } of (await readZipEntries(new MemorySource(bytes))).values()) {
              assert.ok(offset >= 0 && length >= 0 && offset + length <= bytes.length);
            }
          } catch (error) {
            assert.ok(error instanceof FileFormatError, String(error));
          }
        },
      ),
      { numRuns: 1500 },
    );
  }
});

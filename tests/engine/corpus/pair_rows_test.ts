import assert from "node:assert/strict";
import fc from "fast-check";
import { cutIntoRows, pairRowLengths } from "../../../engine/corpus/pair_rows.ts";

Deno.test("pairRowLengths() grows by one a query", () => {
  assert.deepEqual(pairRowLengths(4, 10), [1, 2, 3, 4]);
  assert.deepEqual(pairRowLengths(1, 1), [1]);
});

Deno.test("pairRowLengths() stops growing where the window is capped", () => {
  assert.deepEqual(pairRowLengths(5, 1 + 2 + 2 + 2 + 2), [1, 2, 2, 2, 2]);
  assert.deepEqual(pairRowLengths(5, 5), [1, 1, 1, 1, 1]);
  assert.deepEqual(pairRowLengths(4, 9), [1, 2, 3, 3]);
});

Deno.test("pairRowLengths() knows every window by its number of values, and no other number", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), (tokens) => {
      const windows = new Map<number, number>();
      for (let cap = 1; cap <= tokens; cap++) {
        const lengths = Array.from({ length: tokens }, (_, query) => Math.min(query + 1, cap));
        const count = lengths.reduce((sum, length) => sum + length);
        windows.set(count, cap);
        assert.deepEqual(pairRowLengths(tokens, count), lengths);
      }
      for (let count = 0; count <= Math.min(2 * tokens, tokens * (tokens + 1) / 2 + 3); count++) {
        assert.equal(pairRowLengths(tokens, count) !== null, windows.has(count), `${count} values`);
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("cutIntoRows() keeps the order of values", () => {
  assert.deepEqual(cutIntoRows([1, 2, 3, 4, 5], [1, 2, 2]), [[1], [2, 3], [4, 5]]);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { alignPrompts, slotOf } from "../../../engine/circuit/alignment.ts";

Deno.test("alignPrompts() puts one prompt into slots of its own", () => {
  assert.deepEqual(alignPrompts([[7, 8]]), [[0], [1]]);
});

Deno.test("alignPrompts() pairs prompts of one length token by token", () => {
  assert.deepEqual(alignPrompts([[1, 2, 3], [1, 9, 3]]), [[0, 0], [1, 1], [2, 2]]);
});

Deno.test("alignPrompts() pairs the common beginning and end, and gives what is between slots of its own", () => {
  assert.deepEqual(alignPrompts([[1, 2, 3, 9], [1, 4, 9]]), [[0, 0], [1, null], [2, null], [null, 1], [3, 2]]);
  // A token is never paired twice.
  assert.deepEqual(alignPrompts([[1, 1, 1], [1, 1]]), [[0, 0], [1, 1], [2, null]]);
});

Deno.test("alignPrompts() keeps every token of both prompts once, in order, and pairs only equal tokens of unequal lengths", () => {
  const tokens = fc.array(fc.nat(3), { minLength: 1, maxLength: 12 });
  fc.assert(fc.property(tokens, tokens, (left, right) => {
    const alignment = alignPrompts([left, right]);
    for (const [prompt, ids] of [left, right].entries()) {
      const found = alignment.flatMap((slot) => slot[prompt] ?? []);
      assert.deepEqual(found, ids.map((_, index) => index));
      ids.forEach((_, index) => assert.equal(alignment[slotOf(alignment, prompt, index)]?.[prompt], index));
    }
    if (left.length === right.length) return;
    for (const [a = null, b = null] of alignment) if (a !== null && b !== null) assert.equal(left[a], right[b]);
  }));
});

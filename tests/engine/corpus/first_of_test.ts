import assert from "node:assert/strict";
import fc from "fast-check";
import { FirstOf } from "../../../engine/corpus/first_of.ts";

Deno.test("FirstOf keeps what sorting everything and cutting keeps, equal items in the order of adding", () => {
  const items = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 });
  fc.assert(fc.property(items, fc.integer({ min: 1, max: 30 }), (keys, limit) => {
    const all = keys.map((key, index) => ({ key, index }));
    const compare = (a: { key: number }, b: { key: number }) => b.key - a.key;
    const first = new FirstOf(limit, compare);
    for (const item of all) first.add(item);
    assert.deepEqual(first.items(), all.toSorted(compare).slice(0, limit));
  }));
});

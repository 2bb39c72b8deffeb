/** The view of a run and its address are each other's inverse. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type CardName,
  CARDS,
  DEFAULT_VIEW,
  GROUPINGS,
  isOpen,
  MAX_OPEN_ROWS,
  NODE_KINDS,
  NODE_SORTS,
  readView,
  type RunViewState,
  viewQuery,
  withToggled,
} from "../../views/view_state.ts";

const METRICS = ["activation", "writeNorm", "directEffect", "totalEffect"] as const;
const texts = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 5 });
const cards = fc.uniqueArray(fc.constantFrom(...Object.keys(CARDS) as CardName[])).map((names) =>
  (Object.keys(CARDS) as CardName[]).filter((name) => names.includes(name))
);
const number = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0));

const view: fc.Arbitrary<RunViewState> = fc.record({
  sort: fc.constantFrom(...NODE_SORTS),
  direction: fc.constantFrom("asc", "desc", "size"),
  side: fc.constantFrom<number | "diff">(0, 1, 2, 3, "diff"),
  pair: fc.constantFrom([0, 1], [0, 2], [3, 1]),
  page: fc.integer({ min: 1, max: 9999 }),
  pageSize: fc.constantFrom(10, 25, 50),
  filter: fc.record({
    kinds: fc.uniqueArray(fc.constantFrom(...NODE_KINDS)).map((kinds) => NODE_KINDS.filter((k) => kinds.includes(k))),
    layers: fc.option(fc.tuple(fc.nat({ max: 999 }), fc.nat({ max: 999 }))),
    token: fc.string({ maxLength: 40 }),
    text: fc.string({ maxLength: 40 }),
    range: fc.option(
      fc.record({ metric: fc.constantFrom(...METRICS), min: number, max: number }, { noNullPrototype: true }),
    ).map((range) => range === null || (range.min === null && range.max === null) ? null : range),
    hidesEarly: fc.boolean(),
  }, { noNullPrototype: true }),
  group: fc.option(fc.constantFrom(...GROUPINGS)),
  open: texts,
  toggled: cards,
  pins: texts,
  logitSort: fc.constantFrom("logit", "diff"),
  logitSide: fc.constantFrom(0, 1, 2, 3),
  logitDirection: fc.constantFrom("asc", "desc"),
  showsAllLogits: fc.boolean(),
  sharedScale: fc.boolean(),
  tokensFrom: fc.option(fc.nat({ max: 99999 })),
  lensFrom: fc.option(fc.nat({ max: 99999 })),
  off: texts,
  previous: fc.option(fc.constantFrom("0123456789abcdef", "f".repeat(32))),
}, { noNullPrototype: true });

Deno.test("readView() reads what viewQuery() says, through a real address", () => {
  fc.assert(fc.property(view, (given) => {
    const address = new URL(`http://host/runs/abc?${viewQuery(given)}`);
    assert.deepEqual(readView(address.searchParams, 4), given);
  }));
});

Deno.test("viewQuery() leaves out what is as by default", () => {
  assert.equal(viewQuery(DEFAULT_VIEW).toString(), "");
  assert.equal(viewQuery({ ...DEFAULT_VIEW, sort: "totalEffect" }).toString(), "sort=totalEffect");
});

Deno.test("readView() takes what it does not understand for the default, and never throws", () => {
  const strange =
    "sort=x&dir=up&side=9&pair=0-9&page=-1&size=7&kind=x&layers=a-b&range=x:y:z&group=x&cards=x,y&lens=-1";
  assert.deepEqual(readView(new URLSearchParams(strange), 1), DEFAULT_VIEW);
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...names()), fc.string())), (pairs) => {
    const read = readView(new URLSearchParams(pairs), 2);
    assert.deepEqual(readView(viewQuery(read), 2), read);
  }));
});

Deno.test("readView() reads the fields of the filter form as well as the short form", () => {
  const fields = new URLSearchParams("layer-min=2&layer-max=&metric=totalEffect&min=%E2%88%920.5&max=&filter=on");
  const { layers, range } = readView(fields, 1).filter;
  assert.deepEqual(layers, [2, 999]);
  assert.deepEqual(range, { metric: "totalEffect", min: -0.5, max: null });
  assert.equal(readView(new URLSearchParams("metric=totalEffect&min=&max="), 1).filter.range, null);
});

Deno.test("a run of one side has no other sides, whatever its address says", () => {
  const { side, pair, logitSide, logitSort } = readView(new URLSearchParams("side=1&pair=1-0&lside=1&lsort=diff"), 1);
  assert.deepEqual([side, pair, logitSide, logitSort], [0, [0, 1], 0, "logit"]);
});

Deno.test("of many open rows the latest stay", () => {
  const query = new URLSearchParams(Array.from({ length: 20 }, (_, index) => ["open", `mlp/0/${index}@1`]));
  const { open } = readView(query, 1);
  assert.equal(open.length, MAX_OPEN_ROWS);
  assert.equal(open.at(-1), "mlp/0/19@1");
});

Deno.test("a card that is toggled twice is as before", () => {
  const once = withToggled(DEFAULT_VIEW, "lens");
  assert.equal(isOpen(DEFAULT_VIEW, "lens"), false);
  assert.equal(isOpen(once, "lens"), true);
  assert.deepEqual(withToggled(once, "lens"), DEFAULT_VIEW);
});

function names(): readonly string[] {
  return [
    "sort",
    "dir",
    "side",
    "pair",
    "page",
    "size",
    "kind",
    "layers",
    "token",
    "q",
    "range",
    "early",
    "group",
    "open",
  ];
}

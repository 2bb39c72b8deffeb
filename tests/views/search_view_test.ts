/** Views of the page of searches and their addresses are each other's inverse. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { KINDS } from "../../views/component_kinds.ts";
import {
  DEFAULT_SEARCH,
  MAX_SEARCH_TEXT,
  readSearchView,
  SEARCH_SORTS,
  searchQuery,
  type SearchView,
} from "../../views/search_view.ts";

const name = fc.option(fc.string({ minLength: 1, maxLength: 40 }));
const page = fc.integer({ min: 1, max: 9999 });

const searchView: fc.Arbitrary<SearchView> = fc.constantFrom("firing" as const, "text" as const).chain((way) =>
  fc.record({
    model: name,
    q: fc.string({ maxLength: 60 }).filter((text) => !text.includes("\r")),
    in: fc.constant(way),
    match: way === "text" ? fc.constantFrom("text" as const, "tokens" as const) : fc.constant("text" as const),
    kind: fc.option(fc.constantFrom(...KINDS)),
    dictionary: name,
    layers: fc.uniqueArray(fc.nat({ max: 999 })).map((layers) => layers.toSorted((a, b) => a - b)),
    token: way === "firing" ? fc.option(fc.nat({ max: 9999 })) : fc.constant(null),
    sort: fc.option(fc.constantFrom(...SEARCH_SORTS[way])),
    textSet: name,
    page,
    texts: way === "text" ? page : fc.constant(1),
  }, { noNullPrototype: true })
);

function read(query: URLSearchParams | string): SearchView {
  return readSearchView(new URL(`http://host/?${query}`).searchParams);
}

Deno.test("readSearchView() reads what searchQuery() says, through a real address", () => {
  fc.assert(fc.property(searchView, (view) => {
    assert.deepEqual(read(searchQuery(view)), view);
  }));
  assert.equal(searchQuery(DEFAULT_SEARCH).toString(), "");
});

Deno.test("what is not understood, or is of the other search, is as by default", () => {
  assert.deepEqual(read("model=&in=x&match=tokens&kind=embed&layer=a&layer=-1&token=x&sort=matches&set=&page=0"), {
    ...DEFAULT_SEARCH,
  });
  assert.deepEqual(read("in=text&token=3&sort=up&texts=0"), { ...DEFAULT_SEARCH, in: "text" });
});

Deno.test("a text keeps its line breaks as one character, and is cut where it is too long", () => {
  assert.equal(read("q=a%0D%0Ab%0A").q, "a\nb\n");
  assert.equal(read(`q=${"a".repeat(MAX_SEARCH_TEXT + 1)}`).q.length, MAX_SEARCH_TEXT);
});

Deno.test("layers are told once each, rising, however a form sends them", () => {
  assert.deepEqual(read("layer=3&layer=0&layer=3").layers, [0, 3]);
});

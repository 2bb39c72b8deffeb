/** Views of component pages and catalogues, and their addresses, are each other's inverse. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  catalogueQuery,
  type CatalogueView,
  defaultCatalogue,
  readCatalogueView,
  SCORE_SORTS,
  STATISTIC_SORTS,
} from "../../views/catalogue_view.ts";
import { KINDS } from "../../views/component_kinds.ts";
import {
  componentQuery,
  type ComponentView,
  DEFAULT_COMPONENT_VIEW,
  MAX_OWN_TEXTS,
  readComponentView,
  SHORT_LISTS,
} from "../../views/component_view.ts";

const textSet = fc.option(fc.string({ minLength: 1, maxLength: 40 }));

const componentView: fc.Arbitrary<ComponentView> = fc.record({
  run: fc.option(fc.constantFrom("0123456789abcdef", "f".repeat(32))),
  dictionary: textSet,
  textSet,
  mode: fc.constantFrom("outgoing", "incoming"),
  whole: fc.uniqueArray(fc.constantFrom(...SHORT_LISTS)).map((lists) =>
    SHORT_LISTS.filter((list) => lists.includes(list))
  ),
  own: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 60 }).filter((text) => !text.includes("\r")), {
    maxLength: MAX_OWN_TEXTS,
  }),
  pin: fc.option(
    fc.record({ picture: fc.constantFrom("top.3", "quantiles.0.2", "own.0"), token: fc.nat({ max: 99 }) }, {
      noNullPrototype: true,
    }),
  ),
  matrix: fc.option(fc.constantFrom("top.3", "quantiles.0.2", "own.0")),
  plan: fc.boolean(),
}, { noNullPrototype: true });

const catalogueView: fc.Arbitrary<CatalogueView> = fc.constantFrom(...KINDS).chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    dictionary: textSet,
    layer: fc.option(fc.nat({ max: 999 })),
    sort: fc.constantFrom(...kind === "head" ? [...STATISTIC_SORTS, ...SCORE_SORTS] : STATISTIC_SORTS),
    direction: fc.constantFrom("asc" as const, "desc" as const),
    page: fc.integer({ min: 1, max: 9999 }),
    textSet,
  }, { noNullPrototype: true })
);

Deno.test("readComponentView() reads what componentQuery() says, through a real address", () => {
  fc.assert(fc.property(componentView, (view) => {
    assert.deepEqual(readComponentView(new URL(`http://host/?${componentQuery(view)}`).searchParams), view);
  }));
  assert.equal(componentQuery(DEFAULT_COMPONENT_VIEW).toString(), "");
});

Deno.test("readCatalogueView() reads what catalogueQuery() says, through a real address", () => {
  fc.assert(fc.property(catalogueView, (view) => {
    assert.deepEqual(readCatalogueView(new URL(`http://host/?${catalogueQuery(view)}`).searchParams), view);
  }));
  assert.equal(catalogueQuery(defaultCatalogue("head")).toString(), "");
  assert.equal(catalogueQuery(defaultCatalogue("mlp")).toString(), "kind=mlp");
});

Deno.test("what is not understood is as by default", () => {
  const strange = "run=x&mode=up&all=some&pin=top&set=";
  assert.deepEqual(readComponentView(new URLSearchParams(strange)), DEFAULT_COMPONENT_VIEW);
  // Neurons have no scores to be sorted by.
  const neurons = readCatalogueView(new URLSearchParams("kind=mlp&sort=induction&page=0&layer=-1&dir=down"));
  assert.deepEqual(neurons, defaultCatalogue("mlp"));
});

Deno.test("of many texts of one's own the latest stay, each once", () => {
  const query = new URLSearchParams(
    ["a", "b", "a", ...Array.from({ length: 9 }, (_, i) => `t${i}`)].map((p) => ["p", p]),
  );
  const { own } = readComponentView(query);
  assert.equal(own.length, MAX_OWN_TEXTS);
  assert.equal(own.at(-1), "t8");
});

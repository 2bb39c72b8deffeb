/** Every state of the related components that a page can show. */
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import type { RelatedComponents } from "../../engine/mod.ts";
import { DEFAULT_COMPONENT_VIEW } from "../../views/component_view.ts";
import { RelatedCard } from "../../views/parts/related_card.tsx";
import type { Loaded } from "../../views/props.ts";
import { FakeEngine } from "../support/fake_engine.ts";
import { fakeRelated } from "../support/fake_related.ts";
import { parsePage } from "../support/test_app.ts";

const MODEL = new FakeEngine().model("demo");

function card(
  related: Loaded<RelatedComponents>,
  { name = "mlp/1/7", textSet = null as string | null } = {},
): Document {
  const kind = name.startsWith("mlp") ? "mlp" : "head";
  const view = { ...DEFAULT_COMPONENT_VIEW, textSet };
  return parsePage(renderToString(<RelatedCard related={related} kind={kind} name={name} model={MODEL} view={view} />));
}

function ready(change: Partial<RelatedComponents> = {}, component = "mlp/1/7"): Loaded<RelatedComponents> {
  return { state: "ready", value: { ...fakeRelated({ component }), ...change } };
}

Deno.test("cosines have their sign, compositions with heads have none, and each number is there unrounded", () => {
  const document = card(ready());
  const table = (caption: string) =>
    [...document.querySelectorAll("table")].find((found) => found.querySelector("caption")?.textContent === caption);
  const cell = (caption: string, row: number) => table(caption)?.querySelectorAll("tbody tr")[row]?.querySelector("td");
  assert.equal(table("Write alike (output weights)")?.querySelectorAll("thead th")[1]?.textContent, "cosine");
  assert.equal(cell("Write alike (output weights)", 1)?.textContent, "−0.375");
  assert.equal(cell("Write alike (output weights)", 0)?.textContent, "+0.750");
  assert.equal(cell("Write alike (output weights)", 2)?.getAttribute("title"), "0.25");
  assert.equal(cell("Heads", 0)?.textContent, "0.750");
  assert.equal(table("Heads")?.querySelectorAll("thead th")[1]?.textContent, "composition");
  assert.equal(cell("Neurons", 0)?.textContent, "+0.750");
  const heads = card(ready({}, "head/1/1"), { name: "head/1/1" });
  const titles = [...heads.querySelectorAll("thead th.number")].map(({ textContent }) => textContent);
  assert.deepEqual(titles.slice(0, 8), [
    "cosine",
    "cosine",
    ..."QKVQKV".split("").map((way) => `${way}-composition`),
  ]);
});

Deno.test("what is told of chance and of the few texts stands beside the numbers", () => {
  const text = card(ready()).body.textContent;
  assert.match(
    text,
    /Neurons of all layers, whatever the text\. Weights turned at random: 0\.125 in the root mean square/,
  );
  assert.match(text, /80 texts of “corpus”.*64 random texts: so few that they are rough.*Independent: 0\.126/);
  assert.match(text, /among the 20 strongest of both/);
});

Deno.test("where nothing was swept, the card says how a sweep is begun", () => {
  assert.match(
    card(ready({ coActivation: null })).body.textContent,
    /No sweep has collected anything yet.*deno task sweep/,
  );
  const other = card(ready({ coActivation: null }), { textSet: "letters" });
  assert.match(other.body.textContent, /collected anything over “letters” yet/);
});

Deno.test("a sweep that has read nothing yet is told of without numbers that are not there", () => {
  const nothing = { source: "corpus", sequenceCount: 0, sampleCount: 0, chance: null, topCount: 0 };
  const lists = [{ kind: "mlp" as const, correlated: [], shared: [] }];
  const { textContent } = card(ready({ coActivation: { ...nothing, lists } })).body;
  assert.match(textContent, /None varies with it on the texts read so far/);
  assert.match(textContent, /None is strongest on the same texts/);
  assert.doesNotMatch(textContent, /null|NaN|Independent/);
});

Deno.test("a text set's name is text", () => {
  const document = card(ready({ coActivation: null }), { textSet: "<b>letters</b>" });
  assert.equal(document.querySelector("b"), null);
});

import assert from "node:assert/strict";
import type { Example } from "../../../engine/mod.ts";
import { ExampleHeat, type ExampleHeatProps, ExampleLegend } from "../../../views/charts/example_heat.tsx";
import { keptPairs } from "../../../views/charts/pairs.ts";
import { HOSTILE, html, manyTokens, parsed, sizeBytes, tokensOf } from "./chart_fixtures.ts";
import { attentionLike, decoded, headExample, neuronExample } from "./record_fixtures.ts";

const THREE = [[0.5], [1, 0], [0.002, 0.8, 0.3]];

function heat(example: Example, options: Partial<ExampleHeatProps> = {}) {
  return (
    <ExampleHeat
      example={example}
      largest={1}
      mode="outgoing"
      pinned={null}
      pinLink={(token) => ({ href: `?pin=3.${token}` })}
      label="Sequence 3"
      {...options}
    />
  );
}

function classes(example: Example, options: Partial<ExampleHeatProps> = {}): readonly string[] {
  return [...parsed(heat(example, options)).querySelectorAll("[data-pairs] > a")].map((link) => link.className);
}

Deno.test("ExampleHeat() of a neuron shades by the component's scale, saturates, and marks the maximum", () => {
  const document = parsed(heat(neuronExample([0, 0.5, 3, -0.4, 1e-9]), { largest: 2 }));
  const items = [...document.querySelectorAll("ol[data-roving] > li")];
  assert.deepEqual(items.map((item) => item.className), ["seq-0", "seq-3", "seq-10", "heat-n2", "seq-0"]);
  assert.deepEqual(items.map((item) => item.getAttribute("data-max")), [null, null, "true", null, null]);
  assert.deepEqual(items.map((item) => item.getAttribute("tabindex")), [null, null, "0", null, null]);
  assert.equal(items[4]?.getAttribute("title"), "+1.0e−9");
  assert.equal(items[3]?.textContent, ", −0.400");
  assert.match(document.querySelector("figcaption")?.textContent ?? "", /Sequence 3.*max 3 at 2 ␣store/);
});

Deno.test("ExampleHeat() of what is never active says so, and marks no token", () => {
  for (const example of [neuronExample([0, 0, 0]), headExample([[0], [0, 0]])]) {
    const document = parsed(heat(example));
    assert.match(document.querySelector("figcaption")?.textContent ?? "", /^Sequence 3\s*never active\s*$/);
    assert.equal(document.querySelector("[data-max]"), null);
  }
});

Deno.test("ExampleHeat() of a head shows at rest how strongly a token reads and is read", () => {
  assert.deepEqual(classes(headExample(THREE)), ["in-5 out-10", "in-10 out-8", "in-8 out-3"]);
  const document = parsed(heat(headExample(THREE)));
  assert.equal(
    document.querySelector("[role=group]")?.getAttribute("aria-label"),
    "Sequence 3. Read most: 1 ␣to 1, 2 ␣store 0.8, 0 ␣Mary 0.5. Most read: 0 ␣Mary 1, 1 ␣to 0.8, 2 ␣store 0.3",
  );
  assert.match(document.querySelector("figcaption")?.textContent ?? "", /max 1 1 ␣to reads 0 ␣Mary/);
});

Deno.test("bars and shades are monotone in the value and end at the component's largest", () => {
  const values = Array.from({ length: 41 }, (_, query) => [query / 20, ...new Array<number>(query).fill(0)]);
  const steps = classes(headExample(values)).map((name) => Number(/in-(\d+)/.exec(name)?.[1] ?? 0));
  assert.deepEqual(steps, steps.toSorted((a, b) => a - b));
  assert.deepEqual([steps[0], steps[20], steps[40]], [0, 10, 10]);
});

Deno.test("without script, the pinned token colours the others: later ones that read it, or earlier ones that it reads", () => {
  const example = headExample(THREE);
  assert.deepEqual(classes(example, { pinned: 1 }), ["", "out-8 at", "in-8 seq-8"]);
  assert.deepEqual(classes(example, { pinned: 2, mode: "incoming" }), ["", "out-8 seq-8", "in-8 out-3 seq-3 at"]);
  const document = parsed(heat(example, { pinned: 1 }));
  assert.equal(document.querySelector("p.readout")?.textContent, "1 ␣to is read by: 2 ␣store 0.8");
  const links = [...document.querySelectorAll("[data-pairs] > a")];
  assert.deepEqual(links.map((link) => link.getAttribute("aria-current")), [null, "true", null]);
  assert.deepEqual(links.map((link) => link.getAttribute("href")), ["?pin=3.0", "?pin=3.1", "?pin=3.2"]);
  assert.equal(
    parsed(heat(headExample([[1], [1, 0]]), { pinned: 1 })).querySelector("p.readout")?.textContent,
    "1 ␣to is read by: hardly any token",
  );
  assert.equal(parsed(heat(example, { pinned: 99 })).querySelector("p.readout, .at"), null);
});

for (
  const [name, values] of [
    ["spread attention", attentionLike(64, 3, 1)],
    ["tiny values", attentionLike(20, 5, 2).map((row) => row.map((value) => value * 9.996e-12))],
    ["large values", attentionLike(20, 5, 3).map((row) => row.map((value) => value * 99_960))],
    ["values at the ends of the code", [[9.999], [0.09999, 0.1], [0.0999, 1.004, 0.010001]]],
    ["nothing", [[0], [0, 0]]],
  ] as const
) {
  Deno.test(`the values that travel are those of some size, with three digits: ${name}`, () => {
    const list = parsed(heat(headExample(values))).querySelector("[data-pairs]");
    assert.ok(list);
    const found = decoded(list);
    const least = values.flat().reduce((a, b) => Math.max(a, b), 0) / 100;
    assert.equal(found.length, values.length);
    values.forEach((row, query) =>
      row.forEach((value, key) => {
        const expected = value < least ? 0 : Number(value.toPrecision(3));
        assert.equal(found[query]?.[key] ?? 0, expected, `${query} ${key}`);
      })
    );
  });
}

Deno.test("20 examples of 64 tokens stay below 150 kB, however even the attention", () => {
  const size = (deviation: number) =>
    Array.from({ length: 20 }, (_, i) => sizeBytes(heat(headExample(attentionLike(64, deviation, i + 1)))))
      .reduce((a, b) => a + b);
  assert.ok(size(6) < 150_000, `${size(6)} bytes`);
  assert.ok(size(0) < 150_000, `${size(0)} bytes`);
  const values = manyTokens(64).map((_, token) => Math.sin(token));
  const ofNeurons = 20 * sizeBytes(heat(neuronExample(values)));
  assert.ok(ofNeurons < 150_000, `${ofNeurons} bytes`);
});

Deno.test("ExampleHeat() shows a hostile token and label as text", () => {
  const tokens = tokensOf(HOSTILE, HOSTILE);
  for (const example of [neuronExample([1, -1], tokens), headExample([[1], [1, 1]], tokens)]) {
    const picture = heat(example, { label: HOSTILE, pinned: 0 });
    assert.doesNotMatch(html(picture), /<script/);
    assert.ok(parsed(picture).querySelector("[data-roving]")?.textContent.includes(HOSTILE));
  }
});

Deno.test("ExampleHeat() draws what is empty, all zeros, a single token or not a number", () => {
  const cases: readonly Example[] = [
    neuronExample([]),
    { ...neuronExample([]), tokens: manyTokens(3) },
    neuronExample([0, 0]),
    neuronExample([NaN, -Infinity, 1]),
    headExample([[0], [0, 0]]),
    headExample([[0.7]]),
    headExample([[NaN], [Infinity, 0.5]]),
    { ...headExample([[1]]), tokens: manyTokens(3), max: NaN, at: [7, 0] },
  ];
  for (const example of cases) {
    for (const largest of [0, 1, NaN]) {
      for (const mode of ["outgoing", "incoming"] as const) {
        const text = html(heat(example, { largest, mode, pinned: 0 }));
        assert.doesNotMatch(text, /NaN|Infinity|undefined/);
      }
    }
  }
  assert.deepEqual(keptPairs([[NaN], [Infinity, 0.5]], 3), [[0], [0, 0.5], [0, 0, 0]]);
});

Deno.test("ExampleLegend() says what bars, frames and shades mean", () => {
  assert.match(html(<ExampleLegend kind="neuron" mode="outgoing" />), /maximum.*heat-n5.*less than 0.*seq-10/);
  assert.match(html(<ExampleLegend kind="head" mode="outgoing" />), /as query.*as key.*later tokens.*seq-10/);
  assert.match(html(<ExampleLegend kind="head" mode="incoming" />), /as query.*as key.*earlier tokens.*seq-10/);
});

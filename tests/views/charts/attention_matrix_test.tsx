import assert from "node:assert/strict";
import type { AttentionResult } from "../../../engine/mod.ts";
import { AttentionMatrix } from "../../../views/charts/attention_matrix.tsx";
import { attentionOf, HOSTILE, html, numbersOf, parsed, sizeBytes, tokensOf } from "./chart_fixtures.ts";

function matrixOf(attention: AttentionResult, pinned: readonly number[] = [], from = 0) {
  const window = { from, count: 64 };
  return (
    <AttentionMatrix
      attention={attention}
      window={window}
      pinned={pinned}
      rowLink={(query) => ({ href: `?pin=${query}` })}
    />
  );
}

/** `values[query][key]` of a size that a function of both gives. */
function triangle(count: number, value: (query: number, key: number) => number): readonly (readonly number[])[] {
  return Array.from({ length: count }, (_, query) => Array.from({ length: query + 1 }, (_, key) => value(query, key)));
}

Deno.test("each pair has its cell in the lower triangle, with its value", () => {
  const document = parsed(
    matrixOf(attentionOf(triangle(4, (query, key) => (query + 1) * 0.1 + key * 0.01), "activation")),
  );
  const rows = [...document.querySelectorAll("[data-roving] > g")];
  assert.deepEqual(rows.map((row) => row.querySelectorAll("rect").length), [1, 2, 3, 4]);
  assert.deepEqual(rows.map((row) => row.getAttribute("data-query")), ["0 ␣Mary", "1 ␣to", "2 ␣store", "3 ,"]);
  const last = [...(rows[3]?.querySelectorAll("rect") ?? [])];
  assert.deepEqual(last.map((cell) => cell.getAttribute("data-v")), ["0.4", "0.41", "0.42", "0.43"]);
  assert.deepEqual(numbersOf(last, "x"), [0, 22, 44, 66]);
  assert.equal(last[2]?.textContent, "3 , → 2 ␣store: 0.42");
  assert.equal(document.querySelectorAll("[data-roving] [tabindex='0']").length, 1);
});

Deno.test("shades are monotone: one hue for attention, two for effects", () => {
  const shades = (metric: AttentionResult["metric"], values: readonly number[]) =>
    [
      ...parsed(matrixOf(attentionOf([[0], [0, 0], [0, 0, 0], values], metric))).querySelectorAll(
        "[data-roving] > g:last-child rect",
      ),
    ]
      .map((cell) => cell.getAttribute("class"));
  assert.deepEqual(shades("activation", [0, 0.25, 0.5, 1]), ["seq-0", "seq-3", "seq-5", "seq-10"]);
  assert.deepEqual(shades("totalEffect", [-2, -1, 0, 2]), ["heat-n10", "heat-n5", "heat-0", "heat-p10"]);
});

Deno.test("a window shows its own tokens on both axes", () => {
  const document = parsed(matrixOf(attentionOf(triangle(70, () => 0.5), "activation"), [], 66));
  const rows = [...document.querySelectorAll("[data-roving] > g")];
  assert.deepEqual(rows.map((row) => row.getAttribute("data-query")?.split(" ")[0]), ["66", "67", "68", "69"]);
  assert.deepEqual(
    [...document.querySelectorAll("[data-key]")].map((label) => label.getAttribute("data-key")?.split(" ")[0]),
    [
      "66",
      "67",
      "68",
      "69",
    ],
  );
});

Deno.test("a pinned row is outlined and listed by falling size", () => {
  const document = parsed(matrixOf(attentionOf(triangle(14, (_, key) => (key - 6) / 10), "directEffect"), [13, 2]));
  assert.equal(document.querySelectorAll(".pinned-outline").length, 2);
  assert.equal(document.querySelectorAll("a[aria-current='true']").length, 2);
  const [first, second] = document.querySelectorAll(".pinned-row");
  const values = [...(first?.querySelectorAll("td") ?? [])].map(({ textContent }) => textContent);
  assert.deepEqual(values.slice(0, 3), ["+0.7", "−0.6", "+0.6"]);
  assert.equal(values.length, 10);
  assert.match(first?.textContent ?? "", /and 4 smaller/);
  assert.doesNotMatch(second?.textContent ?? "", /smaller/);
});

Deno.test("a row's label is a link that pins it", () => {
  const links = [
    ...parsed(matrixOf(attentionOf(triangle(2, () => 1), "activation"), [1])).querySelectorAll("a.query-label"),
  ];
  assert.deepEqual(links.map((link) => link.getAttribute("href")), ["?pin=0", "?pin=1"]);
  assert.deepEqual(links.map((link) => link.getAttribute("aria-label")), [
    "0 ␣Mary: pin this row",
    "1 ␣to: unpin this row",
  ]);
});

Deno.test("64 tokens stay below 200 kB, with links as htmx needs them", () => {
  const values = triangle(1064, (query, key) => -Math.sin(query * key) / 99);
  const href = "/runs/0123456789abcdef/attention?head=head/11/11&metric=totalEffect&pin=1000";
  const link = { href, "hx-get": href, "hx-target": "#attention", "hx-swap": "outerHTML", "hx-push-url": "true" };
  const bytes = sizeBytes(
    <AttentionMatrix
      attention={attentionOf(values, "totalEffect")}
      window={{ from: 1000, count: 64 }}
      pinned={[1063]}
      rowLink={() => link}
    />,
  );
  assert.ok(bytes < 200_000, `${bytes} bytes`);
});

Deno.test("hostile tokens, zeros, one token, none, and what is not a number", () => {
  const hostile = { ...attentionOf([[1], [NaN, 0]], "activation"), tokens: tokensOf(HOSTILE, HOSTILE) };
  assert.doesNotMatch(html(matrixOf(hostile, [0, 1])), /<script|"NaN/);
  for (const values of [[], [[0]], [[0], [0, 0]]]) {
    const document = parsed(matrixOf(attentionOf(values, "directEffect"), [0, 7]));
    assert.equal(document.querySelectorAll("rect[data-v]").length, values.flat().length);
    assert.ok([...document.querySelectorAll("rect[data-v]")].every((cell) => cell.getAttribute("class") === "heat-0"));
  }
});

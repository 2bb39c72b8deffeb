import assert from "node:assert/strict";
import { HeatLegend, SequentialLegend } from "../../../views/charts/heat_legend.tsx";
import { formatShort, formatShortSigned, largestSize } from "../../../views/charts/numbers.ts";
import { probabilityClass, sequentialClass } from "../../../views/charts/sequential.ts";
import { TokenHeat } from "../../../views/charts/token_heat.tsx";
import { HOSTILE, html, manyTokens, parsed, sizeBytes, tokensOf } from "./chart_fixtures.ts";

Deno.test("TokenHeat() shades a token by its value and tells the value in its title and its text", () => {
  const document = parsed(
    <TokenHeat label="MLP" tokens={tokensOf(" Mary", "b", "c")} values={[2, -1, null]} largest={2} position={1} />,
  );
  const items = [...document.querySelectorAll("ol[start='0'] > li")];
  assert.deepEqual(items.map((item) => item.className), ["heat-p10", "heat-n5", ""]);
  assert.deepEqual(items.map((item) => item.getAttribute("title")), ["+2.000", "−1.000", "no value"]);
  assert.equal(items[0]?.textContent, "␣Mary +2.000");
  assert.deepEqual(items.map((item) => item.getAttribute("aria-current")), [null, "location", null]);
});

Deno.test("TokenHeat() has one tab stop: the token where the objective is read, or the first", () => {
  const stops = (position?: number) =>
    [
      ...parsed(
        <TokenHeat
          label="x"
          tokens={manyTokens(4)}
          values={[]}
          largest={1}
          {...(position === undefined ? {} : { position })}
        />,
      ).querySelectorAll("li"),
    ].map((item) => item.getAttribute("tabindex"));
  assert.deepEqual(stops(2), [null, null, "0", null]);
  assert.deepEqual(stops(), ["0", null, null, null]);
  assert.deepEqual(stops(99), ["0", null, null, null]);
});

Deno.test("TokenHeat() shows a hostile token as text", () => {
  const picture = <TokenHeat label={HOSTILE} tokens={tokensOf(HOSTILE)} values={[NaN]} largest={1} />;
  assert.doesNotMatch(html(picture), /<script|NaN/);
  assert.equal(parsed(picture).querySelector("li")?.textContent, `${HOSTILE} not a number`);
});

Deno.test("four rows of 500 tokens stay below 160 kB", () => {
  const tokens = manyTokens(500);
  const values = tokens.map((_, index) => Math.sin(index) * 9);
  const bytes = 4 * sizeBytes(<TokenHeat label="MLP" tokens={tokens} values={values} largest={9} position={499} />);
  assert.ok(bytes < 160_000, `${bytes} bytes`);
});

Deno.test("sequential classes are monotone, and nothing is no shade", () => {
  const steps = Array.from({ length: 41 }, (_, index) => Number(sequentialClass(index / 40, 1).slice(4)));
  assert.deepEqual(steps, steps.toSorted((a, b) => a - b));
  assert.deepEqual([steps[0], steps[40]], [0, 10]);
  for (const [value, largest] of [[1, 0], [NaN, 1], [-1, 1]] as const) {
    assert.equal(sequentialClass(value, largest), "seq-0");
  }
  assert.equal(sequentialClass(9, 1), "seq-10");
});

Deno.test("probabilities have two shades for each power of ten", () => {
  const shades = [0, 1e-9, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1].map((share) => probabilityClass(Math.log(share)));
  assert.deepEqual(shades, ["seq-0", "seq-0", "seq-0", "seq-2", "seq-4", "seq-6", "seq-8", "seq-10"]);
});

Deno.test("legends say both ends in words", () => {
  assert.match(
    html(<HeatLegend low="against" high="for" note="by size" />),
    /against.*heat-n10.*heat-0.*heat-p10.*for.*by size/,
  );
  assert.match(html(<SequentialLegend low="0" high="0.93" />), /0<.*seq-0.*seq-10.*0\.93/);
});

Deno.test("short numbers have three digits and their sign, and are never zero when they are not", () => {
  assert.deepEqual([0, 1, 0.12345, 1234.5, 1.2e-7, -2].map(formatShort), ["0", "1", "0.123", "1230", "1.2e−7", "−2"]);
  assert.deepEqual([0, 1, -0.5, NaN].map(formatShortSigned), ["0", "+1", "−0.5", "not a number"]);
  assert.equal(largestSize([null, -3, 2, NaN, Infinity]), 3);
  assert.equal(largestSize([]), 0);
});

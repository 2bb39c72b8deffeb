import assert from "node:assert/strict";
import {
  formatBytes,
  formatDuration,
  formatNumber,
  formatProbability,
  formatSigned,
  tokenLabel,
} from "../../views/format.ts";

Deno.test("formatNumber() has three decimals, a true minus, and never shows something as nothing", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0.000"],
    [1.23456, "1.235"],
    [-1.5, "−1.500"],
    [12345.6, "12,345.600"],
    [0.00001234, "1.2e−5"],
    [-0.0004, "−4.0e−4"],
    [NaN, "not a number"],
    [-Infinity, "−∞"],
  ];
  for (const [value, text] of cases) assert.equal(formatNumber(value), text);
});

Deno.test("formatSigned() always writes a sign, except of zero", () => {
  assert.deepEqual([1, -1, 0].map(formatSigned), ["+1.000", "−1.000", "0.000"]);
});

Deno.test("formatProbability() keeps tiny probabilities apart from none", () => {
  assert.equal(formatProbability(0), "100.0%");
  assert.equal(formatProbability(Math.log(0.5)), "50.0%");
  assert.equal(formatProbability(-30), "9.4e−12%");
});

Deno.test("formatDuration() and formatBytes() choose their unit", () => {
  assert.deepEqual([0, 1.23, 14.4, 2345].map(formatDuration), ["0 ms", "1.2 ms", "14 ms", "2.3 s"]);
  assert.deepEqual([400_000, 4_030_208, 2e9].map(formatBytes), ["400 kB", "4.0 MB", "2.00 GB"]);
});

Deno.test("tokenLabel() shows what one would not see", () => {
  assert.equal(tokenLabel(" Mary"), "␣Mary");
  assert.equal(tokenLabel("\n\t  "), "↵⇥␣␣");
  assert.equal(tokenLabel(""), "∅");
  assert.equal(tokenLabel("a\u0000b\u202ec"), "a\\u{0}b\\u{202e}c");
  assert.equal(tokenLabel("\ufffd"), "\ufffd");
  assert.equal(tokenLabel("é漢"), "é漢");
});

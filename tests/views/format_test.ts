import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatProbability,
  formatSigned,
  tokenLabel,
} from "../../views/format.ts";

Deno.test("numbers have three decimals, a true minus sign and thousands apart", () => {
  assert.equal(formatNumber(1.23456), "1.235");
  assert.equal(formatNumber(-1234.5), "−1,234.500");
  assert.equal(formatNumber(0), "0.000");
  assert.equal(formatSigned(0.5), "+0.500");
  assert.equal(formatSigned(-0.5), "−0.500");
  assert.equal(formatSigned(0), "0.000");
});

Deno.test("a tiny number is not shown as zero", () => {
  assert.equal(formatNumber(1.23e-5), "1.2e−5");
  assert.equal(formatSigned(-1.23e-5), "−1.2e−5");
  fc.assert(fc.property(
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => value !== 0),
    (value) => {
      assert.match(formatNumber(value), /[1-9]/);
      assert.equal(formatSigned(value)[0], value > 0 ? "+" : "−");
    },
  ));
});

Deno.test("what is no finite number says so", () => {
  assert.equal(formatNumber(NaN), "not a number");
  assert.equal(formatSigned(Infinity), "+∞");
  assert.equal(formatNumber(-Infinity), "−∞");
});

Deno.test("a probability is a percentage; only what is certain is 100%, only what is impossible 0%", () => {
  assert.equal(formatProbability(0), "100.0%");
  assert.equal(formatProbability(-3.2e-4), "99.968%");
  assert.equal(formatProbability(-1e-9), ">99.999%");
  assert.equal(formatProbability(Math.log(0.25)), "25.0%");
  assert.equal(formatProbability(Math.log(1e-6)), "1.0e−4%");
  assert.equal(formatProbability(-Infinity), "0%");
});

Deno.test("counts, durations and sizes", () => {
  assert.equal(formatCount(1_006_336), "1,006,336");
  assert.deepEqual([0, 1.26, 14.4, 1340].map(formatDuration), ["0 ms", "1.3 ms", "14 ms", "1.3 s"]);
  assert.deepEqual([4_936, 4_025_344, 2_500_000_000].map(formatBytes), ["5 kB", "4.0 MB", "2.50 GB"]);
});

Deno.test("a token's label shows what one would not see", () => {
  assert.equal(tokenLabel(" Mary"), "␣Mary");
  assert.equal(tokenLabel("a  b"), "a␣␣b");
  assert.equal(tokenLabel("\r\n\t"), "␍↵⇥");
  assert.equal(tokenLabel(""), "∅");
  assert.equal(tokenLabel("\u0000\u202e"), "\\u{0}\\u{202e}");
  assert.equal(tokenLabel("\ufffd"), "\ufffd");
  assert.equal(tokenLabel("é 🙂"), "é␣🙂");
});

Deno.test("a label has no character that is invisible", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const label = tokenLabel(text);
    assert.notEqual(label, "");
    assert.doesNotMatch(label, /[\s\p{Cc}\p{Cf}]/u);
  }));
});

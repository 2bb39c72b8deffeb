/** Records of a component against all of its values. */
import assert from "node:assert/strict";
import { TOP_SEQUENCES } from "../../../engine/corpus/corpus_requests.ts";
import type { LayerRecord } from "../../../engine/mod.ts";
import { assertClose } from "../../support/assert_close.ts";
import { histogramByHand, momentsByHand, type SequenceValues } from "./brute_force.ts";

/** Values this near to each other, or to the edge of a bin, may change places between float32 and float64. */
export const NEAR = 2e-5;

/** Checks the places of the strongest sequences. @param least Maxima of sequences that are not listed */
export function checkTop(record: LayerRecord, all: readonly SequenceValues[], least = -Infinity): void {
  const listed = all.filter(({ max }) => max > least);
  const expected = listed.toSorted((a, b) => b.max - a.max || a.sequence - b.sequence).slice(0, TOP_SEQUENCES);
  assert.equal(record.top.length, expected.length, record.component);
  assertClose(record.top.map(({ max }) => max), expected.map(({ max }) => max), {
    label: `${record.component} top maxima`,
    absolute: NEAR,
  });
  assert.equal(new Set(record.top.map(({ sequence }) => sequence)).size, record.top.length);
  for (const [rank, { sequence, max, at }] of record.top.entries()) {
    const own = all[sequence];
    assertClose([max], [own?.max ?? NaN], { label: `${record.component} rank ${rank}`, absolute: NEAR });
    const isAlone = own?.values.filter((value) => value > own.max - 2 * NEAR).length === 1;
    if (isAlone) assert.deepEqual(at, own.at, `${record.component} rank ${rank}`);
  }
}

/** Checks moments, histogram, active share and quantiles. */
export function checkStatistics({ component, statistics }: LayerRecord, all: readonly SequenceValues[]): void {
  const values = all.flatMap((sequence) => sequence.values);
  assert.equal(statistics.count, values.length);
  for (const [name, expected] of Object.entries(momentsByHand(values))) {
    const found = statistics[name as keyof typeof statistics] as number;
    // Of what does not vary, some moments are no numbers.
    if (Number.isNaN(expected)) assert.equal(found, NaN, `${component} ${name}`);
    else assertClose([found], [expected], { label: `${component} ${name}`, absolute: 1e-4, relative: 1e-4 });
  }
  const expected = histogramByHand(values);
  const edgeCases =
    values.filter((value) => statistics.histogram.edges.some((edge) => Math.abs(edge - value) < NEAR)).length;
  const moved = expected.reduce(
    (sum, count, bin) => sum + Math.abs(count - (statistics.histogram.counts[bin] ?? NaN)),
    0,
  );
  assert.ok(moved <= 2 * edgeCases, `${component}: ${moved} of ${values.length} values in other bins`);
  if (!component.startsWith("head/")) {
    const active = values.filter((value) => value > 0).length / values.length;
    const unsure = values.filter((value) => Math.abs(value) < NEAR).length / values.length;
    assertClose([statistics.fractionActive], [active], { label: `${component} active`, absolute: unsure + 1e-12 });
  }
  const sorted = values.toSorted((a, b) => a - b);
  for (const { share, value } of statistics.quantiles) {
    const exact = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
    // What rests at 0 does so exactly, wherever float32 leaves no doubt.
    const zeros = values.filter((other) => other === 0).length / values.length;
    if (component.includes("latent/") && share < zeros - 0.02) assert.equal(value, 0, `${component} quantile ${share}`);
    assert.ok(Math.abs(value - exact) <= Math.max(0.008, Math.abs(exact) * 0.5), `${component} quantile ${share}`);
  }
}

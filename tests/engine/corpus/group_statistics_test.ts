/** What is collected in parts is the same as in one go. */
import assert from "node:assert/strict";
import { TOP_SEQUENCES } from "../../../engine/corpus/corpus_requests.ts";
import { type CollectedSequence, GroupStatistics, mergeStatistics } from "../../../engine/corpus/group_statistics.ts";
import { BIN_EDGES, binOf, quantile, shareAbove } from "../../../engine/corpus/histogram.ts";
import { hashOf } from "../../../engine/tensor/random.ts";
import { histogramByHand } from "./brute_force.ts";

const SIZE = 3;
const WIDTH = 5;

/** Small whole numbers: their sums are exact in any order, and many maxima are equal. */
function valueOf(sequence: number, component: number, token: number): number {
  return hashOf(sequence * 100 + component, token) % 7 - 3;
}

function collect(numbers: readonly number[]): GroupStatistics {
  const group = new GroupStatistics(SIZE);
  const sequences = numbers.map((number): CollectedSequence => ({
    number,
    sampleSlot: number % 2 === 0 ? number / 2 : null,
    length: 1 + hashOf(9, number) % WIDTH,
  }));
  const values = Array.from(
    { length: SIZE },
    (_, component) =>
      numbers.map((number) => Array.from({ length: WIDTH }, (_, token) => valueOf(number, component, token))),
  ).flat(2);
  group.addNeurons(Float32Array.from(values), sequences);
  return group;
}

const ALL = Array.from({ length: 60 }, (_, i) => i);
const PARTS = [ALL.filter((i) => i % 3 === 0), ALL.filter((i) => i % 3 === 1), ALL.filter((i) => i % 3 === 2)] as const;

Deno.test("mergeStatistics() is associative, commutative, and makes of parts what the whole is", () => {
  const [a, b, c] = [collect(PARTS[0]), collect(PARTS[1]), collect(PARTS[2])];
  const bytes = ({ buffer }: GroupStatistics) => new Uint8Array(buffer);
  const left = mergeStatistics(mergeStatistics(a, b), c);
  assert.deepEqual(bytes(left), bytes(mergeStatistics(a, mergeStatistics(b, c))));
  assert.deepEqual(bytes(left), bytes(mergeStatistics(c, mergeStatistics(b, a))));
  assert.deepEqual(bytes(left), bytes(collect(ALL)));
  assert.deepEqual(bytes(mergeStatistics(a, new GroupStatistics(SIZE))), bytes(a), "nothing adds nothing");
});

Deno.test("of equal maxima the earlier sequence stands first, in whatever order they come", () => {
  const group = collect(ALL.toReversed());
  for (let component = 0; component < SIZE; component++) {
    const list = Array.from({ length: TOP_SEQUENCES }, (_, rank) => group.topAt(component, rank));
    const sorted = list.toSorted((a, b) => b.value - a.value || a.sequence - b.sequence);
    assert.deepEqual(list, sorted);
  }
});

Deno.test("values that are not finite are refused", () => {
  for (const wrong of [NaN, Infinity, -Infinity]) {
    const group = new GroupStatistics(1);
    const sequence = { number: 0, sampleSlot: null, length: 2 };
    assert.throws(() => group.addNeurons(Float32Array.of(1, wrong), [sequence]), /not finite/);
  }
});

Deno.test("binOf() puts every number where comparing with all edges does, edges and zeros too", () => {
  const edges = BIN_EDGES.flatMap((edge) => [edge, edge * (1 + 2 ** -23), edge * (1 - 2 ** -24)]);
  const random = Array.from({ length: 2000 }, (_, i) => (hashOf(3, i) / 2 ** 31 - 1) * 2 ** (hashOf(4, i) % 24 - 12));
  const values = Float32Array.from([...edges, ...random, 0, -0, 1e30, -1e30, 1e-40, -1e-40]);
  const bits = new Int32Array(values.buffer);
  values.forEach((value, i) => {
    const bin = histogramByHand([value]).indexOf(1);
    assert.equal(binOf(bits[i] ?? 0), bin, `${value}`);
  });
});

Deno.test("quantile() and shareAbove() are linear within a bin, and stay in the range of the values", () => {
  const values = Float32Array.from({ length: 1000 }, (_, i) => 1 + i / 2000);
  const counts = { counts: histogramByHand([...values]), min: 1, max: values[999] ?? NaN };
  assert.ok(Math.abs(quantile(0.5, counts) - 1.25) < 0.001);
  assert.ok(Math.abs(shareAbove(1.25, counts) - 0.5) < 0.001);
  assert.equal(quantile(1, counts), values[999]);
  assert.equal(shareAbove(2, counts), 0);
  assert.equal(shareAbove(0, counts), 1);
});

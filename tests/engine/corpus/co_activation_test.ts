/** Which components are active together: on statistics made by hand, and after a sweep against every sequence by itself. */
import assert from "node:assert/strict";
import { CoActivationSearch } from "../../../engine/corpus/co_activation.ts";
import { RANDOM_SEQUENCES, TOP_SEQUENCES } from "../../../engine/corpus/corpus_requests.ts";
import { GroupStatistics } from "../../../engine/corpus/group_statistics.ts";
import { Sequences } from "../../../engine/corpus/sequences.ts";
import type { CoActivation } from "../../../engine/mod.ts";
import { assertClose } from "../../support/assert_close.ts";
import { openSweptEngine, sweepToTheEnd, withSweptModel } from "../../support/swept_model.ts";
import { type AllValues, bruteForce } from "./brute_force.ts";

const NEURON = { kind: "mlp", layer: 0 } as const;

/** What was collected of some components. @param maxima On the first random sequences @param top Numbers of the strongest sequences */
function groupWith(components: readonly { readonly maxima: readonly number[]; readonly top: readonly number[] }[]) {
  const group = new GroupStatistics(components.length);
  components.forEach(({ maxima, top }, index) => {
    maxima.forEach((value, slot) => group.sampleMaxima[index * RANDOM_SEQUENCES + slot] = value);
    top.forEach((sequence, rank) => group.keepTop(index, { value: 100 - rank, sequence, place: 0 }));
  });
  return group;
}

Deno.test("correlations are Pearson's over the random sequences that were read, strongest first, without oneself", () => {
  const own = [1, 2, 3, 4, 10];
  const group = groupWith([
    { maxima: own, top: [] },
    { maxima: own.map((value) => 5 - 2 * value), top: [] },
    { maxima: own.map((value) => value + 100), top: [] },
    { maxima: [7, 7, 7, 7, 7], top: [] },
    // By hand: Σ (x − 4)(y − 2) = −3·−2 + −2·0 + −1·2 + 0·1 + 6·−1 = −2, over √(50 · 10).
    { maxima: [0, 2, 4, 3, 1], top: [] },
  ]);
  const search = new CoActivationSearch(group, { ...NEURON, index: 0 }, { top: 9 });
  search.add(NEURON, group);
  assert.equal(search.sampleCount, own.length);
  assert.equal(search.chance, 0.5);
  const [{ correlated } = { correlated: [] }] = search.lists();
  assert.deepEqual(correlated.map(({ component }) => component), ["mlp/0/1", "mlp/0/2", "mlp/0/4"]);
  assertClose(correlated.map(({ correlation }) => correlation), [-1, 1, -2 / Math.sqrt(500)], {
    label: "correlations",
    absolute: 1e-12,
  });
});

Deno.test("shared sequences are counted among the strongest of both, and those that share none are not listed", () => {
  const group = groupWith([
    { maxima: [], top: [5, 9, 1, 7] },
    { maxima: [], top: [1, 2, 9] },
    { maxima: [], top: [3] },
    { maxima: [], top: [7, 5, 9, 1] },
  ]);
  const heads = groupWith([{ maxima: [], top: [5, 6] }]);
  const search = new CoActivationSearch(group, { ...NEURON, index: 0 }, { top: 9 });
  search.add(NEURON, group);
  search.add({ kind: "head", layer: 2 }, heads);
  assert.deepEqual([search.topCount, search.sampleCount, search.chance], [4, 0, null]);
  assert.deepEqual(search.lists(), [
    {
      kind: "mlp",
      correlated: [],
      shared: [{ component: "mlp/0/3", shared: 4, jaccard: 1 }, { component: "mlp/0/1", shared: 2, jaccard: 2 / 5 }],
    },
    { kind: "head", correlated: [], shared: [{ component: "head/2/0", shared: 1, jaccard: 1 / 5 }] },
  ]);
});

Deno.test("a component that never varies is correlated with none", () => {
  const group = groupWith([{ maxima: [2, 2, 2], top: [] }, { maxima: [1, 2, 3], top: [] }]);
  const search = new CoActivationSearch(group, { ...NEURON, index: 0 }, { top: 9 });
  search.add(NEURON, group);
  assert.deepEqual(search.lists(), [{ kind: "mlp", correlated: [], shared: [] }]);
});

/** Pearson's by its definition, in two passes. */
function pearson(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [a, b] = [mean(x), mean(y)];
  const sum = (term: (i: number) => number) => x.reduce((total, _, i) => total + term(i), 0);
  const dx = (i: number) => (x[i] ?? NaN) - a;
  const dy = (i: number) => (y[i] ?? NaN) - b;
  return sum((i) => dx(i) * dy(i)) / Math.sqrt(sum((i) => dx(i) ** 2) * sum((i) => dy(i) ** 2));
}

/** Compares what is told of a component with every sequence by itself. */
function check(
  name: string,
  found: CoActivation,
  { values, sample }: { values: AllValues; sample: readonly number[] },
) {
  const maximaOf = (component: string) => (values.get(component) ?? []).map(({ max }) => max);
  const onSample = (component: string) => sample.map((sequence) => maximaOf(component)[sequence] ?? NaN);
  const topOf = (component: string) =>
    new Set(
      (values.get(component) ?? []).toSorted((a, b) => b.max - a.max).slice(0, TOP_SEQUENCES).map(({ sequence }) =>
        sequence
      ),
    );
  const own = topOf(name);
  for (const { kind, correlated, shared } of found.lists) {
    const others = [...values.keys()].filter((other) => other.startsWith(`${kind}/`) && other !== name);
    const expected = new Map(others.map((other) => [other, pearson(onSample(name), onSample(other))]));
    const sizes = [...expected.values()].map(Math.abs).sort((a, b) => b - a);
    for (const [rank, { component, correlation }] of correlated.entries()) {
      assertClose([correlation], [expected.get(component) ?? NaN], { label: `${name} ${component}`, absolute: 1e-4 });
      assertClose([Math.abs(correlation)], [sizes[rank] ?? NaN], { label: `${name} rank ${rank}`, absolute: 1e-4 });
    }
    const counts = others.map((other) => [...topOf(other)].filter((sequence) => own.has(sequence)).length);
    const falling = counts.toSorted((a, b) => b - a);
    for (const [rank, { component, shared: count, jaccard }] of shared.entries()) {
      assert.equal(count, counts[others.indexOf(component)], `${name} ${component}`);
      assert.equal(count, falling[rank], `${name} rank ${rank}`);
      assert.equal(jaccard, count / (2 * TOP_SEQUENCES - count));
    }
    const wanted = Math.min(10, others.length);
    assert.deepEqual([correlated.length, shared.length], [
      wanted,
      Math.min(wanted, counts.filter((n) => n > 0).length),
    ]);
  }
}

Deno.test("after a sweep, components are active together as every sequence by itself shows", () =>
  withSweptModel(60, async (model) => {
    const { values } = bruteForce(model.tiny, model.sequences);
    const starts = [0];
    for (const { length } of model.sequences) starts.push((starts.at(-1) ?? 0) + length);
    const sample = new Sequences(Int32Array.from(model.sequences.flat()), Uint32Array.from(starts)).sample();
    assert.equal(sample.length, RANDOM_SEQUENCES);
    const engine = await openSweptEngine(model, 200);
    try {
      const before = await engine.related({ component: "mlp/1/3" });
      assert.equal(before.coActivation, null, "nothing was swept yet");
      await sweepToTheEnd(engine);
      for (const name of ["mlp/1/3", "mlp/0/40", "head/1/1"]) {
        const { coActivation, ...byWeights } = await engine.related({ component: name });
        assert.ok(coActivation !== null);
        const { lists, ...facts } = coActivation;
        assert.deepEqual(facts, {
          source: "corpus",
          sequenceCount: model.sequences.length,
          sampleCount: RANDOM_SEQUENCES,
          chance: 1 / Math.sqrt(RANDOM_SEQUENCES - 1),
          topCount: TOP_SEQUENCES,
        });
        assert.deepEqual(lists.map(({ kind }) => kind), name.startsWith("mlp") ? ["mlp", "head"] : ["head", "mlp"]);
        check(name, coActivation, { values, sample });
        if (name === "mlp/1/3") assert.deepEqual({ ...byWeights, coActivation: null }, before, "weights do not change");
      }
      const short = await engine.related({ component: "mlp/1/3", top: 2 });
      const long = await engine.related({ component: "mlp/1/3", top: 50 });
      assert.deepEqual(short.coActivation?.lists[0]?.correlated, long.coActivation?.lists[0]?.correlated.slice(0, 2));
      assert.deepEqual(short.similar[0]?.components, long.similar[0]?.components.slice(0, 2));
      assert.equal((await engine.related({ component: "mlp/1/3", textSet: "other" })).coActivation, null);
      await assert.rejects(engine.related({ component: "mlp/9/3" }), /There is no component "mlp\/9\/3"/);
      await assert.rejects(engine.related({ component: "mlp/1/3", top: 51 }), /top/);
      await assert.rejects(engine.related({ component: "mlp/1/3", model: "none" }), /There is no model "none"/);
    } finally {
      await engine.close();
    }
  }));

Deno.test("a sweep that goes on is read as it was at one time, and answers for what it has read", () =>
  withSweptModel(60, async (model) => {
    const engine = await openSweptEngine(model, 24);
    try {
      const { id } = await engine.startJob({ kind: "sweep" });
      const counts: number[] = [];
      while (engine.jobs().some((job) => job.id === id && job.state !== "done")) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        const { coActivation } = await engine.related({ component: "mlp/1/3", top: 1 });
        if (coActivation === null) continue;
        assert.ok(coActivation.sampleCount <= Math.min(RANDOM_SEQUENCES, coActivation.sequenceCount));
        assert.equal(coActivation.topCount, Math.min(TOP_SEQUENCES, coActivation.sequenceCount));
        counts.push(coActivation.sequenceCount);
      }
      assert.deepEqual(counts, counts.toSorted((a, b) => a - b));
      assert.ok(new Set(counts).size > 1, `the sweep was seen at ${new Set(counts).size} places`);
    } finally {
      await engine.close();
    }
  }));

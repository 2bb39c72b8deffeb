/** The mathematics of scores: hand-computed cases, a plain float64 computation, and what must hold of any prediction. */
import assert from "node:assert/strict";
import { fitCalibration } from "../../../engine/explain/calibration.ts";
import { areaUnderRoc, type Judgement, judgementScore } from "../../../engine/explain/judgement_scores.ts";
import { type SimulatedSequence, simulationMeasures } from "../../../engine/explain/simulation_scores.ts";
import { hashOf } from "../../../engine/tensor/random.ts";

function assertNear(actual: number, expected: number, { abs }: { readonly abs: number }): void {
  assert.ok(Math.abs(actual - expected) <= abs, `${actual} differs from ${expected} by more than ${abs}`);
}

/** Sequences of values that are mostly 0, as components' are. */
function sparse(count: number, length: number, seed: number): number[][] {
  return Array.from({ length: count }, (_, s) =>
    Array.from({ length }, (_, t) => {
      const hash = hashOf(seed + s, t) / 2 ** 32;
      return hash > 0.8 ? 10 * hash : 0;
    }));
}

function paired(truth: readonly (readonly number[])[], simulated: readonly (readonly number[])[]): SimulatedSequence[] {
  return truth.map((values, i) => ({ truth: values, simulated: simulated[i] ?? [] }));
}

/** The three measures as textbooks write them. */
function plainMeasures(y: readonly number[], s: readonly number[]) {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const sum = (term: (i: number) => number) => y.reduce((total, _, i) => total + term(i), 0);
  const at = (values: readonly number[], i: number) => values[i] ?? NaN;
  const [my, ms] = [mean(y), mean(s)];
  const sorted = y.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const median = Number.isInteger(half) ? (at(sorted, half - 1) + at(sorted, half)) / 2 : at(sorted, Math.floor(half));
  return {
    correlation: sum((i) => (at(y, i) - my) * (at(s, i) - ms)) /
      Math.sqrt(sum((i) => (at(y, i) - my) ** 2) * sum((i) => (at(s, i) - ms) ** 2)),
    rSquared: 1 - sum((i) => (at(y, i) - at(s, i)) ** 2) / sum((i) => (at(y, i) - my) ** 2),
    absoluteDeviation: 1 - sum((i) => Math.abs(at(y, i) - at(s, i))) / sum((i) => Math.abs(at(y, i) - median)),
  };
}

Deno.test("simulationMeasures() of a case computed by hand", () => {
  // y = 0 2 4 6, s = 1 1 5 5. Means 3 and 3; Σ(y−3)(s−3) = 6+2+2+6 = 16; Σ(y−3)² = 20, Σ(s−3)² = 16.
  // Σ(y−s)² = 4, so R² = 1 − 4/20. Median 3: Σ|y−3| = 8, Σ|y−s| = 4.
  const found = simulationMeasures([{ truth: [0, 2], simulated: [1, 1] }, { truth: [4, 6], simulated: [5, 5] }]);
  assertNear(found?.correlation.value ?? NaN, 16 / Math.sqrt(320), { abs: 1e-15 });
  assertNear(found?.rSquared.value ?? NaN, 0.8, { abs: 1e-15 });
  assertNear(found?.absoluteDeviation.value ?? NaN, 0.5, { abs: 1e-15 });
});

Deno.test("simulationMeasures() equals the plain formulas, also far from 0", () => {
  for (const offset of [0, 1e6]) {
    const truth = sparse(7, 31, 40).map((values) => values.map((value) => value + offset));
    const simulated = truth.map((values, s) => values.map((value, t) => value + hashOf(3 + s, t) / 2 ** 31));
    const found = simulationMeasures(paired(truth, simulated));
    const expected = plainMeasures(truth.flat(), simulated.flat());
    for (const name of ["correlation", "rSquared", "absoluteDeviation"] as const) {
      assertNear(found?.[name].value ?? NaN, expected[name], { abs: offset === 0 ? 1e-12 : 1e-8 });
    }
  }
});

Deno.test("a perfect prediction scores 1 and its interval is 1; the best constant scores 0, not NaN", () => {
  const truth = sparse(10, 40, 1);
  const perfect = simulationMeasures(paired(truth, truth));
  for (const estimate of Object.values(perfect ?? {})) {
    assertNear(estimate.value, 1, { abs: 1e-12 });
    assertNear(estimate.interval?.low ?? NaN, 1, { abs: 1e-12 });
  }
  const mean = truth.flat().reduce((sum, value) => sum + value, 0) / truth.flat().length;
  const constant = (value: number) => simulationMeasures(paired(truth, truth.map((own) => own.map(() => value))));
  assert.equal(constant(mean)?.correlation.value, 0);
  assertNear(constant(mean)?.rSquared.value ?? NaN, 0, { abs: 1e-12 });
  // The median of these values is 0.
  assert.equal(constant(0)?.absoluteDeviation.value, 0);
  assert.deepEqual(constant(7)?.correlation, { value: 0, interval: { low: 0, high: 0 } });
  assert.ok((constant(7)?.rSquared.value ?? 0) < 0);
});

Deno.test("a shuffled prediction scores about 0, and its interval covers 0, whichever way it is shuffled", () => {
  const truth = sparse(20, 40, 2);
  const flat = truth.flat();
  let covered = 0;
  for (let seed = 0; seed < 20; seed++) {
    const order = flat.map((value, i) => ({ value, hash: hashOf(500 + seed, i) })).sort((a, b) => a.hash - b.hash);
    const simulated = truth.map((own, s) => own.map((_, t) => order[s * 40 + t]?.value ?? NaN));
    const { correlation } = simulationMeasures(paired(truth, simulated)) ?? assert.fail();
    assert.ok(Math.abs(correlation.value) < 0.15, `${correlation.value}`);
    const { low, high } = correlation.interval ?? assert.fail();
    if (low <= 0 && high >= 0) covered++;
  }
  // 95 % of 20; a few may miss.
  assert.ok(covered >= 17, `${covered} of 20`);
});

Deno.test("a component that is the same everywhere has no score, whatever is predicted", () => {
  assert.equal(simulationMeasures([{ truth: [0.1, 0.1, 0.1], simulated: [1, 2, 3] }]), null);
  assert.equal(simulationMeasures([]), null);
  assert.throws(() => simulationMeasures([{ truth: [1, 2], simulated: [1] }]), /got 1 for 2/);
});

Deno.test("one sequence has a score without an interval; the same sequences always have the same one", () => {
  const [truth = []] = sparse(1, 40, 3);
  assert.equal(simulationMeasures([{ truth, simulated: truth }])?.correlation.interval, null);
  const many = paired(sparse(6, 20, 4), sparse(6, 20, 5));
  assert.deepEqual(simulationMeasures(many), simulationMeasures(many));
});

Deno.test("calibrations: by hand, and a line through a prediction makes its R² the squared correlation", () => {
  const sequences = [{ truth: [0, 3, 1, 8], simulated: [0, 5, 0, 10] }];
  const none = fitCalibration("none", { sequences, largest: 8 });
  assert.deepEqual([0, 5, 10].map(none), [0, 4, 8]);
  const percentile = fitCalibration("percentile", { sequences, largest: 8 });
  // Sorted: predictions 0 0 5 10, values 0 1 3 8: both zeros become 0.5.
  assert.deepEqual([-1, 0, 2.5, 5, 7.5, 10, 99].map(percentile), [0.5, 0.5, 1.75, 3, 5.5, 8, 8]);
  const truth = sparse(5, 30, 6);
  const simulated = truth.map((own, s) => own.map((value, t) => value * 3 - 4 + hashOf(s, t) / 2 ** 30));
  const linear = fitCalibration("linear", { sequences: paired(truth, simulated), largest: 1 });
  const found = simulationMeasures(paired(truth, simulated.map((own) => own.map(linear)))) ?? assert.fail();
  const raw = simulationMeasures(paired(truth, simulated)) ?? assert.fail();
  assertNear(found.rSquared.value, raw.correlation.value ** 2, { abs: 1e-12 });
  const constant = fitCalibration("linear", { sequences: [{ truth: [1, 3], simulated: [2, 2] }], largest: 1 });
  assert.equal(constant(17), 2, "the mean");
});

Deno.test("areaUnderRoc() counts pairs, ties as half", () => {
  const judged = (actives: readonly number[], others: readonly number[]): Judgement[] => [
    ...actives.map((likelihood) => ({ isActive: true, likelihood })),
    ...others.map((likelihood) => ({ isActive: false, likelihood })),
  ];
  assert.equal(areaUnderRoc(judged([3, 4], [1, 2])), 1);
  assert.equal(areaUnderRoc(judged([1, 2], [3, 4])), 0);
  assert.equal(areaUnderRoc(judged([5, 5, 5], [5, 5])), 0.5);
  // Pairs: 1<2 no, 1>0 yes; 2=2 half, 2>0 yes.
  assert.equal(areaUnderRoc(judged([1, 2], [2, 0])), 2.5 / 4);
  assert.equal(areaUnderRoc(judged([1, 2], [])), null);
  assert.equal(judgementScore(judged([], [1])), null);
  const numbers = (seed: number) => Array.from({ length: 9 }, (_, i) => hashOf(seed, i) % 6);
  const [actives, others] = [numbers(1), numbers(2)];
  const wins = actives.flatMap((a) => others.map((b): number => a > b ? 1 : a === b ? 0.5 : 0));
  const expected = wins.reduce((sum, win) => sum + win, 0) / wins.length;
  const found = judgementScore(judged(actives, others)) ?? assert.fail();
  assertNear(found.value, expected, { abs: 1e-15 });
  const { low, high } = found.interval ?? assert.fail();
  assert.ok(low <= expected && expected <= high && low < high && low >= 0 && high <= 1);
  assert.deepEqual(judgementScore(judged([3, 4], [1, 2]))?.interval, { low: 1, high: 1 });
});

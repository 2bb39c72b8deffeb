/** In which order a training reads: everything once a pass, the held-out part never, the same each time. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ActivationBlock,
  ActivationPlan,
  type ActivationPlanOptions,
  countedTokens,
  heldOutSequences,
} from "../../../engine/corpus/activation_plan.ts";
import { Sequences } from "../../../engine/corpus/sequences.ts";
import { ValidationError } from "../../../engine/errors.ts";

const BOS = 9;

/** Sequences of these lengths; those of even number begin with BOS. */
function sequencesOf(lengths: readonly number[]): Sequences {
  const tokens = lengths.flatMap((length, i) => Array.from({ length }, (_, t) => t === 0 && i % 2 === 0 ? BOS : 1));
  const starts = lengths.reduce<number[]>((sums, length) => [...sums, (sums.at(-1) ?? 0) + length], [0]);
  return new Sequences(Int32Array.from(tokens), Uint32Array.from(starts));
}

const OPTIONS: ActivationPlanOptions = { bosId: BOS, batch: 7, width: 4, seed: 1 };

function rowsOf(sequences: Sequences, numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + countedTokens(sequences, number, BOS), 0);
}

Deno.test("one sequence in ten is held out, always the same ones, and never read", () => {
  const sequences = sequencesOf(Array.from({ length: 100 }, (_, i) => 2 + i % 5));
  const heldOut = heldOutSequences(sequences);
  assert.equal(new Set(heldOut).size, 10);
  assert.deepEqual(heldOutSequences(sequences), heldOut);
  const plan = new ActivationPlan(sequences, OPTIONS);
  const block = plan.blockOf(1000);
  assert.equal(block.sequences.length, 90);
  assert.ok(block.sequences.every((number) => !heldOut.includes(number)));
});

Deno.test("where all activations fit, every block is all of them, in another order each time", () => {
  const sequences = sequencesOf(Array.from({ length: 30 }, (_, i) => 2 + i % 5));
  const plan = new ActivationPlan(sequences, OPTIONS);
  const first = plan.blockOf(0);
  const second = plan.blockOf(first.stepCount);
  assert.equal(second.index, 1);
  assert.equal(second.sequences, first.sequences, "they need not be computed again");
  assert.equal(first.rows, rowsOf(sequences, first.sequences));
  assert.equal(first.stepCount, Math.floor(first.rows / 7));
  const orders = [plan.orderOf(first), plan.orderOf(second)];
  for (const order of orders) assert.deepEqual(order.toSorted(), Uint32Array.from({ length: first.rows }, (_, i) => i));
  assert.notDeepEqual(orders[0], orders[1]);
  assert.deepEqual(new ActivationPlan(sequences, OPTIONS).orderOf(second), orders[1], "the same each time");
  assert.notDeepEqual(new ActivationPlan(sequences, { ...OPTIONS, seed: 2 }).orderOf(second), orders[1]);
});

Deno.test("where they do not, blocks are bounded, and every pass over the texts reads each sequence once", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 12, maxLength: 60 }),
    fc.integer({ min: 1, max: 8 }),
    fc.integer({ min: 0, max: 1000 }),
    (lengths, batch, seed) => {
      const sequences = sequencesOf(lengths);
      const maxRows = 40;
      const options = { ...OPTIONS, batch, seed, maxBlockBytes: maxRows * 4 * OPTIONS.width };
      const heldOut = new Set(heldOutSequences(sequences));
      const trained = lengths.map((_, i) => i).filter((number) => !heldOut.has(number));
      fc.pre(rowsOf(sequences, trained) > maxRows);
      const plan = new ActivationPlan(sequences, options);
      const blocks: ActivationBlock[] = [];
      for (let step = 0; blocks.flatMap((block) => block.sequences).length < 3 * trained.length;) {
        const block = plan.blockOf(step);
        assert.equal(block.index, blocks.length);
        assert.equal(block.rows, rowsOf(sequences, block.sequences));
        assert.ok(block.rows <= maxRows && block.rows >= batch, `${block.rows} rows`);
        blocks.push(block);
        step += block.stepCount;
      }
      const read = blocks.flatMap((block) => block.sequences);
      for (const pass of [0, 1, 2]) {
        const some = read.slice(pass * trained.length, (pass + 1) * trained.length);
        assert.deepEqual(some.toSorted((a, b) => a - b), trained);
      }
      // Whoever asks for a late step first gets the same block.
      const last = blocks.at(-1);
      assert.deepEqual(new ActivationPlan(sequences, options).blockOf(last?.firstStep ?? 0), last);
      // And whoever goes back.
      assert.deepEqual(plan.blockOf(0), blocks[0]);
    },
  ));
});

Deno.test("texts with fewer tokens than a batch are refused", () => {
  assert.throws(
    () => new ActivationPlan(sequencesOf([3, 3, 2]), OPTIONS),
    (error: unknown) =>
      error instanceof ValidationError &&
      /It has \d+ tokens to train on: expected at least the 7 of a batch/.test(error.message),
  );
});

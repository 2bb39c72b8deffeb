/** A sweep over a tiny random model, against the reference transformer on every sequence by itself. */
import assert from "node:assert/strict";
import type { LayerRecord } from "../../../engine/mod.ts";
import { assertClose } from "../../support/assert_close.ts";
import { collected, openSweptEngine, sweepToTheEnd, withSweptModel } from "../../support/swept_model.ts";
import { bruteForce } from "./brute_force.ts";
import { checkStatistics, checkTop, NEAR } from "./check_records.ts";

/** Shares of attention by their definition. */
function scoresByHand(patterns: readonly (readonly (readonly number[])[])[]) {
  const rows = patterns.flatMap((pattern) => pattern.slice(1));
  const average = (term: (row: readonly number[]) => number) =>
    rows.reduce((sum, row) => sum + term(row), 0) / rows.length;
  return {
    previousToken: average((row) => row.at(-2) ?? NaN),
    self: average((row) => row.at(-1) ?? NaN),
    firstToken: average((row) => row[0] ?? NaN),
    entropy: average((row) => -row.reduce((sum, p) => sum + (p === 0 ? 0 : p * Math.log(p)), 0)),
  };
}

Deno.test("a sweep finds what every sequence by itself shows, whatever the size of its batches", () =>
  withSweptModel(40, async (model) => {
    const { values, patterns } = bruteForce(model.tiny, model.sequences);
    for (const stepTokens of [1, 100, 4096]) {
      const engine = await openSweptEngine(model, stepTokens);
      try {
        await sweepToTheEnd(engine);
        const [sweep] = await engine.sweeps("tiny");
        assert.deepEqual([sweep?.state, sweep?.sequencesDone], ["done", model.sequences.length]);
        assert.equal(sweep?.tokensDone, model.sequences.flat().length);
        const records = await collected(engine) as readonly LayerRecord[];
        assert.deepEqual(records.map(({ component }) => component).toSorted(), [...values.keys()].toSorted());
        for (const record of records) {
          const all = values.get(record.component) ?? [];
          checkTop(record, all);
          checkStatistics(record, all);
          const numbers = JSON.stringify(record);
          assert.ok(
            !/null(?!})/.test(numbers.replace(/"(scores|dictionary)":null/g, "")),
            `${record.component}: a number is missing`,
          );
          if (record.scores === null) continue;
          for (const [name, expected] of Object.entries(scoresByHand(patterns.get(record.component) ?? []))) {
            const found = record.scores[name as keyof typeof record.scores];
            assertClose([found], [expected], { label: `${record.component} ${name}`, absolute: 1e-5 });
          }
        }
      } finally {
        await engine.close();
        // Another size is another sweep; the default one has to be the one that was just made.
        await Deno.remove(model.dataFolder, { recursive: true });
      }
    }
  }));

Deno.test("records show top and random sequences with all their values, and quarters of the random ones", () =>
  withSweptModel(40, async (model) => {
    const { values } = bruteForce(model.tiny, model.sequences);
    const engine = await openSweptEngine(model, 200);
    try {
      await assert.rejects(engine.records({ component: "mlp/0/3" }), /start a sweep with POST \/api\/v1\/jobs/);
      await sweepToTheEnd(engine);
      for (const component of ["mlp/1/3", "head/1/1"]) {
        const records = await engine.records({ component, top: 5, random: 4 });
        const all = values.get(component) ?? [];
        const { top, random, byQuantile } = records;
        assert.deepEqual([top.length, random.length, byQuantile.length], [5, 4, 4]);
        for (const example of [...top, ...random, ...byQuantile.flatMap(({ examples }) => examples)]) {
          const own = all[example.sequence ?? -1];
          assert.deepEqual(example.tokens.map(({ id }) => id), model.sequences[example.sequence ?? -1]);
          assertClose(example.values.flat(), own?.values ?? [], { label: component, absolute: NEAR });
          assertClose([example.max], [own?.max ?? NaN], { label: component, absolute: NEAR });
        }
        assert.deepEqual(byQuantile.map(({ from, to }) => [from, to]), [[0.75, 1], [0.5, 0.75], [0.25, 0.5], [
          0,
          0.25,
        ]]);
        const highest = byQuantile.map(({ examples }) => Math.max(...examples.map(({ max }) => max)));
        assert.deepEqual(highest, highest.toSorted((a, b) => b - a));
        const other = await engine.records({ component: "mlp/0/0", top: 0, random: 4 });
        assert.deepEqual(
          other.random.map(({ sequence }) => sequence),
          random.map(({ sequence }) => sequence),
          "the sample is the same for every component",
        );
      }
      const [own] = await engine.activations({ component: "mlp/1/3", texts: [model.sequences[0]?.join(" ") ?? ""] });
      assertClose(own?.values.flat() ?? [], values.get("mlp/1/3")?.[0]?.values ?? [], { label: "own", absolute: NEAR });
      assert.equal(own?.sequence, null);
      await assert.rejects(engine.records({ component: "mlp/9/3" }), /There is no component "mlp\/9\/3"/);
      await assert.rejects(engine.records({ component: "mlp/0/3", textSet: "other" }), /over text set "other"/);
      await assert.rejects(engine.startJob({ kind: "sweep", textSet: "other" }), /expected one of corpus/);
      await assert.rejects(
        engine.activations({ component: "mlp/1/3", texts: ["1 2", Array(25).fill("1").join(" ")] }),
        /texts\.1: Text has 25 tokens: expected 1\.\.24/,
      );
    } finally {
      await engine.close();
    }
  }));

/** Sweeps of dictionaries, against the reference transformer and the reference dictionary on every sequence by itself. */
import assert from "node:assert/strict";
import { latentKind } from "../../../engine/model/dictionary.ts";
import type { Engine, LayerRecord } from "../../../engine/mod.ts";
import { assertClose } from "../../support/assert_close.ts";
import { DICTIONARIES, readDictionaries, withSweptDictionaries } from "../../support/swept_dictionaries.ts";
import { collected, openSweptEngine, sweepToTheEnd, type SweptModel } from "../../support/swept_model.ts";
import { killWhenDone } from "../../support/job_process.ts";
import { allLatentValues } from "./brute_force_latents.ts";
import { checkStatistics, checkTop, NEAR } from "./check_records.ts";

const PROCESS = new URL("../../support/sweep_process.ts", import.meta.url).pathname;

async function recordsOf(engine: Engine, model: SweptModel, id: string): Promise<readonly LayerRecord[]> {
  const { detail } = (await readDictionaries(model)).get(id)?.dictionary ?? assert.fail(id);
  return [...await engine.layerRecords({ kind: latentKind(detail), layer: detail.layer, dictionary: id })];
}

Deno.test("a sweep of a dictionary finds what every sequence by itself shows, whatever the size of its batches", () =>
  withSweptDictionaries(40, async (model) => {
    const expected = await allLatentValues(model);
    for (const stepTokens of [1, 100, 4096]) {
      const engine = await openSweptEngine(model, stepTokens);
      try {
        for (const [id, values] of expected) {
          assert.equal((await engine.sweeps("tiny", id))[0]?.state, "none");
          await sweepToTheEnd(engine, id);
          const [sweep] = await engine.sweeps("tiny", id);
          assert.deepEqual([sweep?.dictionary, sweep?.state, sweep?.sequencesDone], [
            id,
            "done",
            model.sequences.length,
          ]);
          assert.equal(sweep?.tokensDone, model.sequences.flat().length);
          const records = await recordsOf(engine, model, id);
          assert.deepEqual(records.map(({ component }) => component), [...values.keys()]);
          let active = 0;
          for (const record of records) {
            const all = values.get(record.component) ?? [];
            checkTop(record, all, 0);
            checkStatistics(record, all);
            assert.deepEqual([record.dictionary, record.scores], [id, null]);
            active += record.top.length;
          }
          assert.ok(active > 0, `${id}: some latents are active`);
        }
        assert.equal((await engine.sweeps("tiny"))[0]?.state, "none", "the model itself was not swept");
      } finally {
        await engine.close();
        await Deno.remove(model.dataFolder, { recursive: true });
      }
    }
  }));

Deno.test("records of a latent show its sequences with all their values, and refs need a dictionary only where there are two", () =>
  withSweptDictionaries(40, async (model) => {
    const expected = await allLatentValues(model);
    const engine = await openSweptEngine(model, 200);
    try {
      await assert.rejects(
        engine.records({ component: "mlp-latent/1/3", dictionary: "mlp-topk" }),
        /of dictionary "mlp-topk": start a sweep with POST \/api\/v1\/jobs \{"kind":"sweep","model":"tiny","dictionary":"mlp-topk"\}/,
      );
      for (const id of DICTIONARIES) await sweepToTheEnd(engine, id);
      for (const [id, values] of expected) {
        const strongest = [...values.keys()].find((name) => values.get(name)?.some(({ max }) => max > 0)) ?? "";
        const records = await engine.records({ component: strongest, dictionary: id, top: 5, random: 4 });
        const all = values.get(strongest) ?? [];
        assert.equal(records.dictionary, id);
        assert.ok(records.top.length > 0 && records.random.length === 4 && records.byQuantile.length === 4);
        const shown = [...records.top, ...records.random, ...records.byQuantile.flatMap(({ examples }) => examples)];
        for (const example of shown) {
          const own = all[example.sequence ?? -1];
          assert.deepEqual(example.tokens.map((token) => token.id), model.sequences[example.sequence ?? -1]);
          assertClose(example.values.flat(), own?.values ?? [], { label: `${id} ${strongest}`, absolute: NEAR });
          assertClose([example.max], [own?.max ?? NaN], { label: `${id} ${strongest}`, absolute: NEAR });
        }
        const [own] = await engine.activations({
          component: strongest,
          dictionary: id,
          texts: [model.sequences[0]?.join(" ") ?? ""],
        });
        assertClose(own?.values.flat() ?? [], all[0]?.values ?? [], { label: `${id} own text`, absolute: NEAR });
      }
      assert.equal((await engine.records({ component: "mlp-latent/1/3" })).dictionary, "mlp-relu", "the first loaded");
      assert.equal((await engine.records({ component: "attn-latent/0/3" })).dictionary, "attn-jump");
    } finally {
      await engine.close();
    }
  }));

Deno.test("latents that are not there, and dictionaries that do not belong, are refused with what would be right", () =>
  withSweptDictionaries(4, async (model) => {
    const engine = await openSweptEngine(model, 200);
    try {
      const refused: readonly (readonly [Parameters<Engine["records"]>[0], RegExp])[] = [
        [{ component: "mlp-latent/1/24" }, /component: .*"mlp-latent\/1\/24".*in dictionary "mlp-relu" latent 0\.\.23/],
        [{ component: "mlp-latent/1/20", dictionary: "mlp-topk" }, /in dictionary "mlp-topk" latent 0\.\.19/],
        [
          { component: "resid-latent/0/1" },
          /component: No dictionary with resid-latent of layer 0 is loaded .*"attn-jump" \(attn-latent\/0\)/,
        ],
        [{ component: "mlp-latent/1/3", dictionary: "x" }, /dictionary: There is no dictionary "x" for model "tiny"/],
        [{ component: "mlp-latent/1/3", dictionary: "neurons" }, /dictionary: .*"neurons" are mlp-latent\/0, others/],
        [{ component: "mlp/1/3", dictionary: "neurons" }, /dictionary: Expected none: components of kind mlp/],
        [{ component: "latent/1/3" }, /or a latent as in mlp-latent\/LAYER\/LATENT/],
      ];
      for (const [request, message] of refused) await assert.rejects(engine.records(request), message);
      await assert.rejects(
        engine.startJob({ kind: "sweep", dictionary: "x" }),
        /dictionary: There is no dictionary "x"/,
      );
      await assert.rejects(
        engine.startJob({ kind: "means", dictionary: "neurons" }),
        /only sweeps are of a dictionary/,
      );
      await assert.rejects(engine.catalogue({ kind: "head", dictionary: "neurons" }), /components of kind head/);
      await assert.rejects(engine.sweeps("tiny", "x"), /There is no dictionary "x"/);
    } finally {
      await engine.close();
    }
  }));

Deno.test("the catalogue of a dictionary is sorted by any statistic, a page at a time", () =>
  withSweptDictionaries(40, async (model) => {
    const values = (await allLatentValues(model)).get("resid-gated") ?? assert.fail();
    const engine = await openSweptEngine(model, 200);
    try {
      await sweepToTheEnd(engine, "resid-gated");
      const active = [...values].map(([component, all]): readonly [string, number] => {
        const own = all.flatMap((sequence) => sequence.values);
        return [component, own.filter((value) => value > 0).length / own.length];
      }).toSorted(([, a], [, b]) => b - a);
      const pages = await Promise.all(
        [1, 2, 3].map((page) => engine.catalogue({ kind: "resid-latent", sort: "fractionActive", page, pageSize: 4 })),
      );
      const rows = pages.flatMap((page) => page.rows);
      assert.deepEqual(pages.map(({ dictionary, total }) => [dictionary, total]), Array(3).fill(["resid-gated", 10]));
      assertClose(rows.map((row) => row.fractionActive), active.map(([, share]) => share), {
        label: "active",
        absolute: 1e-3,
      });
      assert.equal(new Set(rows.map(({ component }) => component)).size, 10);
      const layer = await engine.catalogue({ kind: "resid-latent", layer: 1 });
      assert.equal(layer.total, 10);
    } finally {
      await engine.close();
    }
  }));

/** Sweeps a dictionary in another process, and kills it for good when so many sequences are done. */
function sweepUntil({ modelFolder, dataFolder }: SweptModel, sequences: number): Promise<string> {
  return killWhenDone(PROCESS, [modelFolder, dataFolder, "24", "mlp-topk"], sequences);
}

Deno.test("a sweep of a dictionary that is killed and paused collects the same; that of the model is another", () =>
  withSweptDictionaries(120, async (model) => {
    const other = await openSweptEngine({ ...model, dataFolder: `${model.dataFolder}-other` }, 24);
    await sweepToTheEnd(other, "mlp-topk");
    await sweepToTheEnd(other);
    const expected = [await recordsOf(other, model, "mlp-topk"), await collected(other)];
    await other.close();
    for (const sequences of [5, 60]) assert.notEqual(await sweepUntil(model, sequences), "done");
    const id = "sweep:tiny:corpus:mlp-topk";
    const engine = await openSweptEngine(model, 24);
    try {
      assert.equal((await engine.sweeps("tiny", "mlp-topk"))[0]?.state, "partial");
      engine.pauseJob(id);
      const paused = await engine.finishedJob(id);
      assert.equal(paused.dictionary, "mlp-topk");
      await sweepToTheEnd(engine);
      engine.resumeJob(id);
      assert.equal((await engine.finishedJob(id)).state, "done");
      assert.deepEqual([await recordsOf(engine, model, "mlp-topk"), await collected(engine)], expected);
    } finally {
      await engine.close();
    }
  }));

/** Loaded dictionaries are measured on request, and kept; what is asked wrongly is said. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DictionaryReports } from "../../../engine/dictionary_reports.ts";
import type { JobSource } from "../../../engine/job_source.ts";
import { type Engine, NotFoundError, ValidationError } from "../../../engine/mod.ts";
import { openLanguageModel } from "../../../engine/model/language_model.ts";
import { Store } from "../../../engine/store/store.ts";
import { openSweptEngine, withSweptModel } from "../../support/swept_model.ts";
import { tinyDictionary } from "../../support/tiny_dictionary.ts";

const ID = "train:tiny:mlp-out-1";
const TRAINING = { site: "blocks.1.hook_mlp_out", latents: 32, k: 4, steps: 60, batch: 64 } as const;

async function withEngine<T>(open: Promise<Engine>, use: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await open;
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}

Deno.test("a dictionary that was trained is loaded at the next start, and measured to be what it was when it was done", () =>
  withSweptModel(120, async (model) => {
    const last = await withEngine(openSweptEngine(model, 64), async (engine) => {
      await engine.startJob({ kind: "train", training: TRAINING });
      assert.equal((await engine.finishedJob(ID)).state, "done");
      return (await engine.training(ID)).measurements.at(-1);
    });
    await withEngine(openSweptEngine(model, 64), async (engine) => {
      assert.deepEqual(engine.model("tiny").dictionaries.map(({ id }) => id), ["trained/tiny/mlp-out-1"]);
      const { metrics } = await engine.measureDictionary({ dictionary: "trained/tiny/mlp-out-1", maxTokens: 65_536 });
      assert.deepEqual(metrics, last?.metrics);
    });
    const own = join(model.modelFolder, "dictionaries");
    await Deno.mkdir(own);
    await Deno.rename(join(model.dataFolder, "dictionaries", "tiny", "mlp-out-1"), join(own, "mlp-out-1"));
    await withEngine(openSweptEngine(model, 64), async (engine) => {
      const report = await engine.measureDictionary({ dictionary: "mlp-out-1", maxTokens: 65_536 });
      assert.deepEqual(report, { model: "tiny", dictionary: "mlp-out-1", textSet: "corpus", metrics: last?.metrics });
      assert.deepEqual(await engine.measureDictionary({ dictionary: "mlp-out-1", maxTokens: 65_536 }), report);
      const fewer = await engine.measureDictionary({ dictionary: "mlp-out-1", maxTokens: 256 });
      assert.ok(fewer.metrics.tokens <= 256 && fewer.metrics.tokens < report.metrics.tokens);
      await assert.rejects(
        engine.measureDictionary({ dictionary: "other" }),
        (error: unknown) =>
          error instanceof NotFoundError &&
          /There is no dictionary "other" for model "tiny": expected one of mlp-out-1/.test(error.message),
      );
      await assert.rejects(engine.measureDictionary({ dictionary: "mlp-out-1", maxTokens: 1 }), ValidationError);
    });
  }));

Deno.test("what was measured is not measured again, unless texts, dictionary or the number of tokens are others", () =>
  withSweptModel(40, async ({ modelFolder, dataFolder }) => {
    const widths = [16, 16] as const;
    const dictionary = await tinyDictionary(modelFolder, { writeHook: "blocks.0.hook_mlp_out", widths });
    const model = { ...await openLanguageModel({ id: "tiny", folder: modelFolder }), dictionaries: [dictionary] };
    using store = Store.open(dataFolder, () => {});
    const kept = new Map<string, unknown>();
    let [calls, digest] = [0, "a"];
    const source = {
      store,
      corpusFiles: [],
      model: () => model,
      digest: () => Promise.resolve(digest),
      worker: {
        call: () => {
          calls++;
          const crossEntropy = { model: 1, dictionary: 2, zero: 3 };
          const active = new Float64Array(4);
          const sums = { tokens: 9, predicted: 9, squaredError: 1, sum: active, squares: 4, active, crossEntropy };
          return Promise.resolve({ output: { sums } });
        },
      },
    } as unknown as JobSource;
    const cache = {
      find: ({ details }: { details: unknown }) => Promise.resolve(kept.get(JSON.stringify(details)) ?? null),
      keep: ({ details }: { details: unknown }, report: unknown) =>
        Promise.resolve(void kept.set(JSON.stringify(details), report)),
    } as unknown as ConstructorParameters<typeof DictionaryReports>[1]["cache"];
    const reports = new DictionaryReports(source, { cache, defaultModel: () => "tiny" });
    const ask = async (request: { readonly maxTokens?: number } = {}) => {
      const before = calls;
      await reports.measure({ dictionary: dictionary.detail.id, ...request }, {});
      return calls > before;
    };
    assert.deepEqual([await ask(), await ask()], [true, false]);
    assert.deepEqual([await ask({ maxTokens: 300 }), await ask({ maxTokens: 300 })], [true, false]);
    digest = "b";
    assert.equal(await ask(), true, "other weights");
    await Deno.writeTextFile(join(modelFolder, "corpus.txt"), "1 2 3 4\n<|endoftext|>\n5 6 7");
    assert.equal(await ask(), true, "other texts");
    const before = calls;
    digest = "c";
    await Promise.all([ask(), ask()]);
    assert.equal(calls - before, 1, "asked twice at once, measured once");
  }));

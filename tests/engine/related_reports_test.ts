/** Related components while a sweep goes on, and when two ask at once: over a store and an engine thread made for it. */
import assert from "node:assert/strict";
import { GroupStatistics } from "../../engine/corpus/group_statistics.ts";
import { RelatedReports, type RelatedSource } from "../../engine/related_reports.ts";
import type { SweepRow, SweepRows } from "../../engine/store/sweep_rows.ts";
import { SweptTexts } from "../../engine/swept.ts";

type Model = ReturnType<RelatedSource["model"]>;

/** As much of a model as is looked at: two layers of three neurons and one head. */
const MODEL = { id: "tiny", architecture: { layerCount: 2, headCount: 1, mlpWidth: 3 } } as unknown as Model;

/** A sweep of which only the latest generation is there; `replace(read)` says whether one more comes after so many reads. */
class Fixture {
  calls = 0;
  reads = 0;
  readonly kept = new Map<string, unknown>();
  readonly reports: RelatedReports;
  #generation = 1;

  constructor(replace: (read: number) => boolean, isReadable = true) {
    const row = (): SweepRow => ({
      key: "sweep",
      model: "tiny",
      weights: "w",
      textSet: "corpus",
      generation: this.#generation,
      progress: { step: 1, stepCount: 9, sequencesDone: this.#generation, sequenceCount: 9, tokensDone: 9 },
    });
    const source: RelatedSource = {
      model: () => MODEL,
      worker: {
        call: (() => {
          this.calls++;
          const relations = { similar: [], upstream: [], downstream: [] };
          return Promise.resolve({ output: { relations, sessions: {} }, queuedMs: 0 });
        }) as unknown as RelatedSource["worker"]["call"],
      },
    };
    const key = (about: { kind: string; details: unknown }) => JSON.stringify([about.kind, about.details]);
    const cache = {
      find: <T>(about: { kind: string; details: unknown }) => Promise.resolve((this.kept.get(key(about)) ?? null) as T),
      keep: (about: { kind: string; details: unknown }, report: unknown) => {
        this.kept.set(key(about), report);
        return Promise.resolve();
      },
    };
    const sweeps: Pick<SweepRows, "list" | "find" | "group" | "texts"> = {
      list: () => [row()],
      find: () => row(),
      texts: () => null,
      group: ({ generation }, name) => {
        if (replace(++this.reads)) this.#generation++;
        if (generation !== this.#generation || !isReadable) return null;
        return new GroupStatistics(name.startsWith("mlp") ? 3 : 1).buffer;
      },
    };
    const swept = new SweptTexts({ store: { sweeps }, digest: () => Promise.resolve("w") });
    this.reports = new RelatedReports(source, { cache, swept, defaultModel: () => "tiny" });
  }
}

Deno.test("a sweep that replaces what it has collected while it is read is read again", async () => {
  const { reports } = new Fixture((read) => read === 3);
  const { coActivation } = await reports.related({ component: "mlp/0/1" }, {});
  assert.equal(coActivation?.sequenceCount, 2, "the second generation");
});

Deno.test("a sweep that always replaces it, and one that cannot be read, are given up with a message", async () => {
  const restless = new Fixture(() => true);
  await assert.rejects(restless.reports.related({ component: "mlp/0/1" }, {}), /stored anew each of 6 times/);
  assert.equal(restless.reads, 6, "one read each of six times");
  const damaged = new Fixture(() => false, false);
  await assert.rejects(damaged.reports.related({ component: "mlp/0/1" }, {}), /collected of mlp\/0 cannot be read/);
  assert.equal(damaged.reads, 1);
});

Deno.test("who asks at the same time waits for the same, and what is known is not computed again", async () => {
  const fixture = new Fixture(() => false);
  const ask = () => fixture.reports.related({ component: "head/1/0" }, {});
  const [a, b] = await Promise.all([ask(), ask()]);
  assert.deepEqual(a, b);
  assert.equal(fixture.calls, 1);
  const { reads } = fixture;
  assert.deepEqual(await ask(), a);
  assert.deepEqual([fixture.calls, fixture.reads], [1, reads]);
});

/** Groups of a sweep that goes on while they are read. */
import assert from "node:assert/strict";
import { GroupStatistics } from "../../engine/corpus/group_statistics.ts";
import { Turns } from "../../engine/corpus/turns.ts";
import { NotFoundError } from "../../engine/errors.ts";
import type { LanguageModel } from "../../engine/model/language_model.ts";
import type { Store } from "../../engine/store/store.ts";
import type { SweepRow } from "../../engine/store/sweep_rows.ts";
import { SweptTexts } from "../../engine/swept.ts";

const MODEL = { architecture: { mlpWidth: 3, headCount: 2 } } as unknown as LanguageModel;
const GROUPS = [0, 1, 2].map((layer) => ({ kind: "mlp" as const, layer }));

/** A store whose sweep gets a new state after some reads; each state's count is its generation. */
function changingStore(changesAfter: ReadonlySet<number>, missing: string | null = null) {
  let [generation, reads] = [1, 0];
  const rowNow = () => ({ key: "k", generation } as unknown as SweepRow);
  const sweeps = {
    find: () => rowNow(),
    group: (row: SweepRow, name: string) => {
      if (changesAfter.has(++reads)) generation++;
      if (row.generation !== generation || name === missing) return null;
      const group = new GroupStatistics(3);
      group.count[0] = generation;
      return group.buffer;
    },
  };
  const swept = new SweptTexts({ store: { sweeps } as unknown as Store, digest: () => Promise.resolve("d") });
  return { swept, found: { model: MODEL, dictionary: null, row: rowNow() }, reads: () => reads };
}

class Counts {
  readonly all: number[] = [];
  add(_about: unknown, { count }: GroupStatistics): void {
    this.all.push(count[0] ?? 0);
  }
}

Deno.test("groups that are read are of one state, though the sweep goes on meanwhile", async () => {
  const { swept, found, reads } = changingStore(new Set([2, 5, 6, 7]));
  const { all } = await swept.collect(found, { groups: GROUPS, turns: new Turns() }, () => new Counts());
  assert.deepEqual(all, [5, 5, 5]);
  assert.equal(reads(), 2 + 3 + 1 + 1 + 3);
});

Deno.test("a group that cannot be read is an error that names it", async () => {
  const { swept, found } = changingStore(new Set(), "mlp/1");
  await assert.rejects(
    swept.collect(found, { groups: GROUPS, turns: new Turns() }, () => new Counts()),
    (error) => error instanceof NotFoundError && /of mlp\/1 cannot be read/.test(error.message),
  );
});

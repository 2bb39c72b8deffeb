/** A sweep that is interrupted, in whatever way, collects the same as one that is not. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Engine, NotFoundError } from "../../../engine/mod.ts";
import { Store } from "../../../engine/store/store.ts";
import {
  collected,
  openSweptEngine,
  sweepToTheEnd,
  type SweptModel,
  withSweptModel,
} from "../../support/swept_model.ts";
import { killWhenDone } from "../../support/job_process.ts";

const PROCESS = new URL("../../support/sweep_process.ts", import.meta.url).pathname;
const STEP_TOKENS = 24;
const ID = "sweep:tiny:corpus";

/** What an uninterrupted sweep collects. */
async function uninterrupted(model: SweptModel): Promise<unknown> {
  const engine = await openSweptEngine({ ...model, dataFolder: `${model.dataFolder}-other` }, STEP_TOKENS);
  try {
    await sweepToTheEnd(engine);
    return await collected(engine);
  } finally {
    await engine.close();
  }
}

/** Sweeps in another process, and kills it for good when so many sequences are done. @returns How it ended */
function sweepUntil({ modelFolder, dataFolder }: SweptModel, sequences: number): Promise<string> {
  return killWhenDone(PROCESS, [modelFolder, dataFolder, `${STEP_TOKENS}`], sequences);
}

async function until(engine: Engine, isSo: (engine: Engine) => boolean): Promise<void> {
  while (!isSo(engine)) await new Promise((resolve) => setTimeout(resolve, 1));
}

function stateOf(engine: Engine): string | undefined {
  return engine.jobs().find(({ id }) => id === ID)?.state;
}

function doneOf(engine: Engine): number {
  return engine.jobs().find(({ id }) => id === ID)?.done ?? 0;
}

Deno.test("a sweep whose process is killed again and again goes on by itself, and nothing is lost or doubled", () =>
  withSweptModel(120, async (model) => {
    const expected = await uninterrupted(model);
    const ends: string[] = [];
    for (const sequences of [5, 40, 41, 90]) {
      const told = await sweepUntil(model, sequences);
      ends.push(told);
      using store = Store.open(model.dataFolder, () => {});
      const [row] = store.sweeps.all();
      assert.ok(
        (row?.progress.sequencesDone ?? 0) >= Number(told),
        `${told} were told, stored is ${JSON.stringify(row)}`,
      );
    }
    assert.ok(ends.every((end) => end !== "done"), ends.join(", "));
    const engine = await openSweptEngine(model, STEP_TOKENS);
    try {
      // Nobody asks for it: it was under way.
      assert.ok(["queued", "running"].includes(stateOf(engine) ?? ""), stateOf(engine));
      const [sweep] = await engine.sweeps("tiny");
      assert.equal(sweep?.state, "partial");
      assert.ok((sweep?.sequencesDone ?? 0) >= Number(ends.at(-1)), "only the batch in flight is done again");
      assert.equal((await engine.finishedJob(ID)).state, "done");
      assert.deepEqual(await collected(engine), expected);
    } finally {
      await engine.close();
    }
  }));

Deno.test("a sweep is paused, outlives the engine, is resumed, and collects the same", () =>
  withSweptModel(120, async (model) => {
    const expected = await uninterrupted(model);
    {
      const engine = await openSweptEngine(model, STEP_TOKENS);
      await engine.startJob({ kind: "sweep" });
      await until(engine, () => doneOf(engine) >= 20);
      engine.pauseJob(ID);
      const paused = await engine.finishedJob(ID);
      assert.equal(paused.state, "paused");
      assert.ok(paused.done >= 20 && paused.done < paused.total, `${paused.done} of ${paused.total}`);
      assert.equal((await engine.records({ component: "mlp/0/1" })).sequenceCount, paused.done, "a part can be read");
      await engine.close();
    }
    const engine = await openSweptEngine(model, STEP_TOKENS);
    try {
      assert.equal(stateOf(engine), "paused", "it rests until somebody wants it");
      engine.resumeJob(ID);
      await until(engine, () => doneOf(engine) >= 60);
      engine.cancelJob(ID);
      const cancelled = await engine.finishedJob(ID);
      assert.equal(cancelled.state, "cancelled");
      assert.equal((await engine.sweeps("tiny"))[0]?.state, "partial", "what was collected stays");
      // Asked for again, it goes on from there.
      await sweepToTheEnd(engine);
      assert.deepEqual(await collected(engine), expected);
      assert.equal((await engine.startJob({ kind: "sweep" })).state, "done");
    } finally {
      await engine.close();
    }
  }));

Deno.test("a question that is asked during a sweep is answered before the sweep ends, and the next job waits its turn", () =>
  withSweptModel(120, async (model) => {
    const engine = await openSweptEngine(model, STEP_TOKENS);
    try {
      await engine.startJob({ kind: "sweep" });
      await until(engine, () => doneOf(engine) > 0);
      const means = await engine.startJob({ kind: "means" });
      assert.equal(means.state, "queued");
      const order: string[] = [];
      await Promise.all([
        engine.run({ prompts: [{ tokens: [1, 2, 3], targets: [4] }] }).then(() => order.push("question")),
        engine.finishedJob(ID).then(() => order.push("sweep")),
        engine.finishedJob(means.id).then(() => order.push("means")),
      ]);
      assert.deepEqual(order, ["question", "sweep", "means"]);
      assert.deepEqual(engine.jobs().map(({ state }) => state), ["done", "done"]);
    } finally {
      await engine.close();
    }
  }));

/** Half of every state is lost. */
async function damageStates(dataFolder: string): Promise<void> {
  for await (const sweep of Deno.readDir(join(dataFolder, "sweeps"))) {
    for await (const { name } of Deno.readDir(join(dataFolder, "sweeps", sweep.name))) {
      const path = join(dataFolder, "sweeps", sweep.name, name);
      const bytes = await Deno.readFile(path);
      await Deno.writeFile(path, bytes.fill(0, Math.floor(bytes.length / 2)));
    }
  }
}

Deno.test("a state that a power cut has damaged is no state: the sweep is done anew, and nothing of it counts twice", () =>
  withSweptModel(60, async (model) => {
    const expected = await uninterrupted(model);
    assert.notEqual(await sweepUntil(model, 20), "done");
    await damageStates(model.dataFolder);
    const engine = await openSweptEngine(model, STEP_TOKENS);
    try {
      assert.equal((await engine.finishedJob(ID)).state, "done");
      assert.deepEqual(await collected(engine), expected);
      await damageStates(model.dataFolder);
      await assert.rejects(engine.records({ component: "mlp/0/1" }), NotFoundError);
      assert.equal((await engine.startJob({ kind: "sweep" })).state, "running", "what cannot be read is not done");
      assert.equal((await engine.finishedJob(ID)).state, "done");
      assert.deepEqual(await collected(engine), expected);
    } finally {
      await engine.close();
    }
  }));

Deno.test("other texts of the same name, and other batches, are another sweep; a file that is wrong is told by its line", () =>
  withSweptModel(4, async (model) => {
    const file = join(model.modelFolder, "..", "mine.jsonl");
    await Deno.writeTextFile(file, '{"text":"1 2 3"}\n{"txt":"4"}\n');
    const { openEngine } = await import("../../../engine/mod.ts");
    const engine = await openEngine({
      modelFolders: [model.modelFolder],
      dataFolder: model.dataFolder,
      device: "cpu",
      version: "test",
      corpusFiles: [file],
    });
    try {
      assert.deepEqual((await engine.textSets("tiny")).map(({ id, origin }) => [id, origin]), [
        ["corpus", "the model’s folder"],
        ["mine", "--corpus"],
      ]);
      const { id } = await engine.startJob({ kind: "sweep", textSet: "mine" });
      const failed = await engine.finishedJob(id);
      assert.equal(failed.state, "failed");
      assert.match(failed.problem ?? "", /Cannot read text set "mine": line 2: expected an object with a field "text"/);
      await Deno.writeTextFile(file, '{"text":"1 2 3"}\n{"text":"4"}\n');
      engine.resumeJob(id);
      assert.equal((await engine.finishedJob(id)).state, "done");
      const [, mine] = await engine.sweeps("tiny");
      assert.deepEqual([mine?.textSet, mine?.state, mine?.sequenceCount, mine?.tokensDone], ["mine", "done", 2, 4]);
    } finally {
      await engine.close();
    }
  }));

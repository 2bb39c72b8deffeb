/** A training that is interrupted, in whatever way, ends with the very same weights and curve as one that is not. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Engine, TrainingInput, TrainingReport } from "../../../engine/mod.ts";
import { openSweptEngine, type SweptModel, withSweptModel } from "../../support/swept_model.ts";
import { killWhenDone } from "../../support/job_process.ts";

const PROCESS = new URL("../../support/train_process.ts", import.meta.url).pathname;
const TRAINING: TrainingInput = {
  site: "blocks.0.hook_mlp_out",
  latents: 48,
  k: 4,
  steps: 400,
  batch: 64,
  seed: 3,
  learningRate: 0.002,
};
const ID = "train:tiny:mlp-out-0";

interface Trained {
  readonly weights: Uint8Array;
  readonly config: string;
  readonly report: Omit<TrainingReport, "job">;
}

async function trainedIn(engine: Engine, dataFolder: string): Promise<Trained> {
  const folder = join(dataFolder, "dictionaries", "tiny", "mlp-out-0");
  const { job: _job, ...report } = await engine.training(ID);
  return {
    weights: await Deno.readFile(join(folder, "sae_weights.safetensors")),
    config: await Deno.readTextFile(join(folder, "cfg.json")),
    report,
  };
}

/** What a training in one go comes to. */
async function uninterrupted(model: SweptModel, training: TrainingInput): Promise<Trained> {
  const other = { ...model, dataFolder: `${model.dataFolder}-other` };
  const engine = await openSweptEngine(other, 64);
  try {
    await engine.startJob({ kind: "train", training });
    const { state, problem } = await engine.finishedJob(ID);
    assert.equal(state, "done", problem ?? "");
    return await trainedIn(engine, other.dataFolder);
  } finally {
    await engine.close();
    await Deno.remove(other.dataFolder, { recursive: true });
  }
}

/** Trains in another process, and kills it for good when so many steps are done. @returns How it ended */
function trainUntil(
  { modelFolder, dataFolder }: SweptModel,
  training: TrainingInput,
  steps: number,
): Promise<string> {
  return killWhenDone(PROCESS, [modelFolder, dataFolder, JSON.stringify(training)], steps);
}

for (const architecture of ["topk", "jumprelu"] as const) {
  const { k: _k, ...plain } = TRAINING;
  const training: TrainingInput = architecture === "topk" ? TRAINING : { ...plain, architecture };

  Deno.test(`a training of ${architecture} that is killed again and again ends with the same bytes`, () =>
    withSweptModel(120, async (model) => {
      const expected = await uninterrupted(model, training);
      const ends: string[] = [];
      for (const steps of [20, 130, 250]) ends.push(await trainUntil(model, training, steps));
      assert.ok(ends.every((end) => end !== "done"), ends.join(", "));
      const engine = await openSweptEngine(model, 64);
      try {
        // Nobody asks for it: it was under way. What was stored is gone on with.
        const { job, points } = await engine.training(ID);
        assert.ok((points.at(-1)?.step ?? 0) > 0, "something was stored before it was killed");
        assert.ok(["queued", "running"].includes(job.state), job.state);
        assert.equal((await engine.finishedJob(ID)).state, "done");
        const trained = await trainedIn(engine, model.dataFolder);
        assert.deepEqual(trained, expected);
        assert.equal(trained.report.points.length, 200);
        assert.equal(trained.report.measurements.length, 20);
        assert.equal((await engine.startJob({ kind: "train", training })).state, "done", "asked for again");
        await assert.rejects(Deno.stat(join(model.dataFolder, "trainings", "tiny", "mlp-out-0")), "its state is gone");
      } finally {
        await engine.close();
      }
    }));
}

Deno.test("a training is paused, outlives the engine, is resumed, and ends with the same bytes", () =>
  withSweptModel(120, async (model) => {
    const expected = await uninterrupted(model, TRAINING);
    const until = async (engine: Engine, steps: number) => {
      while ((engine.jobs()[0]?.done ?? 0) < steps) await new Promise((resolve) => setTimeout(resolve, 1));
    };
    {
      const engine = await openSweptEngine(model, 64);
      await engine.startJob({ kind: "train", training: TRAINING });
      await until(engine, 60);
      engine.pauseJob(ID);
      const paused = await engine.finishedJob(ID);
      assert.equal(paused.state, "paused");
      const { points, measurements } = await engine.training(ID);
      assert.equal(points.at(-1)?.step, paused.done - paused.done % 2, "its curve can be seen");
      assert.equal(measurements.length, Math.floor(paused.done / 20));
      await assert.rejects(
        engine.startJob({ kind: "train", training: { ...TRAINING, seed: 4 } }),
        /training.name: A training named "mlp-out-0" is paused, with other choices; cancel it to give it up/,
      );
      await engine.close();
    }
    const engine = await openSweptEngine(model, 64);
    try {
      engine.resumeJob(ID);
      await until(engine, 200);
      engine.cancelJob(ID);
      assert.equal((await engine.finishedJob(ID)).state, "cancelled");
      // What was given up may be replaced, but by the same it is gone on with.
      await engine.startJob({ kind: "train", training: TRAINING });
      assert.equal((await engine.finishedJob(ID)).state, "done");
      assert.deepEqual(await trainedIn(engine, model.dataFolder), expected);
    } finally {
      await engine.close();
    }
  }));

Deno.test("another seed gives other weights; the name of a dictionary that is there is refused to any other training", () =>
  withSweptModel(120, async (model) => {
    const first = await uninterrupted(model, TRAINING);
    const other = await uninterrupted(model, { ...TRAINING, seed: 4 });
    assert.notDeepEqual(other.weights, first.weights);
    const engine = await openSweptEngine(model, 64);
    try {
      const { id } = await engine.startJob({ kind: "train", training: { ...TRAINING, steps: 20 } });
      const again = await engine.startJob({ kind: "train", training: { ...TRAINING, steps: 20 } });
      assert.equal(again.id, id, "asked twice, it is one");
      await assert.rejects(
        engine.startJob({ kind: "train", training: { ...TRAINING, steps: 21 } }),
        /training.name: A training named "mlp-out-0" is under way with other choices/,
      );
      await engine.finishedJob(ID);
      await assert.rejects(
        engine.startJob({ kind: "train", training: TRAINING }),
        /training.name: There is a dictionary "mlp-out-0" already: expected another name/,
      );
    } finally {
      await engine.close();
    }
  }));

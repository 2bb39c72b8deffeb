/** A training's state on disk: written and read again, and told from what a broken disk makes of it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  type Checkpoint,
  readCheckpoint,
  readCheckpointCurve,
  writeCheckpoint,
} from "../../../engine/dictionaries/training/checkpoint.ts";
import { EMPTY_CURVE } from "../../../engine/dictionaries/training/training_curve.ts";
import { firstState, measureNormalization } from "../../../engine/dictionaries/training/training_state.ts";
import { FileFormatError } from "../../../engine/mod.ts";
import { sparseRows, tinySpec } from "../../support/train.ts";

const TASK = { spec: tinySpec(), key: "one" };

async function withFile(use: (path: string, checkpoint: Checkpoint) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const { spec } = TASK;
  const { tensors } = firstState(spec, measureNormalization(sparseRows(64, spec.width, 1), spec.width));
  try {
    await use(join(folder, "some", "state.safetensors"), { state: { step: 7, tensors }, curve: EMPTY_CURVE });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a state is read as it was written, and only by the training that it is of", () =>
  withFile(async (path, checkpoint) => {
    assert.equal(await readCheckpoint(path, TASK), null, "nothing is there");
    assert.equal(await readCheckpointCurve(path, TASK), null);
    await writeCheckpoint(path, TASK, checkpoint);
    assert.deepEqual(await readCheckpoint(path, TASK), checkpoint);
    assert.deepEqual(await readCheckpointCurve(path, TASK), EMPTY_CURVE);
    assert.equal(await readCheckpoint(path, { ...TASK, key: "another" }), null);
  }));

Deno.test("a state that is damaged is refused by its training's name, never gone on with", () =>
  withFile(async (path, checkpoint) => {
    const refused = async (what: RegExp) => {
      await assert.rejects(readCheckpoint(path, TASK), (error: unknown) => {
        assert.ok(error instanceof FileFormatError, String(error));
        assert.match(error.message, /^Cannot read the state of training mlp-out-0[:,] /);
        assert.match(error.message, what);
        return true;
      });
    };
    for (const step of [51, -1, 2.5, NaN]) {
      await writeCheckpoint(path, TASK, { ...checkpoint, state: { ...checkpoint.state, step } });
      await refused(/expected a step of 0\.\.50/);
    }
    await writeCheckpoint(path, TASK, checkpoint);
    const { size } = await Deno.stat(path);
    await Deno.truncate(path, size - 4);
    await refused(/it ends at byte \d+ but the file has/);
    await Deno.writeFile(path, new Uint8Array(5));
    await refused(/./);
  }));

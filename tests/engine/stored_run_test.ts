/** A stored run outlives its model: it is still shown, and nothing is computed under it with other weights. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ModelNotLoadedError, NotFoundError, openEngine } from "../../engine/mod.ts";
import { writeTinyModel } from "../support/tiny_model.ts";

Deno.test("what is computed under a stored run is refused where its weights are not loaded", async () => {
  const dataFolder = await Deno.makeTempDir();
  const models = await Deno.makeTempDir();
  await writeTinyModel(join(models, "tiny"), { seed: 1 });
  const options = { dataFolder, device: "cpu", version: "test" } as const;
  const first = await openEngine({ ...options, modelFolders: [models] });
  const { result } = await first.run({ prompts: [{ tokens: [1, 2, 3], targets: [4] }] });
  await first.requireWeightsOf(result.id);
  await first.close();
  // The same id, other weights.
  await writeTinyModel(join(models, "tiny"), { seed: 2 });
  const second = await openEngine({ ...options, modelFolders: [models] });
  assert.deepEqual(second.storedRun(result.id), result, "it is still shown");
  await assert.rejects(second.requireWeightsOf(result.id), ModelNotLoadedError);
  await assert.rejects(second.measure(result.id, {}), ModelNotLoadedError);
  await assert.rejects(second.requireWeightsOf("missing"), NotFoundError);
  await second.close();
  for (const folder of [dataFolder, models]) await Deno.remove(folder, { recursive: true });
});

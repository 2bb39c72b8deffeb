/** Finding dictionaries below a folder, and opening them for a model. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type DictionaryLocation, findDictionaries } from "../../../engine/dictionaries/find_dictionaries.ts";
import { openDictionary } from "../../../engine/dictionaries/open_dictionary.ts";
import { FileFormatError, StartError } from "../../../engine/errors.ts";
import type { Architecture } from "../../../engine/model/architecture.ts";
import { randomTensors, withFolder } from "../../support/dictionary_files.ts";
import { config, files, HOOK, STANDARD, WIDTH } from "../../support/saelens_files.ts";

const EMPTY = new Uint8Array();

Deno.test("findDictionaries() finds every format at any depth, sorted, with unique ids", async () => {
  const names = [
    "b/sae_weights.safetensors",
    "b/cfg.json",
    "b/sparsity.safetensors",
    "a/c/d/3.pt",
    "a/c/d/4.pt",
    "x/params.npz",
  ];
  const others = ["b/trainer_state.pt", "model.safetensors", "readme.md", "a/config.json"];
  const all = Object.fromEntries([...names, ...others].map((name) => [name, EMPTY]));
  await withFolder(all, async (folder) => {
    const found = await findDictionaries(folder);
    assert.deepEqual(found.map(({ id }) => id), ["a/c/d/3.pt", "a/c/d/4.pt", "b", "x/params.npz"]);
    assert.deepEqual(found.map(({ path }) => path), [
      join(folder, "a/c/d/3.pt"),
      join(folder, "a/c/d/4.pt"),
      join(folder, "b/sae_weights.safetensors"),
      join(folder, "x/params.npz"),
    ]);
    // Locations cross threads.
    assert.deepEqual(structuredClone(found), found);
  });
});

Deno.test("findDictionaries() takes a folder that is itself a dictionary", async () => {
  await withFolder(files(config("standard"), randomTensors(STANDARD)), async (folder) => {
    const [found] = await findDictionaries(join(folder, "sae"));
    assert.equal(found?.id, "sae");
  });
});

Deno.test("findDictionaries() follows links, but never in circles, and not without end", async () => {
  await withFolder({ "a/1.pt": EMPTY, "blobs/xyz": EMPTY }, async (folder) => {
    await Deno.symlink(folder, join(folder, "a/around"));
    await Deno.symlink(join(folder, "blobs/xyz"), join(folder, "a/2.pt"));
    await Deno.symlink(join(folder, "nowhere"), join(folder, "a/3.pt"));
    assert.deepEqual((await findDictionaries(folder)).map(({ id }) => id), ["a/1.pt", "a/2.pt"]);
  });
  const deep = Array.from({ length: 30 }, (_, depth) => `${depth}`).join("/");
  await withFolder({ [`${deep}/1.pt`]: EMPTY }, async (folder) => {
    assert.deepEqual(await findDictionaries(folder), []);
  });
});

Deno.test("findDictionaries() says so if there is no such folder", async () => {
  await assert.rejects(
    findDictionaries("no/such/folder"),
    (error: unknown) =>
      error instanceof StartError && /Cannot search no\/such\/folder for dictionaries: ENOENT/.test(error.message),
  );
});

const MODEL: Architecture = {
  family: "gpt2",
  layerCount: 3,
  headCount: 2,
  headWidth: WIDTH / 2,
  modelWidth: WIDTH,
  mlpWidth: 4 * WIDTH,
  vocabularySize: 50,
  contextLength: 16,
  normEpsilon: 1e-5,
  bosId: null,
};

async function withLocation(hook: string, use: (location: DictionaryLocation) => Promise<void>): Promise<void> {
  const cfg = config("standard", {}, { "hook_name": hook });
  await withFolder(files(cfg, randomTensors(STANDARD)), async (folder) => {
    await use({ id: "sae", path: join(folder, "sae/sae_weights.safetensors") });
  });
}

Deno.test("openDictionary() refuses what does not fit the model", async () => {
  await withLocation(HOOK, async (location) => {
    assert.equal((await openDictionary(location, MODEL)).detail.layer, 2);
    await assert.rejects(
      openDictionary(location, { ...MODEL, layerCount: 2 }),
      /Cannot read sae: it belongs to layer 2, but the model has 2 layers/,
    );
    await assert.rejects(
      openDictionary(location, { ...MODEL, modelWidth: 8 }),
      /it has width 6 at blocks\.2\.hook_resid_pre, where the model has 8/,
    );
  });
  await withLocation("blocks.0.mlp.hook_post", async (location) => {
    await assert.rejects(
      openDictionary(location, MODEL),
      /width 6 at blocks\.0\.mlp\.hook_post, where the model has 24/,
    );
    assert.equal((await openDictionary(location, { ...MODEL, mlpWidth: WIDTH })).detail.inputWidth, WIDTH);
  });
});

Deno.test("openDictionary() says so if a file is gone or is a folder", async () => {
  await withFolder({ "sae/cfg.json": config("standard"), "5.pt/x": EMPTY }, async (folder) => {
    for (const name of ["sae/sae_weights.safetensors", "4.pt", "5.pt", "6.npz"]) {
      await assert.rejects(
        openDictionary({ id: "gone", path: join(folder, name) }, null),
        (error: unknown) => error instanceof FileFormatError && error.message.startsWith("Cannot read gone: "),
      );
    }
  });
});

Deno.test("openDictionary() refuses files that are empty or of another kind", async () => {
  await withFolder({ "1.pt": EMPTY, "2.pt": "text", "3.npz": "text", "4.npz": EMPTY }, async (folder) => {
    for (const location of await findDictionaries(folder)) {
      await assert.rejects(openDictionary(location, null), FileFormatError);
    }
  });
});

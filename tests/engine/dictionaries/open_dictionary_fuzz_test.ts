/** Whatever is done to a dictionary's files, it opens or is refused by our own error. */
import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { openDictionary } from "../../../engine/dictionaries/open_dictionary.ts";
import { FileFormatError } from "../../../engine/errors.ts";
import { type FolderFiles, randomTensors, safetensors, withFolder } from "../../support/dictionary_files.ts";
import { npzFile } from "../../support/npz_file.ts";
import { config, files, LATENTS, STANDARD } from "../../support/saelens_files.ts";
import { torchFile } from "../../support/torch_file.ts";

const TENSORS = randomTensors(STANDARD);
const OPENAI = randomTensors({
  "pre_bias": [2],
  "encoder.weight": [3, 2],
  "latent_bias": [3],
  "decoder.weight": [2, 3],
});
const LEARNED = randomTensors({ "encoder.weight": [3, 2], "encoder.bias": [3], "decoder.weight": [2, 3], bias: [2] });
const TRAINER = { "dict_class": "AutoEncoder", layer: 1, "submodule_name": "resid_post_layer_1" };
const SIDECAR = { site: "hook_mlp_out", layer: 1, normalization: "constant", factor: 2 };
const SCOPE = { ...TENSORS, ...randomTensors({ threshold: [LATENTS] }) };

/** Of each format: its files, the weights, and the file that is damaged. */
const CASES: readonly (readonly [files: FolderFiles, weights: string, damaged: string])[] = [
  [files(config("standard"), TENSORS), "sae/sae_weights.safetensors", "sae/cfg.json"],
  [files(config("standard"), TENSORS), "sae/sae_weights.safetensors", "sae/sae_weights.safetensors"],
  [{ "1.pt": torchFile(OPENAI), "dictionary.json": SIDECAR }, "1.pt", "1.pt"],
  [{ "1.pt": torchFile(OPENAI), "dictionary.json": SIDECAR }, "1.pt", "dictionary.json"],
  [{ "ae.pt": torchFile(LEARNED), "config.json": { trainer: TRAINER } }, "ae.pt", "config.json"],
  [{ "ae.pt": torchFile(LEARNED), "config.json": { trainer: TRAINER } }, "ae.pt", "ae.pt"],
  [{ "params.npz": npzFile(SCOPE), "dictionary.json": SIDECAR }, "params.npz", "params.npz"],
];

for (const [given, weights, damaged] of CASES) {
  Deno.test(`a dictionary ${weights} with mutated ${damaged} opens or is refused`, async () => {
    await withFolder(given, async (folder) => {
      const location = { id: "fuzzed", path: join(folder, weights) };
      await openDictionary(location, null);
      const path = join(folder, damaged);
      const whole = await Deno.readFile(path);
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
          fc.option(fc.nat(whole.length), { freq: 8 }),
          async (edits, cut) => {
            const bytes = whole.slice(0, cut ?? whole.length);
            for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte;
            await Deno.writeFile(path, bytes);
            await assertOpensOrRefused(location);
          },
        ),
        { numRuns: 250 },
      );
    });
  });
}

/** Values that configurations should not have. */
const ABSURD = fc.oneof(
  fc.constantFrom(null, true, "", "x".repeat(10_000), -1, 0, 0.5, 1e300, 2 ** 53, [], {}, [[]], { a: {} }),
  fc.double(),
);

Deno.test("a SAELens configuration with any absurd field opens or is refused", async () => {
  const given: Record<string, unknown> = { ...config("topk", { k: 2 }) };
  const metadata: Record<string, unknown> = { ...(given["metadata"] as object) };
  await withFolder({ "sae_weights.safetensors": safetensors(TENSORS) }, async (folder) => {
    const write = (value: unknown) => Deno.writeTextFile(join(folder, "cfg.json"), JSON.stringify(value));
    const location = { id: "fuzzed", path: join(folder, "sae_weights.safetensors") };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys({ ...given, ...metadata })), ABSURD, async (field, value) => {
        await write(
          field in metadata ? { ...given, metadata: { ...metadata, [field]: value } } : { ...given, [field]: value },
        );
        await assertOpensOrRefused(location);
        // The same as a flat configuration.
        await write({ ...given, ...metadata, metadata: undefined, [field]: value });
        await assertOpensOrRefused(location);
      }),
      { numRuns: 400 },
    );
  });
});

async function assertOpensOrRefused(location: Parameters<typeof openDictionary>[0]): Promise<void> {
  try {
    await openDictionary(location, null);
  } catch (error) {
    assert.ok(error instanceof FileFormatError, String(error));
  }
}

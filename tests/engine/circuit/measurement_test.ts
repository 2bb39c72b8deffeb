import assert from "node:assert/strict";
import { rankCorrelation, variantsAtOnce } from "../../../engine/circuit/measurement.ts";
import { openLanguageModel } from "../../../engine/model/language_model.ts";
import { tinyDictionary } from "../../support/tiny_dictionary.ts";
import { writeTinyModel } from "../../support/tiny_model.ts";

Deno.test("rankCorrelation() is 1 for any rising relation, -1 for a falling one", () => {
  assert.equal(rankCorrelation([1, 5, 3, 9], [2, 40, 3, 1000]), 1);
  assert.equal(rankCorrelation([1, 2, 3], [-1, -8, -9]), -1);
});

Deno.test("rankCorrelation() lets ties share their mean rank", () => {
  // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: 4.5 / √(4.5 · 5)
  assert.ok(Math.abs((rankCorrelation([1, 2, 2, 7], [1, 2, 3, 4]) ?? 0) - 4.5 / Math.sqrt(22.5)) < 1e-12);
});

Deno.test("rankCorrelation() is null where it says nothing", () => {
  assert.equal(rankCorrelation([1, 2], [1, 2]), null);
  assert.equal(rankCorrelation([1, 2, 3], [5, 5, 5]), null);
});

Deno.test("variantsAtOnce() falls with the prompt's length and never below one", () => {
  const sizes = { mlpWidth: 3072, modelWidth: 768, headCount: 12, vocabularySize: 50257 };
  const architecture = {
    ...sizes,
    family: "gpt2",
    layerCount: 12,
    headWidth: 64,
    contextLength: 1024,
    normEpsilon: 1e-5,
    bosId: null,
  } as const;
  const plain = { architecture, dictionaries: [] };
  assert.ok(variantsAtOnce(plain, 32) >= 32);
  assert.ok(variantsAtOnce(plain, 512) < variantsAtOnce(plain, 128));
  assert.equal(variantsAtOnce({ ...plain, architecture: { ...architecture, mlpWidth: 1e9 } }, 1024), 1);
});

Deno.test("variantsAtOnce() leaves room for latents", async () => {
  const folder = await Deno.makeTempDir();
  await writeTinyModel(folder);
  const { architecture } = await openLanguageModel({ id: "tiny", folder });
  const writeHook = "blocks.0.hook_mlp_out";
  const dictionaries = [await tinyDictionary(folder, { writeHook, widths: [16, 16], latentCount: 5000 })];
  const [without, withLatents] = [[], dictionaries].map((own) =>
    variantsAtOnce({ architecture, dictionaries: own }, 24)
  );
  assert.ok((withLatents ?? NaN) * 20 < (without ?? NaN), `${withLatents} of ${without}`);
  await Deno.remove(folder, { recursive: true });
});

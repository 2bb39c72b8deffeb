/** What a run tells of each dictionary as a whole, against whole tensors and against the activation that it stands for. */
import assert from "node:assert/strict";
import type { DictionarySums } from "../../../engine/circuit/dictionary_sums.ts";
import type { NamedResult } from "../../../engine/circuit/questions.ts";
import type { Dictionary } from "../../../engine/model/dictionary.ts";
import { Asker, runQuestion, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { readReferenceDictionary } from "../../support/reference_dictionary.ts";
import { tinyDictionary } from "../../support/tiny_dictionary.ts";
import { writeTinyModel } from "../../support/tiny_model.ts";

const LEFT: TestQuestion = { tokens: [3, 41, 17, 5, 66, 3, 29], targets: [7, 9], distractors: [11] };
const RIGHT: TestQuestion = { ...LEFT, tokens: [3, 41, 18, 5, 60, 3, 29] };
const BASIS = { mlp: "latent", attention: "latent" } as const;
const EFFECTS = [["directEffect", "direct_effect"], ["totalEffect", "total_effect"]] as const;

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
await writeTinyModel(folder, { seed: 43, layers: 3 });

const DICTIONARIES = await Promise.all([
  tinyDictionary(folder, { writeHook: "blocks.0.mlp.hook_post", widths: [64, 64], activation: "topk", seed: 1 }),
  tinyDictionary(folder, {
    writeHook: "blocks.1.hook_attn_out",
    widths: [16, 16],
    normalization: { kind: "layer-norm", epsilon: 1e-5, isUnbiased: true },
    seed: 2,
  }),
  tinyDictionary(folder, {
    writeHook: "blocks.1.hook_resid_post",
    widths: [16, 16],
    activation: "jumprelu",
    seed: 3,
  }),
  tinyDictionary(folder, { writeHook: "blocks.2.hook_mlp_out", widths: [16, 16], latentCount: 40, seed: 4 }),
]);
const ASKER = await Asker.open(folder, DICTIONARIES);

function withDictionaries(question: TestQuestion): TestQuestion {
  return { ...question, basis: BASIS, dictionaries: DICTIONARIES.map(({ detail }) => detail.id) };
}

async function sumsOf(questions: readonly [TestQuestion, ...TestQuestion[]]): Promise<readonly DictionarySums[]> {
  return (await ASKER.run(questions)).dictionaries.map(({ sums }) => sums);
}

function found(tensors: ReadonlyMap<string, NamedResult>, name: string): NamedResult {
  const tensor = tensors.get(name);
  assert.ok(tensor, name);
  return tensor;
}

function rowsOf({ data, shape }: NamedResult): readonly Float32Array[] {
  const width = shape.at(-1) ?? 1;
  return Array.from({ length: data.length / width }, (_, row) => data.subarray(row * width, (row + 1) * width));
}

function total(values: Iterable<number>): number {
  return [...values].reduce((sum, value) => sum + value, 0);
}

function norms(tensor: NamedResult): readonly number[] {
  return rowsOf(tensor).map((row) => Math.hypot(...row));
}

Deno.test("active latents, norms and sums are those of the whole tensors, on both sides", async () => {
  const sides = [withDictionaries(LEFT), withDictionaries(RIGHT)] as const;
  const sums = await sumsOf(sides);
  assert.deepEqual(sums.map(({ dictionary }) => dictionary), DICTIONARIES.map(({ detail }) => detail.id));
  for (const [side, question] of sides.entries()) {
    for (const { kind, layer, dictionary, ...own } of sums) {
      const hook = DICTIONARIES.find(({ detail }) => detail.id === dictionary)?.detail.writeHook ?? "";
      const error = kind.replace("latent", "error");
      const names = EFFECTS.flatMap((
        [, name],
      ) => [`scalar:${name}:${kind}:${layer}`, `scalar:${name}:${error}:${layer}`]);
      const tensors = await ASKER.tensors(
        [hook, `${hook}.hook_sae_acts_post`, `${hook}.hook_sae_error`, ...names],
        question,
      );
      const active = rowsOf(found(tensors, `${hook}.hook_sae_acts_post`)).map((row) =>
        row.filter((z) => z !== 0).length
      );
      assert.deepEqual(own.active[side], active, dictionary);
      assert.ok(total(active) > 0 && total(active) < active.length * own.latentCount, "some are active, some are not");
      const label = `${dictionary} ${side}`;
      assertClose(own.activationNorm[side] ?? [], norms(found(tensors, hook)), { label, absolute: 1e-5 });
      assertClose(own.errorNorm[side] ?? [], norms(found(tensors, `${hook}.hook_sae_error`)), {
        label,
        absolute: 1e-5,
      });
      for (const [effect, name] of EFFECTS) {
        const expected = [kind, error].map((part) => total(found(tensors, `scalar:${name}:${part}:${layer}`).data));
        const { latents, error: left } = own[effect];
        assertClose([latents[side] ?? NaN, left[side] ?? NaN], expected, {
          label: `${label} ${effect}`,
          absolute: 2e-5,
        });
      }
    }
  }
});

Deno.test("what neither latents nor error add is the output bias along the gradient", async () => {
  const sums = await sumsOf([withDictionaries(LEFT)]);
  const name = "grad:blocks.2.hook_resid_post";
  const gradient = rowsOf(found(await ASKER.tensors([name], withDictionaries(LEFT)), name));
  for (const { detail } of DICTIONARIES.filter(isPlain)) {
    const { outputBias } = await readReferenceDictionary(
      DICTIONARIES.find((other) => other.detail === detail) ?? fail(),
    );
    const own = sums.find(({ dictionary }) => dictionary === detail.id);
    const expected = total(gradient.map((row) => total(row.map((g, channel) => g * (outputBias[channel] ?? NaN)))));
    assert.ok(Math.abs(expected) > 1e-3, "the bias adds something");
    assertClose(own?.directEffect.rest ?? [], [expected], { label: detail.id, absolute: 2e-5 });
  }
});

/** Writes into the stream itself, and is not normalised. */
function isPlain({ detail: { writeHook }, normalization }: Dictionary): boolean {
  return !writeHook.endsWith("hook_post") && normalization.kind === "none" || writeHook.endsWith("hook_resid_post");
}

function fail(): never {
  throw new Error("There is no such dictionary");
}

Deno.test("latents, error and rest together are the part that they stand for, also where latents are changed", async () => {
  const hook = "blocks.2.hook_mlp_out";
  const edit = { hook: `${hook}.hook_sae_acts_post`, row: 0, index: [6, 3], keep: 0, patch: null, added: 4 } as const;
  for (const edits of [[], [edit]]) {
    const question = { ...withDictionaries(LEFT), edits };
    const own = (await sumsOf([question])).find(({ kind, layer }) => kind === "mlp-latent" && layer === 2);
    assert.ok(own);
    const names = ["blocks.2.hook_resid_mid", "blocks.2.hook_resid_post", "grad:blocks.2.hook_resid_post"];
    const tensors = await ASKER.tensors(names, question);
    const [before = [], after = [], gradient = []] = names.map((name) => found(tensors, name).data);
    const expected = total([...gradient].map((g, i) => g * ((after[i] ?? NaN) - (before[i] ?? NaN))));
    const { latents, error, rest } = own.directEffect;
    assertClose([total([latents, error, rest].map(([side = NaN]) => side))], [expected], {
      label: `${edits.length} edits`,
      absolute: 5e-5,
    });
    // A latent that is changed was active, or not, before.
    assert.deepEqual(own.active, (await sumsOf([withDictionaries(LEFT)])).at(-1)?.active);
  }
});

Deno.test("where errors are dropped they add nothing, and what they were is still told", async () => {
  const sums = await sumsOf([{ ...withDictionaries(LEFT), dropsErrors: true }]);
  for (const { directEffect, totalEffect, errorNorm, dictionary } of sums) {
    assert.deepEqual([directEffect.error, totalEffect.error], [[0], [0]], dictionary);
    assert.ok(errorNorm[0]?.every((norm) => norm > 0.01), dictionary);
  }
});

Deno.test("slots that a side has no token for count nowhere", async () => {
  const { rows: [row], ...question } = runQuestion([withDictionaries(LEFT)], 10);
  assert.ok(row);
  const padded = { ...row, tokens: row.tokens.map((id, slot) => slot === 2 ? null : id) };
  const { dictionaries } = await ASKER.questioner.run(ASKER.model, { ...question, rows: [row, padded] });
  // The same prompt without a hole in it.
  const short = await sumsOf([withDictionaries({ ...LEFT, tokens: LEFT.tokens.toSpliced(2, 1) })]);
  for (const [index, { sums }] of dictionaries.entries()) {
    const alone = short[index];
    assert.deepEqual(sums.active.map(({ length }) => length), [7, 6]);
    // Positions differ behind the hole, so only the tokens before it are the same.
    assert.deepEqual(sums.active[1]?.slice(0, 2), alone?.active[0]?.slice(0, 2), sums.dictionary);
    assert.ok([sums.directEffect.latents, sums.totalEffect.rest].flat().every(Number.isFinite));
  }
});

Deno.test("a run without dictionaries tells of none", async () => {
  assert.deepEqual((await ASKER.run([LEFT])).dictionaries, []);
});

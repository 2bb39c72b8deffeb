/** Where attention latents come from: against another implementation's numbers, and against the pre-activation that they add up to. */
import assert from "node:assert/strict";
import { resolveAttentionLatents } from "../../../engine/circuit/attributed_tokens.ts";
import { ValidationError } from "../../../engine/errors.ts";
import { type Dictionary, type InputNormalization } from "../../../engine/model/dictionary.ts";
import { Asker, runQuestion, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { goldenAllowance, goldenExpectations } from "../../support/golden.ts";
import { goldenDictionaries } from "../../support/golden_dictionaries.ts";
import { readReferenceDictionary } from "../../support/reference_dictionary.ts";
import { readValue } from "../../support/read_value.ts";
import { tinyDictionary, type TinyDictionaryOptions } from "../../support/tiny_dictionary.ts";
import { writeTinyModel } from "../../support/tiny_model.ts";

const TOKENS = [3, 41, 17, 5, 66, 3, 29];
const HOOK = "blocks.1.hook_attn_out";
const WIDTH = 16;

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
await writeTinyModel(folder, { seed: 47, layers: 2, heads: 4 });

/** Of every latent, pairs in the order of queries, each with its keys; and of one latent alone. */
const OF_ALL = "dst.flattened_attn_write_to_latent_summed_over_heads_batched";
const OF_ONE = "dst.attn_write_to_latent_summed_over_heads";

for (const name of ["tiny.ae_rattn_relu.T16", "tiny.ae_rattn_topk.T7"]) {
  Deno.test(`attributions match the golden ones of ${name}`, async () => {
    const { request, expectations } = await goldenExpectations(name);
    const { layer, latent: own } = await goldenLatent(name);
    const dictionaries = await goldenDictionaries(request.autoencoders[0] ?? "");
    const asker = await Asker.open(request.modelFolder, dictionaries);
    const question = { ...request, objective: request.objectiveKind, dictionaries: dictionaries.map(idOf) };
    const golden = (wanted: string) => expectations.find(({ goldenName }) => goldenName === wanted);
    const [all, one] = [golden(OF_ALL), golden(OF_ONE)];
    assert.ok(one);
    const tokenCount = request.tokens.length;
    let compared = 0;
    const compare = async (latent: number, token: number, expected: (key: number) => number | undefined) => {
      const { values } = await ask(asker, question, { layer, latent, token });
      const wanted = values.map((_, key) => expected(key) ?? NaN);
      assertClose(values, wanted, { label: `${latent}@${token}`, absolute: goldenAllowance(all ?? one) });
      compared += wanted.filter((value) => value !== 0).length;
    };
    for (let token = 0; token < tokenCount; token++) {
      await compare(own, token, (key) => one.expected[token * tokenCount + key]);
      const latentCount = all?.shape.at(-1) ?? 0;
      const start = token * (token + 1) / 2;
      for (let latent = 0; latent < latentCount; latent += 5) {
        await compare(latent, token, (key) => all?.expected[(start + key) * latentCount + latent]);
      }
    }
    assert.ok(compared > 10, `${compared} values that are not 0`);
  });
}

/** The attention latent that a case was computed for. */
async function goldenLatent(name: string): Promise<{ readonly layer: number; readonly latent: number }> {
  const url = new URL(`../../fixtures/golden/cases/${name}.json`, import.meta.url);
  return JSON.parse(await Deno.readTextFile(url))["attention_latent"];
}

function idOf({ detail: { id } }: Dictionary): string {
  return id;
}

interface Place {
  readonly layer: number;
  readonly latent: number;
  readonly token: number;
}

async function askAll(asker: Asker, question: TestQuestion, places: readonly Place[]) {
  const { topK: _k, basis: _basis, ...plain } = runQuestion([question], 1);
  const latents = places.map((place) => ({ kind: "attn-latent", ...place }) as const);
  return await asker.questioner.attributedTokens(asker.model, { ...plain, latents });
}

async function ask(asker: Asker, question: TestQuestion, place: Place) {
  const [found] = await askAll(asker, question, [place]);
  assert.ok(found);
  return found;
}

const NORMALIZATIONS: readonly InputNormalization[] = [
  { kind: "none" },
  { kind: "constant", factor: 3 },
  { kind: "mean-removed", factor: 0.5 },
  { kind: "layer-norm", epsilon: 0.1, isUnbiased: true },
  { kind: "unit-norm" },
];
const KINDS: readonly Partial<TinyDictionaryOptions>[] = [
  ...NORMALIZATIONS.map((normalization) => ({ normalization })),
  { activation: "identity" },
  { activation: "gated", isTransposed: true },
  { activation: "topk", scalesByDecoderNorm: true },
];

for (const [index, options] of KINDS.entries()) {
  const { normalization, ...rest } = options;
  const kind = [normalization?.kind ?? "", ...Object.values(rest)].join(" ").trim();
  Deno.test(`attributions and biases add up to the pre-activation: ${kind}`, async () => {
    const dictionary = await tinyDictionary(folder, {
      writeHook: HOOK,
      widths: [WIDTH, WIDTH],
      seed: index + 1,
      ...options,
    });
    const asker = await Asker.open(folder, [dictionary]);
    const question: TestQuestion = { tokens: TOKENS, targets: [7], dictionaries: [dictionary.detail.id] };
    const names = ["pre", "post"].map((name) => `${HOOK}.hook_sae_acts_${name}`);
    const tensors = await asker.tensors([HOOK, ...names], question);
    const [site = [], pre = [], post = []] = [HOOK, ...names].map((name) => tensors.get(name)?.data);
    const latentCount = dictionary.detail.latentCount;
    const bias = asker.model.weights.blocks[1]?.attentionOut.bias;
    assert.ok(bias);
    const outputBias = await readValue(bias);
    let active = 0;
    for (const token of [2, 6]) {
      const x = Float64Array.from(site.slice(token * WIDTH, (token + 1) * WIDTH));
      // The pre-activation of nothing, at the scale of what is read.
      const offset = await linearPre(dictionary, x, new Float64Array(WIDTH));
      const ofBias = await linearPre(dictionary, x, Float64Array.from(outputBias));
      for (let latent = 0; latent < latentCount; latent++) {
        const { activation, values } = await ask(asker, question, { layer: 1, latent, token });
        const cell = token * latentCount + latent;
        assertClose([activation], [post[cell] ?? NaN], { label: "activation", absolute: 1e-5 });
        assert.equal(values.length, token + 1);
        if (activation === 0) {
          assert.deepEqual(values, Array(token + 1).fill(0));
          continue;
        }
        active++;
        const sum = values.reduce((total, value) => total + value, 0);
        assertClose([sum + (ofBias[latent] ?? NaN)], [pre[cell] ?? NaN], {
          label: `${latent}@${token}`,
          absolute: 5e-5,
        });
        assert.notEqual(ofBias[latent], offset[latent], "the output bias counts");
      }
    }
    assert.ok(active > 3, `${active} active latents`);
  });
}

/** Pre-activations of `part`, normalised with the scale of `whole`, in float64. */
async function linearPre(dictionary: Dictionary, whole: Float64Array, part: Float64Array): Promise<Float64Array> {
  const { encoder, encoderBias, inputBias } = await readReferenceDictionary(dictionary);
  const { normalization, activation } = dictionary;
  const mean = (x: Float64Array) => x.reduce((sum, value) => sum + value, 0) / x.length;
  const centre = (x: Float64Array) => x.map((value) => value - mean(x));
  const normalized = (() => {
    switch (normalization.kind) {
      case "none":
        return part;
      case "constant":
        return part.map((value) => value * normalization.factor);
      case "mean-removed":
        return centre(part).map((value) => value * normalization.factor);
      case "layer-norm": {
        const variance = centre(whole).reduce((sum, value) => sum + value * value, 0) /
          (WIDTH - Number(normalization.isUnbiased));
        return centre(part).map((value) => value / (Math.sqrt(variance) + normalization.epsilon));
      }
      case "unit-norm":
        return part.map((value) => value * Math.sqrt(WIDTH) / Math.hypot(...whole));
    }
  })();
  const read = normalized.map((value, channel) => value - (inputBias?.[channel] ?? 0));
  const scale = activation.kind === "gated" ? await readValue(activation.magnitudeScale) : null;
  const norms = dictionary.scalesByDecoderNorm ? await decoderNorms(dictionary) : null;
  return Float64Array.from({ length: dictionary.detail.latentCount }, (_, latent) => {
    const product = read.reduce((sum, value, channel) => sum + value * (encoder[channel]?.[latent] ?? NaN), 0);
    const magnified = scale === null ? product : product * Math.exp(scale[latent] ?? NaN);
    return (magnified + (encoderBias[latent] ?? NaN)) * (norms?.[latent] ?? 1);
  });
}

async function decoderNorms(dictionary: Dictionary): Promise<readonly number[]> {
  return (await readReferenceDictionary(dictionary)).decoder.map((row) => Math.hypot(...row));
}

Deno.test("heads that an intervention silences bring nothing", async () => {
  const dictionary = await tinyDictionary(folder, {
    writeHook: HOOK,
    widths: [WIDTH, WIDTH],
    seed: 90,
    activation: "identity",
  });
  const asker = await Asker.open(folder, [dictionary]);
  const edits = [0, 1, 2, 3].map((head) => ({
    hook: "blocks.1.attn.hook_pattern" as const,
    row: 0,
    index: [head, 5, 2],
    keep: 0,
    patch: null,
    added: 0,
  }));
  const question: TestQuestion = { tokens: TOKENS, targets: [7], dictionaries: [dictionary.detail.id] };
  const place = { layer: 1, latent: 4, token: 5 };
  const [before, after] = [await ask(asker, question, place), await ask(asker, { ...question, edits }, place)];
  assert.notEqual(before.values[2], 0);
  assert.deepEqual(after.values, before.values.with(2, 0));
});

Deno.test("latents of several layers are answered together as each alone, by one compiled graph", async () => {
  const dictionaries = await Promise.all(
    [0, 1].map((layer) =>
      tinyDictionary(folder, { writeHook: `blocks.${layer}.hook_attn_out`, widths: [WIDTH, WIDTH], seed: 95 + layer })
    ),
  );
  const asker = await Asker.open(folder, dictionaries);
  const question: TestQuestion = { tokens: TOKENS, targets: [7], dictionaries: dictionaries.map(idOf) };
  const places = [0, 1, 1, 0, 1].map((layer, i) => ({ layer, latent: 3 * i, token: 6 - i }));
  const together = await askAll(asker, question, places);
  for (const [index, place] of places.entries()) {
    assert.deepEqual(together[index]?.values.length, place.token + 1);
    const alone = await ask(asker, question, place);
    assertClose(together[index]?.values ?? [], alone.values, { label: String(index), absolute: 1e-6 });
  }
  assert.ok(together.some(({ values }) => values.some((value) => value !== 0)));
  await ask(asker, { ...question, objective: "prob" }, { layer: 0, latent: 0, token: 0 });
  assert.equal(asker.questioner.sessions.compiled, 1);
});

Deno.test("what has no source tokens is refused at its place in the list", async () => {
  const attention = await tinyDictionary(folder, { writeHook: HOOK, widths: [WIDTH, WIDTH], seed: 97 });
  const elsewhere = await tinyDictionary(folder, {
    writeHook: "blocks.0.hook_attn_out",
    readHook: "blocks.0.hook_resid_pre",
    widths: [WIDTH, WIDTH],
    seed: 98,
  });
  const { model: { architecture } } = await Asker.open(folder);
  const space = { architecture, dictionaries: [attention, elsewhere] };
  const resolve = (refs: readonly string[]) => resolveAttentionLatents(refs, space, TOKENS.length);
  assert.deepEqual(resolve(["attn-latent/1/3@2"]), [{ kind: "attn-latent", layer: 1, latent: 3, token: 2 }]);
  const refs = [
    "attn-latent/1/3@2",
    "head/0/1@2<1",
    "attn-latent/0/3@2",
    "attn-latent/1/24@2",
    "attn-latent/1/3@7",
    "no",
  ];
  assert.throws(() => resolve(refs), (error: unknown) => {
    assert.ok(error instanceof ValidationError);
    assert.deepEqual(error.issues.map(({ path }) => path), [1, 2, 3, 4, 5].map((index) => `nodes.${index}`));
    const [head, stream] = error.issues.map(({ message }) => message);
    assert.match(head ?? "", /no source tokens: expected a latent of the attention/);
    assert.match(stream ?? "", /reads blocks.0.hook_resid_pre: expected one that reads what heads write/);
    return true;
  });
});

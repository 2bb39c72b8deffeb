/** What a dictionary is measured to be, against a float64 transformer with its activations overwritten token by token. */
import assert from "node:assert/strict";
import { DictionaryMeter } from "../../../engine/dictionaries/dictionary_meter.ts";
import { addMetricSums, type DictionaryMetrics, metricsOf } from "../../../engine/dictionaries/metrics.ts";
import type { SpliceHook } from "../../../engine/model/hook_points.ts";
import { Asker } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import {
  readReferenceDictionary,
  referenceDecode,
  type ReferenceDictionary,
  referenceEncode,
} from "../../support/reference_dictionary.ts";
import { referenceRun, type RefRun } from "../../support/reference_transformer.ts";
import { tinyDictionary } from "../../support/tiny_dictionary.ts";
import { type TinyModel, writeTinyModel } from "../../support/tiny_model.ts";

const BOS = 0;
const TEXTS: readonly (readonly number[])[] = [
  [BOS, 41, 17, 5, 66, 3, 29],
  [12, 9, 9, 4],
  [BOS, 8],
  [BOS, 30, 31, 32, 33, 34, 35, 36, 37, 38],
];

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const tiny = await writeTinyModel(folder, { seed: 21, layers: 3, config: { "bos_token_id": BOS } });
const dictionaries = [
  await tinyDictionary(folder, { writeHook: "blocks.1.hook_mlp_out", widths: [16, 16], latentCount: 40 }),
  await tinyDictionary(folder, { writeHook: "blocks.2.hook_attn_out", widths: [16, 16], activation: "topk" }),
  await tinyDictionary(folder, {
    writeHook: "blocks.0.hook_resid_post",
    widths: [16, 16],
    activation: "jumprelu",
    normalization: { kind: "unit-norm" },
  }),
  await tinyDictionary(folder, { writeHook: "blocks.1.mlp.hook_post", widths: [64, 64], activation: "identity" }),
  await tinyDictionary(folder, {
    readHook: "blocks.2.ln2.hook_normalized",
    writeHook: "blocks.2.hook_mlp_out",
    widths: [16, 16],
    hasSkip: true,
    isCentred: false,
    seed: 3,
  }),
];
const asker = await Asker.open(folder, dictionaries);
const meter = new DictionaryMeter(asker.questioner);

for (const dictionary of dictionaries) {
  const { id } = dictionary.detail;
  Deno.test(`metrics of ${id} are those of brute force, in one batch or several`, async () => {
    const expected = await bruteForce(dictionary.detail, await readReferenceDictionary(dictionary));
    const together = await meter.measure(asker.model, id, TEXTS);
    assertMetrics(metricsOf(together), expected);
    const [first = together, ...others] = await Promise.all(
      TEXTS.map((text) => meter.measure(asker.model, id, [text])),
    );
    assertMetrics(metricsOf(others.reduce(addMetricSums, first)), expected);
    assert.ok(expected.l0 > 0 && expected.crossEntropy.zero !== expected.crossEntropy.model);
  });
}

Deno.test("a dictionary that loses nothing recovers everything; one that writes nothing, nothing", async () => {
  const identity = await tinyDictionary(folder, {
    writeHook: "blocks.0.hook_resid_pre",
    widths: [16, 16],
    isIdentity: true,
    seed: 9,
  });
  const own = await Asker.open(folder, [identity]);
  const whole = metricsOf(await new DictionaryMeter(own.questioner).measure(own.model, identity.detail.id, TEXTS));
  assert.equal(whole.explainedVariance, 1);
  assert.equal(whole.recovered, 1);
  const kind = {
    architecture: "relu",
    site: "blocks.0.hook_resid_pre",
    width: 16,
    latents: 3,
    k: null,
  } as const;
  const nothing = metricsOf(
    await meter.measure(asker.model, {
      kind,
      encoder: new Float32Array(48),
      encoderBias: new Float32Array(3),
      decoder: new Float32Array(48),
      outputBias: new Float32Array(16),
      threshold: null,
    }, TEXTS),
  );
  assert.equal(nothing.recovered, 0);
  assert.deepEqual([nothing.l0, nothing.dead, nothing.latents], [0, 3, 3]);
});

Deno.test("activations are read text by text, BOS left out", async () => {
  const rows = await meter.activations(asker.model, "blocks.1.hook_resid_mid", TEXTS);
  const expected = TEXTS.flatMap((text) => {
    const run = plainRun(text);
    return countedTokens(text).flatMap((token) => rowAt(run, "blocks.1.hook_resid_mid", token));
  });
  assertClose(rows, expected, { label: "activations", absolute: 1e-5 });
});

Deno.test("texts without a token to predict cannot be measured", async () => {
  const sums = await meter.measure(asker.model, dictionaries[0]?.detail.id ?? "", [[BOS]]);
  assert.throws(() => metricsOf(sums), /Cannot measure: expected texts of at least two tokens/);
});

function assertMetrics(found: DictionaryMetrics, expected: DictionaryMetrics): void {
  const { crossEntropy, explainedVariance, recovered, ...counts } = found;
  const { crossEntropy: wanted, explainedVariance: variance, recovered: share, ...numbers } = expected;
  assert.deepEqual(counts, numbers);
  const values = (entropies: typeof wanted) => [entropies.model, entropies.dictionary, entropies.zero];
  assertClose(values(crossEntropy), values(wanted), { label: "cross-entropies", absolute: 1e-5 });
  assertClose([explainedVariance ?? NaN], [variance ?? NaN], { label: "explained variance", absolute: 1e-4 });
  // On random weights zero may even help.
  assert.equal(recovered === null, share === null, "whether anything can be recovered");
  assertClose([recovered ?? 0], [share ?? 0], { label: "recovered", absolute: 1e-3 });
}

function bruteForce(
  { readHook, writeHook, outputWidth, latentCount }: {
    readHook: string;
    writeHook: SpliceHook;
    outputWidth: number;
    latentCount: number;
  },
  dictionary: ReferenceDictionary,
): DictionaryMetrics {
  const [activations, reconstructions]: number[][][] = [[], []];
  const active = new Array<number>(latentCount).fill(0);
  const crossEntropy = { model: 0, dictionary: 0, zero: 0 };
  let [predicted, l0] = [0, 0];
  for (const text of TEXTS) {
    const run = plainRun(text);
    const ours = new Map<number, readonly number[]>();
    for (const token of countedTokens(text)) {
      const x = Float64Array.from(rowAt(run, readHook, token));
      const { latents } = referenceEncode(dictionary, x);
      latents.forEach((z, j) => active[j] = (active[j] ?? 0) + Number(z !== 0));
      l0 += latents.filter((z) => z !== 0).length;
      const reconstruction = [...referenceDecode(dictionary, latents, x)];
      ours.set(token, reconstruction);
      activations?.push([...rowAt(run, writeHook, token)]);
      reconstructions?.push(reconstruction);
    }
    const zeros = new Map([...ours.keys()].map((token) => [token, new Array<number>(outputWidth).fill(0)]));
    crossEntropy.model += entropyOf(text, run);
    crossEntropy.dictionary += entropyOf(text, plainRun(text, { hook: writeHook, rows: ours }));
    crossEntropy.zero += entropyOf(text, plainRun(text, { hook: writeHook, rows: zeros }));
    predicted += text.length - 1;
  }
  const [ys = [], xs = []] = [activations, reconstructions];
  const mean = Array.from({ length: outputWidth }, (_, c) => ys.reduce((sum, y) => sum + (y[c] ?? NaN), 0) / ys.length);
  const squares = (others: (i: number) => readonly number[]) =>
    ys.reduce((sum, y, i) => sum + y.reduce((part, value, c) => part + (value - (others(i)[c] ?? NaN)) ** 2, 0), 0);
  const perToken = (sum: number) => sum / predicted;
  const [model, ours, zero] = [crossEntropy.model, crossEntropy.dictionary, crossEntropy.zero].map(perToken);
  const entropies = { model: model ?? NaN, dictionary: ours ?? NaN, zero: zero ?? NaN };
  return {
    tokens: ys.length,
    predicted,
    l0: l0 / ys.length,
    explainedVariance: 1 - squares((i) => xs[i] ?? []) / squares(() => mean),
    crossEntropy: entropies,
    recovered: entropies.zero > entropies.model
      ? (entropies.zero - entropies.dictionary) / (entropies.zero - entropies.model)
      : null,
    dead: active.filter((count) => count === 0).length,
    latents: latentCount,
  };
}

/** The float64 transformer, with a hook point overwritten at some tokens. */
function plainRun(
  text: readonly number[],
  change: { readonly hook: string; readonly rows: ReadonlyMap<number, readonly number[]> } | null = null,
): RefRun {
  const interventions = change === null
    ? []
    : [...change.rows].flatMap(([token, row]) =>
      row.map((value, channel) => ({ hook: change.hook, index: [token, channel], value }))
    );
  const { weights, config }: TinyModel = tiny;
  return referenceRun(weights, config, {
    tokens: text,
    objective: { kind: "logit-diff", targets: [1], distractors: [2] },
    interventions,
  });
}

function countedTokens(text: readonly number[]): readonly number[] {
  return [...text.keys()].filter((token) => token > 0 || text[0] !== BOS);
}

function rowAt({ hooks }: RefRun, name: string, token: number): readonly number[] {
  const { shape: [, width = 0] = [], data } = hooks.get(name) ?? assert.fail(`no ${name}`);
  return [...data.subarray(token * width, (token + 1) * width)];
}

function entropyOf(text: readonly number[], run: RefRun): number {
  let sum = 0;
  for (let token = 0; token + 1 < text.length; token++) {
    const logits = rowAt(run, "logits", token);
    const largest = Math.max(...logits);
    const total = logits.reduce((part, logit) => part + Math.exp(logit - largest), 0);
    sum += largest + Math.log(total) - (logits[text[token + 1] ?? NaN] ?? NaN);
  }
  return sum;
}

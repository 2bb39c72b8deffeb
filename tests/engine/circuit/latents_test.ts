/** Dictionaries spliced into a model: values against the float64 reference, identity, interventions, gradients, and choice of latents. */
import assert from "node:assert/strict";
import { checkRun } from "../../../engine/circuit/checks.ts";
import type { Edit } from "../../../engine/circuit/edits.ts";
import type { NamedResult } from "../../../engine/circuit/questions.ts";
import { type Dictionary, LATENT_KINDS, latentKind } from "../../../engine/model/dictionary.ts";
import type { HookName, SpliceHook } from "../../../engine/model/hook_points.ts";
import { Asker, runQuestion, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { readReferenceDictionary, referenceEncode, referenceError } from "../../support/reference_dictionary.ts";
import { tinyDictionary, type TinyDictionaryOptions } from "../../support/tiny_dictionary.ts";
import { writeTinyModel } from "../../support/tiny_model.ts";

const TOKENS = [3, 41, 17, 5, 66, 3, 29];
const QUESTION: TestQuestion = { tokens: TOKENS, targets: [7, 9], distractors: [11] };
const OTHER: TestQuestion = { tokens: [3, 41, 18, 5, 60, 3, 29], targets: [7, 9], distractors: [11] };
const WIDTH = 16;
const NEURONS = 64;

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
await writeTinyModel(folder, { seed: 41, layers: 3 });
const plain = await Asker.open(folder);

const SITES = {
  "hook_resid_pre": WIDTH,
  "hook_attn_out": WIDTH,
  "hook_resid_mid": WIDTH,
  "mlp.hook_post": NEURONS,
  "hook_mlp_out": WIDTH,
  "hook_resid_post": WIDTH,
} as const;
type SiteName = keyof typeof SITES;

let seed = 0;
function atSite(site: SiteName, layer: number, options: Partial<TinyDictionaryOptions> = {}): Promise<Dictionary> {
  const width = SITES[site];
  const writeHook: SpliceHook = `blocks.${layer}.${site}`;
  return tinyDictionary(folder, { writeHook, widths: [width, width], seed: ++seed, ...options });
}

async function spliced(...dictionaries: readonly Dictionary[]): Promise<{ asker: Asker; question: TestQuestion }> {
  const asker = await Asker.open(folder, dictionaries);
  return { asker, question: { ...QUESTION, dictionaries: dictionaries.map(({ detail }) => detail.id) } };
}

function rowsOf({ data, shape }: NamedResult): readonly Float64Array[] {
  const width = shape.at(-1) ?? 1;
  return Array.from(
    { length: data.length / width },
    (_, row) => Float64Array.from(data.subarray(row * width, (row + 1) * width)),
  );
}

function found(tensors: ReadonlyMap<string, NamedResult>, name: string): NamedResult {
  const tensor = tensors.get(name);
  assert.ok(tensor, name);
  return tensor;
}

const KINDS: readonly Partial<TinyDictionaryOptions>[] = [
  { activation: "relu" },
  { activation: "identity" },
  { activation: "topk" },
  { activation: "jumprelu" },
  { activation: "gated" },
  { activation: "relu", isTransposed: true },
  { activation: "relu", isCentred: false },
  { activation: "topk", scalesByDecoderNorm: true },
  { activation: "relu", normalization: { kind: "constant", factor: 3 } },
  { activation: "relu", normalization: { kind: "mean-removed", factor: 0.5 } },
  { activation: "topk", normalization: { kind: "layer-norm", epsilon: 1e-5, isUnbiased: true } },
  { activation: "relu", normalization: { kind: "layer-norm", epsilon: 0.1, isUnbiased: false } },
  { activation: "relu", normalization: { kind: "unit-norm" } },
];

for (const options of KINDS) {
  const { activation, normalization, ...rest } = options;
  const name = [activation, normalization?.kind ?? "", ...Object.keys(rest)].join(" ").trim();
  Deno.test(`latents and error equal the float64 reference, and nothing else changes: ${name}`, async () => {
    const site = "hook_mlp_out";
    const dictionary = await atSite(site, 1, options);
    const { asker, question } = await spliced(dictionary);
    const names = ["logits", "grad:blocks.0.hook_resid_pre"];
    const hook = `blocks.1.${site}`;
    const tensors = await asker.tensors([
      ...names,
      hook,
      `${hook}.hook_sae_acts_pre`,
      `${hook}.hook_sae_acts_post`,
      `${hook}.hook_sae_error`,
    ], question);
    const reference = await readReferenceDictionary(dictionary);
    const rows = rowsOf(found(tensors, hook)).map((x) => ({
      ...referenceEncode(reference, x),
      error: referenceError(reference, { read: x, written: x }),
    }));
    for (const [own, label] of [["pre", "acts_pre"], ["latents", "acts_post"], ["error", "error"]] as const) {
      assertClose(found(tensors, `${hook}.hook_sae_${label}`).data, rows.flatMap((row) => [...row[own]]), {
        label,
        absolute: 2e-5,
      });
    }
    assert.ok(rows.some(({ latents }) => latents.some((z) => z !== 0)), "some latent is active");
    const without = await plain.tensors(names, QUESTION);
    for (const same of names) assert.deepEqual(found(tensors, same).data, found(without, same).data, same);
  });
}

Deno.test("a transcoder reads elsewhere than it writes, and its error is what it misses of the MLP", async () => {
  for (const [read, hasSkip] of [["ln2.hook_normalized", false], ["hook_resid_mid", true]] as const) {
    const readHook: HookName = `blocks.1.${read}`;
    const dictionary = await tinyDictionary(folder, {
      writeHook: "blocks.1.hook_mlp_out",
      readHook,
      widths: [WIDTH, WIDTH],
      hasSkip,
      isCentred: false,
      seed: ++seed,
    });
    const { asker, question } = await spliced(dictionary);
    const hook = "blocks.1.hook_mlp_out";
    const tensors = await asker.tensors(
      [readHook, hook, `${hook}.hook_sae_acts_post`, `${hook}.hook_sae_error`],
      question,
    );
    const reference = await readReferenceDictionary(dictionary);
    const written = rowsOf(found(tensors, hook));
    const rows = rowsOf(found(tensors, readHook)).map((x, token) => ({
      latents: referenceEncode(reference, x).latents,
      error: referenceError(reference, { read: x, written: written[token] ?? new Float64Array() }),
    }));
    const expect = (name: string, values: readonly number[]) =>
      assertClose(found(tensors, `${hook}.hook_sae_${name}`).data, values, {
        label: `${read} ${name}`,
        absolute: 2e-5,
      });
    expect("acts_post", rows.flatMap(({ latents }) => [...latents]));
    expect("error", rows.flatMap(({ error }) => [...error]));
  }
});

/** The strongest latent at a token: its place and value. */
async function strongest(asker: Asker, question: TestQuestion, hook: SpliceHook, token: number) {
  const latents = found(await asker.tensors([`${hook}.hook_sae_acts_post`], question), `${hook}.hook_sae_acts_post`);
  const row = rowsOf(latents)[token] ?? new Float64Array();
  const latent = row.indexOf(Math.max(...row));
  return { latent, value: row[latent] ?? NaN };
}

function latentEdit(hook: SpliceHook, index: readonly number[], change: Partial<Edit>): Edit {
  return { hook: `${hook}.hook_sae_acts_post`, row: 0, index, keep: 0, patch: null, added: 0, ...change };
}

for (const site of Object.keys(SITES) as SiteName[]) {
  Deno.test(`changing a latent at ${site} adds the difference times its decoder row, and no more`, async () => {
    const options = site === "hook_mlp_out"
      ? { normalization: { kind: "layer-norm", epsilon: 1e-5, isUnbiased: true } as const }
      : {};
    const dictionary = await atSite(site, 1, options);
    const { asker, question } = await spliced(dictionary);
    const hook: SpliceHook = `blocks.1.${site}`;
    const token = TOKENS.length - 2;
    const { latent, value } = await strongest(asker, question, hook, token);
    assert.ok(value > 0);
    const reference = await readReferenceDictionary(dictionary);
    const x = rowsOf(found(await asker.tensors([hook], question), hook))[token] ?? new Float64Array();
    const mean = x.reduce((sum, entry) => sum + entry, 0) / x.length;
    const deviation = Math.sqrt(x.reduce((sum, entry) => sum + (entry - mean) ** 2, 0) / (x.length - 1));
    const factor = reference.normalization.kind === "layer-norm" ? deviation : 1;
    for (
      const [change, difference] of [[{ added: 0 }, -value], [{ added: 2.5 }, 2.5 - value], [
        { keep: 3 },
        2 * value,
      ]] as const
    ) {
      const edited = { ...question, edits: [latentEdit(hook, [token, latent], change)] };
      // The same change of the site itself, channel by channel, without a dictionary.
      const edits = Array.from(reference.decoder[latent] ?? [], (weight, channel): Edit => ({
        hook,
        row: 0,
        index: [token, channel],
        keep: 1,
        patch: null,
        added: difference * factor * weight,
      }));
      const behind = ["logits", "blocks.2.hook_resid_post", "grad:blocks.2.hook_resid_mid"];
      const [ours, expected] = [
        await asker.tensors(behind, edited),
        await plain.tensors(behind, { ...QUESTION, edits }),
      ];
      for (const name of behind) {
        assertClose(found(ours, name).data, found(expected, name).data, { label: name, absolute: 5e-5 });
      }
    }
  });
}

Deno.test("a latent's total effect is its activation times the objective's slope, by finite differences", async () => {
  for (const site of ["hook_attn_out", "mlp.hook_post", "hook_resid_pre"] as const) {
    const dictionary = await atSite(site, 1, { activation: "jumprelu", normalization: { kind: "unit-norm" } });
    const { asker, question: frozen } = await spliced(dictionary);
    const question = { ...frozen, freezeFinalNorm: false };
    const hook: SpliceHook = `blocks.1.${site}`;
    const kind = latentKind(dictionary.detail);
    const { latent, value } = await strongest(asker, question, hook, 3);
    const name = `scalar:total_effect:${kind}:1`;
    const effect = rowsOf(found(await asker.tensors([name], question), name))[3]?.[latent] ?? NaN;
    const step = 0.02;
    const objectiveWith = async (added: number) => {
      const edits = [latentEdit(hook, [3, latent], { keep: 1, added })];
      return found(await asker.tensors([], { ...question, edits }), "objective").data[0] ?? NaN;
    };
    const [above, below] = [await objectiveWith(step), await objectiveWith(-step)];
    assertClose([effect], [value * (above - below) / (2 * step)], {
      label: site,
      absolute: 2e-3 * Math.abs(effect) + 1e-4,
    });
  }
});

Deno.test("latents, error and output bias add up to what the part of the block adds", async () => {
  for (const [site, kind, whole] of [["hook_attn_out", "attn", "head"], ["hook_mlp_out", "mlp", "mlp"]] as const) {
    const dictionary = await atSite(site, 2);
    const { asker, question } = await spliced(dictionary);
    const names = [
      `scalar:direct_effect:${kind}-latent:2`,
      `scalar:direct_effect:${kind}-error:2`,
      `scalar:direct_effect:${whole}:2`,
      "grad:blocks.2.hook_resid_post",
    ];
    const tensors = await asker.tensors(names, question);
    const sums = names.slice(0, 3).map((name) => found(tensors, name).data.reduce((sum, value) => sum + value, 0));
    const direction = rowsOf(found(tensors, names[3] ?? "")).at(-1) ?? new Float64Array();
    const along = (bias: ArrayLike<number>) => direction.reduce((sum, g, i) => sum + g * (bias[i] ?? NaN), 0);
    const reference = await readReferenceDictionary(dictionary);
    const bias = asker.model.weights.blocks[2]?.[site === "hook_attn_out" ? "attentionOut" : "mlpOut"].bias;
    assert.ok(bias !== undefined);
    const { readValue } = await import("../../support/read_value.ts");
    const [latents = NaN, error = NaN, own = NaN] = sums;
    assertClose([latents + error + along(reference.outputBias)], [own + along(await readValue(bias))], {
      label: site,
      absolute: 1e-5,
    });
  }
});

for (const k of [1, 10, 200]) {
  Deno.test(`a run with k = ${k} selects the latents that sorting all of both sides selects`, async () => {
    const dictionaries = await Promise.all([
      atSite("mlp.hook_post", 0),
      atSite("hook_attn_out", 1, { activation: "topk" }),
      atSite("hook_resid_post", 1),
      atSite("hook_mlp_out", 2, { latentCount: 40 }),
    ]);
    const { asker, question } = await spliced(...dictionaries);
    const basis = { mlp: "latent", attention: "latent" } as const;
    const sides = [question, { ...OTHER, dictionaries: question.dictionaries ?? [] }] as const;
    const numbers = await asker.run([{ ...sides[0], basis }, sides[1]], k);
    assert.deepEqual(numbers.dictionaries.map(({ kind, layer }) => `${kind}/${layer}`), [
      "mlp-latent/0",
      "attn-latent/1",
      "resid-latent/1",
      "mlp-latent/2",
    ]);
    // Layers with a dictionary are shown in its latents, the others as they are.
    assert.deepEqual([...new Set(numbers.mlp.map(({ layer }) => layer))], [1]);
    assert.ok(numbers.head.every(({ layer }) => layer !== 1));
    for (const kind of LATENT_KINDS) {
      const own = numbers.dictionaries.filter((part) => part.kind === kind);
      for (
        const [metric, spelling] of [["writeNorm", "write_norm"], ["directEffect", "direct_effect"], [
          "totalEffect",
          "total_effect",
        ]] as const
      ) {
        for (const [side, asked] of sides.entries()) {
          const names = own.map(({ layer }) => `scalar:${spelling}:${kind}:${layer}`);
          const all = [...(await asker.tensors(names, asked)).values()].slice(1).flatMap(({ data }) => [...data]);
          const chosen = own.flatMap(({ latents }) => latents.map(({ values }) => values[metric][side] ?? NaN));
          const top = (values: readonly number[], sign: number) =>
            values.map((value) => sign * value).filter((value) => value > 1e-6).sort((a, b) => b - a).slice(0, k);
          for (const sign of metric === "writeNorm" ? [1] : [1, -1]) {
            assertClose(top(chosen, sign), top(all, sign), {
              label: `${kind} ${metric} ${side} ${sign}`,
              absolute: 1e-5,
            });
          }
        }
      }
      for (const { layer, latents, latentCount, error } of own) {
        const name = `scalar:direct_effect:${kind.replace("latent", "error")}:${layer}`;
        const tensors = await asker.tensors([name, `scalar:activation:${kind}:${layer}`], sides[0]);
        assertClose(error.directEffect[0] ?? [], found(tensors, name).data, { label: name, absolute: 1e-5 });
        const activations = found(tensors, `scalar:activation:${kind}:${layer}`).data;
        for (const { flatIndex, values } of latents) {
          assert.ok(flatIndex < TOKENS.length * latentCount);
          assertClose([values.activation[0] ?? NaN], [activations[flatIndex] ?? NaN], {
            label: "activation",
            absolute: 1e-5,
          });
        }
      }
    }
  });
}

Deno.test("every check of a run is ok with changed latents and traced ones, of every kind", async () => {
  const dictionaries = await Promise.all([
    atSite("hook_attn_out", 1),
    atSite("mlp.hook_post", 1),
    atSite("hook_resid_post", 0),
    atSite("hook_mlp_out", 2),
  ]);
  const { asker, question } = await spliced(...dictionaries);
  const { latent } = await strongest(asker, question, "blocks.0.hook_resid_post", 2);
  const edits = [
    latentEdit("blocks.0.hook_resid_post", [2, latent], { added: 0 }),
    latentEdit("blocks.2.hook_mlp_out", [TOKENS.length - 1, 3], { added: 4 }),
  ];
  const traces = [
    null,
    { kind: "mlp-latent", layer: 2, token: 5, latent: 4 },
    { kind: "attn-latent", layer: 1, token: 5, latent: 7 },
    { kind: "resid-latent", layer: 0, token: 2, latent },
    { kind: "mlp-latent", layer: 1, token: 6, latent: 1 },
  ] as const;
  for (const node of traces) {
    const trace = node === null
      ? null
      : { node, towards: null, activation: "pre", freezeNorm: true, of: "value" } as const;
    const asked = runQuestion([{ ...question, edits, trace }], 5);
    const numbers = await asker.questioner.run(asker.model, asked);
    for (const { name, ok, difference } of await checkRun(asker.model, asked, numbers)) {
      assert.ok(ok, `${node?.kind}: ${name}, ${difference}`);
    }
    if (node === null) continue;
    const hook = dictionaries.find(({ detail }) => latentKind(detail) === node.kind && detail.layer === node.layer)
      ?.detail.writeHook;
    const name = `${hook}.hook_sae_acts_pre`;
    // Nothing of the traced nodes' own blocks is edited, so that the scalar is the latent as it is.
    const pre = rowsOf(found(await asker.tensors([name], { ...question, edits }), name));
    assertClose(numbers.objective, [pre[node.token]?.[node.latent] ?? NaN], { label: node.kind, absolute: 2e-5 });
  }
});

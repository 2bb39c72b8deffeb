/**
 * A dictionary whose latents are the neurons themselves: encoder and decoder are the identity, nothing is left over. Whatever can be asked
 * of a neuron must then have the same answer for its latent: scalars, changes, traces, edges both ways, the vocabulary.
 */
import assert from "node:assert/strict";
import type { Edit } from "../../../engine/circuit/edits.ts";
import type { TestQuestion } from "../../support/asker.ts";
import { Asker, runQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { tinyDictionary } from "../../support/tiny_dictionary.ts";
import { writeTinyModel } from "../../support/tiny_model.ts";

const TOKENS = [3, 41, 17, 5, 66, 3, 29];
const LAYER = 1;
const NODE = { layer: LAYER, token: 5 } as const;
const UNIT = 20;

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
await writeTinyModel(folder, { seed: 41, layers: 3 });
const dictionary = await tinyDictionary(folder, {
  writeHook: `blocks.${LAYER}.mlp.hook_post`,
  widths: [64, 64],
  isIdentity: true,
});
const asker = await Asker.open(folder, [dictionary]);
const plain: TestQuestion = { tokens: TOKENS, targets: [7, 9], distractors: [11] };
const spliced: TestQuestion = { ...plain, dictionaries: [dictionary.detail.id] };

function edit(hook: Edit["hook"], change: Partial<Edit>): Edit {
  return { hook, row: 0, index: [NODE.token, UNIT], keep: 0, patch: null, added: 0, ...change };
}

const neuronHook = `blocks.${LAYER}.mlp.hook_post` as const;
const latentHook = `blocks.${LAYER}.mlp.hook_post.hook_sae_acts_post` as const;

Deno.test("latents that are the neurons have their scalars, and leave no error", async () => {
  for (const metric of ["activation", "write_norm", "direct_effect", "total_effect"]) {
    const names = [`scalar:${metric}:mlp:${LAYER}`, `scalar:${metric}:mlp-latent:${LAYER}`];
    const tensors = await asker.tensors(names, spliced);
    const [own, latents] = names.map((name) => tensors.get(name)?.data ?? []);
    assertClose(latents ?? [], own ?? [NaN], { label: metric, absolute: 1e-6 });
  }
  const name = `${neuronHook}.hook_sae_error`;
  const error = (await asker.tensors([name], spliced)).get(name)?.data;
  assert.ok(error?.every((value) => value === 0));
});

Deno.test("changing such a latent changes what changing the neuron does, downstream and in gradients upstream", async () => {
  const names = ["logits", "blocks.2.hook_resid_post", "grad:blocks.2.hook_resid_pre", "grad:blocks.0.hook_resid_pre"];
  for (const change of [{ added: 0 }, { added: 2 }, { keep: 2.5 }]) {
    const ours = await asker.tensors(names, { ...spliced, edits: [edit(latentHook, change)] });
    const expected = await asker.tensors(names, { ...plain, edits: [edit(neuronHook, change)] });
    for (const name of ["objective", ...names]) {
      assertClose(ours.get(name)?.data ?? [], expected.get(name)?.data ?? [NaN], { label: name, absolute: 2e-5 });
    }
  }
});

Deno.test("a trace of such a latent starts behind the neuron's nonlinearity", async () => {
  const names = ["grad:blocks.1.hook_resid_mid", "grad:blocks.0.hook_resid_pre", "scalar:direct_effect:head:1"];
  const trace = { towards: null, freezeNorm: true, of: "value" } as const;
  const ours = await asker.tensors(names, {
    ...spliced,
    trace: { ...trace, node: { kind: "mlp-latent", latent: UNIT, ...NODE }, activation: "pre" },
  });
  const expected = await asker.tensors(names, {
    ...plain,
    trace: { ...trace, node: { kind: "mlp", neuron: UNIT, ...NODE }, activation: "post" },
  });
  for (const name of ["objective", ...names]) {
    assertClose(ours.get(name)?.data ?? [], expected.get(name)?.data ?? [NaN], { label: name, absolute: 1e-6 });
  }
});

Deno.test("a value is traced towards such a latent as towards the neuron, behind its nonlinearity", async () => {
  const node = { kind: "head", layer: 0, head: 1, query: NODE.token, key: 2, path: "v" } as const;
  const trace = { node, activation: "pre", freezeNorm: true, of: "value" } as const;
  const towards = { kind: "mlp-latent", latent: UNIT, ...NODE } as const;
  const { objective } = await asker.run([{ ...spliced, trace: { ...trace, towards } }]);
  // The neuron's own trace ends before its nonlinearity: its slope is between the two.
  const { objective: before } = await asker.run([{
    ...plain,
    trace: { ...trace, towards: { kind: "mlp", neuron: UNIT, ...NODE } },
  }]);
  const [pre] = await Promise.all([asker.tensors([`blocks.${LAYER}.mlp.hook_pre`], plain)]);
  const x = pre.get(`blocks.${LAYER}.mlp.hook_pre`)?.data[NODE.token * 64 + UNIT] ?? NaN;
  const gelu = (v: number) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));
  const slope = (gelu(x + 1e-5) - gelu(x - 1e-5)) / 2e-5;
  assertClose(objective, [(before[0] ?? NaN) * slope], { label: "towards", absolute: 1e-6 });
});

Deno.test("such a latent has the neuron's edges to what reads it, and its lists of tokens", async () => {
  const shared = runQuestion([plain], 1);
  const ask = async (dictionaries: readonly string[], writer: Parameters<typeof edgesOf>[1]) =>
    await edgesOf({ ...shared, dictionaries }, writer);
  const ours = await ask([dictionary.detail.id], { kind: "mlp-latent", latent: UNIT, ...NODE });
  const expected = await ask([], { kind: "mlp", neuron: UNIT, ...NODE });
  assert.ok(expected.edges.length >= 10);
  assert.deepEqual(
    ours.edges.map(({ kind, layer, flatIndex }) => [kind, layer, flatIndex]),
    expected.edges.map((
      { kind, layer, flatIndex },
    ) => [kind, layer, flatIndex]),
  );
  assertClose(ours.edges.map(({ attribution }) => attribution), expected.edges.map(({ attribution }) => attribution), {
    label: "edges",
    absolute: 1e-6,
  });
  assertClose(ours.scores, expected.scores, { label: "tokens", absolute: 1e-6 });
});

async function edgesOf(
  question: ReturnType<typeof runQuestion>,
  writer: { readonly kind: "mlp"; readonly neuron: number; readonly layer: number; readonly token: number } | {
    readonly kind: "mlp-latent";
    readonly latent: number;
    readonly layer: number;
    readonly token: number;
  },
) {
  const { edges } = await asker.questioner.edges(asker.model, { ...question, writer, freezeNorm: true, topK: 10 });
  const scores = await asker.questioner.scores(asker.model, { ...question, of: { writer } });
  return { edges, scores };
}

Deno.test("without errors the model runs on reconstructions, and gradients go through the encoder", async () => {
  const names = ["logits", "grad:blocks.0.hook_resid_pre", "grad:blocks.1.mlp.hook_post"];
  // Nothing is left over here, so that nothing changes either.
  const [ours, expected] = [
    await asker.tensors(names, { ...spliced, dropsErrors: true }),
    await asker.tensors(names, plain),
  ];
  for (const name of names) {
    assertClose(ours.get(name)?.data ?? [], expected.get(name)?.data ?? [NaN], { label: name, absolute: 2e-6 });
  }
  const rough = await tinyDictionary(folder, { writeHook: neuronHook, widths: [64, 64], activation: "topk", seed: 9 });
  const roughAsker = await Asker.open(folder, [rough]);
  const question = { ...plain, dictionaries: [rough.detail.id], dropsErrors: true, freezeFinalNorm: false };
  const name = `grad:blocks.${LAYER}.hook_resid_mid`;
  const gradient = (await roughAsker.tensors([name], question)).get(name)?.data ?? new Float32Array();
  const step = 0.01;
  for (const channel of [0, 5, 11]) {
    const objectiveWith = async (added: number) => {
      const edits: readonly Edit[] = [{
        ...edit(`blocks.${LAYER}.hook_resid_mid`, { keep: 1, added }),
        index: [TOKENS.length - 1, channel],
      }];
      return (await roughAsker.tensors([], { ...question, edits })).get("objective")?.data[0] ?? NaN;
    };
    const [above, below] = [await objectiveWith(step), await objectiveWith(-step)];
    const slope = (above - below) / (2 * step);
    const found = gradient[(TOKENS.length - 1) * 16 + channel] ?? NaN;
    assertClose([found], [slope], { label: `channel ${channel}`, absolute: 2e-3 * Math.max(1, Math.abs(slope)) });
  }
});

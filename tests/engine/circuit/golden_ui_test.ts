/** The component tables that the other implementation's page shows: every number of every row, on every side, and the sums by token. */
import assert from "node:assert/strict";
import type { NamedResult } from "../../../engine/circuit/questions.ts";
import { Asker, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { goldenCaseNames, goldenExpectations, type GoldenNode, type GoldenTable } from "../../support/golden.ts";
import { goldenDictionaries } from "../../support/golden_dictionaries.ts";

/** Our scalars by the other implementation's groups. */
const METRICS: Readonly<Record<string, string>> = {
  "activation": "activation",
  "write_norm": "write_norm",
  "direction_write": "direct_effect",
  "act_times_grad": "total_effect",
};

const KINDS: Readonly<Record<string, string>> = {
  "mlp_neuron": "mlp",
  "attention_head": "head",
  "mlp_latent": "mlp-latent",
  "attention_latent": "attn-latent",
  "embedding": "embed",
};

for (const name of goldenCaseNames()) {
  const { ui, request } = await goldenExpectations(name);
  if (ui === undefined) continue;
  Deno.test(`the component table of ${name} has our numbers`, async () => {
    const dictionaries = (await Promise.all(request.autoencoders.map(goldenDictionaries))).flat();
    const asker = await Asker.open(request.modelFolder, dictionaries);
    const asked: TestQuestion = {
      ...request,
      objective: request.objectiveKind,
      dictionaries: dictionaries.map(({ detail }) => detail.id),
    };
    // Where something is ablated, the second answer is the one without.
    const sides = [asked, { ...asked, edits: [] }].slice(0, ui.responses.length);
    for (const [side, question] of sides.entries()) {
      const { topKComponents: table, componentSumsForTokenDisplay } = ui.responses[side] ?? {};
      assert.ok(table !== undefined && componentSumsForTokenDisplay !== undefined);
      const tensors = await asker.tensors([...namesOf(table)], question);
      for (const [group, metric] of Object.entries(METRICS)) {
        const expected = (table.values[group] ?? []).map((value) => group === "write_norm" ? Math.abs(value) : value);
        const found = table.nodes.map((node) => valueOf(tensors, metric, node));
        const size = Math.max(...expected.map(Math.abs));
        assertClose(found, expected, { label: `${group}, side ${side}`, absolute: Math.max(2e-5, 2e-5 * size) });
      }
      await assertSums(componentSumsForTokenDisplay, asker, question);
    }
  });
}

function tensorName(metric: string, [kind, layer]: GoldenNode): string {
  return ["scalar", metric, KINDS[kind], ...layer === null ? [] : [layer]].join(":");
}

function namesOf({ nodes }: GoldenTable): ReadonlySet<string> {
  return new Set(Object.values(METRICS).flatMap((metric) => nodes.map((node) => tensorName(metric, node))));
}

function valueOf(tensors: ReadonlyMap<string, NamedResult>, metric: string, node: GoldenNode): number {
  const [kind, , index] = node;
  const tensor = tensors.get(tensorName(metric, node));
  assert.ok(tensor);
  const place = kind === "embedding" ? index.slice(0, 1) : index;
  return tensor.data[place.reduce((at, i, axis) => at * (tensor.shape[axis] ?? 1) + i, 0)] ?? NaN;
}

/** Sums over layers and units of what the page always shows in neurons and heads: by token, or by query and key. */
async function assertSums({ sums }: GoldenTable, asker: Asker, question: TestQuestion): Promise<void> {
  const layers = Array.from({ length: asker.model.architecture.layerCount }, (_, layer) => layer);
  const derived = { "direction_write": "direct_effect", "act_times_grad": "total_effect" };
  for (const [group, metric] of Object.entries(derived)) {
    for (const [name, golden] of Object.entries(sums[group] ?? {})) {
      if (name.startsWith("resid_post_embedding") || name === "token_attribution") continue;
      const kind = name.includes("attn") ? "head" : "mlp";
      const tensors = await asker.tensors(layers.map((layer) => `scalar:${metric}:${kind}:${layer}`), question);
      const units = kind === "head" ? asker.model.architecture.headCount : asker.model.architecture.mlpWidth;
      const expected = golden.flat();
      const found = new Float64Array(expected.length);
      for (const { data } of [...tensors.values()].slice(1)) {
        data.forEach((value, i) => found[Math.floor(i / units)] = (found[Math.floor(i / units)] ?? 0) + value);
      }
      const size = Math.max(...expected.map(Math.abs));
      assertClose(found, expected, { label: `sum of ${name}`, absolute: Math.max(1e-4, 1e-4 * size) });
    }
  }
}

/** Traces: identities between their paths, and attribution against what really changes. */
import assert from "node:assert/strict";
import type { Edit } from "../../../engine/circuit/edits.ts";
import type { HeadPath, Trace, TracedNode } from "../../../engine/circuit/trace.ts";
import type { NamedResult } from "../../../engine/circuit/questions.ts";
import { Asker, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { writeTinyModel } from "../../support/tiny_model.ts";

const TOKENS = [3, 41, 17, 5, 66, 3, 29];
const QUESTION: TestQuestion = { tokens: TOKENS, targets: [7, 9], distractors: [11] };
const LAYERS = 3;

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
await writeTinyModel(folder, { seed: 31, layers: LAYERS });
const asker = await Asker.open(folder);

function traceOf(node: TracedNode, rest: Partial<Trace> = {}): Trace {
  return { node, towards: null, activation: "pre", freezeNorm: true, of: "value", ...rest };
}

function head(layer: number, path: HeadPath, query = 5, key = 2): TracedNode {
  return { kind: "head", layer, head: 1, query, key, path };
}

const NEURON: TracedNode = { kind: "mlp", layer: 2, neuron: 7, token: 6 };

const EFFECTS = ["direct_effect", "total_effect"].flatMap((metric) => [
  `scalar:${metric}:embed`,
  ...Array.from({ length: LAYERS }, (_, layer) => [`scalar:${metric}:mlp:${layer}`, `scalar:${metric}:head:${layer}`])
    .flat(),
]);

function effects(trace: Trace, edits: readonly Edit[] = []): Promise<ReadonlyMap<string, NamedResult>> {
  return asker.tensors(EFFECTS, { ...QUESTION, trace, edits });
}

for (const [query, key] of [[5, 2], [4, 4]] as const) {
  Deno.test(`the trace of ${query}<${key} through qk is the sum of those through q and k`, async () => {
    const [q, k, qk] = await Promise.all(
      (["q", "k", "qk"] as const).map((path) => effects(traceOf(head(2, path, query, key)))),
    );
    for (const name of EFFECTS) {
      const sum = Array.from(q?.get(name)?.data ?? [], (value, i) => value + (k?.get(name)?.data[i] ?? NaN));
      assertClose(qk?.get(name)?.data ?? [], sum, { label: name, absolute: 1e-5 });
    }
  });
}

Deno.test("what comes after a traced node has no effect on it, to the last bit", async () => {
  const cases: readonly [Trace, readonly string[]][] = [
    [traceOf({ ...NEURON, layer: 1 }), ["mlp:1", "mlp:2", "head:2"]],
    [traceOf(head(1, "qk")), ["mlp:1", "mlp:2", "head:1", "head:2"]],
    [traceOf(head(0, "v")), ["mlp:0", "head:0", "mlp:1", "head:1", "mlp:2", "head:2"]],
  ];
  for (const [trace, later] of cases) {
    const tensors = await effects(trace);
    for (const metric of ["direct_effect", "total_effect"]) {
      for (const place of later) {
        const { data } = tensors.get(`scalar:${metric}:${place}`) ?? { data: [1] };
        assert.ok(data.every((value) => value === 0), `${metric} ${place}`);
      }
    }
  }
});

Deno.test("a neuron's traced value is its pre-activation, and a head's its score", async () => {
  const tensors = await asker.tensors(["blocks.2.mlp.hook_pre", "blocks.2.attn.hook_attn_scores"], QUESTION);
  const [pre, scores] = [tensors.get("blocks.2.mlp.hook_pre"), tensors.get("blocks.2.attn.hook_attn_scores")];
  const width = pre?.shape[1] ?? 0;
  const heads = scores?.shape[2] ?? 0;
  assertClose([await valueOf(traceOf(NEURON))], [pre?.data[6 * width + 7] ?? NaN], { label: "neuron", absolute: 1e-5 });
  for (const path of ["q", "k", "qk"] as const) {
    assertClose([await valueOf(traceOf(head(2, path)))], [scores?.data[(5 * TOKENS.length + 2) * heads + 1] ?? NaN], {
      label: path,
      absolute: 1e-5,
    });
  }
});

Deno.test("a neuron's direct effect on a traced neuron is what the traced one loses without it, where nothing lies between", async () => {
  // A neuron of layer 1 writes into the stream; only layer 2's attention lies between, and with the norm's scale held its direct
  // effect is linear. So a small change of the neuron moves the traced value by direct effect plus what goes through attention:
  // the total effect, which finite differences of the value measure.
  const trace = traceOf(NEURON, { freezeNorm: false });
  const tensors = await asker.tensors(["scalar:total_effect:mlp:1", "blocks.1.mlp.hook_post"], { ...QUESTION, trace });
  const total = tensors.get("scalar:total_effect:mlp:1")?.data ?? new Float32Array();
  const post = tensors.get("blocks.1.mlp.hook_post");
  const width = post?.shape[1] ?? 0;
  for (const neuron of [0, 3, 11]) {
    const at = 6 * width + neuron;
    const activation = post?.data[at] ?? NaN;
    const step = 0.05;
    const moved = async (factor: number) =>
      await valueOf(trace, [{
        hook: "blocks.1.mlp.hook_post",
        row: 0,
        index: [6, neuron],
        keep: 0,
        patch: null,
        added: activation * factor,
      }]);
    const slope = (await moved(1 + step) - await moved(1 - step)) / (2 * step);
    assertClose([total[at] ?? NaN], [slope], {
      label: `neuron ${neuron}`,
      absolute: 2e-3 * Math.max(1, Math.abs(slope)),
    });
  }
});

Deno.test("a value traced towards a later node is measured by that node: edits move the trace as the node itself", async () => {
  const trace = traceOf(head(0, "v", 5, 2), { towards: { kind: "mlp", layer: 1, neuron: 3, token: 5 } });
  const value = await valueOf(trace);
  // P ⟨v W_O, ∂pre/∂resid⟩ is the direct effect of that very pair in the later node's own trace.
  const own = await effects(traceOf({ kind: "mlp", layer: 1, neuron: 3, token: 5 }));
  const direct = own.get("scalar:direct_effect:head:0");
  const heads = direct?.shape[2] ?? 0;
  assertClose([value], [direct?.data[(5 * TOKENS.length + 2) * heads + 1] ?? NaN], { label: "value", absolute: 1e-5 });
});

Deno.test("a value traced towards the objective is the pair's direct effect on it", async () => {
  const value = await valueOf(traceOf(head(2, "v", 6, 2)));
  const direct = (await asker.tensors(["scalar:direct_effect:head:2"], QUESTION)).get("scalar:direct_effect:head:2");
  const heads = direct?.shape[2] ?? 0;
  assertClose([value], [direct?.data[(6 * TOKENS.length + 2) * heads + 1] ?? NaN], { label: "value", absolute: 1e-5 });
});

Deno.test("another unit or token of a traced layer needs no other graph", async () => {
  await asker.run([{ ...QUESTION, trace: traceOf(head(1, "k")) }]);
  const { compiled } = asker.questioner.sessions;
  await asker.run([{ ...QUESTION, trace: traceOf({ kind: "head", layer: 1, head: 0, query: 6, key: 6, path: "k" }) }]);
  assert.equal(asker.questioner.sessions.compiled, compiled);
});

async function valueOf(trace: Trace, edits: readonly Edit[] = []): Promise<number> {
  return (await asker.tensors(["logits"], { ...QUESTION, trace, edits })).get("objective")?.data[0] ?? NaN;
}

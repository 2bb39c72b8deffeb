import assert from "node:assert/strict";
import { goldenAllowance, goldenCaseNames, goldenExpectations } from "./golden.ts";
import { GoldenModel } from "./golden_rule_parts.ts";
import { translation } from "./golden_rules.ts";

Deno.test("goldenExpectations() translates the request of a case", async () => {
  const { request, objective, ui } = await goldenExpectations("tiny.loss_minus_mean.T7");
  assert.deepEqual({ ...request, modelFolder: "" }, {
    modelFolder: "",
    tokens: [100, 65, 92, 95, 92, 67, 65],
    targets: [82, 58],
    distractors: [],
    objectiveKind: "logit",
    freezeFinalNorm: true,
    edits: [],
    trace: null,
    autoencoders: [],
  });
  assert.match(request.modelFolder, /tests\/fixtures\/golden\/models\/tiny$/);
  assert.equal(objective.toFixed(4), "2.9047");
  assert.equal(ui, undefined);
});

Deno.test("goldenExpectations() freezes the final norm exactly where the case does", async () => {
  const frozen: Record<string, boolean> = {};
  for (const name of goldenCaseNames()) frozen[name] = (await goldenExpectations(name)).request.freezeFinalNorm;
  const free = Object.keys(frozen).filter((name) => frozen[name] === false);
  assert.deepEqual(free, ["tiny.nofreeze.T16", "tiny.trace_attn_QK_post.T7", "tiny.trace_neuron_post_nofreeze.T16"]);
});

Deno.test("goldenExpectations() needs only names of documented forms", async () => {
  const forms =
    /^(logits|(grad:)?(logits|ln_final\.hook_scale|blocks\.\d\.[a-z_.\d]+)|ln_final\.hook_normalized|scalar:[a-z_]+:((mlp|head|mlp-latent|attn-latent):\d|embed))$/;
  for (const name of goldenCaseNames()) {
    const { expectations } = await goldenExpectations(name);
    assert.ok(expectations.length >= 8, name);
    for (const { needs } of expectations) for (const need of needs) assert.match(need, forms);
  }
});

Deno.test("goldenExpectations() carries the component table where the case has one", async () => {
  const { ui } = await goldenExpectations("tiny.base.T7");
  const table = ui?.responses[0]?.topKComponents;
  assert.ok(table);
  assert.deepEqual(Object.keys(table.values).sort(), ["act_times_grad", "activation", "direction_write", "write_norm"]);
  for (const values of Object.values(table.values)) assert.equal(values.length, table.nodes.length);
});

Deno.test("goldenAllowance() is the largest of relative size, twenty times the noise, and 1e-6", () => {
  assert.equal(goldenAllowance({ maxAbs: 10, noise: 0 }), 10 * 1e-5);
  assert.equal(goldenAllowance({ maxAbs: 1, noise: 1e-6 }), 20 * 1e-6);
  assert.equal(goldenAllowance({ maxAbs: 0, noise: 0 }), 1e-6);
});

Deno.test("translation() refuses a tensor without a rule and a tensor that lacks layers", () => {
  const model = new GoldenModel(new Map(), { layerCount: 3, headCount: 4 });
  assert.throws(() => translation(model, "dst.unheard_of", { axes: ["token"], shape: [1] }), {
    message: 'Expected a rule for golden tensor "dst.unheard_of"',
  });
  assert.throws(
    () => translation(model, "fwd.mlp_pre_act", { axes: ["layer", "token"], shape: [1, 7] }),
    /has 1 layers/,
  );
});

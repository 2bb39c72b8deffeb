/**
 * Attribution is intervention: with attention patterns and norm scales held as they are, taking a node's write out of the stream
 * changes the objective by exactly its direct effect. The change is computed here in float64 from weights and activations alone.
 */
import assert from "node:assert/strict";
import type { NamedResult } from "../../../engine/circuit/questions.ts";
import { Asker, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { writeTinyModel } from "../../support/tiny_model.ts";

const TOKENS = [3, 41, 17, 5, 66, 3, 29];
const LAST = TOKENS.length - 1;
const QUESTION: TestQuestion = { tokens: TOKENS, targets: [7, 9], distractors: [11] };
const LAYERS = 3;

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const { weights } = await writeTinyModel(folder, { seed: 41, layers: LAYERS });
const asker = await Asker.open(folder);
const { modelWidth: d, headCount, headWidth, mlpWidth } = asker.model.architecture;

const layers = Array.from({ length: LAYERS }, (_, layer) => layer);
const tensors = await asker.tensors([
  `blocks.${LAYERS - 1}.hook_resid_post`,
  "blocks.0.hook_resid_pre",
  "ln_final.hook_scale",
  "scalar:direct_effect:embed",
  ...layers.flatMap((layer) => [
    `blocks.${layer}.mlp.hook_post`,
    `blocks.${layer}.attn.hook_pattern`,
    `blocks.${layer}.attn.hook_v`,
    `scalar:direct_effect:mlp:${layer}`,
    `scalar:total_effect:mlp:${layer}`,
    `scalar:direct_effect:head:${layer}`,
  ]),
], QUESTION);

/** The objective of a last residual at the last token, the final norm's scale held. */
function objectiveOf(residual: Float64Array): number {
  const scale = at(tensor("ln_final.hook_scale").data, LAST);
  const mean = residual.reduce((sum, x) => sum + x, 0) / d;
  const [gain, bias, unembedding] = [weight("ln_f.weight"), weight("ln_f.bias"), weight("wte.weight")];
  const logit = (id: number) =>
    residual.reduce(
      (sum, x, i) => sum + ((x - mean) / scale * at(gain, i) + at(bias, i)) * at(unembedding, id * d + i),
      0,
    );
  return (logit(7) + logit(9)) / 2 - logit(11);
}

const residual = Float64Array.from(
  tensor(`blocks.${LAYERS - 1}.hook_resid_post`).data.subarray(LAST * d, (LAST + 1) * d),
);
const objective = objectiveOf(residual);

/** How much the objective loses without a write into the last token's stream. */
function changeWithout(write: (channel: number) => number): number {
  return objective - objectiveOf(residual.map((x, channel) => x - write(channel)));
}

Deno.test("every neuron's direct effect is what the objective loses without its write", () => {
  for (const layer of layers) {
    const effects = tensor(`scalar:direct_effect:mlp:${layer}`).data;
    const post = tensor(`blocks.${layer}.mlp.hook_post`).data;
    const wOut = weight(`h.${layer}.mlp.c_proj.weight`);
    const changes = Array.from(
      { length: mlpWidth },
      (_, neuron) => changeWithout((channel) => at(post, LAST * mlpWidth + neuron) * at(wOut, neuron * d + channel)),
    );
    assertEffects(effects.subarray(LAST * mlpWidth), changes, `layer ${layer}`);
    assert.ok(effects.subarray(0, LAST * mlpWidth).every((effect) => effect === 0), "earlier tokens have none");
  }
});

Deno.test("every head pair's direct effect is what the objective loses without its write", () => {
  for (const layer of layers) {
    const effects = tensor(`scalar:direct_effect:head:${layer}`).data;
    const [pattern, values] = [
      tensor(`blocks.${layer}.attn.hook_pattern`).data,
      tensor(`blocks.${layer}.attn.hook_v`).data,
    ];
    const wO = weight(`h.${layer}.attn.c_proj.weight`);
    const pairs = TOKENS.flatMap((_, key) => Array.from({ length: headCount }, (_, head) => ({ key, head })));
    const changes = pairs.map(({ key, head }) =>
      changeWithout((channel) => {
        let write = 0;
        for (let i = 0; i < headWidth; i++) {
          write += at(values, (key * headCount + head) * headWidth + i) * at(wO, (head * headWidth + i) * d + channel);
        }
        return at(pattern, (LAST * TOKENS.length + key) * headCount + head) * write;
      })
    );
    assertEffects(effects.subarray(LAST * TOKENS.length * headCount), changes, `layer ${layer}`);
  }
});

Deno.test("the last embedding's direct effect is what the objective loses without it", () => {
  const embedding = tensor("blocks.0.hook_resid_pre").data;
  const change = changeWithout((channel) => at(embedding, LAST * d + channel));
  assertEffects(tensor("scalar:direct_effect:embed").data.subarray(LAST), [change], "embedding");
});

Deno.test("a neuron of the last layer has no way to the objective but the direct one", () => {
  const last = LAYERS - 1;
  const [direct, total] = [tensor(`scalar:direct_effect:mlp:${last}`), tensor(`scalar:total_effect:mlp:${last}`)];
  assertEffects(total.data, direct.data, "last layer");
});

function assertEffects(found: ArrayLike<number>, expected: ArrayLike<number>, label: string): void {
  const largest = Math.max(...Array.from(expected, Math.abs));
  assert.ok(largest > 1e-4, `${label}: something has an effect`);
  assertClose(found, expected, { label, absolute: 1e-4 * largest });
}

function tensor(name: string): NamedResult {
  const found = tensors.get(name);
  assert.ok(found, name);
  return found;
}

function weight(name: string): ArrayLike<number> {
  const found = weights.get(name) ?? weights.get(`transformer.${name}`);
  assert.ok(found, name);
  return found.data;
}

function at(data: ArrayLike<number>, index: number): number {
  return data[index] ?? NaN;
}

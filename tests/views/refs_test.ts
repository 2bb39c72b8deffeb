/** What pages read out of refs. */
import assert from "node:assert/strict";
import { componentOf, componentWithPage, isLatentRef, kindOf, layerOf, partOf, placesOf } from "../../views/refs.ts";

const REFS = [
  ["head/9/8@12<4", "head", 9, "attention", "head/9/8", [12, 4]],
  ["mlp/5/1234@7", "neuron", 5, "MLP", "mlp/5/1234", [7]],
  ["attn-latent/5/44@7", "attn-latent", 5, "attention", "attn-latent/5/44", [7]],
  ["mlp-latent/0/44@7", "mlp-latent", 0, "MLP", "mlp-latent/0/44", [7]],
  ["resid-latent/11/4@0", "resid-latent", 11, "residual stream", "resid-latent/11/4", [0]],
  ["attn-error/5@7", "error", 5, "attention", "attn-error/5", [7]],
  ["mlp-error/10@7", "error", 10, "MLP", "mlp-error/10", [7]],
  ["resid-error/5@70", "error", 5, "residual stream", "resid-error/5", [70]],
  ["embed@3", "embed", null, null, null, [3]],
] as const;

for (const [ref, kind, layer, part, component, places] of REFS) {
  Deno.test(`${ref} is read`, () => {
    assert.equal(kindOf(ref), kind);
    assert.equal(layerOf(ref), layer);
    assert.equal(partOf(ref), part);
    assert.equal(componentOf(ref), component);
    assert.equal(componentWithPage(ref), kind === "error" ? null : component);
    assert.equal(isLatentRef(ref), ref.includes("latent"));
    assert.deepEqual(placesOf(ref), places);
  });
}

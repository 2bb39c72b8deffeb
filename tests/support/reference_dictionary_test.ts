/** The float64 dictionary against values worked out by hand. */
import assert from "node:assert/strict";
import type { InputNormalization } from "../../engine/model/dictionary.ts";
import { assertClose } from "./assert_close.ts";
import {
  type ReferenceActivation,
  referenceDecode,
  type ReferenceDictionary,
  referenceEncode,
  referenceError,
} from "./reference_dictionary.ts";

const of = Float64Array.of.bind(Float64Array);

/** x′ = x − [1, 0]; x′ W_enc of [3, 1] is [2, 1, −3]. */
const BASE: ReferenceDictionary = {
  activation: { kind: "relu" },
  normalization: { kind: "none" },
  scalesByDecoderNorm: false,
  encoder: [of(1, 0, -1), of(0, 1, -1)],
  encoderBias: of(0.5, -2, 1),
  decoder: [of(3, 4), of(0, 2), of(1, 0)],
  outputBias: of(10, 20),
  inputBias: of(1, 0),
  skip: null,
};
const X = of(3, 1);

const ACTIVATIONS: readonly (readonly [ReferenceActivation, pre: number[], latents: number[]])[] = [
  [{ kind: "relu" }, [2.5, -1, -2], [2.5, 0, 0]],
  [{ kind: "identity" }, [2.5, -1, -2], [2.5, -1, -2]],
  [{ kind: "topk", k: 1 }, [2.5, -1, -2], [2.5, 0, 0]],
  // The second largest is negative: kept, then ReLU.
  [{ kind: "topk", k: 2 }, [2.5, -1, -2], [2.5, 0, 0]],
  [{ kind: "jumprelu", threshold: of(2.4, 0, 0) }, [2.5, -1, -2], [2.5, 0, 0]],
  [{ kind: "jumprelu", threshold: of(2.5, 0, 0) }, [2.5, -1, -2], [0, 0, 0]],
  [{ kind: "jumprelu", threshold: of(0, -1.5, -3) }, [2.5, -1, -2], [2.5, 0, 0]],
  // 2 · 4 + 0.5, 1 · 1 − 2, −3 · 1 + 1; gates 2 − 3, 1 + 1, −3 + 4: the first is closed.
  [{ kind: "gated", magnitudeScale: of(Math.log(4), 0, 0), gateBias: of(-3, 1, 4) }, [8.5, -1, -2], [0, 0, 0]],
  [{ kind: "gated", magnitudeScale: of(Math.log(4), 0, 0), gateBias: of(-1, 1, 4) }, [8.5, -1, -2], [8.5, 0, 0]],
];

for (const [activation, pre, latents] of ACTIVATIONS) {
  Deno.test(`referenceEncode() of ${JSON.stringify(activation)}`, () => {
    const encoded = referenceEncode({ ...BASE, activation }, X);
    assertClose(encoded.pre, pre, { label: "pre", absolute: 1e-12 });
    assertClose(encoded.latents, latents, { label: "latents", absolute: 1e-12 });
  });
}

Deno.test("TopK keeps the first of equal pre-activations", () => {
  const dictionary: ReferenceDictionary = { ...BASE, activation: { kind: "topk", k: 1 }, encoderBias: of(-1, 0, -5) };
  assert.deepEqual(referenceEncode(dictionary, X), { pre: of(1, 1, -8), latents: of(1, 0, 0) });
});

/** Of [3, 1]: mean 2, deviation 1 (with n − 1: √2), norm √10. */
const NORMALIZATIONS: readonly (readonly [InputNormalization, seen: number[], undone: number[]])[] = [
  [{ kind: "none" }, [3, 1], [5, 7]],
  [{ kind: "constant", factor: 2 }, [6, 2], [2.5, 3.5]],
  [{ kind: "mean-removed", factor: 2 }, [2, -2], [4.5, 5.5]],
  [{ kind: "layer-norm", epsilon: 1, isUnbiased: false }, [0.5, -0.5], [7, 9]],
  [
    { kind: "layer-norm", epsilon: 0, isUnbiased: true },
    [Math.SQRT1_2, -Math.SQRT1_2],
    [5 * Math.SQRT2 + 2, 7 * Math.SQRT2 + 2],
  ],
  [{ kind: "unit-norm" }, [3 / Math.sqrt(5), 1 / Math.sqrt(5)], [5 * Math.sqrt(5), 7 * Math.sqrt(5)]],
];

for (const [normalization, seen, undone] of NORMALIZATIONS) {
  Deno.test(`a dictionary with ${JSON.stringify(normalization)}`, () => {
    const identity: ReferenceDictionary = {
      ...BASE,
      normalization,
      activation: { kind: "identity" },
      encoder: [of(1, 0), of(0, 1)],
      encoderBias: of(0, 0),
      inputBias: null,
      decoder: [of(1, 0), of(0, 1)],
      outputBias: of(0, 0),
    };
    assertClose(referenceEncode(identity, X).latents, seen, { label: "seen", absolute: 1e-12 });
    assertClose(referenceDecode(identity, of(5, 7), X), undone, { label: "undone", absolute: 1e-12 });
  });
}

Deno.test("decoder norms scale what is selected and are taken out again", () => {
  // Norms 5, 2, 1.
  const scaled: ReferenceDictionary = { ...BASE, scalesByDecoderNorm: true, activation: { kind: "identity" } };
  const { pre, latents } = referenceEncode(scaled, X);
  assertClose(pre, [12.5, -2, -2], { label: "pre", absolute: 1e-12 });
  const expected = referenceDecode({ ...BASE, activation: { kind: "identity" } }, of(2.5, -1, -2), X);
  assertClose(referenceDecode(scaled, latents, X), expected, { label: "decoded", absolute: 1e-12 });
});

Deno.test("what is skipped is added, and the error is what is left", () => {
  // 2.5 · [3, 4] + [10, 20] = [17.5, 30]; [3, 1] W_skip = [3 + 2, 6 + 3].
  const skipping: ReferenceDictionary = { ...BASE, skip: [of(1, 2), of(2, 3)] };
  assert.deepEqual(referenceDecode(BASE, of(2.5, 0, 0), X), of(17.5, 30));
  assert.deepEqual(referenceDecode(skipping, of(2.5, 0, 0), X), of(22.5, 39));
  assert.deepEqual(referenceError(skipping, { read: X, written: of(20, 40) }), of(-2.5, 1));
});

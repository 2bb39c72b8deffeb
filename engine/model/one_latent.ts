/** One latent of a dictionary as a dictionary of its own: its activation then costs one column of the encoder. */
import { gather } from "../onnx/shaping.ts";
import type { Value } from "../onnx/value.ts";
import type { Dictionary, LatentActivation, StoredMatrix } from "./dictionary.ts";

/** @param index int64 `[1]` @returns null where an activation depends on those of other latents */
export function oneLatent(dictionary: Dictionary, index: Value): Dictionary | null {
  const activation = activationOf(dictionary.activation, index);
  if (activation === null) return null;
  const { weights } = dictionary;
  return {
    ...dictionary,
    activation,
    weights: {
      ...weights,
      encoder: sliceOf(weights.encoder, index, "columns"),
      encoderBias: gather(weights.encoderBias, index),
      decoder: sliceOf(weights.decoder, index, "rows"),
    },
  };
}

/** Some rows or columns of a matrix, stored as it is. */
function sliceOf({ value, isTransposed }: StoredMatrix, index: Value, which: "rows" | "columns"): StoredMatrix {
  const isFirstAxis = (which === "rows") !== isTransposed;
  return { value: gather(value, index, isFirstAxis ? 0 : 1), isTransposed };
}

function activationOf(activation: LatentActivation, index: Value): LatentActivation | null {
  switch (activation.kind) {
    case "relu":
    case "identity":
      return activation;
    case "topk":
      return null;
    case "jumprelu": {
      const { threshold } = activation;
      return { kind: "jumprelu", threshold: threshold.shape.length === 0 ? threshold : gather(threshold, index) };
    }
    case "gated": {
      const { magnitudeScale, gateBias } = activation;
      return {
        kind: "gated",
        magnitudeScale: gather(magnitudeScale, index),
        gateBias: gather(gateBias, index),
      };
    }
  }
}

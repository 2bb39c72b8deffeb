/**
 * What was learned, as a plain dictionary of the model's own activations: mean and scale go into the weights.
 *
 * With s the scale, a latent of the training is s times one of the model's: pre / s = (x − mean) W_enc + b_enc / s, as ReLU, TopK and thresholds
 * commute with a positive factor. So W_enc and W_dec stay, and decoder rows keep norm 1; what is written in SAELens's form, where
 * pre = (x − b_dec) W_enc + b_enc, is
 *
 *     b_dec′ = mean + b_dec / s        b_enc′ = b_enc / s + (b_dec / s) W_enc        θ′ = θ / s
 */
import type { TrainingSpec } from "./training_spec.ts";
import { tensorOf, type TrainingState } from "./training_state.ts";

/** A dictionary's numbers: plain data that can cross threads. Its output bias is subtracted from its input. */
export interface DictionaryNumbers {
  readonly kind: Pick<TrainingSpec, "architecture" | "site" | "width" | "latents" | "k">;
  /** `[channel, latent]` */
  readonly encoder: Float32Array<ArrayBuffer>;
  /** `[latent]` */
  readonly encoderBias: Float32Array<ArrayBuffer>;
  /** `[latent, channel]` */
  readonly decoder: Float32Array<ArrayBuffer>;
  /** `[channel]` */
  readonly outputBias: Float32Array<ArrayBuffer>;
  /** `[latent]`, of those architectures that have thresholds; else null. */
  readonly threshold: Float32Array<ArrayBuffer> | null;
}

/** The dictionary that a training has come to; its numbers are copies. */
export function foldedDictionary(spec: TrainingSpec, state: TrainingState): DictionaryNumbers {
  const { architecture, site, width, latents, k } = spec;
  const encoder = tensorOf(state, "W_enc").slice();
  const scale = tensorOf(state, "scale")[0] ?? NaN;
  const shift = Float64Array.from(tensorOf(state, "b_dec"), (bias) => bias / scale);
  const encoderBias = Float64Array.from(tensorOf(state, "b_enc"), (bias) => bias / scale);
  for (let c = 0; c < width; c++) {
    const entry = shift[c] ?? 0;
    for (let j = 0; j < latents; j++) {
      encoderBias[j] = (encoderBias[j] ?? 0) + entry * (encoder[c * latents + j] ?? 0);
    }
  }
  return {
    kind: { architecture, site, width, latents, k },
    encoder,
    encoderBias: Float32Array.from(encoderBias),
    decoder: tensorOf(state, "W_dec").slice(),
    outputBias: Float32Array.from(tensorOf(state, "mean"), (mean, c) => mean + (shift[c] ?? 0)),
    threshold: thresholdOf(spec, state, scale),
  };
}

function thresholdOf(
  { architecture, latents }: TrainingSpec,
  state: TrainingState,
  scale: number,
): Float32Array<ArrayBuffer> | null {
  if (architecture === "jumprelu") {
    return Float32Array.from(tensorOf(state, "log_threshold"), (logarithm) => Math.exp(logarithm) / scale);
  }
  if (architecture !== "batchtopk") return null;
  const threshold = tensorOf(state, "threshold")[0] ?? NaN;
  return new Float32Array(latents).fill(Number.isNaN(threshold) ? 0 : threshold / scale);
}

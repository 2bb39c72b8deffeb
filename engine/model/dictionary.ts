/**
 * The canonical description of a dictionary (a sparse autoencoder or a transcoder), which the splice and every reading of latents go by;
 * an adapter a file format fills it in (`dictionaries/`), as `architecture.ts` is filled in for models.
 *
 * With x the activation at the hook point that is read, for each token:
 *
 *     x′  = normalise(x) − inputBias
 *     pre = x′ W_enc + encoderBias        times ‖W_dec[j]‖ where `scalesByDecoderNorm`
 *     z   = activation(pre)               divided by ‖W_dec[j]‖ before it is decoded where `scalesByDecoderNorm`
 *     x̂   = denormalise(z W_dec + outputBias) (+ x W_skip)
 *
 * x̂ stands for the activation at the hook point that is written: the same one for an autoencoder, another for a transcoder. Normalisation
 * belongs to one place, so a transcoder has none.
 */
import type { Value } from "../onnx/value.ts";
import type { HookName, SpliceHook } from "./hook_points.ts";

/** How pre-activations become latents, for each token by itself. */
export type LatentActivation =
  | { readonly kind: "relu" }
  | { readonly kind: "identity" }
  /** The k largest pre-activations, then ReLU; 0 elsewhere (Gao et al. 2024). */
  | { readonly kind: "topk"; readonly k: number }
  /**
   * ReLU(pre) where pre exceeds its latent's threshold, else 0 (Rajamanoharan et al. 2024b); the ReLU counts only where a threshold is below
   * 0. BatchTopK is read so too, with one threshold. The threshold is `[latent]`, or `[]` if there is one for all.
   */
  | { readonly kind: "jumprelu"; readonly threshold: Value }
  /**
   * ReLU(x′ W_enc · exp(magnitudeScale) + encoderBias) where x′ W_enc + gateBias > 0, else 0 (Rajamanoharan et al. 2024a). The value that is
   * called `pre` is the one inside the ReLU.
   */
  | { readonly kind: "gated"; readonly magnitudeScale: Value; readonly gateBias: Value };

/** What is done to x before it is read, and undone to x̂. */
export type InputNormalization =
  | { readonly kind: "none" }
  /** x · factor; x̂ / factor. */
  | { readonly kind: "constant"; readonly factor: number }
  /**
   * (x − mean) · factor with the mean over the channels of a token; x̂ / factor + mean. What a dictionary needs that was trained on a model
   * whose writing weights had been centred (TransformerLens's `center_writing_weights`): there every residual activation has mean 0.
   */
  | { readonly kind: "mean-removed"; readonly factor: number }
  /**
   * (x − mean) / (deviation + ε) over the channels of a token; x̂ · deviation + mean. The ε is not undone: so it is in SAELens and in
   * OpenAI's own code.
   */
  | {
    readonly kind: "layer-norm";
    readonly epsilon: number;
    /** Whether the deviation divides by n − 1 (as torch.std does) instead of n. */
    readonly isUnbiased: boolean;
  }
  /** x · √width / ‖x‖; x̂ · ‖x‖ / √width. */
  | { readonly kind: "unit-norm" };

/** A matrix that may be stored the other way round: then the value's shape is `[columns, rows]`. */
export interface StoredMatrix {
  readonly value: Value;
  readonly isTransposed: boolean;
}

export interface DictionaryWeights {
  /** `[in, latent]` */
  readonly encoder: StoredMatrix;
  /** `[latent]` */
  readonly encoderBias: Value;
  /** `[latent, out]` */
  readonly decoder: StoredMatrix;
  /** `[out]` */
  readonly outputBias: Value;
  /** Subtracted from the input before it is read: `[in]`. Null where nothing is. */
  readonly inputBias: Value | null;
  /** `[in, out]`; null for all but skip transcoders. */
  readonly skip: StoredMatrix | null;
}

/** Formats that are read, as they are told to people. */
export const DICTIONARY_FORMATS = ["saelens", "openai", "gemma-scope", "dictionary-learning"] as const;
export type DictionaryFormat = typeof DICTIONARY_FORMATS[number];

/** What a dictionary's files say about it. */
export interface DictionaryDetail {
  readonly id: string;
  readonly format: DictionaryFormat;
  /**
   * In SAELens's words, also where another format calls it otherwise: `standard`, `gated`, `jumprelu`, `topk`, `batchtopk`,
   * `matryoshka-batchtopk`, `transcoder`, `skip-transcoder`, `jumprelu-transcoder`, `jumprelu-skip-transcoder`.
   */
  readonly architecture: string;
  readonly layer: number;
  /** The hook point that is read. */
  readonly readHook: HookName;
  /** The hook point that its reconstruction stands for. */
  readonly writeHook: SpliceHook;
  readonly inputWidth: number;
  readonly latentCount: number;
  readonly outputWidth: number;
  readonly activation: LatentActivation["kind"];
  /** Of TopK and BatchTopK. */
  readonly k: number | null;
  readonly normalization: InputNormalization["kind"];
  /** Whether its input is centred by the output bias, by a bias of its own, or not at all. */
  readonly centring: "output-bias" | "own-bias" | "none";
  /** Whether it was trained on texts with BOS; null where the files do not say. */
  readonly trainedWithBos: boolean | null;
  /** The model that its files name; null where they name none. */
  readonly modelName: string | null;
  /** Bytes of its files. */
  readonly sizeBytes: number;
}

/** A dictionary, opened. Its weights stay in their files. */
export interface Dictionary {
  readonly detail: DictionaryDetail;
  readonly activation: LatentActivation;
  readonly normalization: InputNormalization;
  readonly scalesByDecoderNorm: boolean;
  readonly weights: DictionaryWeights;
}

/** Kinds of latents, by the part of the block that their dictionary stands for. */
export const LATENT_KINDS = ["mlp-latent", "attn-latent", "resid-latent"] as const;
export type LatentKind = typeof LATENT_KINDS[number];

/** Kind of a dictionary's latents. */
export function latentKind({ writeHook }: Pick<DictionaryDetail, "writeHook">): LatentKind {
  if (writeHook.endsWith(".hook_attn_out")) return "attn-latent";
  return writeHook.includes(".hook_resid_") ? "resid-latent" : "mlp-latent";
}

/** Whether a dictionary's latents stand for neurons, whose writes go through W_out. */
export function standsForNeurons({ detail: { writeHook } }: Pick<Dictionary, "detail">): boolean {
  return writeHook.endsWith(".mlp.hook_post");
}

/** Whether a dictionary writes elsewhere than it reads. */
export function isTranscoder({ readHook, writeHook }: Pick<DictionaryDetail, "readHook" | "writeHook">): boolean {
  return readHook !== writeHook;
}

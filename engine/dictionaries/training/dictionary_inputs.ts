/** A dictionary whose weights are inputs of a graph: one that is being trained, or has not been written to a file. */
import type { Dictionary, LatentActivation } from "../../model/dictionary.ts";
import type { Value } from "../../onnx/value.ts";
import type { TrainingSpec } from "./training_spec.ts";

type Kind = Pick<TrainingSpec, "architecture" | "site" | "width" | "latents" | "k">;

/** SAELens's words for what is trained; a threshold makes a JumpReLU of BatchTopK. */
export const WRITTEN_ARCHITECTURES = {
  relu: "standard",
  topk: "topk",
  batchtopk: "jumprelu",
  jumprelu: "jumprelu",
} as const;

/**
 * The dictionary that `input` has the weights of: its names are `W_enc` `[in, latent]`, `b_enc`, `W_dec` `[latent, out]` and `b_dec`.
 *
 * @param options `activation`: default: that of the architecture, of which only ReLU and TopK have one without weights. `isCentred`: whether
 *   b_dec is subtracted from the input; default: nothing is
 */
export function dictionaryOfInputs(
  { architecture, site, width, latents, k }: Kind,
  input: (name: "W_enc" | "b_enc" | "W_dec" | "b_dec") => Value,
  { activation, isCentred = false }: { readonly activation?: LatentActivation; readonly isCentred?: boolean } = {},
): Dictionary {
  const used = activation ?? (architecture === "topk" && k !== null ? { kind: "topk", k } : { kind: "relu" });
  const outputBias = input("b_dec");
  return {
    detail: {
      id: "in training",
      format: "saelens",
      architecture: WRITTEN_ARCHITECTURES[architecture],
      layer: Number(site.split(".")[1]),
      readHook: site,
      writeHook: site,
      inputWidth: width,
      latentCount: latents,
      outputWidth: width,
      activation: used.kind,
      k,
      normalization: "none",
      centring: isCentred ? "output-bias" : "none",
      trainedWithBos: null,
      modelName: null,
      sizeBytes: 0,
    },
    activation: used,
    normalization: { kind: "none" },
    scalesByDecoderNorm: false,
    weights: {
      encoder: { value: input("W_enc"), isTransposed: false },
      encoderBias: input("b_enc"),
      decoder: { value: input("W_dec"), isTransposed: false },
      outputBias,
      inputBias: isCentred ? outputBias : null,
      skip: null,
    },
  };
}

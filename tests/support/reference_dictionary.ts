/**
 * Dictionaries in float64, one token at a time, written from the comments of `engine/model/dictionary.ts` alone: what the spliced graph and the
 * readers of files are checked against.
 */
import type { Dictionary, InputNormalization } from "../../engine/model/dictionary.ts";
import { readMatrix, readValue } from "./read_value.ts";

export type Vector = Float64Array;

/** `LatentActivation` with numbers. */
export type ReferenceActivation =
  | { readonly kind: "relu" | "identity" }
  | { readonly kind: "topk"; readonly k: number }
  /** `[latent]` */
  | { readonly kind: "jumprelu"; readonly threshold: Vector }
  | { readonly kind: "gated"; readonly magnitudeScale: Vector; readonly gateBias: Vector };

/** A dictionary's numbers. */
export interface ReferenceDictionary {
  readonly activation: ReferenceActivation;
  readonly normalization: InputNormalization;
  readonly scalesByDecoderNorm: boolean;
  /** `[in][latent]` */
  readonly encoder: readonly Vector[];
  readonly encoderBias: Vector;
  /** `[latent][out]` */
  readonly decoder: readonly Vector[];
  readonly outputBias: Vector;
  readonly inputBias: Vector | null;
  /** `[in][out]` */
  readonly skip: readonly Vector[] | null;
}

/** Pre-activations and latents of a token. */
export interface Encoded {
  readonly pre: Vector;
  readonly latents: Vector;
}

/** Reads every tensor of a dictionary. */
export async function readReferenceDictionary(dictionary: Dictionary): Promise<ReferenceDictionary> {
  const { weights, normalization, scalesByDecoderNorm } = dictionary;
  return {
    activation: await readActivation(dictionary),
    normalization,
    scalesByDecoderNorm,
    encoder: await readMatrix(weights.encoder),
    encoderBias: await readValue(weights.encoderBias),
    decoder: await readMatrix(weights.decoder),
    outputBias: await readValue(weights.outputBias),
    inputBias: weights.inputBias === null ? null : await readValue(weights.inputBias),
    skip: weights.skip === null ? null : await readMatrix(weights.skip),
  };
}

async function readActivation({ activation, detail }: Dictionary): Promise<ReferenceActivation> {
  switch (activation.kind) {
    case "relu":
    case "identity":
      return { kind: activation.kind };
    case "topk":
      return activation;
    case "jumprelu": {
      const threshold = await readValue(activation.threshold);
      const isOne = activation.threshold.shape.length === 0;
      return { kind: "jumprelu", threshold: isOne ? filled(detail.latentCount, threshold[0] ?? NaN) : threshold };
    }
    case "gated":
      return {
        kind: "gated",
        magnitudeScale: await readValue(activation.magnitudeScale),
        gateBias: await readValue(activation.gateBias),
      };
  }
}

/** @param x The activation of a token at the hook point that is read, `[in]` */
export function referenceEncode(dictionary: ReferenceDictionary, x: Vector): Encoded {
  const { encoder, encoderBias, inputBias, activation } = dictionary;
  const centred = normalised(dictionary.normalization, x).map((value, i) => value - (inputBias?.[i] ?? 0));
  const projected = encoderBias.map((_, j) => sum(encoder.map((row, i) => (centred[i] ?? NaN) * (row[j] ?? NaN))));
  const norms = decoderNorms(dictionary);
  const magnitude = activation.kind === "gated" ? activation.magnitudeScale.map(Math.exp) : null;
  const pre = projected.map((value, j) =>
    (value * (magnitude?.[j] ?? 1) + (encoderBias[j] ?? NaN)) * (norms[j] ?? NaN)
  );
  return { pre, latents: activated(activation, pre, projected) };
}

/**
 * @param latents `[latent]`, possibly edited
 * @param x The activation that is read, `[in]`: its normalisation is undone, and what is skipped is added
 */
export function referenceDecode(dictionary: ReferenceDictionary, latents: Vector, x: Vector): Vector {
  const { decoder, outputBias, skip, normalization } = dictionary;
  const norms = decoderNorms(dictionary);
  const decoded = outputBias.map((bias, o) =>
    bias + sum(decoder.map((row, j) => (latents[j] ?? NaN) / (norms[j] ?? NaN) * (row[o] ?? NaN)))
  );
  return denormalised(normalization, decoded, x).map((value, o) =>
    value + (skip === null ? 0 : sum(skip.map((row, i) => (x[i] ?? NaN) * (row[o] ?? NaN))))
  );
}

/** What the reconstruction leaves out of the activation at the hook point that is written, `[out]`. */
export function referenceError(
  dictionary: ReferenceDictionary,
  { read, written }: { readonly read: Vector; readonly written: Vector },
): Vector {
  const reconstruction = referenceDecode(dictionary, referenceEncode(dictionary, read).latents, read);
  return written.map((value, o) => value - (reconstruction[o] ?? NaN));
}

/** 1 where norms do not count. */
function decoderNorms({ decoder, scalesByDecoderNorm }: ReferenceDictionary): Vector {
  return Float64Array.from(decoder, (row) => scalesByDecoderNorm ? Math.hypot(...row) : 1);
}

function activated(activation: ReferenceActivation, pre: Vector, projected: Vector): Vector {
  switch (activation.kind) {
    case "identity":
      return pre;
    case "relu":
      return pre.map(relu);
    case "topk": {
      // Of equal ones, the first.
      const order = [...pre.keys()].sort((a, b) => (pre[b] ?? NaN) - (pre[a] ?? NaN) || a - b);
      const kept = new Set(order.slice(0, activation.k));
      return pre.map((value, j) => kept.has(j) ? relu(value) : 0);
    }
    case "jumprelu":
      return pre.map((value, j) => value > (activation.threshold[j] ?? NaN) ? relu(value) : 0);
    case "gated":
      return pre.map((value, j) => (projected[j] ?? NaN) + (activation.gateBias[j] ?? NaN) > 0 ? relu(value) : 0);
  }
}

function normalised(normalization: InputNormalization, x: Vector): Vector {
  const mean = sum(x) / x.length;
  switch (normalization.kind) {
    case "none":
      return x;
    case "constant":
      return x.map((value) => value * normalization.factor);
    case "mean-removed":
      return x.map((value) => (value - mean) * normalization.factor);
    case "layer-norm": {
      const deviation = deviationOf(x, normalization.isUnbiased);
      return x.map((value) => (value - mean) / (deviation + normalization.epsilon));
    }
    case "unit-norm":
      return x.map((value) => value * Math.sqrt(x.length) / Math.hypot(...x));
  }
}

function denormalised(normalization: InputNormalization, output: Vector, x: Vector): Vector {
  const mean = sum(x) / x.length;
  switch (normalization.kind) {
    case "none":
      return output;
    case "constant":
      return output.map((value) => value / normalization.factor);
    case "mean-removed":
      return output.map((value) => value / normalization.factor + mean);
    case "layer-norm": {
      const deviation = deviationOf(x, normalization.isUnbiased);
      return output.map((value) => value * deviation + mean);
    }
    case "unit-norm":
      return output.map((value) => value * Math.hypot(...x) / Math.sqrt(x.length));
  }
}

function deviationOf(x: Vector, isUnbiased: boolean): number {
  const mean = sum(x) / x.length;
  return Math.sqrt(sum(x.map((value) => (value - mean) ** 2)) / (isUnbiased ? x.length - 1 : x.length));
}

function relu(value: number): number {
  return Math.max(value, 0);
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function filled(length: number, value: number): Vector {
  return new Float64Array(length).fill(value);
}

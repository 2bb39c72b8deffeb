/**
 * A dictionary as graph values: what its latents are, what they write, and what is left (`dictionary.ts` has the formulas).
 *
 * Whatever reads latents goes through here, so that input normalisation, centring and decoder norms are honoured in one place. A latent's
 * write is z · `writeScale` · its decoder row; the row is divided by its norm where `scalesByDecoderNorm`.
 */
import { add, div, exp, greaterOrEqual, mul, scale, shift, sqrt, sub, where } from "../onnx/elementwise.ts";
import { matMul, reduceL2, reduceMean, reduceSum } from "../onnx/linear.ts";
import { gather, topK, transpose, unsqueeze } from "../onnx/shaping.ts";
import { int64Vector, scalar, type Value } from "../onnx/value.ts";
import type { Dictionary, InputNormalization, StoredMatrix } from "./dictionary.ts";

/** Latents before and after their nonlinearity: `[…, latent]` each. */
export interface Encoded {
  readonly pre: Value;
  readonly latents: Value;
}

/** All latents at every token. @param x What the dictionary reads: `[…, in]` */
export function encode(dictionary: Dictionary, x: Value): Encoded {
  const products = timesMatrix(inputOf(dictionary, x), dictionary.weights.encoder);
  const { pre, gate } = preActivation(dictionary, products, (ofLatents) => ofLatents);
  return { pre, latents: activate(dictionary, pre, gate) };
}

/** The activation that the latents stand for: `[…, out]`. @param x As `encode` */
export function decode(dictionary: Dictionary, { latents, x }: { readonly latents: Value; readonly x: Value }): Value {
  const { weights: { decoder, outputBias, skip } } = dictionary;
  const sum = add(timesMatrix(perDecoderNorm(dictionary, latents), decoder), outputBias);
  const written = denormalized(dictionary, sum, x);
  return skip === null ? written : add(written, timesMatrix(x, skip));
}

/** ⟨a latent's decoder row, a direction⟩, without `writeScale`: `[…, latent]`. @param direction `[…, out]` */
export function alongDecoder(dictionary: Dictionary, direction: Value): Value {
  return perDecoderNorm(dictionary, timesTransposed(direction, dictionary.weights.decoder));
}

/** What a write is multiplied by at each token, `[…, 1]`; null where it is 1. @param x As `encode` */
export function writeScale({ normalization }: Dictionary, x: Value): Value | null {
  switch (normalization.kind) {
    case "none":
      return null;
    case "constant":
    case "mean-removed":
      return normalization.factor === 1 ? null : scalar(1 / normalization.factor);
    case "layer-norm":
      return deviationOf(x, normalization);
    case "unit-norm":
      return unitOf(x);
  }
}

/**
 * ‖write‖ of every latent for z · `writeScale` = 1: `[latent]`.
 *
 * @param output W_out `[d_mlp, d_model]` where the dictionary stands for neurons, else null
 */
export function writeNorms(dictionary: Dictionary, output: Value | null): Value {
  const { value, isTransposed } = dictionary.weights.decoder;
  const norms = decoderNorms(dictionary);
  const written = output === null ? norms : reduceL2(matMul(value, output, { transA: isTransposed }), { axes: [-1] });
  return dictionary.scalesByDecoderNorm ? div(written, norms) : written;
}

/** Decoder rows of some latents: `[entry, out]`. @param units int64 `[entry]` */
export function decoderRows(dictionary: Dictionary, units: Value): Value {
  const rows = rowsOf(dictionary.weights.decoder, units);
  return dictionary.scalesByDecoderNorm ? div(rows, reduceL2(rows, { axes: [-1], keepDims: true })) : rows;
}

/**
 * Some latents anew, from the rows that they read; differentiated through the encoder unless they are off.
 *
 * @param x What is read at each entry's token: `[entry, in]`
 * @param options `units`: int64 `[entry]`; `isOff`: whether the latent is 0 there, bool `[entry]`
 * @returns `pre` and `latents`: `[entry]`
 */
export function encodeEntries(
  dictionary: Dictionary,
  x: Value,
  { units, isOff }: { readonly units: Value; readonly isOff: Value },
): Encoded {
  const pre = preEntries(dictionary, x, units);
  return { pre, latents: where(isOff, scalar(0), pre) };
}

/** Pre-activations of some latents, from the rows that they read: `[entry]`. Arguments as `encodeEntries`. */
export function preEntries(dictionary: Dictionary, x: Value, units: Value): Value {
  const rows = rowsOf(dictionary.weights.encoder, units, "columns");
  const products = reduceSum(mul(inputOf(dictionary, x), rows), { axes: [-1] });
  return preActivation(dictionary, products, (ofLatents) => gather(ofLatents, units)).pre;
}

/**
 * How pre-activations of some latents follow what is read, with the scale of a normalised input held: ⟨row, x⟩ is `pre` but for biases.
 *
 * @param x What is read at each entry's token: `[entry, in]`
 * @param units int64 `[entry]`
 * @returns `[entry, in]`
 */
export function readRows(dictionary: Dictionary, x: Value, units: Value): Value {
  const { activation, normalization, scalesByDecoderNorm, weights } = dictionary;
  const rows = rowsOf(weights.encoder, units, "columns");
  const times = (values: Value) => mul(rows, unsqueeze(gather(values, units), 1));
  const scaled = activation.kind === "gated"
    ? times(exp(activation.magnitudeScale))
    : scalesByDecoderNorm
    ? times(decoderNorms(dictionary))
    : rows;
  switch (normalization.kind) {
    case "none":
      return scaled;
    case "constant":
      return scale(scaled, normalization.factor);
    case "mean-removed":
      return scale(centered(scaled), normalization.factor);
    case "layer-norm":
      return div(centered(scaled), shift(deviationOf(x, normalization), normalization.epsilon));
    case "unit-norm":
      return div(scaled, unitOf(x));
  }
}

/** Norms of the decoder rows as they are stored: `[latent]`. */
function decoderNorms({ weights: { decoder: { value, isTransposed } } }: Dictionary): Value {
  return reduceL2(value, { axes: [isTransposed ? 0 : 1] });
}

function perDecoderNorm(dictionary: Dictionary, latents: Value): Value {
  return dictionary.scalesByDecoderNorm ? div(latents, decoderNorms(dictionary)) : latents;
}

/** x′. */
function inputOf({ normalization, weights: { inputBias } }: Dictionary, x: Value): Value {
  const normalized = normalizedInput(x, normalization);
  return inputBias === null ? normalized : sub(normalized, inputBias);
}

function normalizedInput(x: Value, normalization: InputNormalization): Value {
  switch (normalization.kind) {
    case "none":
      return x;
    case "constant":
      return scale(x, normalization.factor);
    case "mean-removed":
      return scale(centered(x), normalization.factor);
    case "layer-norm":
      return div(centered(x), shift(deviationOf(x, normalization), normalization.epsilon));
    case "unit-norm":
      return div(x, unitOf(x));
  }
}

function denormalized(dictionary: Dictionary, sum: Value, x: Value): Value {
  const factor = writeScale(dictionary, x);
  const scaled = factor === null ? sum : mul(sum, factor);
  const { kind } = dictionary.normalization;
  if (kind !== "layer-norm" && kind !== "mean-removed") return scaled;
  return add(scaled, reduceMean(x, { axes: [-1], keepDims: true }));
}

function centered(x: Value): Value {
  return sub(x, reduceMean(x, { axes: [-1], keepDims: true }));
}

/** Deviation over the channels: `[…, 1]` */
function deviationOf(x: Value, { isUnbiased }: Extract<InputNormalization, { kind: "layer-norm" }>): Value {
  const difference = centered(x);
  const variance = reduceMean(mul(difference, difference), { axes: [-1], keepDims: true });
  const width = Number(x.shape.at(-1));
  return sqrt(isUnbiased ? scale(variance, width / (width - 1)) : variance);
}

/** ‖x‖ / √width: `[…, 1]` */
function unitOf(x: Value): Value {
  return scale(reduceL2(x, { axes: [-1], keepDims: true }), 1 / Math.sqrt(Number(x.shape.at(-1))));
}

/** @param pick What of a value `[latent]` belongs to each of the products. */
function preActivation(
  dictionary: Dictionary,
  products: Value,
  pick: (ofLatents: Value) => Value,
): { readonly pre: Value; readonly gate: Value | null } {
  const { activation, weights: { encoderBias } } = dictionary;
  if (activation.kind === "gated") {
    const pre = add(mul(products, pick(exp(activation.magnitudeScale))), pick(encoderBias));
    return { pre, gate: add(products, pick(activation.gateBias)) };
  }
  const sum = add(products, pick(encoderBias));
  return { pre: dictionary.scalesByDecoderNorm ? mul(sum, pick(decoderNorms(dictionary))) : sum, gate: null };
}

function activate({ activation }: Dictionary, pre: Value, gate: Value | null): Value {
  const zero = scalar(0);
  const relu = where(greaterOrEqual(zero, pre), zero, pre);
  switch (activation.kind) {
    case "identity":
      return pre;
    case "relu":
      return relu;
    case "jumprelu":
      return where(greaterOrEqual(activation.threshold, pre), zero, relu);
    case "gated":
      return where(greaterOrEqual(zero, gate ?? pre), zero, relu);
    case "topk": {
      const { values } = topK(pre, int64Vector([activation.k]), { kDim: activation.k, largest: true });
      const least = gather(values, int64Vector([activation.k - 1]), -1);
      return where(greaterOrEqual(pre, least), relu, zero);
    }
  }
}

/** x M. @param x `[…, row]` */
function timesMatrix(x: Value, { value, isTransposed }: StoredMatrix): Value {
  return matMul(x, value, { transB: isTransposed });
}

/** x Mᵀ. @param x `[…, column]` */
function timesTransposed(x: Value, { value, isTransposed }: StoredMatrix): Value {
  return matMul(x, value, { transB: !isTransposed });
}

/** Some rows (or columns) of a matrix, one a unit: `[entry, width]`. */
function rowsOf({ value, isTransposed }: StoredMatrix, units: Value, which: "rows" | "columns" = "rows"): Value {
  const lieAlongRows = isTransposed === (which === "columns");
  return lieAlongRows ? gather(value, units) : transpose(gather(value, units, 1), [1, 0]);
}

/**
 * One step of training as a graph: loss, gradients, and what is to be known of the batch. The weights are inputs; what is done with the gradients
 * (`adam.ts`) happens beside the graph, in place, which takes a sixth of the time that twelve elementwise operators over matrices took.
 *
 * With x the activations, mean and scale as they were measured before the first step, so that x′ has a mean square of 1 a channel:
 *
 *     x′   = (x − mean) · scale
 *     pre  = x′ W_enc + b_enc
 *     x̂′   = z W_dec + b_dec
 *     loss = (mean over tokens of ‖x′ − x̂′‖² + λ S) / channels
 *
 * The first part is the share of variance that is not explained. z and S by architecture:
 *
 * - relu: z = ReLU(pre), S = Σ z
 * - topk: as `latents.ts` has it, S = 0
 * - batchtopk: ReLU(pre) of the batch · k largest of the batch, S = 0
 * - jumprelu: z = pre where pre > θ, S = number of such latents, with θ = exp(log_threshold). Both are steps in θ; their derivatives are
 *   estimated with a rectangle of width ε (Rajamanoharan et al. 2024b, eq. 11 and 12): ∂z/∂θ = −θ/ε and ∂S/∂θ = −1/ε where |pre − θ| < ε/2.
 *
 * Nothing is subtracted from x′ but the mean: b_dec is folded into the encoder's bias at the end (`fold.ts`), and no gradient with respect to
 * x has to be computed for it, which would be a sixth product of matrices beside five.
 */
import { gradient } from "../../autodiff/gradient.ts";
import {
  abs,
  add,
  exp,
  greaterOrEqual,
  mul,
  neg,
  scale,
  sign,
  stopGradient,
  sub,
  where,
} from "../../onnx/elementwise.ts";
import { reduceMax, reduceSum } from "../../onnx/linear.ts";
import { reshape, topK } from "../../onnx/shaping.ts";
import type { GraphRequest } from "../../onnx/simplify.ts";
import { graphInput, int64Vector, scalar, type Value } from "../../onnx/value.ts";
import { decode, encode } from "../../model/latents.ts";
import { dictionaryOfInputs } from "./dictionary_inputs.ts";
import type { TrainingSpec } from "./training_spec.ts";

/** What decides the structure of the graph. */
export type TrainingKind = Pick<TrainingSpec, "architecture" | "site" | "width" | "latents" | "k" | "batch">;

/** Trained tensors by name, in SAELens's words where it has them. */
export const PARAMETERS = ["W_enc", "b_enc", "W_dec", "b_dec", "log_threshold"] as const;
export type ParameterName = typeof PARAMETERS[number];

/** Width ε of the rectangle, in units of x′: SAELens's default for activations of this size. */
const BANDWIDTH = 0.05;

/** Shapes of the parameters that an architecture has. */
export function parameterShapes(
  { architecture, width, latents }: Pick<TrainingKind, "architecture" | "width" | "latents">,
): ReadonlyMap<ParameterName, readonly number[]> {
  return new Map<ParameterName, readonly number[]>([
    ["W_enc", [width, latents]],
    ["b_enc", [latents]],
    ["W_dec", [latents, width]],
    ["b_dec", [width]],
    ...architecture === "jumprelu" ? [["log_threshold", [latents]] as const] : [],
  ]);
}

/**
 * Inputs: `x` `[token, channel]`, `mean` `[channel]`, `scale` and `sparsity` (λ) `[]`, and the parameters by name.
 *
 * Outputs: `unexplained` and `penalty` (S, mean over tokens) `[]`; `errors` x′ − x̂′ `[token, channel]`; `active`, the number of tokens on which
 * each latent is, `[latent]`; of batchtopk `least`, the smallest latent that is active (∞ if none is), `[1]`; and `grad.NAME` of each parameter.
 */
export function buildTrainingGraph(kind: TrainingKind): GraphRequest {
  const { width, batch } = kind;
  const parameters = new Map(
    [...parameterShapes(kind)].map(([name, shape]) => [name, graphInput(name, "float32", shape)] as const),
  );
  const x = graphInput("x", "float32", [batch, width]);
  const normalized = mul(sub(x, graphInput("mean", "float32", [width])), graphInput("scale", "float32", []));
  const dictionary = dictionaryOfInputs(kind, (name) => parameterOf(parameters, name));
  const { latents, penalty, least } = latentsOf(kind, { parameters, x: normalized });
  const errors = sub(normalized, decode(dictionary, { latents, x: normalized }));
  const unexplained = scale(reduceSum(mul(errors, errors)), 1 / (batch * width));
  const weighted = scale(mul(graphInput("sparsity", "float32", []), penalty), 1 / width);
  const loss = add(unexplained, weighted);
  const gradients = gradient(loss, [...parameters.values()]);
  return {
    outputs: {
      unexplained,
      penalty,
      errors,
      active: reduceSum(sign(latents), { axes: [0] }),
      ...least === null ? {} : { least },
      ...Object.fromEntries([...parameters.keys()].map((name, i) => [`grad.${name}`, valueAt(gradients, i)])),
    },
  };
}

interface Latents {
  readonly latents: Value;
  /** Mean over tokens. */
  readonly penalty: Value;
  readonly least: Value | null;
}

interface LatentInputs {
  readonly parameters: ReadonlyMap<ParameterName, Value>;
  readonly x: Value;
}

function latentsOf(kind: TrainingKind, inputs: LatentInputs): Latents {
  const { architecture, k, batch } = kind;
  const parameter = (name: ParameterName) => parameterOf(inputs.parameters, name);
  const none = scalar(0);
  switch (architecture) {
    case "relu": {
      const { latents } = encode(dictionaryOfInputs(kind, parameter), inputs.x);
      return { latents, penalty: scale(reduceSum(latents), 1 / batch), least: null };
    }
    case "topk":
      return { latents: encode(dictionaryOfInputs(kind, parameter), inputs.x).latents, penalty: none, least: null };
    case "batchtopk":
      return { ...batchTopK(preActivations(kind, inputs), batch * (k ?? 1)), penalty: none };
    case "jumprelu":
      return jumpRelu(preActivations(kind, inputs), { logThreshold: parameter("log_threshold"), batch });
  }
}

/** `[token, latent]` */
function preActivations(kind: TrainingKind, { parameters, x }: LatentInputs): Value {
  const plain = { ...kind, architecture: "relu", k: null } as const;
  return encode(dictionaryOfInputs(plain, (name) => parameterOf(parameters, name)), x).pre;
}

/** @param pre `[token, latent]` @param count Latents that are kept */
function batchTopK(pre: Value, count: number): Pick<Latents, "latents" | "least"> {
  const zero = scalar(0);
  const { values } = topK(reshape(pre, [1, Number(pre.shape[0]) * Number(pre.shape[1])]), int64Vector([count]), {
    kDim: count,
    largest: true,
  });
  const smallest = neg(reduceMax(neg(values), { axes: [-1] }));
  const active = where(greaterOrEqual(zero, values), scalar(-Infinity), neg(values));
  const relu = where(greaterOrEqual(zero, pre), zero, pre);
  return {
    latents: where(greaterOrEqual(pre, stopGradient(smallest)), relu, zero),
    least: neg(reduceMax(active, { axes: [-1] })),
  };
}

function jumpRelu(
  pre: Value,
  { logThreshold, batch }: { readonly logThreshold: Value; readonly batch: number },
): Latents {
  const zero = scalar(0);
  const threshold = exp(logThreshold);
  const fixed = stopGradient(threshold);
  // 1/ε in the rectangle around the threshold, else 0.
  const kernel = where(
    greaterOrEqual(abs(sub(stopGradient(pre), fixed)), scalar(BANDWIDTH / 2)),
    zero,
    scalar(1 / BANDWIDTH),
  );
  // 0, with a derivative of 1 with respect to the threshold.
  const shift = sub(threshold, fixed);
  const latents = where(greaterOrEqual(fixed, pre), zero, pre);
  const count = scale(reduceSum(sign(stopGradient(latents))), 1 / batch);
  const slope = scale(reduceSum(kernel, { axes: [0] }), 1 / batch);
  return {
    latents: sub(latents, mul(mul(kernel, fixed), shift)),
    penalty: sub(count, reduceSum(mul(slope, shift))),
    least: null,
  };
}

function parameterOf(parameters: ReadonlyMap<ParameterName, Value>, name: ParameterName): Value {
  const value = parameters.get(name);
  if (value === undefined) throw new Error(`Internal: this architecture has no ${name}`);
  return value;
}

function valueAt(values: readonly Value[], index: number): Value {
  const value = values[index];
  if (value === undefined) throw new Error("Internal: gradient() answered too few values");
  return value;
}

/**
 * The four scalars of every latent, and of every error, as graph values (`reference-semantics.md` §2.3). With w the write of a latent for an
 * activation of 1 (its decoder row; through W_out where the dictionary stands for neurons), e the error's write, and y′ what is read
 * behind the splice:
 *
 * | | latent (t, j) | error (t) |
 * |---|---|---|
 * | activation | z | 1 |
 * | write norm | |z| ‖w‖ | ‖e‖ |
 * | direct effect | z ⟨w, g[t]⟩ | ⟨e, g[t]⟩ |
 * | total effect | z ⟨w, ∂J/∂y′[t]⟩ | ⟨e, ∂J/∂y′[t]⟩ |
 *
 * g is the gradient at the residual that J reads, as for neurons and heads.
 */
import { abs, equal, mul, stopGradient, sub, where } from "../onnx/elementwise.ts";
import { zerosOf } from "../autodiff/vjp_rules.ts";
import { matMul, reduceL2, reduceSum } from "../onnx/linear.ts";
import { graphInput, scalar, type Value } from "../onnx/value.ts";
import { blockOf } from "../model/architecture.ts";
import { type DictionaryDetail, type LatentKind, standsForNeurons } from "../model/dictionary.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { alongDecoder, writeScale } from "../model/latents.ts";
import { type Direction, dot, type NodeScalars, type VectorScalars } from "./metrics.ts";
import type { Splice } from "./splice.ts";

/** How sparse a dictionary is and what it leaves out: `[batch, token]` each. */
export interface SpliceFigures {
  /** Latents that are not 0, before any is changed. */
  readonly active: Value;
  /** ‖y‖ */
  readonly activationNorm: Value;
  /** ‖e‖, at the site. */
  readonly errorNorm: Value;
}

export interface SpliceScalars {
  readonly kind: LatentKind;
  readonly layer: number;
  /** `[batch, token, latent]` */
  readonly latents: NodeScalars;
  readonly error: VectorScalars;
  /** Of what the rest of the pass reads at the site: latents, error and all. */
  readonly whole: Omit<VectorScalars, "writeNorm">;
  readonly figures: SpliceFigures;
  /** What the changes of latents add to J directly: `[batch]`; null where none is changed. */
  readonly changeEffect: Value | null;
}

/** Name of the input with the norms of a dictionary's writes, `[latent]` (`model_constants.ts`). */
export function latentNormsInput({ writeHook }: Pick<DictionaryDetail, "writeHook">): string {
  return `latent_write_norms.${writeHook}`;
}

export interface SpliceScalarOptions {
  readonly model: ModelWeights;
  /** ∂J/∂y′: `[batch, token, out]` */
  readonly gradient: Value;
  /** Null where the site does not come before what J reads. */
  readonly direction: Direction | null;
}

export function spliceScalars(splice: Splice, { model, gradient, direction }: SpliceScalarOptions): SpliceScalars {
  const { dictionary, kind, layer, input, latents, error, activation, output } = splice;
  const { mlpOut } = blockOf(model.weights, layer);
  const toStream = (write: Value) => standsForNeurons(dictionary) ? matMul(write, mlpOut.weight) : write;
  const fromStream = (rows: Value) =>
    standsForNeurons(dictionary) ? matMul(rows, mlpOut.weight, { transB: true }) : rows;
  const factor = writeScale(dictionary, stopGradient(input));
  const scaled = (value: Value) => factor === null ? value : mul(value, factor);
  const spread = ({ mask }: Direction, rows: Value) => matMul(mask, rows, { transA: true });
  const norms = graphInput(latentNormsInput(dictionary.detail), "float32", [dictionary.detail.latentCount]);
  const ownGradient = stopGradient(gradient);
  const alongDirection = (vectors: Value) =>
    direction === null
      ? zerosOf(reduceSum(vectors, { axes: [-1] }))
      : dot(vectors, spread(direction, fromStream(direction.rows)));
  return {
    kind,
    layer,
    latents: {
      activation: latents,
      writeNorm: scaled(mul(abs(latents), norms)),
      directEffect: direction === null
        ? zerosOf(latents)
        : mul(latents, scaled(spread(direction, alongDecoder(dictionary, fromStream(direction.rows))))),
      totalEffect: mul(latents, scaled(alongDecoder(dictionary, ownGradient))),
    },
    error: {
      writeNorm: reduceL2(toStream(error), { axes: [-1] }),
      directEffect: alongDirection(error),
      totalEffect: dot(error, ownGradient),
    },
    whole: { directEffect: alongDirection(output), totalEffect: dot(output, ownGradient) },
    figures: spliceFigures(splice),
    changeEffect: output === activation ? null : reduceSum(alongDirection(sub(output, activation)), { axes: [1] }),
  };
}

function spliceFigures({ ownLatents, activation, error }: Splice): SpliceFigures {
  return {
    active: reduceSum(where(equal(ownLatents, scalar(0)), scalar(0), scalar(1)), { axes: [2] }),
    activationNorm: reduceL2(activation, { axes: [-1] }),
    errorNorm: reduceL2(error, { axes: [-1] }),
  };
}

/**
 * What a run tells of each dictionary as a whole: how many latents are active, how much is left out, and what latents, error and the
 * rest add together. Whole tensors of latents stay in the graph.
 */
import { reduceSum } from "../onnx/linear.ts";
import type { Value } from "../onnx/value.ts";
import { type DictionaryDetail, type LatentKind, latentKind } from "../model/dictionary.ts";
import type { VectorScalars } from "./metrics.ts";
import type { SpliceFigures, SpliceScalars } from "./latent_scalars.ts";

/** Effects of a dictionary's parts, over all tokens: `[side]`. Together they are those of the activation at its site. */
export interface PartSums {
  /** Of all latents, as they are after interventions. */
  readonly latents: readonly number[];
  /** Of what is left out; 0 where errors are dropped. */
  readonly error: readonly number[];
  /** Of what is written whatever the latents are: the output bias, a mean that was removed, a skip. */
  readonly rest: readonly number[];
}

/** One dictionary of a run whose latents are shown. Values by side and token: `[side][token]`. */
export interface DictionarySums {
  /** Its id. */
  readonly dictionary: string;
  readonly kind: LatentKind;
  readonly layer: number;
  readonly latentCount: number;
  /** Latents that are not 0, before any is changed. */
  readonly active: readonly (readonly number[])[];
  /** ‖activation‖ at the hook point that the latents stand for. */
  readonly activationNorm: readonly (readonly number[])[];
  /** ‖activation − reconstruction‖ there. */
  readonly errorNorm: readonly (readonly number[])[];
  readonly directEffect: PartSums;
  readonly totalEffect: PartSums;
}

/** The outputs of one dictionary, `[batch, token]` each. */
export function dictionaryOutputs(
  { kind, layer, figures, latents, whole }: SpliceScalars,
): Readonly<Record<string, Value>> {
  const name = (figure: Figure) => figureOutput({ kind, layer }, figure);
  return {
    [name("active")]: figures.active,
    [name("activationNorm")]: figures.activationNorm,
    [name("errorNorm")]: figures.errorNorm,
    [name("latents.directEffect")]: reduceSum(latents.directEffect, { axes: [2] }),
    [name("latents.totalEffect")]: reduceSum(latents.totalEffect, { axes: [2] }),
    [name("whole.directEffect")]: whole.directEffect,
    [name("whole.totalEffect")]: whole.totalEffect,
  };
}

type Effect = "directEffect" | "totalEffect";
type Figure = keyof SpliceFigures | `${"latents" | "whole"}.${Effect}`;

function figureOutput({ kind, layer }: Pick<SpliceScalars, "kind" | "layer">, figure: Figure): string {
  return `dictionary.${kind}.${layer}.${figure}`;
}

export interface SumsSource {
  /** An output by side and token, without empty slots. */
  readonly perToken: (name: string) => readonly (readonly number[])[];
  /** Effects of the dictionary's errors, `[side][token]`. */
  readonly error: Readonly<Record<keyof Omit<VectorScalars, "writeNorm">, readonly (readonly number[])[]>>;
  readonly dropsErrors: boolean;
}

/** Reads the outputs of one dictionary. */
export function readDictionarySums(
  detail: DictionaryDetail,
  { perToken, error, dropsErrors }: SumsSource,
): DictionarySums {
  const { id, layer, latentCount } = detail;
  const kind = latentKind(detail);
  const read = (figure: Figure) => perToken(figureOutput({ kind, layer }, figure));
  const parts = (effect: Effect): PartSums => {
    const [latents, whole] = [totals(read(`latents.${effect}`)), totals(read(`whole.${effect}`))];
    const left = totals(error[effect]).map((sum) => dropsErrors ? 0 : sum);
    return {
      latents,
      error: left,
      rest: whole.map((sum, side) => sum - (latents[side] ?? NaN) - (left[side] ?? NaN)),
    };
  };
  return {
    dictionary: id,
    kind,
    layer,
    latentCount,
    active: read("active"),
    activationNorm: read("activationNorm"),
    errorNorm: read("errorNorm"),
    directEffect: parts("directEffect"),
    totalEffect: parts("totalEffect"),
  };
}

function totals(bySide: readonly (readonly number[])[]): readonly number[] {
  return bySide.map((tokens) => tokens.reduce((sum, value) => sum + value, 0));
}

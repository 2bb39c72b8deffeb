/** The last step of every format: from what was understood to the canonical description. */
import {
  type Dictionary,
  type DictionaryDetail,
  type DictionaryFormat,
  type DictionaryWeights,
  type InputNormalization,
  isTranscoder,
  type LatentActivation,
} from "../model/dictionary.ts";
import { refuse } from "./byte_source.ts";
import { hookNames, type Site } from "./hook_sites.ts";
import type { Sidecar } from "./sidecar.ts";
import type { TensorTable } from "./tensor_table.ts";

/** A dictionary's files, opened. */
export interface DictionarySource {
  readonly id: string;
  readonly tensors: TensorTable;
  readonly sidecar: Sidecar;
  readonly sizeBytes: number;
}

/** Widths of a dictionary. */
export interface Sizes {
  readonly inputWidth: number;
  readonly latentCount: number;
  readonly outputWidth: number;
}

/** What an adapter found out. */
export interface Understood {
  readonly format: DictionaryFormat;
  readonly architecture: string;
  readonly site: Site;
  readonly sizes: Sizes;
  readonly activation: LatentActivation;
  /** Of BatchTopK, whose activation does not have it. */
  readonly k?: number | null;
  readonly normalization: InputNormalization;
  readonly scalesByDecoderNorm?: boolean;
  readonly weights: DictionaryWeights;
  /** What the files say; the sidecar wins. */
  readonly trainedWithBos: boolean | null;
  readonly modelName: string | null;
}

/** @throws {FileFormatError} if what was understood does not fit together */
export function assembleDictionary(
  { format, architecture, site, sizes, activation, normalization, weights, ...rest }: Understood,
  { id, tensors: { name }, sidecar, sizeBytes }: DictionarySource,
): Dictionary {
  const k = activation.kind === "topk" ? activation.k : rest.k ?? null;
  if (activation.kind === "topk") requireCount(activation.k, sizes.latentCount, name);
  const detail: DictionaryDetail = {
    id,
    format,
    architecture,
    ...hookNames(site),
    ...sizes,
    activation: activation.kind,
    k,
    normalization: normalization.kind,
    centring: centringOf(weights),
    trainedWithBos: sidecar.trainedWithBos ?? rest.trainedWithBos,
    modelName: sidecar.model ?? rest.modelName,
    sizeBytes,
  };
  if (isTranscoder(detail) && normalization.kind !== "none") {
    refuse(name, `it is a transcoder with normalisation ${normalization.kind}, which cannot be undone where it writes`);
  }
  if (!isTranscoder(detail) && sizes.inputWidth !== sizes.outputWidth) {
    refuse(name, `it reads ${sizes.inputWidth} and writes ${sizes.outputWidth} channels of one hook point`);
  }
  return {
    detail,
    activation,
    normalization,
    scalesByDecoderNorm: rest.scalesByDecoderNorm ?? false,
    weights,
  };
}

function requireCount(k: number, latentCount: number, name: string): void {
  if (!Number.isInteger(k) || k < 1 || k > latentCount) {
    refuse(name, `its k is ${k}, expected a whole number from 1 to its ${latentCount} latents`);
  }
}

function centringOf({ inputBias, outputBias }: DictionaryWeights): DictionaryDetail["centring"] {
  if (inputBias === null) return "none";
  return inputBias === outputBias ? "output-bias" : "own-bias";
}

/**
 * SAELens folders: `cfg.json` with `sae_weights.safetensors`. The mathematics is that of SAELens 6 at inference, checked against its code:
 *
 * - `expected_average_only_in` scales by a factor that SAELens folds into the weights when training ends, and then says `none`. A file that still
 *   says it needs the factor: from `activation_scaler.json` beside it (as checkpoints have), or from a sidecar.
 * - `layer_norm` divides by the unbiased deviation + 1e-5 and undoes the deviation alone.
 * - `model_from_pretrained_kwargs` tells how the model was changed on loading. With `center_writing_weights` every residual activation had mean
 *   0: the mean is removed here too. Without `fold_ln`, TransformerLens's `ln2.hook_normalized` is behind gain and bias and no hook point of ours.
 */
import { dirname, join } from "node:path";
import { z } from "zod";
import type { Dictionary, InputNormalization, LatentActivation } from "../model/dictionary.ts";
import { assembleDictionary, type DictionarySource } from "./assemble.ts";
import { refuse } from "./byte_source.ts";
import { parseHookName, type ReadableSite, requireSite, type Site } from "./hook_sites.ts";
import { checked, readJsonObject } from "./json_file.ts";
import type { SaeLensArchitecture, SaeLensConfig } from "./saelens_config.ts";
import { sidecarNormalization } from "./sidecar.ts";
import { type TensorTable, transposed } from "./tensor_table.ts";

/** A factor that was learned after training; SAELens itself no longer applies it. */
const FINETUNING_TENSORS = ["scaling_factor", "finetuning_scaling_factor"];
/** How far from 1 such a factor may be and still be none. */
const FACTOR_TOLERANCE = 1e-5;

/** @throws {FileFormatError} if a tensor is missing or misshapen, or something cannot be honoured */
export async function saeLensDictionary(source: DictionarySource, config: SaeLensConfig): Promise<Dictionary> {
  const { tensors } = source;
  tensors.requireOnly([...tensorNames(config.architecture, tensors), ...FINETUNING_TENSORS]);
  for (const tensor of FINETUNING_TENSORS) await requireNoFactor(tensors, tensor);
  const { inputWidth, latentCount, outputWidth } = config;
  const site = siteOf(source, config);
  const outputBias = tensors.vector("b_dec", outputWidth);
  return assembleDictionary({
    format: "saelens",
    architecture: config.architecture.replaceAll("_", "-"),
    site,
    sizes: { inputWidth, latentCount, outputWidth },
    activation: activationOf(tensors, config),
    k: config.architecture.endsWith("batchtopk") ? config.k : null,
    normalization: await normalizationOf(source, config, site),
    scalesByDecoderNorm: config.scalesByDecoderNorm,
    weights: {
      encoder: tensors.matrix("W_enc", [inputWidth, latentCount]),
      encoderBias: tensors.vector(config.architecture === "gated" ? "b_mag" : "b_enc", latentCount),
      decoder: tensors.matrix("W_dec", [latentCount, outputWidth]),
      outputBias,
      inputBias: config.appliesOutputBiasToInput ? outputBias : null,
      skip: hasSkip(config.architecture) ? transposed(tensors.matrix("W_skip", [outputWidth, inputWidth])) : null,
    },
    trainedWithBos: config.trainedWithBos,
    modelName: config.modelName,
  }, source);
}

function hasSkip(architecture: SaeLensArchitecture): boolean {
  return architecture === "skip_transcoder" || architecture === "jumprelu_skip_transcoder";
}

/** The tensor with the threshold; that of BatchTopK is one number until SAELens saves it as JumpReLU. */
function thresholdName(architecture: SaeLensArchitecture, tensors: TensorTable): "threshold" | "topk_threshold" | null {
  if (architecture.startsWith("jumprelu")) return "threshold";
  if (!architecture.endsWith("batchtopk")) return null;
  return tensors.has("topk_threshold") ? "topk_threshold" : "threshold";
}

function tensorNames(architecture: SaeLensArchitecture, tensors: TensorTable): readonly string[] {
  const threshold = thresholdName(architecture, tensors);
  return [
    "W_enc",
    ...(architecture === "gated" ? ["b_mag", "b_gate", "r_mag"] : ["b_enc"]),
    "W_dec",
    "b_dec",
    ...(threshold === null ? [] : [threshold]),
    ...(hasSkip(architecture) ? ["W_skip"] : []),
  ];
}

function activationOf(tensors: TensorTable, { architecture, latentCount, k }: SaeLensConfig): LatentActivation {
  const threshold = thresholdName(architecture, tensors);
  if (threshold === "topk_threshold") return { kind: "jumprelu", threshold: tensors.scalar(threshold) };
  if (threshold === "threshold") return { kind: "jumprelu", threshold: tensors.vector(threshold, latentCount) };
  if (architecture === "gated") {
    const [magnitudeScale, gateBias] = [tensors.vector("r_mag", latentCount), tensors.vector("b_gate", latentCount)];
    return { kind: "gated", magnitudeScale, gateBias };
  }
  if (architecture !== "topk") return { kind: "relu" };
  return k === null ? refuse(tensors.name, "cfg.json has no k, which TopK needs") : { kind: "topk", k };
}

function siteOf({ tensors: { name }, sidecar }: DictionarySource, { hook, outputHook, model }: SaeLensConfig): Site {
  const read = sidecar.site === undefined ? parseHookName(hook, name) : { layer: null, site: sidecar.site };
  if (sidecar.site === undefined && read.site === "ln2.hook_normalized" && !model.hasFoldedNorms) {
    return refuse(
      name,
      `it reads ${hook} of a model whose norms were not folded (model_from_pretrained_kwargs.fold_ln): that is after gain and bias, and our ` +
        `hook point is before. If it was trained before them, put a dictionary.json with "site": "ln2.hook_normalized" beside it`,
    );
  }
  const write = writeOf(sidecar.writeSite, outputHook ?? null, name);
  const layer = sidecar.layer ?? read.layer ?? parseHookName(hook, name).layer;
  if (write.layer !== null && write.layer !== layer) {
    return refuse(name, `it reads layer ${layer} and writes layer ${write.layer}, expected the same`);
  }
  return requireSite({ layer, read: read.site, write: write.site ?? read.site }, name);
}

function writeOf(
  asked: ReadableSite | undefined,
  outputHook: string | null,
  name: string,
): { readonly layer: number | null; readonly site: ReadableSite | null } {
  if (asked !== undefined || outputHook === null) return { layer: null, site: asked ?? null };
  return parseHookName(outputHook, name);
}

async function normalizationOf(
  source: DictionarySource,
  config: SaeLensConfig,
  site: Site,
): Promise<InputNormalization> {
  const asked = sidecarNormalization(source.sidecar, source.tensors.name);
  if (asked !== undefined) return asked;
  const isCentred = config.model.hasCentredWriting && site.read !== "mlp.hook_post" &&
    site.read !== "ln2.hook_normalized";
  switch (config.normalization) {
    case "none":
      return isCentred ? { kind: "mean-removed", factor: 1 } : { kind: "none" };
    case "expected_average_only_in": {
      const factor = await unfoldedFactor(source);
      return isCentred ? { kind: "mean-removed", factor } : { kind: "constant", factor };
    }
    // It removes the mean itself.
    case "layer_norm":
      return { kind: "layer-norm", epsilon: 1e-5, isUnbiased: true };
    case "constant_norm_rescale":
      if (!isCentred) return { kind: "unit-norm" };
      return refuse(
        source.tensors.name,
        "its input is scaled to one norm after its mean was removed, which is not read",
      );
  }
}

const scalerSchema = z.object({
  "scaling_factor": z.number().positive(),
  "has_whitening": z.literal(false).optional(),
});

async function unfoldedFactor({ tensors: { path, name } }: DictionarySource): Promise<number> {
  const file = "activation_scaler.json";
  const value = await readJsonObject(join(dirname(path), file), `${name}, ${file} beside it`);
  if (value !== null) return checked(scalerSchema, value, `${name}, ${file} beside it`).scaling_factor;
  return refuse(
    name,
    `normalize_activations is expected_average_only_in, whose factor is in no file; put a dictionary.json beside it with "normalization": ` +
      `"none" if it was folded into the weights, or "constant" and the "factor"`,
  );
}

async function requireNoFactor(tensors: TensorTable, tensor: string): Promise<void> {
  if (!tensors.has(tensor)) return;
  const largest = (await tensors.numbers(tensor)).reduce((sofar, factor) => Math.max(sofar, Math.abs(factor - 1)), 0);
  if (!(largest <= FACTOR_TOLERANCE)) {
    refuse(tensors.name, `its latents are scaled by "${tensor}" before they are decoded, which is not read`);
  }
}

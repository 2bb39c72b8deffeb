/**
 * `cfg.json` of SAELens (https://github.com/decoderesearch/SAELens): a flat list of everything up to version 5, the dictionary's own fields
 * with a `metadata` object since 6. Defaults are SAELens's own for files that lack a field. What would change the numbers and cannot be
 * honoured is refused with its name.
 */
import { z } from "zod";
import { refuse } from "./byte_source.ts";
import { checked, type JsonObject, ownOf } from "./json_file.ts";

const SAELENS_ARCHITECTURES = [
  "standard",
  "gated",
  "jumprelu",
  "topk",
  "batchtopk",
  "matryoshka_batchtopk",
  "transcoder",
  "skip_transcoder",
  "jumprelu_transcoder",
  "jumprelu_skip_transcoder",
] as const;
export type SaeLensArchitecture = typeof SAELENS_ARCHITECTURES[number];

/** What a configuration says. */
export interface SaeLensConfig {
  readonly architecture: SaeLensArchitecture;
  readonly inputWidth: number;
  readonly latentCount: number;
  readonly outputWidth: number;
  readonly hook: string;
  /** Null where it is the same. */
  readonly outputHook: string | null;
  /** Whether the output bias is subtracted from the input. */
  readonly appliesOutputBiasToInput: boolean;
  readonly normalization: SaeLensNormalization;
  /** Of TopK and BatchTopK. */
  readonly k: number | null;
  readonly scalesByDecoderNorm: boolean;
  readonly trainedWithBos: boolean | null;
  readonly modelName: string | null;
  /** How the model that it was trained on had been changed on loading, without changing its predictions. */
  readonly model: { readonly hasCentredWriting: boolean; readonly hasFoldedNorms: boolean };
}

const NORMALIZATIONS = ["none", "expected_average_only_in", "constant_norm_rescale", "layer_norm"] as const;
export type SaeLensNormalization = typeof NORMALIZATIONS[number];

/** Top-level fields of version 6, those of training too: others might change what is computed. */
const KNOWN_FIELDS = new Set([
  ...["d_in", "d_sae", "d_out", "dtype", "device", "architecture", "metadata", "k", "rescale_acts_by_decoder_norm"],
  ...["apply_b_dec_to_input", "normalize_activations", "reshape_activations", "decoder_init_norm"],
  ...["l1_coefficient", "lp_norm", "l1_warm_up_steps", "l0_coefficient", "l0_warm_up_steps", "target_l0"],
  ...["jumprelu_init_threshold", "jumprelu_bandwidth", "jumprelu_sparsity_loss_mode", "jumprelu_tanh_scale"],
  ...["jumprelu_ste_to_input", "pre_act_loss_coefficient", "use_sparse_activations", "aux_loss_coefficient"],
  ...["topk_threshold_lr", "matryoshka_widths", "use_matryoshka_aux_loss", "finetuning_scaling_factor"],
]);

/** Largest width that is believed; the tensors decide. */
const width = z.int().min(1).max(2 ** 31);
const text = z.string().max(500);
const maybeText = text.nullish();

const dictionaryFields = {
  "d_in": width,
  "d_sae": width,
  "d_out": width.optional(),
  "apply_b_dec_to_input": z.boolean().optional(),
  "reshape_activations": text.optional(),
  "rescale_acts_by_decoder_norm": z.boolean().optional(),
  k: z.number().positive().nullish(),
};
const metadataFields = {
  "hook_name": text,
  "hook_name_out": maybeText,
  "hook_head_index": z.int().nullish(),
  "hook_head_index_out": z.int().nullish(),
  "prepend_bos": z.boolean().nullish(),
  "model_name": maybeText,
  "model_from_pretrained_kwargs": z.record(z.string(), z.unknown()).nullish(),
};
const newSchema = z.object({
  ...dictionaryFields,
  architecture: text,
  "normalize_activations": text.optional(),
  metadata: z.object(metadataFields),
});
const oldSchema = z.object({
  ...dictionaryFields,
  ...metadataFields,
  architecture: text.optional(),
  "normalize_activations": z.union([z.boolean(), text]).nullish(),
  "activation_fn": text.nullish(),
  "activation_fn_kwargs": z.record(z.string(), z.unknown()).nullish(),
});

/** @throws {FileFormatError} naming the field that is missing, wrong, or cannot be honoured */
export function parseSaeLensConfig(file: JsonObject, name: string): SaeLensConfig {
  return typeof file["metadata"] === "object" && file["metadata"] !== null
    ? parseNew(file, name)
    : parseOld(file, name);
}

function parseNew(file: JsonObject, name: string): SaeLensConfig {
  const other = Object.keys(file).find((field) => !KNOWN_FIELDS.has(field));
  if (other !== undefined) {
    return refuse(name, `${JSON.stringify(other.slice(0, 100))} is not known, and might change what is computed`);
  }
  const { metadata, ...fields } = checked(newSchema, file, name);
  const { hook_name: hook } = metadata;
  return settled({ ...fields, ...metadata, "reshape_activations": fields.reshape_activations ?? "none", hook }, name);
}

const OLD_NAMES: Readonly<Record<string, string>> = {
  "hook_point": "hook_name",
  "hook_point_head_index": "hook_head_index",
  "activation_fn_str": "activation_fn",
};

function parseOld(file: JsonObject, name: string): SaeLensConfig {
  const renamed = Object.fromEntries(
    Object.entries(file).map(([field, value]) => [ownOf(OLD_NAMES, field) ?? field, value]),
  );
  if (renamed["is_transcoder"] === true) {
    return refuse(name, "is_transcoder is true, which only versions since 6 describe");
  }
  const fields = checked(oldSchema, renamed, name);
  const { hook_name: hook, activation_fn: activation = "relu", activation_fn_kwargs: options } = fields;
  const isTopK = activation === "topk";
  if (!isTopK && activation !== "relu" && activation !== null) {
    return refuse(name, `activation_fn is ${JSON.stringify(activation)}, expected "relu" or "topk"`);
  }
  const other = isTopK ? Object.keys(options ?? {}).find((option) => option !== "k") : undefined;
  if (other !== undefined) return refuse(name, `activation_fn_kwargs.${other} is not known, expected k alone`);
  const optionK = options?.["k"];
  return settled({
    ...fields,
    hook,
    architecture: isTopK ? "topk" : fields.architecture ?? "standard",
    "reshape_activations": fields.reshape_activations ?? (hook.includes("hook_z") ? "hook_z" : "none"),
    k: isTopK && typeof optionK === "number" ? optionK : fields.k,
  }, name);
}

type Fields =
  & Omit<z.infer<typeof oldSchema>, "hook_name" | "architecture" | "reshape_activations">
  & { readonly hook: string; readonly architecture: string; readonly reshape_activations: string };

function settled(fields: Fields, name: string): SaeLensConfig {
  const { d_in: inputWidth, d_sae: latentCount, hook, hook_name_out: outputHook = null, k = null } = fields;
  const architecture = SAELENS_ARCHITECTURES.find((known) => known === fields.architecture);
  if (architecture === undefined) {
    return refuse(
      name,
      `architecture is ${JSON.stringify(fields.architecture)}, expected one of ${SAELENS_ARCHITECTURES.join(", ")}`,
    );
  }
  requireWholeVectors(fields, name);
  const isTranscoder = architecture.endsWith("transcoder");
  requireTranscoderFields(fields, isTranscoder, name);
  const kwargs = fields.model_from_pretrained_kwargs ?? {};
  return {
    architecture,
    inputWidth,
    latentCount,
    outputWidth: isTranscoder ? fields.d_out ?? 0 : inputWidth,
    hook,
    outputHook: outputHook === hook ? null : outputHook,
    appliesOutputBiasToInput: fields.apply_b_dec_to_input ?? !isTranscoder,
    normalization: normalizationOf(fields.normalize_activations, name),
    k,
    scalesByDecoderNorm: scalesByDecoderNorm(architecture, fields, name),
    trainedWithBos: fields.prepend_bos ?? null,
    modelName: fields.model_name ?? null,
    model: {
      hasCentredWriting: kwargs["center_writing_weights"] === true,
      hasFoldedNorms: kwargs["fold_ln"] === true,
    },
  };
}

/** Activations must be whole vectors of one hook point. */
function requireWholeVectors(fields: Fields, name: string): void {
  if (fields.reshape_activations !== "none") {
    refuse(
      name,
      `reshape_activations is ${JSON.stringify(fields.reshape_activations)}: heads side by side are not read`,
    );
  }
  const head = fields.hook_head_index ?? fields.hook_head_index_out ?? null;
  if (head !== null) refuse(name, `hook_head_index is ${head}: dictionaries of one head are not read`);
}

function requireTranscoderFields(fields: Fields, isTranscoder: boolean, name: string): void {
  const { hook, hook_name_out: outputHook, d_out: outputWidth } = fields;
  if (isTranscoder) {
    if (outputWidth === undefined) refuse(name, "d_out is missing, which a transcoder needs");
    if (typeof outputHook !== "string") refuse(name, "metadata.hook_name_out is missing, which a transcoder needs");
    if (fields.apply_b_dec_to_input === true) {
      refuse(name, "apply_b_dec_to_input is true, but the output bias of a transcoder belongs to another hook point");
    }
  } else if (typeof outputHook === "string" && outputHook !== hook) {
    refuse(name, `hook_name_out is ${JSON.stringify(outputHook)}, but the architecture is no transcoder`);
  }
}

/** TopK selects by pre-activation times decoder norm where this is set; others have no such thing. */
function scalesByDecoderNorm(architecture: SaeLensArchitecture, fields: Fields, name: string): boolean {
  const isAsked = fields.rescale_acts_by_decoder_norm ?? false;
  if (isAsked && !architecture.endsWith("topk")) {
    return refuse(name, `rescale_acts_by_decoder_norm is true, which architecture ${architecture} does not have`);
  }
  return isAsked;
}

/** Up to version 5 the field may be true (now `expected_average_only_in`), false or missing. */
function normalizationOf(word: string | boolean | null | undefined, name: string): SaeLensNormalization {
  if (word === true) return "expected_average_only_in";
  if (word === false || word === null || word === undefined) return "none";
  const known = NORMALIZATIONS.find((normalization) => normalization === word);
  return known ??
    refuse(name, `normalize_activations is ${JSON.stringify(word)}, expected one of ${NORMALIZATIONS.join(", ")}`);
}

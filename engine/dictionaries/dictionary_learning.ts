/**
 * dictionary_learning (https://github.com/saprmarks/dictionary_learning): `ae.pt` with `config.json`, which names the class that reads it. Checkpoints
 * lie one folder deeper. Where it belongs is in `trainer.layer` and `trainer.submodule_name`, or in a sidecar. A factor that inputs were scaled
 * by in training has been taken into the biases when it was saved.
 */
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import type { Dictionary, LatentActivation } from "../model/dictionary.ts";
import { assembleDictionary, type DictionarySource } from "./assemble.ts";
import { refuse } from "./byte_source.ts";
import { type ReadableSite, requireSite, type Site } from "./hook_sites.ts";
import { checked, ownOf, readJsonObject } from "./json_file.ts";
import { sidecarNormalization } from "./sidecar.ts";
import { type TensorTable, transposed } from "./tensor_table.ts";

const configSchema = z.object({
  trainer: z.object({
    "dict_class": z.string().max(200),
    layer: z.int().min(0).nullish(),
    "lm_name": z.string().max(500).nullish(),
    "submodule_name": z.string().max(500).nullish(),
    k: z.int().min(1).nullish(),
  }),
  buffer: z.object({ io: z.string().max(20).nullish(), "remove_bos": z.boolean().nullish() }).nullish(),
});
export type DictionaryLearningConfig = Readonly<z.infer<typeof configSchema>>;

/** How one of their classes names its tensors and what it does with them. */
interface DictionaryClass {
  readonly architecture: string;
  /** `linear`: `encoder.weight` is `[latent, in]`; `plain`: `W_enc` is `[in, latent]`. */
  readonly matrices: "linear" | "plain";
  readonly encoderBias: string;
  readonly outputBias: string;
  /** Whether the output bias is subtracted from the input. */
  readonly isCentred: boolean;
  readonly activation: "relu" | "gated" | "topk" | "jumprelu" | "batchtopk";
  /** Tensors beside these that it has and that change nothing. */
  readonly others: readonly string[];
}

const CLASSES: Readonly<Record<string, DictionaryClass>> = {
  AutoEncoder: {
    architecture: "standard",
    matrices: "linear",
    encoderBias: "encoder.bias",
    outputBias: "bias",
    isCentred: true,
    activation: "relu",
    others: [],
  },
  AutoEncoderNew: {
    architecture: "standard",
    matrices: "linear",
    encoderBias: "encoder.bias",
    outputBias: "decoder.bias",
    isCentred: false,
    activation: "relu",
    others: [],
  },
  GatedAutoEncoder: {
    architecture: "gated",
    matrices: "linear",
    encoderBias: "mag_bias",
    outputBias: "decoder_bias",
    isCentred: true,
    activation: "gated",
    others: ["r_mag", "gate_bias"],
  },
  AutoEncoderTopK: {
    architecture: "topk",
    matrices: "linear",
    encoderBias: "encoder.bias",
    outputBias: "b_dec",
    isCentred: true,
    activation: "topk",
    others: ["k", "threshold"],
  },
  BatchTopKSAE: {
    architecture: "batchtopk",
    matrices: "linear",
    encoderBias: "encoder.bias",
    outputBias: "b_dec",
    isCentred: true,
    activation: "batchtopk",
    others: ["k", "threshold"],
  },
  MatryoshkaBatchTopKSAE: {
    architecture: "matryoshka-batchtopk",
    matrices: "plain",
    encoderBias: "b_enc",
    outputBias: "b_dec",
    isCentred: true,
    activation: "batchtopk",
    others: ["k", "threshold", "group_sizes"],
  },
  JumpReluAutoEncoder: {
    architecture: "jumprelu",
    matrices: "plain",
    encoderBias: "b_enc",
    outputBias: "b_dec",
    isCentred: false,
    activation: "jumprelu",
    others: ["threshold"],
  },
};

/** The configuration of a weights file; null where there is none. */
export async function readDictionaryLearningConfig(path: string, id: string): Promise<DictionaryLearningConfig | null> {
  const folder = dirname(path);
  const name = `${id}, config.json`;
  const own = await readJsonObject(join(folder, "config.json"), name);
  const config = own === null && basename(folder) === "checkpoints"
    ? await readJsonObject(join(dirname(folder), "config.json"), name)
    : own;
  return config === null ? null : checked(configSchema, config, name);
}

/** @throws {FileFormatError} if a tensor is missing or misshapen, or its site is said nowhere */
export async function dictionaryLearningDictionary(
  source: DictionarySource,
  config: DictionaryLearningConfig,
): Promise<Dictionary> {
  const { tensors, sidecar } = source;
  const { trainer, buffer } = config;
  const kind = ownOf(CLASSES, trainer["dict_class"]);
  if (kind === undefined) {
    return refuse(
      tensors.name,
      `its class is ${JSON.stringify(trainer["dict_class"])}, expected one of ${Object.keys(CLASSES).join(", ")}`,
    );
  }
  const [encoderName, decoderName] = kind.matrices === "plain"
    ? ["W_enc", "W_dec"]
    : ["encoder.weight", "decoder.weight"];
  tensors.requireOnly([encoderName, decoderName, kind.encoderBias, kind.outputBias, ...kind.others]);
  const [first, second] = tensors.matrixSizes(encoderName);
  const [width, latentCount] = kind.matrices === "plain" ? [first, second] : [second, first];
  const matrix = (name: string, [rows, columns]: readonly [number, number]) =>
    kind.matrices === "plain"
      ? tensors.matrix(name, [rows, columns])
      : transposed(tensors.matrix(name, [columns, rows]));
  const outputBias = tensors.vector(kind.outputBias, width);
  const k = await kOf(tensors, kind, trainer.k ?? null);
  return assembleDictionary({
    format: "dictionary-learning",
    architecture: kind.architecture,
    site: siteOf(source, config),
    sizes: { inputWidth: width, latentCount, outputWidth: width },
    activation: activationOf(tensors, kind, { latentCount, k }),
    k,
    normalization: sidecarNormalization(sidecar, tensors.name) ?? { kind: "none" },
    weights: {
      encoder: matrix(encoderName, [width, latentCount]),
      encoderBias: tensors.vector(kind.encoderBias, latentCount),
      decoder: matrix(decoderName, [latentCount, width]),
      outputBias,
      inputBias: kind.isCentred ? outputBias : null,
      skip: null,
    },
    trainedWithBos: buffer?.["remove_bos"] === true ? false : null,
    modelName: trainer["lm_name"] ?? null,
  }, source);
}

/** k is in the configuration, and in newer files too. */
async function kOf(tensors: TensorTable, { activation }: DictionaryClass, told: number | null): Promise<number | null> {
  if (activation !== "topk" && activation !== "batchtopk") return null;
  const [stored = null] = tensors.has("k") ? await tensors.numbers("k") : [];
  if (stored === null && told === null) return refuse(tensors.name, "neither it nor config.json (trainer.k) has k");
  if (stored !== null && told !== null && stored !== told) {
    return refuse(tensors.name, `its k is ${stored}, but trainer.k in config.json is ${told}`);
  }
  return stored ?? told;
}

function activationOf(
  tensors: TensorTable,
  { activation }: DictionaryClass,
  { latentCount, k }: { readonly latentCount: number; readonly k: number | null },
): LatentActivation {
  switch (activation) {
    case "relu":
      return { kind: "relu" };
    case "topk":
      return { kind: "topk", k: k ?? 0 };
    case "jumprelu":
      return { kind: "jumprelu", threshold: tensors.vector("threshold", latentCount) };
    case "batchtopk":
      return { kind: "jumprelu", threshold: tensors.scalar("threshold") };
    case "gated": {
      const gateBias = tensors.vector("gate_bias", latentCount);
      return { kind: "gated", magnitudeScale: tensors.vector("r_mag", latentCount), gateBias };
    }
  }
}

/** Names that their examples give to submodules. */
const NAMED_SITES: Readonly<Record<string, ReadableSite>> = {
  "resid_pre": "hook_resid_pre",
  "resid_mid": "hook_resid_mid",
  "resid_post": "hook_resid_post",
  "attn_out": "hook_attn_out",
  "mlp_out": "hook_mlp_out",
};
/** Submodules of a block, as Hugging Face's models call them; the block itself has no name. */
const MODULE_SITES: Readonly<Record<string, ReadableSite>> = {
  "": "hook_resid_post",
  ".attn": "hook_attn_out",
  ".self_attn": "hook_attn_out",
  ".attention": "hook_attn_out",
  ".mlp": "hook_mlp_out",
  ".mlp.act": "mlp.hook_post",
};

function siteOf(
  { tensors: { name }, sidecar }: DictionarySource,
  { trainer, buffer }: DictionaryLearningConfig,
): Site {
  const named = submoduleSite(trainer["submodule_name"] ?? "");
  const told = trainer.layer ?? null;
  if (sidecar.layer === undefined && told !== null && named !== null && named.layer !== told) {
    return refuse(name, `trainer.layer is ${told}, but trainer.submodule_name is ${trainer["submodule_name"]}`);
  }
  const read = sidecar.site ?? named?.site ?? null;
  const layer = sidecar.layer ?? told ?? named?.layer ?? null;
  if (read === null || layer === null) {
    return refuse(
      name,
      `config.json does not say where it belongs (trainer.submodule_name is ${
        JSON.stringify(trainer["submodule_name"] ?? null)
      }, expected as resid_post_layer_8 or transformer.h.8.mlp); put a dictionary.json with "site" beside it`,
    );
  }
  const side = buffer?.io ?? "out";
  if (sidecar.site === undefined && side !== "out") {
    return refuse(name, `it was trained on what goes ${side} of a submodule (buffer.io), expected "out"`);
  }
  return requireSite({ layer, read, write: sidecar.writeSite ?? read }, name);
}

function submoduleSite(submodule: string): { readonly layer: number; readonly site: ReadableSite } | null {
  const [, word = "", numbered] = /^([a-z_]+)_layer_(\d{1,4})$/.exec(submodule) ?? [];
  const [, block, part = ""] =
    /^(?:transformer\.h|model\.layers|gpt_neox\.layers)\.(\d{1,4})((?:\.[a-z_]+)*)$/.exec(submodule) ?? [];
  const site = numbered === undefined ? ownOf(MODULE_SITES, part) : ownOf(NAMED_SITES, word);
  const layer = numbered ?? block;
  return layer === undefined || site === undefined ? null : { layer: Number(layer), site };
}

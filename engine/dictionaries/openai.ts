/**
 * OpenAI's state dicts (https://github.com/openai/sparse_autoencoder), one `.pt` a layer. The file has the weights and the activation. What it
 * lacks comes from its path as it was published, `…/resid_delta_mlp_v4/autoencoders/3.pt`, or from a sidecar:
 *
 * - the hook point and the layer;
 * - whether the input is normalised: their code does so wherever the activation is TopK, Transformer Debugger's never. Both write the same
 *   file, so a TopK dictionary is read only if its path says version 5 (then as their code does) or a sidecar says how.
 */
import type { Dictionary, InputNormalization, LatentActivation } from "../model/dictionary.ts";
import { assembleDictionary, type DictionarySource } from "./assemble.ts";
import { refuse } from "./byte_source.ts";
import { type ReadableSite, requireSite, type Site } from "./hook_sites.ts";
import type { PickleValue } from "./pickle.ts";
import { sidecarNormalization } from "./sidecar.ts";
import { type TensorTable, transposed } from "./tensor_table.ts";

/** Entries that are no tensors: `activation`, `activation_state_dict`. */
type PlainEntries = ReadonlyMap<string, PickleValue>;

const ENCODER = "encoder.weight";
const DECODER = "decoder.weight";
/** A decoder tied to the encoder is saved under this name, the other way round. */
const TIED_DECODER = "decoder.linear.weight";
const STATISTICS = ["stats_last_nonzero", "latents_activation_frequency", "latents_mean_square"];
const TENSORS = ["pre_bias", ENCODER, "latent_bias", DECODER, TIED_DECODER, ...STATISTICS];

const SITES: Readonly<Record<string, ReadableSite>> = {
  "mlp_post_act": "mlp.hook_post",
  "resid_delta_mlp": "hook_mlp_out",
  "resid_delta_attn": "hook_attn_out",
  "resid_post_attn": "hook_resid_mid",
  "resid_post_mlp": "hook_resid_post",
};
/** The first version whose inputs are normalised. */
const FIRST_NORMALISED_VERSION = 5;

/** Whether a state dict is one of these. */
export function isOpenAi(tensors: TensorTable): boolean {
  return tensors.has("pre_bias") && tensors.has("latent_bias");
}

/** @throws {FileFormatError} if a tensor is missing or misshapen, or something that it takes to read it is not said anywhere */
export function openAiDictionary(source: DictionarySource, plain: PlainEntries): Dictionary {
  const { tensors } = source;
  tensors.requireOnly(TENSORS);
  const [latentCount, width] = tensors.matrixSizes(ENCODER);
  const published = publishedPlace(tensors.path);
  const activation = activationOf(plain, tensors.name);
  const bias = tensors.vector("pre_bias", width);
  return assembleDictionary({
    format: "openai",
    architecture: activation.kind === "topk" ? "topk" : "standard",
    site: siteOf(source, published),
    sizes: { inputWidth: width, latentCount, outputWidth: width },
    activation,
    normalization: normalizationOf(source, activation, published),
    weights: {
      encoder: transposed(tensors.matrix(ENCODER, [latentCount, width])),
      encoderBias: tensors.vector("latent_bias", latentCount),
      decoder: tensors.has(DECODER) || !tensors.has(TIED_DECODER)
        ? transposed(tensors.matrix(DECODER, [width, latentCount]))
        : tensors.matrix(TIED_DECODER, [latentCount, width]),
      outputBias: bias,
      inputBias: bias,
      skip: null,
    },
    trainedWithBos: null,
    modelName: published.modelName,
  }, source);
}

/** What a path says, null where it does not. */
interface PublishedPlace {
  readonly site: ReadableSite | null;
  readonly version: number | null;
  readonly layer: number | null;
  readonly modelName: string | null;
}

/** Reads `…/gpt2-small/resid_delta_mlp_v4/autoencoders/3.pt`, with `-` for `_` as well. */
function publishedPlace(path: string): PublishedPlace {
  const parts = path.split(/[/\\]/);
  const layer = /^(\d{1,4})\.pt$/.exec(parts.at(-1) ?? "")?.[1];
  const words = Object.keys(SITES).join("|");
  for (const part of parts.slice(0, -1).reverse()) {
    const [, word] = new RegExp(`(?:^|[._])(${words})(?![a-z])`).exec(part.replaceAll("-", "_")) ?? [];
    if (word === undefined) continue;
    const version = /[._-]v(\d{1,3})(?![a-z\d])/.exec(part)?.[1];
    return {
      site: SITES[word] ?? null,
      version: version === undefined ? null : Number(version),
      layer: layer === undefined ? null : Number(layer),
      modelName: parts.find((name) => /^gpt2-(small|medium|large|xl)$/.test(name)) ?? null,
    };
  }
  return { site: null, version: null, layer: layer === undefined ? null : Number(layer), modelName: null };
}

function siteOf({ tensors: { name }, sidecar }: DictionarySource, published: PublishedPlace): Site {
  const read = sidecar.site ?? published.site;
  const layer = sidecar.layer ?? published.layer;
  if (read === null) {
    return refuse(
      name,
      `its path does not say where it belongs: put it into a folder named after one of ${
        Object.keys(SITES).join(", ")
      }, or a dictionary.json with "site" beside it`,
    );
  }
  if (layer === null) {
    return refuse(
      name,
      'its name does not say its layer: name it LAYER.pt, or put a dictionary.json with "layer" beside it',
    );
  }
  return requireSite({ layer, read, write: sidecar.writeSite ?? read }, name);
}

function activationOf(plain: PlainEntries, name: string): LatentActivation {
  const other = [...plain.keys()].find((key) => key !== "activation" && key !== "activation_state_dict");
  if (other !== undefined) {
    return refuse(name, `it has an entry ${JSON.stringify(other.slice(0, 200))}, which is not known`);
  }
  // Files older than the choice have none, and are ReLU.
  const activation = plain.get("activation") ?? "ReLU";
  switch (activation) {
    case "ReLU":
      return { kind: "relu" };
    case "Identity":
      return { kind: "identity" };
    case "TopK":
      return { kind: "topk", k: topKOf(plain.get("activation_state_dict"), name) };
    default:
      return refuse(name, `its activation is ${described(activation)}, expected ReLU, Identity or TopK`);
  }
}

function topKOf(state: PickleValue | undefined, name: string): number {
  const entries = state instanceof Map ? state : new Map<PickleValue, PickleValue>();
  const [k, after] = [entries.get("k"), entries.get("postact_fn")];
  if (typeof k !== "number") return refuse(name, "its activation is TopK, but activation_state_dict has no k");
  if (after !== "ReLU") return refuse(name, `its TopK is followed by ${described(after)}, expected ReLU`);
  return k;
}

function normalizationOf(
  { tensors: { name }, sidecar }: DictionarySource,
  activation: LatentActivation,
  { version }: PublishedPlace,
): InputNormalization {
  const asked = sidecarNormalization(sidecar, name);
  if (asked !== undefined) return asked;
  if (activation.kind !== "topk") return { kind: "none" };
  if (version !== null && version >= FIRST_NORMALISED_VERSION) {
    return { kind: "layer-norm", epsilon: 1e-5, isUnbiased: true };
  }
  return refuse(
    name,
    "it is TopK, and neither it nor its path (…_v5…) says whether its input is normalised; put a dictionary.json beside it with " +
      '"normalization": "layer-norm" (as in OpenAI\'s sparse_autoencoder) or "none" (as in Transformer Debugger)',
  );
}

function described(value: PickleValue | undefined): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 100)) : "not named";
}

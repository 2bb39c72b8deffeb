/**
 * Gemma Scope (https://huggingface.co/google/gemma-scope): `params.npz` with a JumpReLU dictionary that does not centre its input. Where it belongs
 * is in its path as it was published, `gemma-scope-2b-pt-res/layer_12/width_16k/average_l0_82/params.npz`, or in a sidecar.
 */
import type { Dictionary } from "../model/dictionary.ts";
import { assembleDictionary, type DictionarySource } from "./assemble.ts";
import { refuse } from "./byte_source.ts";
import { type ReadableSite, requireSite, type Site } from "./hook_sites.ts";
import { sidecarNormalization } from "./sidecar.ts";

const TENSORS = ["W_enc", "W_dec", "b_enc", "b_dec", "threshold"];

/** Words for sites in names of folders. */
const SITES: Readonly<Record<string, ReadableSite>> = { res: "hook_resid_post", mlp: "hook_mlp_out" };
/** Those that are not read, with the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  att: "it belongs to the attention's heads side by side, which are not read",
  transcoders: "it is a transcoder that reads behind the norm's gain, which is no hook point of ours",
};

/** @throws {FileFormatError} if a tensor is missing or misshapen, or its site is said nowhere */
export function gemmaScopeDictionary(source: DictionarySource): Dictionary {
  const { tensors, sidecar } = source;
  tensors.requireOnly(TENSORS);
  const [inputWidth, latentCount] = tensors.matrixSizes("W_enc");
  const [, outputWidth] = tensors.matrixSizes("W_dec");
  return assembleDictionary({
    format: "gemma-scope",
    architecture: sidecar.writeSite === undefined ? "jumprelu" : "jumprelu-transcoder",
    site: siteOf(source),
    sizes: { inputWidth, latentCount, outputWidth },
    activation: { kind: "jumprelu", threshold: tensors.vector("threshold", latentCount) },
    normalization: sidecarNormalization(sidecar, tensors.name) ?? { kind: "none" },
    weights: {
      encoder: tensors.matrix("W_enc", [inputWidth, latentCount]),
      encoderBias: tensors.vector("b_enc", latentCount),
      decoder: tensors.matrix("W_dec", [latentCount, outputWidth]),
      outputBias: tensors.vector("b_dec", outputWidth),
      inputBias: null,
      skip: null,
    },
    trainedWithBos: null,
    modelName: modelNameOf(tensors.path),
  }, source);
}

function siteOf({ tensors: { name, path }, sidecar }: DictionarySource): Site {
  const parts = path.split(/[/\\]/).slice(0, -1).reverse();
  const layer = sidecar.layer ?? layerOf(parts);
  const read = sidecar.site ?? publishedSite(parts, name);
  if (read === null || layer === null) {
    return refuse(
      name,
      'its path does not say where it belongs, as in gemma-scope-2b-pt-res/layer_12/…; put a dictionary.json with "site" and "layer" beside it',
    );
  }
  return requireSite({ layer, read, write: sidecar.writeSite ?? read }, name);
}

function layerOf(parts: readonly string[]): number | null {
  const [layer] = parts.flatMap((part) => /^layer_(\d{1,4})$/.exec(part)?.[1] ?? []);
  return layer === undefined ? null : Number(layer);
}

function publishedSite(parts: readonly string[], name: string): ReadableSite | null {
  const [word] = parts.flatMap((part) => /gemma-scope-.*-(res|mlp|att|transcoders)$/.exec(part)?.[1] ?? []);
  if (word === undefined) return null;
  const reason = REFUSED[word];
  return reason === undefined ? SITES[word] ?? null : refuse(name, reason);
}

function modelNameOf(path: string): string | null {
  const [, size, tuning] = /gemma-scope-(\d+b)-(pt|it)-/.exec(path) ?? [];
  return size === undefined ? null : `gemma-2-${size}${tuning === "it" ? "-it" : ""}`;
}

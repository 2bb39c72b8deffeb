/** What is known of a dictionary, in words. */
import type { DictionaryDetail } from "../engine/mod.ts";
import { formatCount } from "./format.ts";

/** The hook point within its layer: `hook_mlp_out` of `blocks.3.hook_mlp_out`. */
export function siteOf(hook: string): string {
  return hook.replace(/^blocks\.\d+\./, "");
}

/** As in “layer 3, hook_mlp_out, 512 latents, TopK 8”. */
export function dictionaryInWords(detail: DictionaryDetail): string {
  const { layer, readHook, writeHook, latentCount } = detail;
  const site = readHook === writeHook ? siteOf(writeHook) : `${siteOf(readHook)} → ${siteOf(writeHook)}`;
  return `layer ${layer}, ${site}, ${formatCount(latentCount)} latents, ${activationInWords(detail)}`;
}

const ACTIVATIONS: Readonly<Record<DictionaryDetail["activation"], string>> = {
  relu: "ReLU",
  identity: "identity",
  topk: "TopK",
  jumprelu: "JumpReLU",
  gated: "gated",
};

/** As in “TopK 32”. A k that is not that of the activation is one of its training. */
export function activationInWords({ activation, k }: Pick<DictionaryDetail, "activation" | "k">): string {
  const name = ACTIVATIONS[activation];
  return activation === "topk" && k !== null ? `${name} ${k}` : name;
}

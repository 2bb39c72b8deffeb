/** Dictionaries of the fake engine's model, and what its runs tell of them: numbers follow from places. */
import type { DictionaryDetail, DictionarySums, LatentKind, NodeRow, RunSpec, Side } from "../../engine/mod.ts";
import { latentKind } from "../../engine/mod.ts";

const WIDTH = 8;

function dictionary(id: string, layer: number, site: "hook_mlp_out" | "hook_attn_out" | "hook_resid_post") {
  const hook = `blocks.${layer}.${site}` as const;
  return {
    id,
    format: "saelens",
    architecture: "topk",
    layer,
    readHook: hook,
    writeHook: hook,
    inputWidth: WIDTH,
    latentCount: 64,
    outputWidth: WIDTH,
    activation: "topk",
    k: 4,
    normalization: "none",
    centring: "output-bias",
    trainedWithBos: true,
    modelName: "demo",
    sizeBytes: 4_500,
  } satisfies DictionaryDetail;
}

/** Two of the MLP of layer 1, one of each other kind. */
export const FAKE_DICTIONARIES: readonly DictionaryDetail[] = [
  dictionary("mlp/0", 0, "hook_mlp_out"),
  dictionary("mlp/1", 1, "hook_mlp_out"),
  { ...dictionary("wide/mlp/1", 1, "hook_mlp_out"), latentCount: 256, activation: "relu", k: null },
  dictionary("attn/1", 1, "hook_attn_out"),
  dictionary("resid/0", 0, "hook_resid_post"),
];

function shownOf({ basis, dictionaries }: RunSpec): readonly DictionaryDetail[] {
  const isShown = (kind: LatentKind) =>
    kind === "resid-latent" || (kind === "mlp-latent" ? basis.mlp : basis.attention) === "latent";
  return FAKE_DICTIONARIES.filter((detail) => dictionaries.includes(detail.id) && isShown(latentKind(detail)));
}

/** A latent and an error of each dictionary that is shown. */
export function fakeLatentRows(spec: RunSpec, sides: readonly Side[]): readonly NodeRow[] {
  const values = (value: number): number[] => sides.map((_, side) => value + side);
  return shownOf(spec).flatMap((detail, i) => {
    const kind = latentKind(detail);
    return [`${kind}/${detail.layer}/7@0`, `${kind.replace("latent", "error")}/${detail.layer}@0`].map((ref, j) => ({
      ref,
      activation: values(1 + i),
      writeNorm: values(j + 0.5),
      directEffect: values(0.25 * (i + 1) - j),
      totalEffect: values(0.5 - j),
    }));
  });
}

/** What each dictionary that is shown leaves out: more and more from token to token. */
export function fakeDictionarySums(spec: RunSpec, sides: readonly Side[]): readonly DictionarySums[] {
  const perToken = (value: (token: number) => number) => sides.map(({ tokens }) => tokens.map((_, i) => value(i)));
  const parts = (value: number) => ({
    latents: sides.map(() => value),
    error: sides.map(() => value / 4),
    rest: sides.map(() => -0.125),
  });
  return shownOf(spec).map((detail) => ({
    dictionary: detail.id,
    kind: latentKind(detail),
    layer: detail.layer,
    latentCount: detail.latentCount,
    active: perToken((token) => 4 + token),
    activationNorm: perToken(() => 2),
    errorNorm: perToken((token) => token / 8),
    directEffect: parts(1),
    totalEffect: parts(-2),
  }));
}

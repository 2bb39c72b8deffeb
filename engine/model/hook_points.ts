/**
 * Hook points: the named places of a forward pass that can be read, differentiated and (later) written. Names are
 * TransformerLens's. Inside graphs every activation has a leading batch axis, and attention is `[batch, head, query, key]`;
 * outside, `spec/api.md` promises no batch axis and `[query, key, head]`.
 *
 * The same places in OpenAI's Transformer Debugger: `blocks.0.hook_resid_pre` ≈ resid.post_emb, `blocks.L.hook_resid_mid` ≈
 * resid.post_attn, `blocks.L.hook_resid_post` ≈ resid.post_mlp, `hook_attn_out`/`hook_mlp_out` ≈ resid.delta_attn/delta_mlp;
 * its attn.q and attn.k are each multiplied by d_head^(−1/4), ours are not; attn.qk_logits equals `attn.hook_attn_scores`.
 */
import type { Architecture } from "./architecture.ts";

type BlockHook =
  | "hook_resid_pre"
  | "ln1.hook_scale"
  | "ln1.hook_normalized"
  | "attn.hook_q"
  | "attn.hook_k"
  | "attn.hook_v"
  | "attn.hook_attn_scores"
  | "attn.hook_pattern"
  | "attn.hook_z"
  | "hook_attn_out"
  | "hook_resid_mid"
  | "ln2.hook_scale"
  | "ln2.hook_normalized"
  | "mlp.hook_pre"
  | "mlp.hook_post"
  | "hook_mlp_out"
  | "hook_resid_post";

/** Where a dictionary can stand in for the activation, within a block. */
export const SPLICE_SITES = [
  "hook_resid_pre",
  "hook_attn_out",
  "hook_resid_mid",
  "mlp.hook_post",
  "hook_mlp_out",
  "hook_resid_post",
] as const satisfies readonly BlockHook[];

/** What a dictionary that is spliced in adds to its site, under SAELens's names: latents before and after their nonlinearity, the error. */
export const LATENT_HOOKS = ["hook_sae_acts_pre", "hook_sae_acts_post", "hook_sae_error"] as const;
export type LatentHook = typeof LATENT_HOOKS[number];

/** The name of a hook point. */
export type HookName =
  | "hook_embed"
  | "hook_pos_embed"
  | "ln_final.hook_scale"
  | "ln_final.hook_normalized"
  | "logits"
  | `blocks.${number}.${BlockHook}`
  | `${SpliceHook}.${LatentHook}`;

/** A hook point that a dictionary can be spliced in at. */
export type SpliceHook = `blocks.${number}.${typeof SPLICE_SITES[number]}`;

const CHANNELS = ["token", "d_model"];
const HEAD_CHANNELS = ["token", "head", "d_head"];
const PAIRS = ["query", "key", "head"];
const SCALE = ["token", "one"];

/** Axes as promised outside, in the order of the forward pass. */
const BLOCK_HOOK_AXES: Readonly<Record<BlockHook, readonly string[]>> = {
  "hook_resid_pre": CHANNELS,
  "ln1.hook_scale": SCALE,
  "ln1.hook_normalized": CHANNELS,
  "attn.hook_q": HEAD_CHANNELS,
  "attn.hook_k": HEAD_CHANNELS,
  "attn.hook_v": HEAD_CHANNELS,
  "attn.hook_attn_scores": PAIRS,
  "attn.hook_pattern": PAIRS,
  "attn.hook_z": HEAD_CHANNELS,
  "hook_attn_out": CHANNELS,
  "hook_resid_mid": CHANNELS,
  "ln2.hook_scale": SCALE,
  "ln2.hook_normalized": CHANNELS,
  "mlp.hook_pre": ["token", "d_mlp"],
  "mlp.hook_post": ["token", "d_mlp"],
  "hook_mlp_out": CHANNELS,
  "hook_resid_post": CHANNELS,
};

/** A hook point and its axes, as `["token", "head", "d_head"]`. */
export interface HookPointSummary {
  readonly name: string;
  readonly axes: readonly string[];
}

/** Every hook point of a model, in the order of the forward pass. */
export function hookPoints({ layerCount }: Architecture): readonly HookPointSummary[] {
  const blocks = Array.from(
    { length: layerCount },
    (_, layer) => Object.entries(BLOCK_HOOK_AXES).map(([hook, axes]) => ({ name: `blocks.${layer}.${hook}`, axes })),
  );
  return [
    { name: "hook_embed", axes: CHANNELS },
    { name: "hook_pos_embed", axes: CHANNELS },
    ...blocks.flat(),
    { name: "ln_final.hook_scale", axes: SCALE },
    { name: "ln_final.hook_normalized", axes: CHANNELS },
    { name: "logits", axes: ["token", "vocab"] },
  ];
}

/** Kinds of components, as they are called. */
import type { ComponentKind, LatentKind } from "../engine/mod.ts";

/** In the order in which they are offered; `satisfies` keeps it complete. */
export const KINDS = [
  "head",
  "mlp",
  "mlp-latent",
  "attn-latent",
  "resid-latent",
] as const satisfies readonly ComponentKind[];

interface KindName {
  readonly one: string;
  readonly many: string;
}

export const KIND_NAMES: Readonly<Record<ComponentKind, KindName>> = {
  head: { one: "head", many: "heads" },
  mlp: { one: "neuron", many: "neurons" },
  "mlp-latent": { one: "MLP latent", many: "MLP latents" },
  "attn-latent": { one: "attention latent", many: "attention latents" },
  "resid-latent": { one: "residual latent", many: "residual latents" },
};

/** The kind that a text names; null if none. */
export function componentKind(text: string | null | undefined): ComponentKind | null {
  return KINDS.find((known) => known === text) ?? null;
}

export function isLatentKind(kind: ComponentKind): kind is LatentKind {
  return kind !== "head" && kind !== "mlp";
}

/** The first letter as a sentence begins. */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What the text of a ref says, for tables: `head/9/8@12<4`, `mlp/5/1234@7`, `attn-latent/5/44@7`, `mlp-error/5@7`, `embed@3`. */
import type { Alignment, Side } from "../engine/mod.ts";
import type { NodeKind } from "./view_state.ts";

/** Parts of a block that a node can belong to. */
export type BlockPart = "attention" | "MLP" | "residual stream";

const KINDS: Readonly<Record<string, NodeKind>> = {
  head: "head",
  mlp: "neuron",
  "attn-latent": "attn-latent",
  "mlp-latent": "mlp-latent",
  "resid-latent": "resid-latent",
  "attn-error": "error",
  "mlp-error": "error",
  "resid-error": "error",
};

const PARTS: Readonly<Record<string, BlockPart>> = {
  head: "attention",
  attn: "attention",
  mlp: "MLP",
  resid: "residual stream",
};

export function kindOf(ref: string): NodeKind {
  return KINDS[ref.split("/")[0] ?? ""] ?? "embed";
}

/** Whether a node is a dictionary's latent. */
export function isLatentRef(ref: string): boolean {
  return kindOf(ref).endsWith("-latent");
}

/** Which part of its block a node belongs to; null for embeddings. */
export function partOf(ref: string): BlockPart | null {
  return PARTS[/^(\w+)(?:-\w+)?\//.exec(ref)?.[1] ?? ""] ?? null;
}

/** Layer of the component; null for embeddings. */
export function layerOf(ref: string): number | null {
  const [, layer] = /^[\w-]+\/(\d+)[/@]/.exec(ref) ?? [];
  return layer === undefined ? null : Number(layer);
}

/** The component, as in `head/9/8`, or `mlp-error/9` of errors; null for embeddings, which have none. */
export function componentOf(ref: string): string | null {
  const [component = ""] = ref.split("@");
  return component.includes("/") ? component : null;
}

/** The component whose page tells more of a node; null for embeddings and errors, which have none. */
export function componentWithPage(ref: string): string | null {
  return kindOf(ref) === "error" ? null : componentOf(ref);
}

/** Tokens of the node: where it writes, then where a head reads. */
export function placesOf(ref: string): readonly number[] {
  const at = ref.indexOf("@");
  return at < 0 ? [] : ref.slice(at + 1).split("<").map(Number).filter(Number.isInteger);
}

/** Where a token of the first prompt stands on a side. */
export function placeOnSide(token: number, { label }: Pick<Side, "label">, alignment: Alignment | null): number {
  const prompt = label.startsWith("right") ? 1 : 0;
  return alignment?.find(([left]) => left === token)?.[prompt] ?? token;
}

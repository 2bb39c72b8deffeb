/** What the text of a ref says, for tables: `head/9/8@12<4`, `mlp/5/1234@7`, `embed@3`. */
import type { Alignment, Side } from "../engine/mod.ts";
import type { NodeKind } from "./view_state.ts";

export function kindOf(ref: string): NodeKind {
  if (ref.startsWith("head/")) return "head";
  return ref.startsWith("mlp/") ? "neuron" : "embed";
}

/** Layer of the component; null for embeddings. */
export function layerOf(ref: string): number | null {
  const [, layer] = /^\w+\/(\d+)\//.exec(ref) ?? [];
  return layer === undefined ? null : Number(layer);
}

/** The component, as in `head/9/8`; null for embeddings, which have none. */
export function componentOf(ref: string): string | null {
  const [component = ""] = ref.split("@");
  return component.includes("/") ? component : null;
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

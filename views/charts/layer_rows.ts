/** Effects summed by layer, in the order in which they are drawn: the last layer first, the embeddings last. */
import type { RunResult } from "../../engine/mod.ts";

export type LayerKind = "mlp" | "attention" | "embed";

export interface LayerRow {
  readonly kind: LayerKind;
  /** Null for the embeddings. */
  readonly layer: number | null;
  readonly value: number;
}

export const LAYER_KIND_NAMES: Readonly<Record<LayerKind, string>> = {
  mlp: "MLP",
  attention: "attention",
  embed: "embeddings",
};

/** One side's rows; null where the run was stored without sums by layer. */
export function layerRows(
  { sums }: Pick<RunResult, "sums">,
  effect: "directEffect" | "totalEffect",
  side: number,
): readonly LayerRow[] | null {
  if (sums.layers === null) return null;
  const attention = sums.layers[effect].attention[side] ?? [];
  const mlp = sums.layers[effect].mlp[side] ?? [];
  const layers = Array.from({ length: Math.max(attention.length, mlp.length) }, (_, index) => index).toReversed();
  const embed = (sums[effect].embed[side] ?? []).reduce((sum, value) => sum + value, 0);
  return [
    ...layers.flatMap((layer): readonly LayerRow[] => [
      { kind: "mlp", layer, value: mlp[layer] ?? 0 },
      { kind: "attention", layer, value: attention[layer] ?? 0 },
    ]),
    { kind: "embed", layer: null, value: embed },
  ];
}

/** A forward pass in which heads are silenced: their attention is multiplied by numbers that are fed. */
import { buildForward, type Forward } from "../../engine/model/transformer.ts";
import type { ModelWeights } from "../../engine/model/language_model.ts";
import { mul } from "../../engine/onnx/elementwise.ts";
import { graphInput } from "../../engine/onnx/value.ts";
import { float32, type Tensor } from "../../engine/tensor/tensor.ts";

export interface SilencedHead {
  readonly layer: number;
  readonly head: number;
}

export function silencedForward({ architecture, weights }: ModelWeights): Forward {
  return buildForward(architecture, weights, {
    edit: (name, x) => {
      const found = /^blocks\.(\d+)\.attn\.hook_pattern$/.exec(name);
      if (found === null) return x;
      return mul(x, graphInput(`kept.${found[1]}`, "float32", [1, architecture.headCount, 1, 1]));
    },
  });
}

/** The numbers that are fed to the layers before `end`: 0 for heads that are silent. */
export function silencedFeeds(
  { architecture: { layerCount, headCount } }: ModelWeights,
  silent: readonly SilencedHead[],
  end = layerCount,
): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(Array.from({ length: end }, (_, layer) => {
    const kept = Array.from(
      { length: headCount },
      (_, head) => silent.some((other) => other.layer === layer && other.head === head) ? 0 : 1,
    );
    return [`kept.${layer}`, float32([1, headCount, 1, 1], kept)] as const;
  }));
}

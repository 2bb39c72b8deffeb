/** How large an answer of tensors would be, known before anything is computed. */
import { ELEMENT_BYTES } from "../tensor/dtype.ts";
import { hookPoints } from "../model/hook_points.ts";
import type { NodeSpace } from "./node_range.ts";
import { isLatent } from "./refs.ts";
import type { TensorName } from "./tensor_names.ts";

/** Largest answer, in bytes. */
export const MAX_TENSORS_BYTES = 512 * 1024 * 1024;

const LATENTS = ["token", "latent"];

/** Bytes of the float32 tensors of these names for a prompt of `tokenCount` tokens. */
export function tensorsBytes(
  names: readonly TensorName[],
  { architecture, dictionaries }: NodeSpace,
  tokenCount: number,
): number {
  const axes = new Map(hookPoints(architecture).map((hook) => [hook.name, hook.axes]));
  const sizes: Record<string, number> = {
    token: tokenCount,
    query: tokenCount,
    key: tokenCount,
    one: 1,
    head: architecture.headCount,
    "d_head": architecture.headWidth,
    "d_model": architecture.modelWidth,
    "d_mlp": architecture.mlpWidth,
    vocab: architecture.vocabularySize,
  };
  // Latents are as many as the largest dictionary has.
  sizes["latent"] = Math.max(0, ...dictionaries.map(({ detail }) => detail.latentCount));
  const axesOf = (name: TensorName) => {
    if (name.kind !== "scalar") {
      return axes.get(name.hook) ?? (name.hook.endsWith("_error") ? ["token", "d_mlp"] : LATENTS);
    }
    const { component } = name;
    if (isLatent(component)) return LATENTS;
    if (component.kind === "mlp") return ["token", "d_mlp"];
    return component.kind === "head" ? ["query", "key", "head"] : ["token"];
  };
  return names.reduce(
    (total, name) => total + axesOf(name).reduce((count, axis) => count * (sizes[axis] ?? 1), ELEMENT_BYTES.float32),
    0,
  );
}

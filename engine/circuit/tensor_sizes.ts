/** How large an answer of tensors would be, known before anything is computed. */
import { ELEMENT_BYTES } from "../tensor/dtype.ts";
import type { Architecture } from "../model/architecture.ts";
import { hookPoints } from "../model/hook_points.ts";
import type { TensorName } from "./tensor_names.ts";

/** Largest answer, in bytes. */
export const MAX_TENSORS_BYTES = 512 * 1024 * 1024;

/** Bytes of the float32 tensors of these names for a prompt of `tokenCount` tokens. */
export function tensorsBytes(names: readonly TensorName[], architecture: Architecture, tokenCount: number): number {
  const axes = new Map(hookPoints(architecture).map((hook) => [hook.name, hook.axes]));
  const sizes: Readonly<Record<string, number>> = {
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
  const scalarAxes = { mlp: ["token", "d_mlp"], head: ["query", "key", "head"], embed: ["token"] };
  const axesOf = (name: TensorName) =>
    name.kind === "scalar" ? scalarAxes[name.component.kind] : axes.get(name.hook) ?? [];
  return names.reduce(
    (total, name) => total + axesOf(name).reduce((count, axis) => count * (sizes[axis] ?? 1), ELEMENT_BYTES.float32),
    0,
  );
}

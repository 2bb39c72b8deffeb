/** Whether a node exists: its layer, unit and tokens against a model and a prompt. */
import type { Architecture } from "../model/architecture.ts";
import type { InterventionRef } from "./refs.ts";

/** What is out of range, and what the range is; null if the node exists. */
export function checkNode(
  ref: InterventionRef,
  { layerCount, headCount, mlpWidth }: Architecture,
  tokenCount: number,
): string | null {
  const tooLarge = (what: string, value: number, count: number) =>
    value < count ? null : `There is no ${what} ${value}: expected 0..${count - 1}`;
  const layer = ref.kind === "embed" ? null : tooLarge("layer", ref.layer, layerCount);
  if (layer !== null) return layer;
  switch (ref.kind) {
    case "embed":
      return tooLarge("token", ref.token, tokenCount);
    case "mlp":
      return tooLarge("neuron", ref.neuron, mlpWidth) ?? tooLarge("token", ref.token, tokenCount);
    case "head":
    case "head-row":
      return tooLarge("head", ref.head, headCount) ?? tooLarge("token", ref.query, tokenCount);
  }
}

/** Components: a neuron or a head of the weights, whatever the tokens; as text `mlp/5/1234` or `head/9/8`. */
import { ValidationError } from "../errors.ts";
import type { Architecture } from "../model/architecture.ts";

export const COMPONENT_KINDS = ["mlp", "head"] as const;
export type ComponentKind = typeof COMPONENT_KINDS[number];

export interface Component {
  readonly kind: ComponentKind;
  readonly layer: number;
  /** Neuron or head. */
  readonly index: number;
}

const COMPONENT = /^(mlp|head)\/(\d{1,9})\/(\d{1,9})$/;

export function formatComponent({ kind, layer, index }: Component): string {
  return `${kind}/${layer}/${index}`;
}

/** How many components of a kind each layer has. */
export function componentsPerLayer(kind: ComponentKind, { mlpWidth, headCount }: Architecture): number {
  return kind === "mlp" ? mlpWidth : headCount;
}

/** The component of a text. @throws {ValidationError} if the text is none, or the model has none such */
export function resolveComponent(text: string, architecture: Architecture): Component {
  const found = COMPONENT.exec(text);
  const { layerCount, mlpWidth, headCount } = architecture;
  if (found !== null) {
    const kind = found[1] === "mlp" ? "mlp" : "head";
    const component: Component = { kind, layer: Number(found[2]), index: Number(found[3]) };
    if (component.layer < layerCount && component.index < componentsPerLayer(kind, architecture)) return component;
  }
  throw new ValidationError([{
    path: "component",
    message: `There is no component "${
      text.slice(0, 100)
    }": expected mlp/LAYER/NEURON or head/LAYER/HEAD with layer 0..${layerCount - 1}, neuron 0..${
      mlpWidth - 1
    }, head 0..${headCount - 1}`,
  }]);
}

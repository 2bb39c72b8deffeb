/** Components: a neuron, a head or a latent, whatever the tokens; as text `mlp/5/1234`, `head/9/8` or `mlp-latent/5/88`. */
import { ValidationError } from "../errors.ts";
import type { Architecture } from "../model/architecture.ts";
import { LATENT_KINDS, type LatentKind } from "../model/dictionary.ts";
import { chooseDictionary, type DescribedModel, type Scope } from "./scope.ts";

/** Kinds that the model itself has. */
export const MODEL_KINDS = ["mlp", "head"] as const;
export type ModelKind = typeof MODEL_KINDS[number];

export const COMPONENT_KINDS = [...MODEL_KINDS, ...LATENT_KINDS] as const;
export type ComponentKind = typeof COMPONENT_KINDS[number];

export interface Component {
  readonly kind: ComponentKind;
  readonly layer: number;
  /** Neuron, head or latent. */
  readonly index: number;
}

/** A neuron or head. */
export interface ModelComponent extends Component {
  readonly kind: ModelKind;
}

/** What a sweep collects together: all components of a kind in a layer. */
export type Group = Omit<Component, "index">;

const COMPONENT = /^([a-z-]{1,20})\/(\d{1,9})\/(\d{1,9})$/;

export function formatComponent({ kind, layer, index }: Component): string {
  return `${kind}/${layer}/${index}`;
}

/** Whether components of a kind are latents of a dictionary. */
export function isLatentKind(kind: ComponentKind): kind is LatentKind {
  return (LATENT_KINDS as readonly ComponentKind[]).includes(kind);
}

/** A component of the model itself. @throws {Error} if it is a latent */
export function ownComponent({ kind, layer, index }: Component): ModelComponent {
  if (isLatentKind(kind)) throw new Error(`Internal: ${kind}/${layer}/${index} is of a dictionary`);
  return { kind, layer, index };
}

/** How many components of a kind each layer has. */
export function componentsPerLayer(kind: ModelKind, { mlpWidth, headCount }: Architecture): number {
  return kind === "mlp" ? mlpWidth : headCount;
}

/** A component, with the dictionary that it is a latent of; null for those of the model itself. */
export interface ResolvedComponent<Model extends DescribedModel> extends Scope<Model> {
  readonly component: Component;
}

/**
 * The component of a text.
 *
 * @param text A ref, and for latents the dictionary's id; by default the first that is loaded for this kind and layer
 * @throws {ValidationError} if the text is none, the model has none such, or the dictionary is not there or has no such latents
 */
export function resolveComponent<Model extends DescribedModel>(
  { component: text, dictionary: id }: { readonly component: string; readonly dictionary?: string | undefined },
  model: Model,
): ResolvedComponent<Model> {
  const [, name, layer, index] = COMPONENT.exec(text) ?? [];
  const kind = COMPONENT_KINDS.find((known) => known === name);
  if (kind === undefined) return refuse(text, model, "");
  const component: Component = { kind, layer: Number(layer), index: Number(index) };
  if (!isLatentKind(kind)) {
    requireNoDictionary(id, kind);
    const isThere = component.layer < model.architecture.layerCount &&
      component.index < componentsPerLayer(kind, model.architecture);
    return isThere ? { component, model, dictionary: null } : refuse(text, model, "");
  }
  const dictionary = chooseDictionary(model, { kind, layers: [component.layer], id, path: "component" });
  const { latentCount } = dictionary.detail;
  if (component.index < latentCount) return { component, model, dictionary };
  return refuse(text, model, `, or in dictionary "${dictionary.detail.id}" latent 0..${latentCount - 1}`);
}

/** @throws {ValidationError} if a dictionary is given where components are the model's own */
export function requireNoDictionary(id: string | undefined, kind: ModelKind): void {
  if (id === undefined) return;
  throw new ValidationError([{
    path: "dictionary",
    message: `Expected none: components of kind ${kind} are the model's own`,
  }]);
}

function refuse(text: string, { architecture }: DescribedModel, also: string): never {
  const { layerCount, mlpWidth, headCount } = architecture;
  const latents = also === "" ? ", or a latent as in mlp-latent/LAYER/LATENT" : also;
  throw new ValidationError([{
    path: "component",
    message: `There is no component "${
      text.slice(0, 100)
    }": expected mlp/LAYER/NEURON or head/LAYER/HEAD with layer 0..${layerCount - 1}, neuron 0..${
      mlpWidth - 1
    }, head 0..${headCount - 1}${latents}`,
  }]);
}

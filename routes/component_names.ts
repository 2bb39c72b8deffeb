/** From a name to a component of a model, with the dictionary where it is a latent. */
import { type DictionaryDetail, latentKind, type ModelDetail } from "../engine/mod.ts";
import { componentKind, isLatentKind, KIND_NAMES } from "../views/component_kinds.ts";
import type { Component } from "../views/pages/component_page.tsx";

export interface NamedComponent {
  readonly component: Component;
  /** Of a latent: its dictionary, and all that have latents of its kind and layer. */
  readonly dictionary: DictionaryDetail | null;
  readonly others: readonly DictionaryDetail[];
}

/** Which dictionary a latent is of, where its place has several. */
export interface DictionaryChoice {
  /** Id of the one that is asked for; null for one in use, or else the first. */
  readonly wanted: string | null;
  /** Ids of those of the answer that the reader comes from. */
  readonly inUse: readonly string[];
}

/** The component of a name, or what is wrong with it. @param choice Of latents only */
export function findComponent(
  model: ModelDetail,
  name: string,
  choice: DictionaryChoice = { wanted: null, inUse: [] },
): NamedComponent | { readonly problem: string } {
  const [, kindText, layer, index] = /^([a-z-]{1,20})\/(\d{1,9})\/(\d{1,9})$/.exec(name) ?? [];
  const kind = componentKind(kindText);
  if (kind === null) {
    return {
      problem: `${
        JSON.stringify(name.slice(0, 60))
      } names no component: expected head/LAYER/HEAD, mlp/LAYER/NEURON, mlp-latent/LAYER/LATENT or LAYER:INDEX`,
    };
  }
  const component: Component = { kind, layer: Number(layer), index: Number(index) };
  if (isLatentKind(kind)) return findLatent(model, component, choice);
  const { id, layerCount, headCount, mlpWidth } = model;
  const count = kind === "head" ? headCount : mlpWidth;
  if (component.layer < layerCount && component.index < count) return { component, dictionary: null, others: [] };
  return {
    problem: `${id} has no ${name}: expected layers 0..${layerCount - 1} and ${KIND_NAMES[kind].many} 0..${count - 1}`,
  };
}

function findLatent(
  { id, dictionaries }: ModelDetail,
  component: Component,
  { wanted, inUse }: DictionaryChoice,
): NamedComponent | { readonly problem: string } {
  const { kind, layer, index } = component;
  const name = `${kind}/${layer}/${index}`;
  const others = dictionaries.filter((detail) => latentKind(detail) === kind && detail.layer === layer);
  const [first] = others;
  if (first === undefined) {
    return { problem: `${id} has no ${name}: no dictionary with ${KIND_NAMES[kind].many} of layer ${layer} is loaded` };
  }
  const dictionary = wanted === null
    ? others.find((other) => inUse.includes(other.id)) ?? first
    : others.find((other) => other.id === wanted);
  if (dictionary === undefined) {
    const known = others.map((other) => other.id).join(", ");
    return { problem: `${id} has no ${name} in a dictionary ${JSON.stringify(wanted)}: expected one of ${known}` };
  }
  if (index < dictionary.latentCount) return { component, dictionary, others };
  return { problem: `Dictionary ${dictionary.id} has no ${name}: expected latents 0..${dictionary.latentCount - 1}` };
}

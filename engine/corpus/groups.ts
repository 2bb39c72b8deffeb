/** Groups of a scope: all neurons, or all heads, of a layer; or all latents of a dictionary. */
import type { Architecture } from "../model/architecture.ts";
import { latentKind } from "../model/dictionary.ts";
import { type ComponentKind, componentsPerLayer, type Group, isLatentKind, MODEL_KINDS } from "./component.ts";
import type { Scope } from "./scope.ts";

/** As much of a scope as says how many components there are. */
export type SizedScope = Scope<{ readonly architecture: Architecture }>;

/** Components of each group of a kind. @throws {Error} if the scope has none such */
export function groupSize({ model, dictionary }: SizedScope, kind: ComponentKind): number {
  if (!isLatentKind(kind) && dictionary === null) return componentsPerLayer(kind, model.architecture);
  if (dictionary !== null && latentKind(dictionary.detail) === kind) return dictionary.detail.latentCount;
  throw new Error(`Internal: no components of kind ${kind} in this scope`);
}

/** All groups of a scope, by rising layer. */
export function allGroups({ model: { architecture }, dictionary }: SizedScope): readonly Group[] {
  if (dictionary !== null) return [{ kind: latentKind(dictionary.detail), layer: dictionary.detail.layer }];
  const layers = Array.from({ length: architecture.layerCount }, (_, layer) => layer);
  return layers.flatMap((layer) => MODEL_KINDS.map((kind): Group => ({ kind, layer })));
}

/** Whose components are looked at: a model's own, or the latents of one of its dictionaries. Each is swept by itself. */
import { type FieldIssue, ValidationError } from "../errors.ts";
import type { Architecture } from "../model/architecture.ts";
import { type Dictionary, type LatentKind, latentKind } from "../model/dictionary.ts";

/** As much of a model as choosing goes by. */
export interface DescribedModel {
  readonly id: string;
  readonly architecture: Architecture;
  readonly dictionaries: readonly Dictionary[];
}

export interface Scope<Model> {
  readonly model: Model;
  /** Null for the model's own components. */
  readonly dictionary: Dictionary | null;
}

/** Which dictionary is wanted. */
export interface DictionaryWish {
  /** Null for any. */
  readonly kind: LatentKind | null;
  /** None for all. */
  readonly layers: readonly number[];
  /** By default the first that is loaded. */
  readonly id: string | undefined;
  /** Field that is told where none is loaded. */
  readonly path: string;
}

/** Dictionaries that are named in a message. */
const MAX_NAMED = 8;

/** The dictionary that is wanted. @throws {ValidationError} if there is none, or the one that is named has other latents */
export function chooseDictionary(model: DescribedModel, { kind, layers, id, path }: DictionaryWish): Dictionary {
  const fits = ({ detail }: Dictionary) =>
    (kind === null || latentKind(detail) === kind) && (layers.length === 0 || layers.includes(detail.layer));
  if (id === undefined) {
    const first = model.dictionaries.find(fits);
    if (first !== undefined) return first;
    const wanted = `${kind ?? "latents"}${layers.length === 0 ? "" : ` of layer ${layers.join(", ")}`}`;
    return refuse({ path, message: `No dictionary with ${wanted} is loaded for model "${model.id}"${known(model)}` });
  }
  const named = model.dictionaries.find(({ detail }) => detail.id === id);
  if (named === undefined) {
    const message = `There is no dictionary "${id.slice(0, 100)}" for model "${model.id}"${known(model)}`;
    return refuse({ path: "dictionary", message });
  }
  if (fits(named)) return named;
  const own = `${latentKind(named.detail)}/${named.detail.layer}`;
  return refuse({ path: "dictionary", message: `The latents of dictionary "${id}" are ${own}, others are asked for` });
}

/** A model's own components, or the latents of one of its dictionaries. @throws {ValidationError} if there is no such dictionary */
export function scopeOf<Model extends DescribedModel>(model: Model, id: string | null | undefined): Scope<Model> {
  if (id === null || id === undefined) return { model, dictionary: null };
  return { model, dictionary: chooseDictionary(model, { kind: null, layers: [], id, path: "dictionary" }) };
}

function known({ dictionaries }: DescribedModel): string {
  if (dictionaries.length === 0) return ": none is loaded, start with --dictionaries DIR";
  const ids = dictionaries.slice(0, MAX_NAMED).map(({ detail }) =>
    `"${detail.id}" (${latentKind(detail)}/${detail.layer})`
  );
  return `: loaded are ${[...ids, ...dictionaries.length > MAX_NAMED ? ["…"] : []].join(", ")}`;
}

function refuse(issue: FieldIssue): never {
  throw new ValidationError([issue]);
}

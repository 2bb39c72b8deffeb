/**
 * Published records of a model's neurons and heads (`reference-semantics.md` §5): one JSON file a component, `LAYER/INDEX.json`, in folders or
 * under URLs. Nothing in a location says of which kind its components are; that follows from the values: one a token, or one a pair.
 */
import { join } from "node:path";
import { NotFoundError, StartError } from "../errors.ts";
import type { Token } from "../model/summary.ts";
import type { Tokenizer } from "../model/tokenizer.ts";
import { type Component, type ComponentKind, formatComponent } from "./component.ts";
import type { ComponentRecords, Example } from "./component_records.ts";
import { cutIntoRows, pairRowLengths } from "./pair_rows.ts";
import { parsePublishedFile, type PublishedFile, type StoredRecord } from "./published_file.ts";
import { publishedStatistics } from "./published_statistics.ts";
import { openPublishedStore, type ParseFile, type PublishedStore } from "./published_store.ts";
import { inside, refuse } from "./stored_classes.ts";

/** Id of published records among text sets. */
export const PUBLISHED_SOURCE = "published";

/** Where records of a model have been published, as `--records MODEL=FOLDER_OR_URL` says. */
export interface PublishedSource {
  readonly model: string;
  /** A folder, or an http(s) URL. */
  readonly location: string;
}

/**
 * Published records by the model that they are of.
 *
 * @throws {StartError} if there is no such model
 */
export function openPublishedRecords(
  sources: readonly PublishedSource[],
  { models, dataFolder }: { readonly models: readonly string[]; readonly dataFolder: string },
): ReadonlyMap<string, PublishedRecords> {
  const stranger = sources.find(({ model }) => !models.includes(model));
  if (stranger !== undefined) {
    throw new StartError(
      `Cannot start: there is no model "${stranger.model}" for its --records, expected one of ${models.join(", ")}`,
    );
  }
  const cacheFolder = join(dataFolder, "published");
  const stores = Map.groupBy(sources, ({ model }) => model);
  return new Map([...stores].map(([model, own]) => [
    model,
    new PublishedRecords(own.map(({ location }) => openPublishedStore(location, cacheFolder))),
  ]));
}

/** The published records of one model. */
export class PublishedRecords {
  readonly #stores: readonly PublishedStore[];

  /** @param stores Asked in this order, until one has the component */
  constructor(stores: readonly PublishedStore[]) {
    this.#stores = stores;
  }

  /**
   * Everything that is published of a component: all records of its file, which may be more than the engine keeps of a sweep.
   *
   * Files tell tokens by their texts. Their ids are looked up; a text that is not one token of the tokenizer, and every text where there
   * is none, has id −1.
   *
   * @param tokenizer Null for a model without one
   * @throws {NotFoundError} if nothing is published of it
   * @throws {FileFormatError} if its file is damaged
   * @throws {EngineError} if its file cannot be fetched
   */
  async records(component: Component, tokenizer: Tokenizer | null): Promise<ComponentRecords> {
    const ids = tokenIds(tokenizer);
    const parse: ParseFile<ComponentRecords | null> = (bytes, name) => recordsOf(bytes, name, { component, ids });
    for (const store of this.#stores) {
      const records = await store.read(component, parse).catch((error: unknown) => {
        if (error instanceof NotFoundError) return null;
        throw error;
      });
      if (records !== null) return records;
    }
    throw new NotFoundError(`There are no published records of ${formatComponent(component)}`);
  }
}

interface Asked {
  readonly component: Component;
  readonly ids: (text: string) => number;
}

/** What a file tells of a component; null if it is about one of another kind. */
function recordsOf(bytes: Uint8Array, name: string, { component, ids }: Asked): ComponentRecords | null {
  const file = parsePublishedFile(bytes, name);
  const { layer, index } = file;
  if (layer !== component.layer || index !== component.index) {
    refuse(
      { file: name, path: "neuron_id" },
      `it is of layer ${layer}, index ${index}, expected layer ${component.layer}, index ${component.index}`,
    );
  }
  const { kind } = component;
  if (!holdsKind(file, kind)) return null;
  const examplesOf = (records: readonly StoredRecord[]) => records.map((record) => exampleOf(record, kind, ids));
  const top = examplesOf(file.top).sort((a, b) => b.max - a.max);
  const random = examplesOf(file.random);
  const byQuantile = file.byQuantile.map(({ from, to, records }) => ({ from, to, examples: examplesOf(records) }));
  const all = [...top, ...random, ...byQuantile.flatMap(({ examples }) => examples)];
  return {
    component: formatComponent(component),
    dictionary: null,
    source: PUBLISHED_SOURCE,
    sequenceCount: all.length,
    tokenCount: all.reduce((count, { tokens }) => count + tokens.length, 0),
    statistics: publishedStatistics(kind, { moments: file.moments, random, all }),
    scores: null,
    top,
    random,
    byQuantile,
  };
}

/** Whether a file's values can be those of a kind. */
function holdsKind({ top, random }: PublishedFile, kind: ComponentKind): boolean {
  const found = [...top, ...random].map(kindOf).find((own) => own !== null);
  return found === undefined || found === kind;
}

/** By the number of values; null where it tells nothing, with a single token, or fits nothing. */
function kindOf({ tokens, values }: StoredRecord): ComponentKind | null {
  if (tokens.length === 1) return null;
  if (values.length === tokens.length) return "mlp";
  return pairRowLengths(tokens.length, values.length) === null ? null : "head";
}

function exampleOf({ place, tokens, values }: StoredRecord, kind: ComponentKind, ids: Asked["ids"]): Example {
  const shown = tokens.map((text): Token => ({ id: ids(text), text }));
  const max = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const first = values.indexOf(max);
  const activations = inside(place, "activations");
  if (kind === "mlp") {
    if (values.length !== tokens.length) {
      refuse(activations, `it has ${values.length} values, expected one for each of ${tokens.length} tokens`);
    }
    return { sequence: null, tokens: shown, values, max, at: [first] };
  }
  const lengths = pairRowLengths(tokens.length, values.length);
  if (lengths === null) {
    return refuse(activations, `its ${values.length} values are no rows of pairs of ${tokens.length} tokens`);
  }
  const rows = cutIntoRows(values, lengths);
  const query = rows.findIndex((row) => row.includes(max));
  return { sequence: null, tokens: shown, values: rows, max, at: [query, rows[query]?.indexOf(max) ?? 0] };
}

/** Looks texts of tokens up, each once. */
function tokenIds(tokenizer: Tokenizer | null): (text: string) => number {
  const known = new Map<string, number>();
  return (text) => {
    const id = known.get(text) ?? tokenId(text, tokenizer);
    known.set(text, id);
    return id;
  };
}

function tokenId(text: string, tokenizer: Tokenizer | null): number {
  const [id, ...further] = tokenizer?.encode(text) ?? [];
  // A text with half a character in it encodes to some token, but not to one of this text.
  return id !== undefined && further.length === 0 && tokenizer?.tokenText(id) === text ? id : -1;
}

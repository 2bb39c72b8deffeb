/** Which weights a number came from: the digest of the weights files, computed once for each version of a file. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import type { Provenance } from "./circuit/run_result.ts";
import { ModelNotLoadedError } from "./errors.ts";
import { combineDigests, digestFile, type WeightsFile } from "./model/checkpoint.ts";
import type { Dictionary } from "./model/dictionary.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { Store } from "./store/store.ts";

export class Digests {
  readonly #store: Store;
  /** Path of its weights, by id. */
  readonly #dictionaryPaths: ReadonlyMap<string, string>;
  readonly #known = new Map<string, Promise<string>>();

  constructor(store: Store, dictionaryPaths: ReadonlyMap<string, string>) {
    this.#store = store;
    this.#dictionaryPaths = dictionaryPaths;
  }

  /** `sha256:…` of a model's weights; read from the store where the files have not changed since. */
  model({ id, checkpoint }: Pick<LanguageModel, "id" | "checkpoint">): Promise<string> {
    return this.#once(`model ${id}`, async () => {
      const digests: string[] = [];
      for (const file of checkpoint.files) digests.push(await this.#file(file));
      return combineDigests(digests);
    });
  }

  /** The same of dictionaries, by id; how each is read enters too, for part of that is said beside its weights. */
  async dictionaries(dictionaries: readonly Dictionary[]): Promise<Readonly<Record<string, string>>> {
    const entries = dictionaries.map(async (dictionary) => [dictionary.detail.id, await this.#dictionary(dictionary)]);
    return Object.fromEntries(await Promise.all(entries));
  }

  /** Of everything that a question is computed with: the model's own where it splices nothing in. */
  async question(
    { model, dictionaries }: { readonly model: LanguageModel; readonly dictionaries: readonly Dictionary[] },
  ): Promise<string> {
    const own = Object.values(await this.dictionaries(dictionaries));
    return combineDigests([await this.model(model), ...own]);
  }

  #dictionary({ detail, normalization, scalesByDecoderNorm }: Dictionary): Promise<string> {
    const path = this.#dictionaryPaths.get(detail.id);
    if (path === undefined) throw new Error(`Internal: dictionary ${detail.id} has no file`);
    return this.#once(`dictionary ${detail.id}`, async () => {
      const { size, mtimeMs } = await stat(path);
      const weights = await this.#file({ path, sizeBytes: size, modifiedMs: mtimeMs });
      const { sizeBytes: _size, ...read } = detail;
      const content = JSON.stringify([weights, read, normalization, scalesByDecoderNorm]);
      return `sha256:${createHash("sha256").update(content).digest("hex")}`;
    });
  }

  async #file(file: Omit<WeightsFile, "file">): Promise<string> {
    const known = this.#store.findDigest(file) ?? await digestFile(file.path);
    this.#store.saveDigest(file, known);
    return known;
  }

  #once(key: string, compute: () => Promise<string>): Promise<string> {
    const known = this.#known.get(key) ?? compute();
    this.#known.set(key, known);
    // A failure, of a disk say, is for this request alone.
    known.catch(() => this.#known.delete(key));
    return known;
  }
}

/** Makes sure that the weights of a stored run are those that are loaded. @throws {ModelNotLoadedError} if they are not */
export async function requireLoaded(
  { model: id, weights, dictionaries = {} }: Provenance,
  { models, digests }: { readonly models: ReadonlyMap<string, LanguageModel>; readonly digests: Digests },
): Promise<void> {
  const model = models.get(id);
  if (model === undefined || await digests.model(model) !== weights) {
    throw new ModelNotLoadedError(
      `Model "${id}" is not loaded with the weights of this run: start with its folder among --models`,
    );
  }
  const loaded = model.dictionaries.filter(({ detail }) => Object.hasOwn(dictionaries, detail.id));
  const found = await digests.dictionaries(loaded);
  const missing = Object.entries(dictionaries).find(([name, digest]) => found[name] !== digest);
  if (missing === undefined) return;
  throw new ModelNotLoadedError(
    `Dictionary "${missing[0]}" is not loaded with the weights of this run: start with its folder among --dictionaries`,
  );
}

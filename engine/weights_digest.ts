/** Which weights a number came from: the digest of the weights files, computed once for each version of a file. */
import { type Checkpoint, combineDigests, digestFile } from "./model/checkpoint.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { Store } from "./store/store.ts";

/** Digests of the weights of models, each found once. */
export class WeightsDigests {
  readonly #store: Store;
  readonly #known = new Map<string, Promise<string>>();

  constructor(store: Store) {
    this.#store = store;
  }

  of({ id, checkpoint }: Pick<LanguageModel, "id" | "checkpoint">): Promise<string> {
    const digest = this.#known.get(id) ?? weightsDigest(checkpoint, this.#store);
    this.#known.set(id, digest);
    // A failure, of a disk say, is for this request alone.
    digest.catch(() => this.#known.delete(id));
    return digest;
  }
}

/** `sha256:…` of the weights; read from the store where the files have not changed since. */
async function weightsDigest({ files }: Checkpoint, store: Store): Promise<string> {
  const digests: string[] = [];
  for (const file of files) {
    const known = store.findDigest(file) ?? await digestFile(file.path);
    store.saveDigest(file, known);
    digests.push(known);
  }
  return combineDigests(digests);
}

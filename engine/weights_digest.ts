/** Which weights a number came from: the digest of the weights files, computed once for each version of a file. */
import { type Checkpoint, combineDigests, digestFile } from "./model/checkpoint.ts";
import type { Store } from "./store/store.ts";

/** `sha256:…` of the weights; read from the store where the files have not changed since. */
export async function weightsDigest({ files }: Checkpoint, store: Store): Promise<string> {
  const digests: string[] = [];
  for (const file of files) {
    const known = store.findDigest(file) ?? await digestFile(file.path);
    store.saveDigest(file, known);
    digests.push(known);
  }
  return combineDigests(digests);
}

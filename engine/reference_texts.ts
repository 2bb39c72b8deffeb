/** The texts that mean values are taken over: `corpus.txt` in a model's folder, documents between lines of `<|endoftext|>`. */
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { ValidationError } from "./errors.ts";
import { MAX_MEAN_TOKENS } from "./circuit/means_graph.ts";
import { digestFile } from "./model/checkpoint.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { Store } from "./store/store.ts";

/** Texts that are read of a corpus; more would hardly move a mean. */
const MAX_TEXTS = 512;
/** How far a corpus is read for them, in bytes. */
const MAX_READ_BYTES = 16 * 1024 * 1024;
const SEPARATOR = /^<\|endoftext\|>$/m;

/** Texts of means, and which version of them. */
export interface ReferenceTexts {
  /** Token ids, BOS first where the model has one, none longer than means are taken of. */
  readonly texts: readonly (readonly number[])[];
  /** Of the corpus file. */
  readonly digest: string;
}

/** Digest of a model's corpus, computed once for each version of the file. @throws {ValidationError} if there is none */
export async function referenceDigest(model: LanguageModel, store: Store): Promise<string> {
  const path = corpusPath(model);
  const found = await stat(path).catch(() => null);
  if (found === null) {
    throw new ValidationError([{
      path: "model",
      message:
        `Model "${model.id}" has no reference texts: put corpus.txt into its folder, documents between lines of <|endoftext|>`,
    }]);
  }
  const stamp = { path, sizeBytes: found.size, modifiedMs: found.mtimeMs };
  const digest = store.findDigest(stamp) ?? await digestFile(path);
  store.saveDigest(stamp, digest);
  return digest;
}

/** @throws {ValidationError} if the corpus holds no text */
export async function readReferenceTexts(model: LanguageModel): Promise<ReferenceTexts["texts"]> {
  const { id, tokenizer, architecture: { bosId, contextLength } } = model;
  const buffer = new Uint8Array(MAX_READ_BYTES);
  await using handle = await open(corpusPath(model));
  const { bytesRead } = await handle.read(buffer, 0, MAX_READ_BYTES, 0);
  const parts = new TextDecoder().decode(buffer.subarray(0, bytesRead)).split(SEPARATOR);
  // The last text may be cut off where reading ended.
  const whole = bytesRead < MAX_READ_BYTES ? parts : parts.slice(0, -1);
  const documents = whole.map((text) => text.trim()).filter((text) => text !== "").slice(0, MAX_TEXTS);
  if (documents.length === 0) {
    throw new ValidationError([{ path: "model", message: `The corpus.txt of model "${id}" is empty: expected texts` }]);
  }
  const bos = bosId === null ? [] : [bosId];
  const longest = Math.min(MAX_MEAN_TOKENS, contextLength);
  return documents.map((text) => [...bos, ...tokenizer.encode(text)].slice(0, longest));
}

function corpusPath({ folder }: LanguageModel): string {
  return join(folder, "corpus.txt");
}

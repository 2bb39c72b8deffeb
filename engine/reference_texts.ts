/** The texts that mean values are taken over: `corpus.txt` in a model's folder, documents between lines of `<|endoftext|>`. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ValidationError } from "./errors.ts";
import { MAX_MEAN_TOKENS } from "./circuit/means_graph.ts";
import type { LanguageModel } from "./model/language_model.ts";

/** Texts that are read of a corpus; more would hardly move a mean. */
const MAX_TEXTS = 512;
const MAX_CORPUS_BYTES = 256 * 1024 * 1024;
const SEPARATOR = /^<\|endoftext\|>$/m;

export interface ReferenceTexts {
  /** Token ids, BOS first where the model has one, none longer than means are taken of. */
  readonly texts: readonly (readonly number[])[];
  /** Of the corpus file: `sha256:…` */
  readonly digest: string;
}

/** @throws {ValidationError} if the model has no such file, or one that holds no text */
export async function readReferenceTexts(
  { id, folder, tokenizer, architecture }: LanguageModel,
): Promise<ReferenceTexts> {
  const path = join(folder, "corpus.txt");
  const size = await stat(path).then((found) => found.size, () => null);
  if (size === null || size > MAX_CORPUS_BYTES) {
    throw new ValidationError([{
      path: "model",
      message: size === null
        ? `Model "${id}" has no reference texts: put corpus.txt into its folder, documents between lines of <|endoftext|>`
        : `The corpus.txt of model "${id}" has ${size} bytes: at most ${MAX_CORPUS_BYTES} are read`,
    }]);
  }
  const bytes = await readFile(path);
  const documents = bytes.toString("utf8").split(SEPARATOR).map((text) => text.trim()).filter((text) => text !== "");
  if (documents.length === 0) {
    throw new ValidationError([{ path: "model", message: `The corpus.txt of model "${id}" is empty: expected texts` }]);
  }
  const bos = architecture.bosId === null ? [] : [architecture.bosId];
  const longest = Math.min(MAX_MEAN_TOKENS, architecture.contextLength);
  return {
    texts: documents.slice(0, MAX_TEXTS).map((text) => [...bos, ...tokenizer.encode(text)].slice(0, longest)),
    digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
  };
}

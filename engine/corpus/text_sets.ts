/**
 * Text sets of a model: `corpus.txt` in its folder, and the files of `--corpus`. A `.txt` holds documents between lines of
 * `<|endoftext|>`, a `.jsonl` one document a line in the field `text`. A document becomes sequences of BOS and up to 127 further tokens,
 * in order; a longer one is cut into several. Numbering follows from the file alone.
 */
import { open, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { ValidationError } from "../errors.ts";
import type { LanguageModel } from "../model/language_model.ts";
import { Sequences } from "./sequences.ts";
import { MAX_SEQUENCE_TOKENS } from "./sweep_graph.ts";
import type { TextSet } from "./sweep_summary.ts";
import { Turns } from "./turns.ts";

/** How far a file is read, in bytes; what comes after is left out. */
export const MAX_TEXT_BYTES = 64 * 1024 * 1024;
/** How many tokens of a set are taken, BOS included; what comes after is left out. */
export const MAX_TEXT_TOKENS = 2_000_000;

/** A text set with its file, which nobody outside the engine is told. */
export interface TextSetFile extends TextSet {
  readonly path: string;
  readonly modifiedMs: number;
}

const SEPARATOR = /^<\|endoftext\|>\r?$/m;

/** Characters that are given to the tokenizer at a time: it holds the thread meanwhile. */
const PIECE_CHARACTERS = 16_384;
/** The text sets of a model that are there now, its own first. @param files Paths, as `--corpus` gave them */
export async function findTextSets(
  { folder }: Pick<LanguageModel, "folder">,
  files: readonly string[],
): Promise<readonly TextSetFile[]> {
  const candidates = [
    { path: join(folder, "corpus.txt"), origin: "the model’s folder" },
    ...files.map((path) => ({ path, origin: "--corpus" })),
  ];
  const sets: TextSetFile[] = [];
  for (const { path, origin } of candidates) {
    const found = await stat(path).catch(() => null);
    if (found === null || !found.isFile()) continue;
    const name = basename(path, extname(path));
    const sameName = sets.filter(({ id }) => id === name || id.startsWith(`${name}~`)).length;
    const id = sameName === 0 ? name : `${name}~${sameName + 1}`;
    sets.push({ id, sizeBytes: found.size, origin, path, modifiedMs: found.mtimeMs });
  }
  return sets;
}

/**
 * Reads a text set as sequences, giving way to others in between.
 *
 * @throws {ValidationError} if a line is not what it should be, or there is no text
 */
export async function readSequences(set: TextSetFile, model: LanguageModel): Promise<Sequences> {
  const { architecture: { bosId, contextLength, vocabularySize } } = model;
  const bos = bosId === null ? [] : [bosId];
  const room = Math.max(1, Math.min(MAX_SEQUENCE_TOKENS, contextLength) - bos.length);
  const tokens: number[] = [];
  const starts = [0];
  const turns = new Turns();
  let document = 0;
  for (const text of documentsOf(set, await readText(set))) {
    document++;
    const ids: number[] = [];
    for (const piece of piecesOf(text)) {
      for (const id of encode(piece, model)) ids.push(id);
      await turns.rest();
      if (tokens.length + ids.length > MAX_TEXT_TOKENS) break;
    }
    const unknown = ids.find((id) => id >= vocabularySize);
    if (unknown !== undefined) {
      throw wrongText(set, `document ${document} has token ${unknown}: expected 0..${vocabularySize - 1}`);
    }
    for (let from = 0; from < ids.length && tokens.length + bos.length < MAX_TEXT_TOKENS; from += room) {
      tokens.push(...bos, ...ids.slice(from, from + room));
      starts.push(tokens.length);
    }
    if (tokens.length >= MAX_TEXT_TOKENS) break;
  }
  if (tokens.length === 0) throw wrongText(set, "it holds no text");
  return new Sequences(Int32Array.from(tokens), Uint32Array.from(starts));
}

async function readText({ path, sizeBytes }: TextSetFile): Promise<string> {
  const buffer = new Uint8Array(Math.min(sizeBytes, MAX_TEXT_BYTES));
  await using handle = await open(path);
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return new TextDecoder().decode(buffer.subarray(0, filled));
}

/** The documents of a text, in order; the last one of a file that is not read to its end may be cut off and is left out. */
function* documentsOf(set: TextSetFile, text: string): Generator<string> {
  const isLines = extname(set.path).toLowerCase() === ".jsonl";
  const parts = isLines ? text.split("\n") : text.split(SEPARATOR);
  const isCut = set.sizeBytes > MAX_TEXT_BYTES && parts.length > 1;
  for (const [index, part] of (isCut ? parts.slice(0, -1) : parts).entries()) {
    if (part.trim() === "") continue;
    yield isLines ? textOfLine(set, part, index + 1) : part.trim();
  }
}

function textOfLine(set: TextSetFile, line: string, number: number): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    throw wrongText(set, `line ${number} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof parsed === "object" && parsed !== null && "text" in parsed && typeof parsed.text === "string") {
    return parsed.text;
  }
  throw wrongText(set, `line ${number}: expected an object with a field "text"`);
}

/** Parts of a long text, cut only where a word follows a single space: there, no tokenizer of this kind joins across. */
function* piecesOf(text: string): Generator<string> {
  let from = 0;
  while (text.length - from > PIECE_CHARACTERS) {
    const found = text.slice(from + PIECE_CHARACTERS).search(/(?<=\S) \S/);
    if (found === -1) break;
    const to = from + PIECE_CHARACTERS + found;
    yield text.slice(from, to);
    from = to;
  }
  yield text.slice(from);
}

function encode(text: string, { tokenizer, id }: LanguageModel): readonly number[] {
  try {
    return tokenizer.encode(text);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    throw new ValidationError(error.issues.map(({ message }) => ({ path: "textSet", message: `${id}: ${message}` })));
  }
}

function wrongText({ id }: TextSet, what: string): ValidationError {
  return new ValidationError([{ path: "textSet", message: `Cannot read text set "${id}": ${what}` }]);
}

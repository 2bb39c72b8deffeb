/** From text to token ids and back: one interface over any `tokenizer.json`, and one for models without. */
import { readFile, stat } from "node:fs/promises";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { FileFormatError, ValidationError } from "../errors.ts";

/** Largest `tokenizer.json` accepted, in bytes; those of published models have up to about 35 MB. */
const MAX_TOKENIZER_BYTES = 128 * 1024 * 1024;

export interface Tokenizer {
  /** Token ids of a text; special tokens written out are recognised, none are added. */
  encode(text: string): readonly number[];
  /** The text of one token alone; bytes that are no whole character show as U+FFFD. */
  tokenText(id: number): string;
  /** The text of a token list: whole characters even where several tokens share one. */
  decode(ids: readonly number[]): string;
}

/**
 * Reads a Hugging Face `tokenizer.json`; null if there is no such file.
 *
 * @throws {FileFormatError} if the file is too large or not understood.
 */
export async function readTokenizer(path: string): Promise<Tokenizer | null> {
  const size = await stat(path).then((found) => found.size, () => null);
  if (size === null) return null;
  if (size > MAX_TOKENIZER_BYTES) {
    throw new FileFormatError(
      `Cannot read tokenizer.json: it has ${size} bytes, at most ${MAX_TOKENIZER_BYTES} are accepted`,
    );
  }
  try {
    return wrap(new HuggingFaceTokenizer(JSON.parse(await readFile(path, "utf8")), {}));
  } catch (cause) {
    throw new FileFormatError(`Cannot read tokenizer.json: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function wrap(tokenizer: HuggingFaceTokenizer): Tokenizer {
  const decode = (ids: readonly number[]) =>
    tokenizer.decode([...ids], { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  return {
    encode: (text) => text === "" ? [] : tokenizer.encode(text, { add_special_tokens: false }).ids,
    tokenText: (id) => decode([id]),
    decode,
  };
}

/** For a model without `tokenizer.json`: texts are token ids, separated by spaces or commas. */
export const idTokenizer: Tokenizer = {
  encode(text) {
    return text.split(/[\s,]+/).filter((word) => word !== "").map((word) => {
      if (!/^\d{1,9}$/.test(word)) {
        throw new ValidationError([{
          path: "",
          message: `This model has no tokenizer, so its texts are token ids: expected whole numbers but found "${
            word.slice(0, 40)
          }"`,
        }]);
      }
      return Number(word);
    });
  },
  tokenText: (id) => String(id),
  decode: (ids) => ids.join(" "),
};

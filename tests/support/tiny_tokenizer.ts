/** A small byte-level BPE in the format of Hugging Face's `tokenizer.json`. */

/** In the order of their ranks; `Ġ` stands for a space, as everywhere in byte-level BPE. */
const MERGES = [
  ["Ġ", "t"],
  ["h", "e"],
  ["Ġt", "he"],
  ["Ġt", "o"],
  ["Ġ", "a"],
  ["Ġ", "M"],
  ["a", "r"],
  ["ar", "y"],
  ["ĠM", "ary"],
  ["Ġ", "J"],
  ["o", "h"],
  ["oh", "n"],
  ["ĠJ", "ohn"],
] as const;

/** The special token that starts and ends a document; its id is the last. */
export const END_OF_TEXT = "<|endoftext|>";

/** 256 bytes, one token per merge, and the special token. */
export const TOKENIZER_VOCABULARY_SIZE = 256 + MERGES.length + 1;

/** Id of `<|endoftext|>`. */
export const END_OF_TEXT_ID = TOKENIZER_VOCABULARY_SIZE - 1;

/** The content of `tokenizer.json`: every text encodes, and " the", " to", " a", " Mary" and " John" are one token each. */
export function byteLevelTokenizer(): Record<string, unknown> {
  const tokens = [...byteAlphabet(), ...MERGES.map((pair) => pair.join(""))];
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    "added_tokens": [{
      id: END_OF_TEXT_ID,
      content: END_OF_TEXT,
      "single_word": false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    }],
    normalizer: null,
    "pre_tokenizer": { type: "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
    "post_processor": null,
    decoder: { type: "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true },
    model: {
      type: "BPE",
      dropout: null,
      "unk_token": null,
      "continuing_subword_prefix": "",
      "end_of_word_suffix": "",
      "fuse_unk": false,
      vocab: Object.fromEntries([...tokens, END_OF_TEXT].map((token, id) => [token, id])),
      merges: MERGES.map((pair) => pair.join(" ")),
    },
  };
}

/** GPT-2's printable stand-ins for the 256 bytes: printable Latin-1 stands for itself, the rest starts at U+0100. */
function byteAlphabet(): string[] {
  const isPrintable = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const others = bytes.filter((byte) => !isPrintable(byte)).map((_, rank) => String.fromCodePoint(0x100 + rank));
  return [...bytes.filter(isPrintable).map((byte) => String.fromCodePoint(byte)), ...others];
}

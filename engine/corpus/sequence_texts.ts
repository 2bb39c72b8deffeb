/**
 * The sequences of a text set as text that is searched without regard to case, with the place of every token in it. Held for one set at a
 * time: for a set of the largest size, about 10 MB of text and 8 MB of places.
 */
import type { Tokenizer } from "../model/tokenizer.ts";
import type { Sequences } from "./sequences.ts";
import type { Turns } from "./turns.ts";

/** Stands in the text of a token that is part of a character. */
const PART_OF_CHARACTER = "\ufffd";

export class SequenceTexts {
  /** By sequence. */
  readonly texts: readonly string[];
  /** Where the text of each token of the set ends in that of its sequence, in characters. */
  readonly ends: Uint32Array;

  private constructor(texts: readonly string[], ends: Uint32Array) {
    this.texts = texts;
    this.ends = ends;
  }

  /** @param bosId A BOS at the start of a sequence has no text: it is not of the document */
  static async read(
    sequences: Sequences,
    { tokenizer, bosId }: { readonly tokenizer: Tokenizer; readonly bosId: number | null },
    turns: Turns,
  ): Promise<SequenceTexts> {
    const { tokens, starts, count } = sequences;
    const pieces = new Pieces(tokenizer);
    const texts: string[] = [];
    const ends = new Uint32Array(tokens.length);
    for (let sequence = 0; sequence < count; sequence++) {
      const [start = 0, end = 0] = [starts[sequence], starts[sequence + 1]];
      let text = "";
      let from = bosId !== null && tokens[start] === bosId ? start + 1 : start;
      while (from < end) {
        const { piece, to } = pieces.next(tokens, { from, end });
        text += piece;
        ends.fill(text.length, from, to);
        from = to;
      }
      texts.push(text);
      if (turns.isOver()) await turns.rest();
    }
    return new SequenceTexts(texts, ends);
  }
}

/** A text as it is compared: in lower case, and a sigma at the end of a word as any other. */
export function foldCase(text: string): string {
  return text.toLowerCase().replaceAll("ς", "σ");
}

/** Texts of tokens, each found once; tokens that only together are whole characters have one text. */
class Pieces {
  readonly #tokenizer: Tokenizer;
  readonly #known = new Map<number, string>();

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** The piece that begins with a token: as few tokens as are whole characters, or all that belong to none. */
  next(
    tokens: Int32Array,
    { from, end }: { readonly from: number; readonly end: number },
  ): { readonly piece: string; readonly to: number } {
    let piece = this.#text(tokens[from] ?? 0);
    let to = from + 1;
    while (piece.includes(PART_OF_CHARACTER) && to < end && this.#text(tokens[to] ?? 0).includes(PART_OF_CHARACTER)) {
      to++;
      piece = foldCase(this.#tokenizer.decode([...tokens.subarray(from, to)]));
    }
    return { piece, to };
  }

  #text(id: number): string {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const text = foldCase(this.#tokenizer.tokenText(id));
    this.#known.set(id, text);
    return text;
  }
}

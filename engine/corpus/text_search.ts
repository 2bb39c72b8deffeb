/** Where a phrase is in the sequences of a text set: which tokens are on it, and how often each sequence has it. */
import type { Sequences } from "./sequences.ts";
import { foldCase, type SequenceTexts } from "./sequence_texts.ts";
import type { Turns } from "./turns.ts";

export class PhraseMatches {
  /** Of each sequence, how often it has the phrase, without overlaps. */
  readonly counts: Uint32Array;
  readonly #sequences: Sequences;
  /** 1 for each token of the set that is on the phrase, though it be with one character. */
  readonly #marks: Uint8Array;

  constructor(sequences: Sequences) {
    this.#sequences = sequences;
    this.counts = new Uint32Array(sequences.count);
    this.#marks = new Uint8Array(sequences.tokens.length);
  }

  /** Adds an occurrence at the tokens `from` to before `end`, counted in the whole set. */
  add(sequence: number, from: number, end: number): void {
    this.counts[sequence] = (this.counts[sequence] ?? 0) + 1;
    this.#marks.fill(1, from, end);
  }

  /** Whether a token of a sequence is on the phrase. */
  isOn(sequence: number, token: number): boolean {
    return this.#marks[(this.#sequences.starts[sequence] ?? 0) + token] === 1;
  }

  /** Numbers of the sequences that have the phrase, rising. */
  numbers(): readonly number[] {
    const found: number[] = [];
    this.counts.forEach((count, sequence) => {
      if (count > 0) found.push(sequence);
    });
    return found;
  }

  /** The first tokens of a sequence that are on the phrase, those that follow without a gap included: `[from, end]`, counted in the sequence. */
  firstIn(sequence: number): readonly [from: number, end: number] {
    const { starts } = this.#sequences;
    const [start = 0, end = 0] = [starts[sequence], starts[sequence + 1]];
    const marks = this.#marks.subarray(start, end);
    const from = Math.max(0, marks.indexOf(1));
    const length = marks.subarray(from).indexOf(0);
    return [from, length === -1 ? marks.length : from + length];
  }
}

/** A phrase as text: in upper or lower case, also within words. */
export async function findText(
  sequences: Sequences,
  { texts, ends }: SequenceTexts,
  { phrase, turns }: { readonly phrase: string; readonly turns: Turns },
): Promise<PhraseMatches> {
  const found = new PhraseMatches(sequences);
  const sought = foldCase(phrase);
  for (const [sequence, text] of texts.entries()) {
    const [start = 0, end = 0] = [sequences.starts[sequence], sequences.starts[sequence + 1]];
    let token = start;
    const tokenAt = (character: number) => {
      while ((ends[token] ?? Infinity) <= character) token++;
      return token;
    };
    // Tokens that only together are a character have one end.
    const endAt = (character: number) => {
      let last = tokenAt(character);
      while (last + 1 < end && ends[last + 1] === ends[last]) last++;
      return last + 1;
    };
    for (let at = text.indexOf(sought); at !== -1; at = text.indexOf(sought, at + sought.length)) {
      const from = tokenAt(at);
      found.add(sequence, from, endAt(at + sought.length - 1));
    }
    if (turns.isOver()) await turns.rest();
  }
  return found;
}

/** A phrase as tokens: exactly these, one after the other. @param phrase Ids, at least one */
export async function findTokens(
  sequences: Sequences,
  { phrase, turns }: { readonly phrase: readonly number[]; readonly turns: Turns },
): Promise<PhraseMatches> {
  const found = new PhraseMatches(sequences);
  const { tokens, starts, count } = sequences;
  const [first = -1] = phrase;
  for (let sequence = 0; sequence < count; sequence++) {
    const end = starts[sequence + 1] ?? 0;
    let at = starts[sequence] ?? 0;
    while (at + phrase.length <= end) {
      if (tokens[at] === first && phrase.every((id, i) => tokens[at + i] === id)) {
        found.add(sequence, at, at + phrase.length);
        at += phrase.length;
      } else {
        at++;
      }
    }
    if (turns.isOver()) await turns.rest();
  }
  return found;
}

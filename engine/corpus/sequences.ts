/** The sequences of a text set: token ids one after the other, cut where one sequence ends and the next begins. */
import { sampleOf } from "./random.ts";
import { RANDOM_SEQUENCES } from "./corpus_requests.ts";

const SAMPLE_SEED = 5003;

/** Sequences from which the ordinary tokens of a set are taken. */
const ORDINARY_SEQUENCES = 500;

export class Sequences {
  /** Of all sequences. */
  readonly tokens: Int32Array<ArrayBuffer>;
  /** Where each sequence begins, and where the last one ends: `[count + 1]`. */
  readonly starts: Uint32Array<ArrayBuffer>;

  constructor(tokens: Int32Array<ArrayBuffer>, starts: Uint32Array<ArrayBuffer>) {
    this.tokens = tokens;
    this.starts = starts;
  }

  get count(): number {
    return this.starts.length - 1;
  }

  lengthOf(sequence: number): number {
    return (this.starts[sequence + 1] ?? 0) - (this.starts[sequence] ?? 0);
  }

  /** Token ids of a sequence. */
  at(sequence: number): readonly number[] {
    return [...this.tokens.subarray(this.starts[sequence], this.starts[sequence + 1])];
  }

  /** The random sample, in the order in which its first few are taken. */
  sample(): readonly number[] {
    return sampleOf(this.count, RANDOM_SEQUENCES, SAMPLE_SEED);
  }

  /** Different token ids that the texts are made of, BOS left out; rising. */
  ordinaryTokens(bosId: number | null): readonly number[] {
    const end = this.starts[Math.min(this.count, ORDINARY_SEQUENCES)];
    const found = new Set(this.tokens.subarray(0, end));
    if (bosId !== null) found.delete(bosId);
    return [...found].sort((a, b) => a - b);
  }
}

/** Sequences that are planned together: within them, those of like length share a batch, and little is filled up. */
const PLANNED_TOGETHER = 512;

/**
 * In which batches a set is read: numbers of sequences. Depends on nothing but lengths and size, so that a sweep that was interrupted goes
 * on with the batches that it had.
 *
 * @param maxTokens Of a batch, filled up to its longest sequence; a batch has at least one sequence
 * @param chosen Which sequences; default: all
 */
export function planBatches(
  sequences: Sequences,
  maxTokens: number,
  chosen: readonly number[] = Array.from({ length: sequences.count }, (_, i) => i),
): readonly (readonly number[])[] {
  const batches: number[][] = [];
  for (let from = 0; from < chosen.length; from += PLANNED_TOGETHER) {
    const numbers = chosen.slice(from, from + PLANNED_TOGETHER);
    numbers.sort((a, b) => sequences.lengthOf(b) - sequences.lengthOf(a) || a - b);
    let batch: number[] = [];
    for (const number of numbers) {
      const longest = sequences.lengthOf(batch[0] ?? number);
      if (batch.length > 0 && (batch.length + 1) * longest > maxTokens) {
        batches.push(batch);
        batch = [];
      }
      batch.push(number);
    }
    batches.push(batch);
  }
  return batches;
}

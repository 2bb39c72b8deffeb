/**
 * In which order a training reads its texts: block by block, each a bounded number of activations that are shuffled as a whole. Depends on
 * nothing but lengths, sizes and the seed, so that a training that was interrupted goes on with the very batches that it would have had.
 *
 * Where the activations of all texts fit, every block is all of them in another order, and they are computed once. Else sequences are shuffled in
 * every pass over the texts, and a block takes as many as fit. What is left over of a block when it has been cut into batches is dropped.
 */
import { ValidationError } from "../errors.ts";
import { hashOf, permutationOf } from "../tensor/random.ts";
import { sampleOf } from "./random.ts";
import type { Sequences } from "./sequences.ts";

/** Memory for the activations of a block, in bytes. */
const MAX_BLOCK_BYTES = 128 * 1024 * 1024;

/** One sequence in so many is left out of training, and measured on. */
const HELD_OUT_SHARE = 10;
const HELD_OUT_SEED = 8837;

/** Sequences that dictionaries are measured on, in random order; the same for every training over the texts. */
export function heldOutSequences({ count }: Sequences): readonly number[] {
  return sampleOf(count, Math.ceil(count / HELD_OUT_SHARE), HELD_OUT_SEED);
}

/** Tokens of a sequence that count: all but BOS. */
export function countedTokens(sequences: Sequences, sequence: number, bosId: number | null): number {
  const first = sequences.tokens[sequences.starts[sequence] ?? 0];
  return sequences.lengthOf(sequence) - Number(first === bosId);
}

export interface ActivationBlock {
  readonly index: number;
  /** Numbers of its sequences; equal for blocks whose activations are the same. */
  readonly sequences: readonly number[];
  /** Activations. */
  readonly rows: number;
  /** The step that reads its first batch. */
  readonly firstStep: number;
  /** Batches that it is cut into. */
  readonly stepCount: number;
}

export interface ActivationPlanOptions {
  readonly bosId: number | null;
  /** Activations of a step. */
  readonly batch: number;
  /** Channels of an activation. */
  readonly width: number;
  readonly seed: number;
  /** Default: `MAX_BLOCK_BYTES`. */
  readonly maxBlockBytes?: number;
}

export class ActivationPlan {
  readonly #sequences: Sequences;
  readonly #options: ActivationPlanOptions;
  /** Numbers of the sequences that are trained on. */
  readonly #trained: readonly number[];
  readonly #maxRows: number;
  readonly #allRows: number;
  /** The block that was asked for last; it alone is kept, for a long training has very many. */
  #block: ActivationBlock | null = null;
  /** Place in the endless row of passes over the texts, and the pass that was shuffled last. */
  #place = 0;
  #pass: { readonly number: number; readonly order: Uint32Array } | null = null;

  /** @throws {ValidationError} if there is too little text for a batch */
  constructor(sequences: Sequences, options: ActivationPlanOptions) {
    const { batch, width, bosId, maxBlockBytes = MAX_BLOCK_BYTES } = options;
    const heldOut = new Set(heldOutSequences(sequences));
    this.#sequences = sequences;
    this.#options = options;
    this.#trained = Array.from({ length: sequences.count }, (_, i) => i).filter((sequence) => !heldOut.has(sequence));
    this.#maxRows = Math.max(batch, Math.floor(maxBlockBytes / (4 * width)));
    this.#allRows = this.#trained.reduce((sum, sequence) => sum + countedTokens(sequences, sequence, bosId), 0);
    if (this.#allRows < batch) {
      throw new ValidationError([{
        path: "textSet",
        message: `It has ${this.#allRows} tokens to train on: expected at least the ${batch} of a batch`,
      }]);
    }
  }

  /** The block that a step reads from. */
  blockOf(step: number): ActivationBlock {
    if (this.#block !== null && step < this.#block.firstStep) {
      this.#block = null;
      this.#place = 0;
    }
    let block = this.#block ?? this.#blockAfter(null);
    while (step >= block.firstStep + block.stepCount) block = this.#blockAfter(block);
    this.#block = block;
    return block;
  }

  /** Order in which a block's activations are read, a batch after the other. */
  orderOf({ index, rows }: ActivationBlock): Uint32Array {
    return permutationOf(rows, hashOf(this.#options.seed, 2 * index));
  }

  #blockAfter(last: ActivationBlock | null): ActivationBlock {
    const sequences = this.#allRows <= this.#maxRows ? this.#trained : this.#nextSequences();
    const rows = sequences.reduce((sum, sequence) => sum + this.#rowsOf(sequence), 0);
    return {
      index: last === null ? 0 : last.index + 1,
      sequences,
      rows,
      firstStep: last === null ? 0 : last.firstStep + last.stepCount,
      stepCount: Math.floor(rows / this.#options.batch),
    };
  }

  /** As many sequences as fit into a block, at least enough for a batch. */
  #nextSequences(): readonly number[] {
    const taken: number[] = [];
    for (let rows = 0;; this.#place++) {
      const sequence = this.#sequenceAt(this.#place);
      rows += this.#rowsOf(sequence);
      const isEnough = rows - this.#rowsOf(sequence) >= this.#options.batch;
      if (rows > this.#maxRows && isEnough) return taken;
      taken.push(sequence);
    }
  }

  #sequenceAt(place: number): number {
    const number = Math.floor(place / this.#trained.length);
    if (this.#pass?.number !== number) {
      const seed = hashOf(this.#options.seed, 2 * number + 1);
      this.#pass = { number, order: permutationOf(this.#trained.length, seed) };
    }
    return this.#trained[this.#pass.order[place % this.#trained.length] ?? 0] ?? 0;
  }

  #rowsOf(sequence: number): number {
    return countedTokens(this.#sequences, sequence, this.#options.bosId);
  }
}

/** The steps of a sweep, in order: repeated sequences and copying first, so that a partial sweep has scores; then the texts. */
import type { Architecture } from "../model/architecture.ts";
import type { CollectedSequence } from "./group_statistics.ts";
import { copiedTokens, repeatedSequences } from "./head_scores.ts";
import { planBatches, type Sequences } from "./sequences.ts";
import type { SweepStep } from "./sweeper.ts";

/** Changes with what a step collects, or how texts are cut: what an older program has collected is then not gone on with. */
export const SWEEP_VERSION = 1;

/** Multiplications that a step may have: a quarter of a second of the engine thread on two cores (measured: 128 tokens of GPT-2 small). */
const STEP_MULTIPLICATIONS = 128 * 85e6;
const MAX_STEP_TOKENS = 2048;

/** Tokens of a batch, so that no question waits longer than half a second for one. */
export function tokensPerStep({ layerCount, modelWidth, mlpWidth }: Architecture): number {
  const perToken = layerCount * (4 * modelWidth ** 2 + 2 * modelWidth * mlpWidth);
  return Math.max(1, Math.min(MAX_STEP_TOKENS, Math.round(STEP_MULTIPLICATIONS / perToken)));
}

export class SweepPlan {
  /** Steps in all. */
  readonly stepCount: number;
  readonly #architecture: Architecture;
  readonly #sequences: Sequences;
  readonly #slots: ReadonlyMap<number, number>;
  readonly #first: readonly SweepStep[];
  readonly #batches: readonly (readonly number[])[];

  /** @param stepTokens As `tokensPerStep` says; part of what identifies a sweep */
  constructor(architecture: Architecture, sequences: Sequences, stepTokens: number) {
    this.#architecture = architecture;
    this.#sequences = sequences;
    this.#slots = new Map(sequences.sample().map((number, slot) => [number, slot]));
    this.#first = [...this.#repeated(stepTokens), ...this.#copying()];
    this.#batches = planBatches(sequences, stepTokens);
    this.stepCount = this.#first.length + this.#batches.length;
  }

  step(index: number): SweepStep {
    const first = this.#first[index];
    if (first !== undefined) return first;
    const numbers = this.#numbersOf(index);
    return {
      kind: "text",
      texts: numbers.map((number) => this.#sequences.at(number)),
      sequences: numbers.map((number): CollectedSequence => ({
        number,
        sampleSlot: this.#slots.get(number) ?? null,
        length: this.#sequences.lengthOf(number),
      })),
    };
  }

  /** Sequences and tokens of the text that a step reads; none of those steps that read other sequences. */
  progressOf(index: number): { readonly sequences: number; readonly tokens: number } {
    const numbers = this.#numbersOf(index);
    const tokens = numbers.reduce((sum, number) => sum + this.#sequences.lengthOf(number), 0);
    return { sequences: numbers.length, tokens };
  }

  #numbersOf(index: number): readonly number[] {
    return this.#batches[index - this.#first.length] ?? [];
  }

  #repeated(stepTokens: number): readonly SweepStep[] {
    const ordinary = this.#sequences.ordinaryTokens(this.#architecture.bosId);
    const { sequences: texts, period } = repeatedSequences(ordinary, this.#architecture);
    const length = texts[0]?.length ?? 1;
    const perStep = Math.max(1, Math.floor(stepTokens / length));
    return Array.from(
      { length: Math.ceil(texts.length / perStep) },
      (_, i) => ({ kind: "repeated", texts: texts.slice(i * perStep, (i + 1) * perStep), period }),
    );
  }

  #copying(): readonly SweepStep[] {
    const { bosId, layerCount, headCount, vocabularySize, modelWidth } = this.#architecture;
    const tokens = copiedTokens(this.#sequences.ordinaryTokens(bosId));
    const perHead = tokens.length * vocabularySize * modelWidth;
    const perStep = Math.max(1, Math.min(headCount, Math.floor(STEP_MULTIPLICATIONS / perHead)));
    const heads = Array.from({ length: headCount }, (_, head) => head);
    return Array.from({ length: layerCount }, (_, layer) => layer).flatMap((layer) =>
      Array.from({ length: Math.ceil(headCount / perStep) }, (_, i): SweepStep => ({
        kind: "copying",
        layer,
        heads: heads.slice(i * perStep, (i + 1) * perStep),
        tokens,
      }))
    );
  }
}

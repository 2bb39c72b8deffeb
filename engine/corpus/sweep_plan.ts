/** The steps of a sweep, in order: repeated sequences and copying first, so that a partial sweep has scores; then the texts. */
import type { Architecture } from "../model/architecture.ts";
import type { DictionaryDetail } from "../model/dictionary.ts";
import type { CollectedSequence } from "./group_statistics.ts";
import { copiedTokens, repeatedSequences } from "./head_scores.ts";
import { planBatches, type Sequences } from "./sequences.ts";
import type { SweepStep } from "./sweeper.ts";

/** Changes with what a step collects, or how texts are cut: what an older program has collected is then not gone on with. */
export const SWEEP_VERSION = 1;

/** Activations of latents that a step may have: 32 MB of them. */
const STEP_LATENTS = 2 ** 23;

/** Multiplications that a step may have: a quarter of a second of the engine thread on two cores (measured: 128 tokens of GPT-2 small). */
const STEP_MULTIPLICATIONS = 128 * 85e6;
const MAX_STEP_TOKENS = 2048;

/** Tokens of a batch, so that no question waits longer than half a second for one. */
export function tokensPerStep({ layerCount, modelWidth, mlpWidth }: Architecture): number {
  const perToken = layerCount * (4 * modelWidth ** 2 + 2 * modelWidth * mlpWidth);
  return Math.max(1, Math.min(MAX_STEP_TOKENS, Math.round(STEP_MULTIPLICATIONS / perToken)));
}

/** The same where only the latents of one dictionary are computed, in the layers up to its own. */
export function latentTokensPerStep(
  { modelWidth, mlpWidth }: Pick<Architecture, "modelWidth" | "mlpWidth">,
  { layer, inputWidth, latentCount }: Pick<DictionaryDetail, "layer" | "inputWidth" | "latentCount">,
): number {
  const perToken = (layer + 1) * (4 * modelWidth ** 2 + 2 * modelWidth * mlpWidth) + inputWidth * latentCount;
  const most = Math.min(MAX_STEP_TOKENS, STEP_LATENTS / latentCount, STEP_MULTIPLICATIONS / perToken);
  return Math.max(1, Math.round(most));
}

/** What is done one after the other. */
export type Plan = Pick<SweepPlan, "stepCount" | "step" | "progressOf">;

/** Batches of the texts. */
class TextBatches {
  /** How many there are. */
  readonly count: number;
  readonly #sequences: Sequences;
  readonly #slots: ReadonlyMap<number, number>;
  readonly #batches: readonly (readonly number[])[];

  constructor(sequences: Sequences, stepTokens: number) {
    this.#sequences = sequences;
    this.#slots = new Map(sequences.sample().map((number, slot) => [number, slot]));
    this.#batches = planBatches(sequences, stepTokens);
    this.count = this.#batches.length;
  }

  /** One batch, as steps hold it. */
  at(index: number): Pick<SweepStep & { readonly kind: "text" }, "texts" | "sequences"> {
    const numbers = this.#numbersOf(index);
    return {
      texts: numbers.map((number) => this.#sequences.at(number)),
      sequences: numbers.map((number): CollectedSequence => ({
        number,
        sampleSlot: this.#slots.get(number) ?? null,
        length: this.#sequences.lengthOf(number),
      })),
    };
  }

  /** Sequences and tokens of a batch; none of one that there is not. */
  progressOf(index: number): { readonly sequences: number; readonly tokens: number } {
    const numbers = this.#numbersOf(index);
    const tokens = numbers.reduce((sum, number) => sum + this.#sequences.lengthOf(number), 0);
    return { sequences: numbers.length, tokens };
  }

  #numbersOf(index: number): readonly number[] {
    return this.#batches[index] ?? [];
  }
}

/** The sweep of a dictionary: the texts alone. */
export class LatentSweepPlan {
  readonly stepCount: number;
  readonly #dictionary: string;
  readonly #batches: TextBatches;

  /** @param options `dictionary`: its id; `stepTokens`: as `latentTokensPerStep` says */
  constructor(
    sequences: Sequences,
    { dictionary, stepTokens }: { readonly dictionary: string; readonly stepTokens: number },
  ) {
    this.#dictionary = dictionary;
    this.#batches = new TextBatches(sequences, stepTokens);
    this.stepCount = this.#batches.count;
  }

  step(index: number): SweepStep {
    return { kind: "latents", dictionary: this.#dictionary, ...this.#batches.at(index) };
  }

  progressOf(index: number): { readonly sequences: number; readonly tokens: number } {
    return this.#batches.progressOf(index);
  }
}

/** The sweep of a model itself. */
export class SweepPlan {
  /** Steps in all. */
  readonly stepCount: number;
  readonly #architecture: Architecture;
  readonly #sequences: Sequences;
  readonly #first: readonly SweepStep[];
  readonly #batches: TextBatches;

  /** @param stepTokens As `tokensPerStep` says; part of what identifies a sweep */
  constructor(architecture: Architecture, sequences: Sequences, stepTokens: number) {
    this.#architecture = architecture;
    this.#sequences = sequences;
    this.#first = [...this.#repeated(stepTokens), ...this.#copying()];
    this.#batches = new TextBatches(sequences, stepTokens);
    this.stepCount = this.#first.length + this.#batches.count;
  }

  step(index: number): SweepStep {
    return this.#first[index] ?? { kind: "text", ...this.#batches.at(index - this.#first.length) };
  }

  /** Sequences and tokens of the text that a step reads; none of those steps that read other sequences. */
  progressOf(index: number): { readonly sequences: number; readonly tokens: number } {
    return this.#batches.progressOf(index - this.#first.length);
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

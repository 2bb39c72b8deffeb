/**
 * What is collected of all neurons, or all heads, of one layer, or of all latents of a dictionary. Everything lies in one buffer: it moves between threads without a copy
 * and is stored as it is. Two of them merge by adding sums and counts, by taking minima and maxima, and by merging lists; whatever is
 * collected in parts is the same as in one go, up to the rounding of float64 sums.
 */
import { EngineError } from "../errors.ts";
import { BIN_COUNT, binOf } from "./histogram.ts";
import { RANDOM_SEQUENCES, TOP_SEQUENCES } from "./corpus_requests.ts";

const ZERO_BIN = binOf(0);

/** Sums of powers of the values: x, x², x³, x⁴. */
const POWERS = 4;

/** Sums of which head scores are shares; each has a row `[component]`. Neurons leave them 0. */
export const SCORE_SUMS = [
  "previousToken",
  "self",
  "firstToken",
  "entropy",
  "induction",
  "duplicateToken",
  "copying",
] as const;
export type ScoreSum = typeof SCORE_SUMS[number];

/** How many terms the sums have: queries of the corpus, queries of the repeated sequences, tokens that were read. */
export const SCORE_COUNTS = ["queries", "repeatedQueries", "readTokens"] as const;
export type ScoreCount = typeof SCORE_COUNTS[number];

/** Stands in a top list where no sequence is. */
export const NO_SEQUENCE = 0xffffffff;

/** Keys of a pair's place: a place is the token, or query · PLACE_KEYS + key. */
export const PLACE_KEYS = 0x10000;

/** One sequence of a batch as it is collected. */
export interface CollectedSequence {
  /** Its number in the text set. */
  readonly number: number;
  /** Its place in the random sample; null if it is not in it. */
  readonly sampleSlot: number | null;
  readonly length: number;
}

export class GroupStatistics {
  readonly buffer: ArrayBuffer;
  /** Components of the group. */
  readonly size: number;
  /** Values of each component, the same for all: `[1]`. */
  readonly count: Float64Array;
  /** `[power, component]` */
  readonly sums: Float64Array;
  /** `[score sum, component]` */
  readonly scoreSums: Float64Array;
  /** `[score count]` */
  readonly scoreCounts: Float64Array;
  /** `[component]`; ±Infinity before the first value. */
  readonly minima: Float32Array;
  readonly maxima: Float32Array;
  /** Values above 0: `[component]`. */
  readonly positive: Uint32Array;
  /** `[component, bin]` */
  readonly histograms: Uint32Array;
  /** `[component, rank]`, by falling maximum, then by rising number; −Infinity and `NO_SEQUENCE` where the list ends. */
  readonly topValues: Float32Array;
  readonly topSequences: Uint32Array;
  readonly topPlaces: Uint32Array;
  /** Maximum on each sequence of the random sample: `[component, slot]`; −Infinity where it has not been read. */
  readonly sampleMaxima: Float32Array;
  #best = -Infinity;
  #bestPlace = 0;

  /** @param buffer As another one had it; by default one that holds nothing yet */
  constructor(size: number, buffer: ArrayBuffer | null = null) {
    const floats64 = 1 + POWERS * size + SCORE_SUMS.length * size + SCORE_COUNTS.length;
    const words = size * (2 + 1 + BIN_COUNT + 3 * TOP_SEQUENCES + RANDOM_SEQUENCES);
    const bytes = floats64 * 8 + words * 4;
    if (buffer !== null && buffer.byteLength !== bytes) {
      throw new EngineError(`Cannot read collected statistics: expected ${bytes} bytes but found ${buffer.byteLength}`);
    }
    this.size = size;
    this.buffer = buffer ?? new ArrayBuffer(bytes);
    let offset = 0;
    const take = <T>(
      View: new (buffer: ArrayBuffer, offset: number, length: number) => T,
      width: number,
      length: number,
    ): T => {
      const view = new View(this.buffer, offset, length);
      offset += width * length;
      return view;
    };
    this.count = take(Float64Array, 8, 1);
    this.sums = take(Float64Array, 8, POWERS * size);
    this.scoreSums = take(Float64Array, 8, SCORE_SUMS.length * size);
    this.scoreCounts = take(Float64Array, 8, SCORE_COUNTS.length);
    this.minima = take(Float32Array, 4, size);
    this.maxima = take(Float32Array, 4, size);
    this.positive = take(Uint32Array, 4, size);
    this.histograms = take(Uint32Array, 4, BIN_COUNT * size);
    this.topValues = take(Float32Array, 4, TOP_SEQUENCES * size);
    this.topSequences = take(Uint32Array, 4, TOP_SEQUENCES * size);
    this.topPlaces = take(Uint32Array, 4, TOP_SEQUENCES * size);
    this.sampleMaxima = take(Float32Array, 4, RANDOM_SEQUENCES * size);
    if (buffer !== null) return;
    this.minima.fill(Infinity);
    for (const view of [this.maxima, this.topValues, this.sampleMaxima]) view.fill(-Infinity);
    this.topSequences.fill(NO_SEQUENCE);
  }

  /**
   * Adds the values of neurons.
   *
   * @param values `[neuron, sequence, token]`, sequences filled up to the longest
   * @throws {EngineError} if one is not finite
   */
  addNeurons(values: Float32Array, sequences: readonly CollectedSequence[]): void {
    this.#addActivations(values, sequences, -Infinity);
  }

  /** The same for latents. Most are 0 nearly everywhere: a sequence on which one is never above 0 is none of its strongest. */
  addLatents(values: Float32Array, sequences: readonly CollectedSequence[]): void {
    this.#addActivations(values, sequences, 0);
  }

  /**
   * Adds the values of heads, for keys up to the query.
   *
   * @param values `[sequence, head, query, key]`
   * @throws {EngineError} if one is not finite
   */
  addHeads(values: Float32Array, sequences: readonly CollectedSequence[]): void {
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    const width = Math.sqrt(values.length / (this.size * sequences.length));
    sequences.forEach((sequence, row) => {
      for (let component = 0; component < this.size; component++) {
        this.#best = -Infinity;
        for (let query = 0; query < sequence.length; query++) {
          const start = ((row * this.size + component) * width + query) * width;
          this.#addSpan(component, { values, bits, start, end: start + query + 1, place: query * PLACE_KEYS });
        }
        this.#keepBest(component, sequence, -Infinity);
      }
      this.count[0] = (this.count[0] ?? 0) + sequence.length * (sequence.length + 1) / 2;
    });
    this.#requireFinite();
  }

  /** Adds terms to the sums of a score, and to how many terms there are. @param terms `[component]` */
  addScore(sum: ScoreSum, terms: ArrayLike<number>): void {
    const start = SCORE_SUMS.indexOf(sum) * this.size;
    for (let i = 0; i < this.size; i++) this.scoreSums[start + i] = (this.scoreSums[start + i] ?? 0) + (terms[i] ?? 0);
  }

  addScoreCount(count: ScoreCount, terms: number): void {
    const at = SCORE_COUNTS.indexOf(count);
    this.scoreCounts[at] = (this.scoreCounts[at] ?? 0) + terms;
  }

  /** Puts a sequence into a component's list if it is among the highest: order of adding does not matter. */
  keepTop(component: number, { value, sequence, place }: TopEntry): void {
    const start = component * TOP_SEQUENCES;
    let rank = TOP_SEQUENCES;
    while (rank > 0 && isBefore(value, sequence, this.topAt(component, rank - 1))) rank--;
    if (rank === TOP_SEQUENCES) return;
    const end = start + TOP_SEQUENCES - 1;
    for (const list of [this.topValues, this.topSequences, this.topPlaces]) {
      list.copyWithin(start + rank + 1, start + rank, end);
    }
    this.topValues[start + rank] = value;
    this.topSequences[start + rank] = sequence;
    this.topPlaces[start + rank] = place;
  }

  /** One entry of a component's list. */
  topAt(component: number, rank: number): TopEntry {
    const at = component * TOP_SEQUENCES + rank;
    return {
      value: this.topValues[at] ?? -Infinity,
      sequence: this.topSequences[at] ?? NO_SEQUENCE,
      place: this.topPlaces[at] ?? 0,
    };
  }

  /** @param above Maxima up to this are not listed */
  #addActivations(values: Float32Array, sequences: readonly CollectedSequence[], above: number): void {
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    const width = values.length / (this.size * sequences.length);
    for (let component = 0; component < this.size; component++) {
      sequences.forEach((sequence, row) => {
        this.#best = -Infinity;
        const start = (component * sequences.length + row) * width;
        this.#addSpan(component, { values, bits, start, end: start + sequence.length, place: 0 });
        this.#keepBest(component, sequence, above);
      });
    }
    for (const { length } of sequences) this.count[0] = (this.count[0] ?? 0) + length;
    this.#requireFinite();
  }

  /** A row of values of one component, at consecutive places. Nearly all rows of latents are all 0. */
  #addSpan(component: number, span: Span): void {
    const { place, start, end } = span;
    if (isZero(span)) {
      const bin = component * BIN_COUNT + ZERO_BIN;
      this.histograms[bin] = (this.histograms[bin] ?? 0) + end - start;
      this.#addRange(component, { least: 0, most: 0, place });
    } else {
      this.#addValues(component, span);
    }
  }

  /**
   * The tight loop: as few branches as can be, none that depends on a sign, and no array to take apart (measured: three of them
   * here cost as much as the loop).
   */
  #addValues(component: number, { values, bits, start, end, place }: Span): void {
    const { sums, positive, histograms, size } = this;
    const bins = component * BIN_COUNT;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let s4 = 0;
    let above = 0;
    let least = Infinity;
    let most = -Infinity;
    let mostAt = 0;
    for (let i = start; i < end; i++) {
      const x = values[i] ?? 0;
      const word = bits[i] ?? 0;
      const square = x * x;
      s1 += x;
      s2 += square;
      s3 += square * x;
      s4 += square * square;
      above += Number(word > 0);
      if (x < least) least = x;
      if (x > most) {
        most = x;
        mostAt = i;
      }
      const bin = bins + binOf(word);
      histograms[bin] = (histograms[bin] ?? 0) + 1;
    }
    sums[component] = (sums[component] ?? 0) + s1;
    sums[size + component] = (sums[size + component] ?? 0) + s2;
    sums[2 * size + component] = (sums[2 * size + component] ?? 0) + s3;
    sums[3 * size + component] = (sums[3 * size + component] ?? 0) + s4;
    positive[component] = (positive[component] ?? 0) + above;
    this.#addRange(component, { least, most, place: place + mostAt - start });
  }

  /** @param range `place`: of the largest value */
  #addRange(
    component: number,
    { least, most, place }: { readonly least: number; readonly most: number; readonly place: number },
  ): void {
    if (least < (this.minima[component] ?? 0)) this.minima[component] = least;
    if (most > (this.maxima[component] ?? 0)) this.maxima[component] = most;
    if (most > this.#best) {
      this.#best = most;
      this.#bestPlace = place;
    }
  }

  #keepBest(component: number, { number, sampleSlot }: CollectedSequence, above: number): void {
    const last = component * TOP_SEQUENCES + TOP_SEQUENCES - 1;
    if (this.#best > above && this.#best >= (this.topValues[last] ?? 0)) {
      this.keepTop(component, { value: this.#best, sequence: number, place: this.#bestPlace });
    }
    if (sampleSlot !== null) this.sampleMaxima[component * RANDOM_SEQUENCES + sampleSlot] = this.#best;
  }

  #requireFinite(): void {
    // A fourth power of what is not finite is not finite, and stays so in its sum.
    if (this.sums.subarray(3 * this.size).every(Number.isFinite)) return;
    throw new EngineError("The model's activations are not finite on these texts: its weights are damaged or overflow");
  }
}

interface TopEntry {
  /** The maximum on the sequence. */
  readonly value: number;
  readonly sequence: number;
  /** Where the maximum is; the first such place. */
  readonly place: number;
}

interface Span {
  readonly values: Float32Array;
  /** The same memory, as integers. */
  readonly bits: Int32Array;
  readonly start: number;
  readonly end: number;
  /** Of the first value. */
  readonly place: number;
}

function isZero({ bits, start, end }: Span): boolean {
  for (let i = start; i < end; i++) {
    // Without the sign: there are two zeros.
    if ((bits[i] ?? 0) << 1 !== 0) return false;
  }
  return true;
}

function isBefore(value: number, sequence: number, other: TopEntry): boolean {
  return value > other.value || (value === other.value && sequence < other.sequence);
}

/** What two parts of a text set say together. They must not have sequences in common. */
export function mergeStatistics(a: GroupStatistics, b: GroupStatistics): GroupStatistics {
  const merged = new GroupStatistics(a.size, a.buffer.slice());
  add(merged.count, b.count);
  add(merged.sums, b.sums);
  add(merged.scoreSums, b.scoreSums);
  add(merged.scoreCounts, b.scoreCounts);
  add(merged.positive, b.positive);
  add(merged.histograms, b.histograms);
  b.minima.forEach((value, i) => merged.minima[i] = Math.min(value, merged.minima[i] ?? value));
  b.maxima.forEach((value, i) => merged.maxima[i] = Math.max(value, merged.maxima[i] ?? value));
  b.sampleMaxima.forEach((value, i) => merged.sampleMaxima[i] = Math.max(value, merged.sampleMaxima[i] ?? value));
  for (let component = 0; component < a.size; component++) {
    for (let rank = 0; rank < TOP_SEQUENCES; rank++) {
      const entry = b.topAt(component, rank);
      if (entry.sequence !== NO_SEQUENCE) merged.keepTop(component, entry);
    }
  }
  return merged;
}

function add(into: Float64Array | Uint32Array, terms: Float64Array | Uint32Array): void {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] ?? 0) + (terms[i] ?? 0);
}

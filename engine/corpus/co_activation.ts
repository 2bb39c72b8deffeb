/**
 * Which components are active when one is, as far as a sweep has kept it: whether their maxima on the random sequences rise and fall
 * together, and how many of the sequences where they are strongest are the same. A sweep keeps 64 random sequences and 20 of the strongest
 * (`group_statistics.ts`): this is a first look, no measurement.
 */
import { type Component, type ComponentKind, formatComponent, type Group } from "./component.ts";
import { RANDOM_SEQUENCES, TOP_SEQUENCES } from "./corpus_requests.ts";
import { type GroupStatistics, NO_SEQUENCE } from "./group_statistics.ts";
import type { CoActivation, CorrelatedComponent, SharedSequences } from "./related_request.ts";
import { strongest } from "./strongest.ts";

/** What is said of the components of one kind. */
type Lists = CoActivation["lists"][number];

export class CoActivationSearch {
  readonly #own: Component;
  readonly #top: number;
  /** Slots of the random sample that have been read, the same for every component. */
  readonly #slots: readonly number[];
  /** Its maxima on them, less their mean, over their length: `[slot read]`; null where they are all the same. */
  readonly #direction: Float64Array | null;
  readonly #strongest: ReadonlySet<number>;
  readonly #found = new Map<ComponentKind, { correlated: CorrelatedComponent[]; shared: SharedSequences[] }>();

  /**
   * @param group Of the component's own layer and kind
   * @param options `top`: most components of each list
   */
  constructor(group: GroupStatistics, own: Component, { top }: { readonly top: number }) {
    this.#own = own;
    this.#top = top;
    const maxima = maximaOf(group, own.index);
    this.#slots = Array.from(maxima.keys()).filter((slot) => (maxima[slot] ?? -Infinity) > -Infinity);
    this.#direction = directionOf(maxima, this.#slots);
    this.#strongest = strongestSequences(group, own.index);
  }

  /** Random sequences that have been read. */
  get sampleCount(): number {
    return this.#slots.length;
  }

  /** Sequences of its own that were kept. */
  get topCount(): number {
    return this.#strongest.size;
  }

  /** Two independent components have this correlation in the root mean square; null with fewer than two sequences. */
  get chance(): number | null {
    return this.#slots.length < 2 ? null : 1 / Math.sqrt(this.#slots.length - 1);
  }

  /** Compares with every component of a layer. */
  add({ kind, layer }: Group, group: GroupStatistics): void {
    const correlations = new Float64Array(group.size);
    const shared = new Float64Array(group.size);
    for (let index = 0; index < group.size; index++) {
      const isOwn = kind === this.#own.kind && layer === this.#own.layer && index === this.#own.index;
      correlations[index] = isOwn ? NaN : this.#correlation(group, index);
      shared[index] = isOwn ? NaN : this.#sharedSequences(group, index);
    }
    const lists = this.#found.get(kind) ?? { correlated: [], shared: [] };
    this.#found.set(kind, lists);
    for (const index of strongest(correlations, this.#top)) {
      const component = formatComponent({ kind, layer, index });
      lists.correlated.push({ component, correlation: correlations[index] ?? NaN });
    }
    for (const index of strongest(shared, this.#top)) {
      const count = shared[index] ?? 0;
      if (count === 0) break;
      const either = this.#strongest.size + strongestSequences(group, index).size - count;
      lists.shared.push({ component: formatComponent({ kind, layer, index }), shared: count, jaccard: count / either });
    }
  }

  /** What was found, a kind after the other in the order in which they were added. */
  lists(): readonly Lists[] {
    return [...this.#found].map(([kind, { correlated, shared }]) => ({
      kind,
      correlated: correlated.toSorted((a, b) => Math.abs(b.correlation) - Math.abs(a.correlation)).slice(0, this.#top),
      shared: shared.toSorted((a, b) => b.shared - a.shared).slice(0, this.#top),
    }));
  }

  /** Pearson's; NaN where one of the two does not vary. The tight loop: a layer has thousands. */
  #correlation({ sampleMaxima }: GroupStatistics, index: number): number {
    const [own, slots, start] = [this.#direction, this.#slots, index * RANDOM_SEQUENCES];
    if (own === null) return NaN;
    const first = sampleMaxima[start + (slots[0] ?? 0)] ?? NaN;
    // Differences to the first: those of a component that does not vary are exactly 0.
    let [sum, product] = [0, 0];
    for (let i = 0; i < slots.length; i++) {
      const value = (sampleMaxima[start + (slots[i] ?? 0)] ?? NaN) - first;
      sum += value;
      product += (own[i] ?? NaN) * value;
    }
    const mean = sum / slots.length;
    let squares = 0;
    for (let i = 0; i < slots.length; i++) {
      const value = (sampleMaxima[start + (slots[i] ?? 0)] ?? NaN) - first - mean;
      squares += value * value;
    }
    return squares === 0 ? NaN : product / Math.sqrt(squares);
  }

  #sharedSequences(group: GroupStatistics, index: number): number {
    const { topSequences } = group;
    let count = 0;
    for (let at = index * TOP_SEQUENCES; at < (index + 1) * TOP_SEQUENCES; at++) {
      if (this.#strongest.has(topSequences[at] ?? NO_SEQUENCE)) count++;
    }
    return count;
  }
}

/** `[slot]` */
function maximaOf({ sampleMaxima }: GroupStatistics, index: number): Float32Array {
  return sampleMaxima.subarray(index * RANDOM_SEQUENCES, (index + 1) * RANDOM_SEQUENCES);
}

function strongestSequences({ topSequences }: GroupStatistics, index: number): ReadonlySet<number> {
  const own = topSequences.subarray(index * TOP_SEQUENCES, (index + 1) * TOP_SEQUENCES);
  return new Set(own.filter((sequence) => sequence !== NO_SEQUENCE));
}

/** The numbers less their mean, of length 1; null where they are all the same. */
function directionOf(maxima: Float32Array, slots: readonly number[]): Float64Array | null {
  const read = Float64Array.from(slots, (slot) => maxima[slot] ?? NaN);
  if (read.every((value) => value === read[0])) return null;
  const mean = read.reduce((sum, value) => sum + value, 0) / read.length;
  const centred = read.map((value) => value - mean);
  const length = Math.sqrt(centred.reduce((sum, value) => sum + value * value, 0));
  return centred.map((value) => value / length);
}

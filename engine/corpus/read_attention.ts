/** Which attention a sweep reads for the scores of heads, and the sums of it. */
import type { GroupStatistics, ScoreSum } from "./group_statistics.ts";
import type { QueryKey } from "./sweep_graph.ts";

/** The key of a query whose probability is a score's term. */
export interface ReadKey {
  readonly score: ScoreSum;
  keyOf(query: number): number;
}

/** What is read of every text. */
export const TEXT_KEYS: readonly ReadKey[] = [
  { score: "previousToken", keyOf: (query) => query - 1 },
  { score: "self", keyOf: (query) => query },
  { score: "firstToken", keyOf: () => 0 },
];

/** What is read of the second of two equal halves. @param period Tokens of a half */
export function repeatedKeys(period: number): readonly ReadKey[] {
  return [
    { score: "induction", keyOf: (query) => query - period + 1 },
    { score: "duplicateToken", keyOf: (query) => query - period },
  ];
}

export class ReadAttention {
  /** Every query with each of its keys. */
  readonly pairs: readonly QueryKey[];
  /** Tokens of the longest sequence. */
  readonly width: number;
  readonly #keys: readonly ReadKey[];
  readonly #from: number;

  /** @param options `from`: the first query that is read */
  constructor(keys: readonly ReadKey[], { from, width }: { readonly from: number; readonly width: number }) {
    this.#keys = keys;
    this.#from = from;
    this.width = width;
    this.pairs = Array.from({ length: Math.max(0, width - from) }, (_, i) => from + i).flatMap((query) =>
      keys.map((key): QueryKey => [query, key.keyOf(query)])
    );
  }

  /** Queries that are read of some sequences. */
  queriesOf(texts: readonly { readonly length: number }[]): number {
    return texts.reduce((sum, { length }) => sum + Math.max(0, length - this.#from), 0);
  }

  /** Adds up what was read. @param attention `[sequence, head, pair]` */
  addTo(heads: GroupStatistics, attention: Float32Array, texts: readonly { readonly length: number }[]): void {
    this.#keys.forEach(({ score }, place) => {
      const sums = new Float64Array(heads.size);
      texts.forEach(({ length }, row) => {
        for (let head = 0; head < heads.size; head++) {
          const start = (row * heads.size + head) * this.pairs.length + place;
          for (let i = 0; i < length - this.#from; i++) {
            sums[head] = (sums[head] ?? 0) + (attention[start + i * this.#keys.length] ?? 0);
          }
        }
      });
      heads.addScore(score, sums);
    });
  }
}

/** Logits of a whole vocabulary → the few tokens that are listed, with log-probability and rank in float64. */

/** Likeliest tokens that are kept of each side, besides targets and distractors. */
const LISTED_TOKENS = 100;

/** One token of the vocabulary on one side. */
export interface TokenScore {
  readonly id: number;
  readonly logit: number;
  /** Natural logarithm of the probability. */
  readonly logProb: number;
  /** 1 for the likeliest. */
  readonly rank: number;
}

/**
 * For each side the same tokens: the likeliest of any side, and all choices; by falling logit.
 *
 * @param sides Logits of the whole vocabulary, by side.
 * @param choices Ids that are listed whatever their logits.
 */
export function tokenScores(
  sides: readonly Float32Array[],
  choices: readonly number[],
): readonly (readonly TokenScore[])[] {
  const ranked = sides.map(rankLogits);
  const listed = listedTokens(ranked, choices);
  return ranked.map((side) => scoresOf(side, listed));
}

/** A side's logits with what makes ranks quick to find. */
interface RankedLogits {
  readonly logits: Float32Array;
  /** The same, falling. */
  readonly falling: Float32Array;
}

function rankLogits(logits: Float32Array): RankedLogits {
  return { logits, falling: Float32Array.from(logits).sort().reverse() };
}

/** Ids of the likeliest tokens of any side and of all choices. */
function listedTokens(sides: readonly RankedLogits[], choices: readonly number[]): readonly number[] {
  const likeliest = sides.flatMap(({ logits, falling }) => {
    const least = falling[Math.min(LISTED_TOKENS, falling.length) - 1] ?? Infinity;
    const ids: number[] = [];
    logits.forEach((logit, id) => {
      if (logit >= least) ids.push(id);
    });
    return ids.sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b).slice(0, LISTED_TOKENS);
  });
  return [...new Set([...likeliest, ...choices])];
}

function scoresOf({ logits, falling }: RankedLogits, listed: readonly number[]): readonly TokenScore[] {
  const [max = 0] = falling;
  const logSum = max + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
  return listed.map((id) => {
    const logit = logits[id] ?? NaN;
    return { id, logit, logProb: logit - logSum, rank: countAbove(falling, logit) + 1 };
  }).sort((a, b) => b.logit - a.logit || a.id - b.id);
}

/** How many of the values, which fall, are greater. */
function countAbove(falling: Float32Array, value: number): number {
  let [low, high] = [0, falling.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((falling[middle] ?? -Infinity) > value) low = middle + 1;
    else high = middle;
  }
  return low;
}

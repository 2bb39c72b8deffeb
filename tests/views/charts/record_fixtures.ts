/** Examples of a head and a neuron, and how the values that travel with a head's are read back. */
import type { Example, HeadScores, ValueStatistics } from "../../../engine/mod.ts";
import { randomNumbers } from "../../support/random_numbers.ts";
import { manyTokens } from "./chart_fixtures.ts";

export function neuronExample(values: readonly number[], tokens = manyTokens(values.length)): Example {
  const max = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return { sequence: 3, tokens, values, max, at: values.length === 0 ? [] : [values.indexOf(max)] };
}

export function headExample(values: readonly (readonly number[])[], tokens = manyTokens(values.length)): Example {
  const max = values.flat().reduce((a, b) => Math.max(a, b), 0);
  const query = values.findIndex((row) => row.includes(max));
  return { sequence: 3, tokens, values, max, at: query < 0 ? [] : [query, values[query]?.indexOf(max) ?? 0] };
}

/** Attention that is spread as in a trained head: a softmax of scores of this deviation, times the size of what is read. */
export function attentionLike(count: number, deviation: number, seed: number): readonly (readonly number[])[] {
  return Array.from({ length: count }, (_, query) => {
    const sizes = randomNumbers(query + 1, seed * 1000 + query).map((score) => Math.exp(score * deviation));
    const total = sizes.reduce((a, b) => a + b);
    return sizes.map((size) => size / total);
  });
}

/** What `data-pairs` and `data-exponent` say, `[query][key]`; keys after the last are left out. */
export function decoded(list: Element): readonly (readonly number[])[] {
  const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const exponent = Number(list.getAttribute("data-exponent"));
  return (list.getAttribute("data-pairs") ?? "").split(";").map((row) =>
    [...row.matchAll(/(\d+)|([a-zA-Z])([a-zA-Z])/g)].flatMap(([, skipped, high = "", low = ""]) => {
      if (skipped !== undefined) return new Array<number>(Number(skipped)).fill(0);
      const code = letters.indexOf(high) * 52 + letters.indexOf(low);
      return [Number(`${100 + code % 900}e${exponent - Math.floor(code / 900) - 2}`)];
    })
  );
}

export function statisticsOf(
  edges: readonly number[],
  counts: readonly number[],
  quantiles: ValueStatistics["quantiles"] = [],
): ValueStatistics {
  return {
    count: counts.reduce((a, b) => a + b, 0),
    mean: 0,
    variance: 0,
    skewness: NaN,
    kurtosis: NaN,
    fractionActive: 0,
    min: 0,
    max: 0,
    histogram: { edges, counts },
    quantiles,
  };
}

export function scoresOf(some: Partial<HeadScores>): HeadScores {
  return { induction: 0, duplicateToken: 0, previousToken: 0, self: 0, firstToken: 0, entropy: 0, copying: 0, ...some };
}

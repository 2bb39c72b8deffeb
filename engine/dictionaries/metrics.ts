/**
 * How good a dictionary is, measured on texts:
 *
 * - L0: latents that are active, a token
 * - explained variance: 1 − Σ‖y − x̂‖² / Σ‖y − mean(y)‖², with y the activation that the reconstruction x̂ stands for, and its mean over the same tokens
 * - cross-entropy recovered: (CE_zero − CE_dictionary) / (CE_zero − CE_model), where the site is replaced by 0 and by x̂. In the residual stream
 *   zero leaves only what later blocks add; for what a block adds it is the block without it
 * - dead: latents that are active on none of the tokens
 *
 * The first token of a sequence is left out where it is BOS, for its activations are unlike all others: it is not counted, and keeps its own
 * activation in all three passes. Cross-entropy is of the next token, over all tokens that have one, BOS included.
 */
import type { Architecture } from "../model/architecture.ts";
import { EMPTY_SLOT } from "../model/transformer.ts";
import { bool, float32, float32Data, int64, type Tensor } from "../tensor/tensor.ts";

/** Sums over tokens, which add up over batches. */
export interface MetricSums {
  /** Tokens that are counted. */
  readonly tokens: number;
  /** Tokens whose next one is predicted. */
  readonly predicted: number;
  readonly squaredError: number;
  /** Of y − output bias: `[channel]`. Close to its mean, so that little is lost when the mean is taken out. */
  readonly sum: Float64Array;
  /** Of ‖y − output bias‖². */
  readonly squares: number;
  /** Tokens on which each latent is active: `[latent]` */
  readonly active: Float64Array;
  /** Sums of −log p of the next token, in nats. */
  readonly crossEntropy: CrossEntropies;
}

/** One number a pass: the model as it is, with the reconstruction, with 0. */
export interface CrossEntropies {
  readonly model: number;
  readonly dictionary: number;
  readonly zero: number;
}

/** What a dictionary was measured to be: plain data. */
export interface DictionaryMetrics {
  /** Tokens that were counted; BOS is not. */
  readonly tokens: number;
  /** Tokens whose next one was predicted. */
  readonly predicted: number;
  readonly l0: number;
  /** Null where the activation does not vary. */
  readonly explainedVariance: number | null;
  /** In nats a token. */
  readonly crossEntropy: CrossEntropies;
  /** Null where zero costs nothing. */
  readonly recovered: number | null;
  readonly dead: number;
  readonly latents: number;
}

/** Feeds of some texts. @param texts Token ids, at least one a text */
export function metricsFeeds(
  texts: readonly (readonly number[])[],
  { bosId }: Pick<Architecture, "bosId">,
): Readonly<Record<string, Tensor>> {
  const slots = Math.max(...texts.map(({ length }) => length));
  const shape = [texts.length, slots];
  const bySlot = <T>(entry: (text: readonly number[], slot: number, row: number) => T) =>
    texts.flatMap((text, row) => Array.from({ length: slots }, (_, slot) => entry(text, slot, row)));
  return {
    tokens: int64(shape, bySlot((text, slot) => text[slot] ?? 0)),
    order: int64(shape, bySlot((text, slot) => slot < text.length ? slot : EMPTY_SLOT)),
    counted: bool(shape, bySlot((text, slot) => isCounted(text, slot, bosId))),
    next: int64([...shape, 3], bySlot((text, slot, row) => [row, slot, text[slot + 1] ?? 0]).flat()),
    has_next: float32(shape, bySlot((text, slot) => Number(slot + 1 < text.length))),
  };
}

/** Whether a slot holds a token that counts. */
export function isCounted(text: readonly number[], slot: number, bosId: number | null): boolean {
  return slot < text.length && (slot > 0 || text[0] !== bosId);
}

/** The sums of one batch. */
export function readMetricSums(
  texts: readonly (readonly number[])[],
  { bosId }: Pick<Architecture, "bosId">,
  fetches: Readonly<Record<string, Tensor>>,
): MetricSums {
  const data = (name: string) => {
    const tensor = fetches[name];
    if (tensor === undefined) throw new Error(`Internal: the graph has no output ${name}`);
    return float32Data(tensor);
  };
  const number = (name: string) => data(name)[0] ?? NaN;
  return {
    tokens: texts.reduce((sum, text) => sum + text.length - Number(text.length > 0 && text[0] === bosId), 0),
    predicted: texts.reduce((sum, { length }) => sum + Math.max(0, length - 1), 0),
    squaredError: number("squared_error"),
    sum: Float64Array.from(data("sum")),
    squares: number("squares"),
    active: Float64Array.from(data("active")),
    crossEntropy: { model: number("ce.model"), dictionary: number("ce.dictionary"), zero: number("ce.zero") },
  };
}

/** Sums of two batches. */
export function addMetricSums(a: MetricSums, b: MetricSums): MetricSums {
  const add = (x: Float64Array, y: Float64Array) => x.map((value, i) => value + (y[i] ?? 0));
  return {
    tokens: a.tokens + b.tokens,
    predicted: a.predicted + b.predicted,
    squaredError: a.squaredError + b.squaredError,
    sum: add(a.sum, b.sum),
    squares: a.squares + b.squares,
    active: add(a.active, b.active),
    crossEntropy: {
      model: a.crossEntropy.model + b.crossEntropy.model,
      dictionary: a.crossEntropy.dictionary + b.crossEntropy.dictionary,
      zero: a.crossEntropy.zero + b.crossEntropy.zero,
    },
  };
}

/** What the sums say. @throws {RangeError} if no token was counted, or none predicted */
export function metricsOf({ tokens, predicted, ...sums }: MetricSums): DictionaryMetrics {
  if (tokens === 0 || predicted === 0) throw new RangeError("Cannot measure: expected texts of at least two tokens");
  const squaredMean = sums.sum.reduce((total, value) => total + value * value, 0) / tokens;
  const variance = sums.squares - squaredMean;
  const perToken = (value: number) => value / predicted;
  const model = perToken(sums.crossEntropy.model);
  const dictionary = perToken(sums.crossEntropy.dictionary);
  const zero = perToken(sums.crossEntropy.zero);
  return {
    tokens,
    predicted,
    l0: sums.active.reduce((total, count) => total + count, 0) / tokens,
    explainedVariance: variance > 0 ? 1 - sums.squaredError / variance : null,
    crossEntropy: { model, dictionary, zero },
    recovered: zero > model ? (zero - dictionary) / (zero - model) : null,
    dead: sums.active.reduce((total, count) => total + Number(count === 0), 0),
    latents: sums.active.length,
  };
}

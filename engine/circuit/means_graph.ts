/**
 * Sums over texts, from which mean values of nodes follow: of every neuron and of the embeddings' write over all tokens, of every head's
 * probabilities by how far back it attends. The first token is kept apart: heads rest on it, whatever the distance.
 */
import { cast, mul } from "../onnx/elementwise.ts";
import { reduceSum } from "../onnx/linear.ts";
import { unsqueeze } from "../onnx/shaping.ts";
import type { Value } from "../onnx/value.ts";
import type { HookName } from "../model/hook_points.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { buildForward, EMPTY_SLOT, hookOf, isToken } from "../model/transformer.ts";
import { float32Data, int64, type Tensor } from "../tensor/tensor.ts";
import type { GraphRequest } from "../onnx/simplify.ts";

/** Longest text of which means are taken, in tokens; longer ones are cut. */
export const MAX_MEAN_TOKENS = 128;

/** Sums that add up over texts. */
export interface MeanSums {
  readonly tokenCount: number;
  /** By layer: `[neuron]` */
  readonly neurons: readonly Float64Array[];
  /** `[d_model]` */
  readonly embedding: Float64Array;
  /** By layer, of pairs whose key is the first token: `[head, query]` */
  readonly firstKey: readonly Float64Array[];
  /** By layer, of all other pairs: `[head, distance]` */
  readonly byDistance: readonly Float64Array[];
  /** Texts that have a query at each place. */
  readonly queries: Float64Array;
  /** Pairs, other than with the first token, at each distance. */
  readonly pairs: Float64Array;
}

/** Outputs `neurons.L` [neuron], `patterns.L` [head, query, key] and `embedding` [d_model], summed over the batch. */
export function buildMeansGraph({ architecture, weights }: ModelWeights): GraphRequest {
  const forward = buildForward(architecture, weights);
  const real = cast(isToken(forward.order), "float32");
  const sumOverTokens = (values: Value) => reduceSum(mul(values, unsqueeze(real, 2)), { axes: [0, 1] });
  const outputs: Record<string, Value> = { embedding: sumOverTokens(forward.embedding) };
  for (let layer = 0; layer < architecture.layerCount; layer++) {
    const hook = (suffix: string) => hookOf(forward, `blocks.${layer}.${suffix}` as HookName);
    outputs[`neurons.${layer}`] = sumOverTokens(hook("mlp.hook_post"));
    const queries = unsqueeze(unsqueeze(real, 1), 3);
    outputs[`patterns.${layer}`] = reduceSum(mul(hook("attn.hook_pattern"), queries), { axes: [0] });
  }
  return { outputs, names: new Map() };
}

/** @param texts Token ids, none longer than `MAX_MEAN_TOKENS` */
export function meansFeeds(texts: readonly (readonly number[])[]): Record<string, Tensor> {
  const width = Math.max(...texts.map(({ length }) => length));
  const columns = Array.from({ length: width }, (_, index) => index);
  return {
    tokens: int64([texts.length, width], texts.flatMap((text) => columns.map((at) => text[at] ?? 0))),
    order: int64(
      [texts.length, width],
      texts.flatMap((text) => columns.map((at) => at < text.length ? at : EMPTY_SLOT)),
    ),
  };
}

/** The sums of one batch. */
export function readMeanSums(
  { architecture: { layerCount, headCount } }: ModelWeights,
  texts: readonly (readonly number[])[],
  fetches: Readonly<Record<string, Tensor>>,
): MeanSums {
  const data = (name: string) => {
    const tensor = fetches[name];
    if (tensor === undefined) throw new Error(`Internal: the graph has no output ${name}`);
    return float32Data(tensor);
  };
  const width = Math.max(...texts.map(({ length }) => length));
  const layers = Array.from({ length: layerCount }, (_, layer) => layer);
  const collapsed = layers.map((layer) => collapse(data(`patterns.${layer}`), headCount, width));
  const queries = new Float64Array(MAX_MEAN_TOKENS);
  const pairs = new Float64Array(MAX_MEAN_TOKENS);
  for (const { length } of texts) {
    for (let query = 0; query < length; query++) {
      queries[query] = (queries[query] ?? 0) + 1;
      for (let distance = 0; distance < query; distance++) pairs[distance] = (pairs[distance] ?? 0) + 1;
    }
  }
  return {
    tokenCount: texts.reduce((sum, { length }) => sum + length, 0),
    neurons: layers.map((layer) => Float64Array.from(data(`neurons.${layer}`))),
    embedding: Float64Array.from(data("embedding")),
    firstKey: collapsed.map(({ firstKey }) => firstKey),
    byDistance: collapsed.map(({ byDistance }) => byDistance),
    queries,
    pairs,
  };
}

/** `[head, query, key]` to sums by query for the first key, and by distance for all others. */
function collapse(
  patterns: Float32Array,
  headCount: number,
  width: number,
): { readonly firstKey: Float64Array; readonly byDistance: Float64Array } {
  const firstKey = new Float64Array(headCount * MAX_MEAN_TOKENS);
  const byDistance = new Float64Array(headCount * MAX_MEAN_TOKENS);
  patterns.forEach((value, i) => {
    const [head, query, key] = [Math.floor(i / (width * width)), Math.floor(i / width) % width, i % width];
    if (key > query) return;
    const [sums, at] = key === 0 ? [firstKey, query] : [byDistance, query - key];
    const place = head * MAX_MEAN_TOKENS + at;
    sums[place] = (sums[place] ?? 0) + value;
  });
  return { firstKey, byDistance };
}

/** Sums of two batches. */
export function addMeanSums(a: MeanSums, b: MeanSums): MeanSums {
  const add = (x: Float64Array, y: Float64Array | undefined) => x.map((value, i) => value + (y?.[i] ?? 0));
  const addAll = (x: readonly Float64Array[], y: readonly Float64Array[]) => x.map((layer, i) => add(layer, y[i]));
  return {
    tokenCount: a.tokenCount + b.tokenCount,
    neurons: addAll(a.neurons, b.neurons),
    embedding: add(a.embedding, b.embedding),
    firstKey: addAll(a.firstKey, b.firstKey),
    byDistance: addAll(a.byDistance, b.byDistance),
    queries: add(a.queries, b.queries),
    pairs: add(a.pairs, b.pairs),
  };
}

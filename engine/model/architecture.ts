/** The canonical description of a transformer, which the one forward builder reads; an adapter a family fills it in. */
import type { Value } from "../onnx/value.ts";

/** Sizes and constants. */
export interface Architecture {
  readonly family: "gpt2";
  readonly layerCount: number;
  readonly headCount: number;
  /** d_head. */
  readonly headWidth: number;
  /** d_model. */
  readonly modelWidth: number;
  /** d_mlp. */
  readonly mlpWidth: number;
  readonly vocabularySize: number;
  readonly contextLength: number;
  readonly normEpsilon: number;
  /** Token that starts a document, if the model has one. */
  readonly bosId: number | null;
}

/** `[in, out]` and `[out]`. */
export interface LinearWeights {
  readonly weight: Value;
  readonly bias: Value;
}

/** `[d_model]` each. */
export interface NormWeights {
  readonly gain: Value;
  readonly bias: Value;
}

export interface BlockWeights {
  readonly norm1: NormWeights;
  /** Query, key and value side by side: `[d_model, 3·d_model]`. */
  readonly qkv: LinearWeights;
  /** W_O: `[head·d_head, d_model]`. */
  readonly attentionOut: LinearWeights;
  readonly norm2: NormWeights;
  readonly mlpIn: LinearWeights;
  /** W_out: `[d_mlp, d_model]`. */
  readonly mlpOut: LinearWeights;
}

export interface TransformerWeights {
  /** `[vocab, d_model]` */
  readonly tokenEmbedding: Value;
  /** `[context, d_model]` */
  readonly positionEmbedding: Value;
  /** W_U transposed: `[vocab, d_model]`; the token embedding itself if the two are tied. */
  readonly unembedding: Value;
  readonly finalNorm: NormWeights;
  readonly blocks: readonly BlockWeights[];
}

/** The weights of a layer. @throws {RangeError} if there is none */
export function blockOf({ blocks }: TransformerWeights, layer: number): BlockWeights {
  const block = blocks[layer];
  if (block === undefined) throw new RangeError(`Internal: no layer ${layer} among ${blocks.length}`);
  return block;
}

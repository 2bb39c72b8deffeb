/** The four numbers of a node, and what their formulas share. */
import { mul } from "../onnx/elementwise.ts";
import { reduceSum } from "../onnx/linear.ts";
import type { Value } from "../onnx/value.ts";

export const METRICS = ["activation", "writeNorm", "directEffect", "totalEffect"] as const;
export type Metric = typeof METRICS[number];

/** All nodes of one layer and kind: neurons and latents `[batch, token, unit]`, heads `[batch, head, query, key]`. */
export type NodeScalars = Readonly<Record<Metric, Value>>;

/** All nodes that are whole vectors, one a token: their activation is the constant 1 and left out; `[batch, token]` */
export type VectorScalars = Readonly<Record<Exclude<Metric, "activation">, Value>>;

/** The gradient g at the residual that J reads, at the few tokens where it is not zero. */
export interface Direction {
  /** `[batch, reader, d_model]` */
  readonly rows: Value;
  /** 1 at each reader's token, 0 elsewhere: `[batch, reader, token]` */
  readonly mask: Value;
}

/** ⟨a, b⟩ along the last axis. */
export function dot(a: Value, b: Value): Value {
  return reduceSum(mul(a, b), { axes: [-1] });
}

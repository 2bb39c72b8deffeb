/** What the graphs of all traced nodes share. */
import type { Value } from "../onnx/value.ts";
import type { NormWeights } from "../model/architecture.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { type Forward, freezableNorm, type Normed } from "../model/transformer.ts";
import type { Splice } from "./splice.ts";
import type { Trace, TraceInputs } from "./trace.ts";

export interface TraceSource {
  readonly model: ModelWeights;
  readonly forward: Forward;
  readonly splices: readonly Splice[];
  readonly options: Pick<Trace, "activation" | "freezeNorm">;
}

export interface TraceGraph {
  /** The traced scalar of every side: `[batch]` */
  readonly value: Value;
  /** The residual in front of the node: `[batch, token, d_model]` */
  readonly front: Value;
}

export type Traced = TraceGraph & { readonly inputs: TraceInputs };

/** What a layer reads of the residual. @param x `[batch, …, d_model]` */
export function normed(x: Value, norm: NormWeights, { model, options }: TraceSource): Normed {
  return freezableNorm(x, norm, { epsilon: model.architecture.normEpsilon, freezeScale: options.freezeNorm });
}

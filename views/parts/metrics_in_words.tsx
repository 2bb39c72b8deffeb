/** What a dictionary was measured to be, as a part of a sentence. */
import type { VNode } from "preact";
import type { DictionaryMetrics } from "../../engine/mod.ts";
import { formatCount, formatShare } from "../format.ts";

export function MetricsInWords({ metrics }: { readonly metrics: DictionaryMetrics }): VNode {
  const { l0, explainedVariance, recovered, dead, latents, crossEntropy } = metrics;
  return (
    <>
      {l0.toFixed(1)} active latents a token, {explainedVariance === null
        ? "no variance to explain"
        : `${formatShare(explainedVariance)} of the variance explained`}
      , {recovered === null
        ? "nothing to recover: zero costs nothing here"
        : `${formatShare(recovered)} of the cross-entropy recovered`} ({crossEntropy.model.toFixed(3)} nats as it is,
      {" "}
      {crossEntropy.dictionary.toFixed(3)} with the dictionary, {crossEntropy.zero.toFixed(3)} with zero),{" "}
      {formatCount(dead)} of {formatCount(latents)} latents dead
    </>
  );
}

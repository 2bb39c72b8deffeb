/** The passes that a dictionary is measured by (`metrics.ts`): the model as it is, with the reconstruction in place of the activation, and with 0. */
import { mul, neg, sign, sub, where } from "../onnx/elementwise.ts";
import { logSoftmax, reduceSum } from "../onnx/linear.ts";
import { expand, gatherNd, unsqueeze } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { graphInput, scalar, type Value } from "../onnx/value.ts";
import type { Dictionary } from "../model/dictionary.ts";
import { decode, encode } from "../model/latents.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { buildForward, type Forward, hookOf, type HookSplice, readOut } from "../model/transformer.ts";

/**
 * Inputs: those of the forward pass; `counted`, bool `[batch, token]`; `next` int64 `[batch, token, 3]`, row, token and id of the one to come; and
 * `has_next`, 1 or 0 `[batch, token]`. Outputs as `readMetricSums` reads them.
 */
export function buildMetricsGraph(model: ModelWeights, dictionary: Dictionary): GraphRequest {
  const { readHook, writeHook } = dictionary.detail;
  const counted = graphInput("counted", "bool", ["batch", "token"]);
  const isCounted = unsqueeze(counted, 2);
  const pass = (splice?: HookSplice): Forward =>
    buildForward(model.architecture, model.weights, {
      hookNorms: readHook.includes(".ln"),
      ...splice === undefined ? {} : { splice },
    });
  const replaced = (by: (activation: Value, input: Value) => Value) =>
    pass((name, activation, readAt) =>
      name === writeHook ? where(isCounted, by(activation, readAt(readHook)), activation) : activation
    );
  const plain = pass();
  const [activation, input] = [hookOf(plain, writeHook), hookOf(plain, readHook)];
  const { latents } = encode(dictionary, input);
  const reconstruction = decode(dictionary, { latents, x: input });
  const only = (values: Value) => where(isCounted, values, scalar(0));
  const centred = only(sub(activation, dictionary.weights.outputBias));
  const error = only(sub(activation, reconstruction));
  const overTokens = (values: Value) => reduceSum(values, { axes: [0, 1] });
  const crossEntropy = (forward: Forward) => summedCrossEntropy(model, forward);
  return {
    outputs: {
      squared_error: reduceSum(mul(error, error)),
      sum: overTokens(centred),
      squares: reduceSum(mul(centred, centred)),
      active: overTokens(only(mul(sign(latents), sign(latents)))),
      "ce.model": crossEntropy(plain),
      "ce.dictionary": crossEntropy(
        replaced((_activation, x) => decode(dictionary, { latents: encode(dictionary, x).latents, x })),
      ),
      "ce.zero": crossEntropy(replaced((written) => expand(scalar(0), written.shape))),
    },
  };
}

function summedCrossEntropy(model: ModelWeights, { residual }: Forward): Value {
  const { logits } = readOut(residual, model, { freezeScale: false });
  const next = graphInput("next", "int64", ["batch", "token", 3]);
  const hasNext = graphInput("has_next", "float32", ["batch", "token"]);
  return neg(reduceSum(mul(gatherNd(logSoftmax(logits), next), hasNext)));
}

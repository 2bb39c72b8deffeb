/** The engine thread's part of measuring dictionaries, and of reading the activations that they are trained on. */
import { dictionariesOf } from "../circuit/question_graph.ts";
import type { Questioner } from "../circuit/questioner.ts";
import { graphInput } from "../onnx/value.ts";
import type { Dictionary } from "../model/dictionary.ts";
import type { SpliceHook } from "../model/hook_points.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { buildForward, hookOf } from "../model/transformer.ts";
import { float32, float32Data, type Tensor } from "../tensor/tensor.ts";
import { isCounted, metricsFeeds, type MetricSums, readMetricSums } from "./metrics.ts";
import { buildMetricsGraph } from "./metrics_graph.ts";
import { dictionaryOfInputs } from "./training/dictionary_inputs.ts";
import type { DictionaryNumbers } from "./training/fold.ts";

/** Token ids, at least one a text. */
type Texts = readonly (readonly number[])[];

export class DictionaryMeter {
  readonly #questioner: Pick<Questioner, "execute">;

  constructor(questioner: Pick<Questioner, "execute">) {
    this.#questioner = questioner;
  }

  /** Sums over some texts. @param measured Id of a dictionary that is loaded, or the numbers of one that is not */
  async measure(model: ModelWeights, measured: string | DictionaryNumbers, texts: Texts): Promise<MetricSums> {
    const compiled = {
      key: ["dictionary-metrics", typeof measured === "string" ? measured : measured.kind],
      build: () => buildMetricsGraph(model, dictionaryOf(model, measured)),
    };
    const fetches = await this.#questioner.execute(model, compiled, {
      ...metricsFeeds(texts, model.architecture),
      ...typeof measured === "string" ? {} : numberFeeds(measured),
    });
    return readMetricSums(texts, model.architecture, fetches);
  }

  /** Activations at a site, of the tokens that count, text by text: `[token, channel]`. */
  async activations(model: ModelWeights, site: SpliceHook, texts: Texts): Promise<Float32Array<ArrayBuffer>> {
    const build = () => ({ outputs: { rows: hookOf(buildForward(model.architecture, model.weights), site) } });
    const { tokens, order } = metricsFeeds(texts, model.architecture);
    if (tokens === undefined || order === undefined) throw new Error("Internal: texts make no feeds");
    const { rows } = await this.#questioner.execute(model, { key: ["activations", site], build }, { tokens, order });
    if (rows === undefined) throw new Error("Internal: the graph has no output rows");
    return countedRows(float32Data(rows), rows.shape, { texts, bosId: model.architecture.bosId });
  }
}

function dictionaryOf(model: ModelWeights, measured: string | DictionaryNumbers): Dictionary {
  if (typeof measured === "string") {
    const [dictionary] = dictionariesOf(model, [measured]);
    if (dictionary === undefined) throw new Error(`Internal: no dictionary ${measured}`);
    return dictionary;
  }
  const { kind, threshold } = measured;
  return dictionaryOfInputs(kind, (name) => graphInput(name, "float32", shapesOf(measured)[name]), {
    isCentred: true,
    ...threshold === null
      ? {}
      : { activation: { kind: "jumprelu", threshold: graphInput("threshold", "float32", [kind.latents]) } },
  });
}

function shapesOf({ kind: { width, latents } }: DictionaryNumbers) {
  return { "W_enc": [width, latents], "b_enc": [latents], "W_dec": [latents, width], "b_dec": [width] } as const;
}

function numberFeeds(numbers: DictionaryNumbers): Readonly<Record<string, Tensor>> {
  const { kind, encoder, encoderBias, decoder, outputBias, threshold } = numbers;
  const shapes = shapesOf(numbers);
  return {
    "W_enc": float32(shapes["W_enc"], encoder),
    "b_enc": float32(shapes["b_enc"], encoderBias),
    "W_dec": float32(shapes["W_dec"], decoder),
    "b_dec": float32(shapes["b_dec"], outputBias),
    ...threshold === null ? {} : { threshold: float32([kind.latents], threshold) },
  };
}

/** @param activations `[text, slot, channel]` */
function countedRows(
  activations: Float32Array<ArrayBuffer>,
  [, slots = 0, width = 0]: readonly number[],
  { texts, bosId }: { readonly texts: Texts; readonly bosId: number | null },
): Float32Array<ArrayBuffer> {
  let filled = 0;
  for (const [row, text] of texts.entries()) {
    const from = isCounted(text, 0, bosId) ? 0 : 1;
    const start = (row * slots + from) * width;
    const length = Math.max(0, text.length - from) * width;
    activations.copyWithin(filled, start, start + length);
    filled += length;
  }
  return activations.slice(0, filled);
}

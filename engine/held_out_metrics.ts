/** Measures a dictionary on the sequences of a text set that no training reads, a few at a time. */
import { heldOutSequences } from "./corpus/activation_plan.ts";
import { planBatches, type Sequences } from "./corpus/sequences.ts";
import { tokensPerStep } from "./corpus/sweep_plan.ts";
import { addMetricSums, type DictionaryMetrics, metricsOf, type MetricSums } from "./dictionaries/metrics.ts";
import type { DictionaryNumbers } from "./dictionaries/training/fold.ts";
import type { LanguageModel } from "./model/language_model.ts";
import { patientCall } from "./patient_call.ts";
import type { EngineRequests } from "./protocol.ts";
import type { Lane, WorkerClient } from "./runtime/worker_client.ts";

/** The model is executed three times, where a sweep executes it once. */
const PASSES = 3;

export interface HeldOutOptions {
  readonly model: LanguageModel;
  readonly sequences: Sequences;
  /** Tokens that are read at most, BOS included; at least one sequence is. */
  readonly maxTokens: number;
  /** In a hurry, or behind whatever people are waiting for. */
  readonly lane: Lane;
  readonly signal?: AbortSignal | undefined;
}

/** @param dictionary Id of one that is loaded, or the numbers of one that is not */
export async function measureOnHeldOut(
  worker: Pick<WorkerClient<EngineRequests>, "call">,
  dictionary: string | DictionaryNumbers,
  { model, sequences, maxTokens, lane, signal }: HeldOutOptions,
): Promise<DictionaryMetrics> {
  const stepTokens = Math.max(1, Math.floor(tokensPerStep(model.architecture) / PASSES));
  let sums: MetricSums | null = null;
  for (const batch of planBatches(sequences, stepTokens, chosen(sequences, maxTokens))) {
    const texts = batch.map((number) => sequences.at(number));
    const input = { modelId: model.id, dictionary, texts };
    const output = lane === "background"
      ? await patientCall(worker, "dictionaryMetrics", { input, ...signal === undefined ? {} : { signal } })
      : (await worker.call("dictionaryMetrics", input, { signal })).output;
    sums = sums === null ? output.sums : addMetricSums(sums, output.sums);
  }
  if (sums === null) throw new RangeError("Cannot measure: expected a text set with sequences");
  return metricsOf(sums);
}

/** The first held-out sequences that fit. */
function chosen(sequences: Sequences, maxTokens: number): readonly number[] {
  const numbers: number[] = [];
  let tokens = 0;
  for (const number of heldOutSequences(sequences)) {
    tokens += sequences.lengthOf(number);
    if (numbers.length > 0 && tokens > maxTokens) break;
    numbers.push(number);
  }
  return numbers;
}

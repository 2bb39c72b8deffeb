/** The job that computes a model's means: batch by batch behind whatever people are waiting for, kept when all of it is done. */
import { addMeanSums, type MeanSums } from "./circuit/means_graph.ts";
import { meansOf, type ModelMeans } from "./circuit/model_means.ts";
import type { Job } from "./jobs/job.ts";
import type { JobControl } from "./jobs/job_queue.ts";
import type { JobSource } from "./job_source.ts";
import type { LanguageModel } from "./model/language_model.ts";
import { readReferenceTexts, referenceDigest } from "./reference_texts.ts";

/** Texts of one execution. */
const BATCH = 16;

/** The job of a model as it is when it is asked for. @throws {ValidationError} if there are no texts */
export async function newMeansJob(model: LanguageModel, { store, digest }: JobSource): Promise<Job> {
  const reference = await referenceDigest(model, store);
  const texts = await readReferenceTexts(model);
  const isDone = store.findMeans(await digest(model), reference) !== null;
  return {
    id: `means:${model.id}`,
    kind: "means",
    model: model.id,
    textSet: null,
    state: isDone ? "done" : "queued",
    done: isDone ? texts.length : 0,
    total: texts.length,
    unit: "texts",
    perSecond: null,
    etaSeconds: null,
    problem: null,
  };
}

/** Does the job. Sums are not kept: whoever stops it begins anew, which takes seconds. */
export async function computeMeans(
  job: Job,
  { signal, isStopping, progress }: JobControl,
  { worker, store, model: find, digest }: JobSource,
): Promise<"done" | "stopped"> {
  const model = find(job.model);
  const reference = await referenceDigest(model, store);
  const texts = await readReferenceTexts(model);
  let sums: MeanSums | null = null;
  progress(0, texts.length);
  for (let at = 0; at < texts.length; at += BATCH) {
    if (isStopping()) return "stopped";
    const some = texts.slice(at, at + BATCH);
    const { output } = await worker.call("means", { modelId: model.id, texts: some }, { lane: "background", signal });
    sums = sums === null ? output.sums : addMeanSums(sums, output.sums);
    progress(at + some.length, texts.length);
  }
  if (sums !== null) {
    store.saveMeans(await digest(model), reference, meansOf(sums, texts.length) satisfies ModelMeans);
  }
  return "done";
}

/** The activations of a training, batch by batch: a block is collected on the engine thread, a few sequences at a time, and read in random order. */
import { type ActivationBlock, ActivationPlan } from "./corpus/activation_plan.ts";
import { planBatches, type Sequences } from "./corpus/sequences.ts";
import type { TrainingSpec } from "./dictionaries/training/training_spec.ts";
import type { JobControl } from "./jobs/job_queue.ts";
import type { LanguageModel } from "./model/language_model.ts";
import { patientCall } from "./patient_call.ts";
import type { EngineRequests } from "./protocol.ts";
import type { WorkerClient } from "./runtime/worker_client.ts";

export interface ActivationStreamOptions {
  readonly worker: Pick<WorkerClient<EngineRequests>, "call">;
  readonly model: LanguageModel;
  readonly spec: TrainingSpec;
  readonly sequences: Sequences;
  /** Tokens of a forward pass. */
  readonly stepTokens: number;
  readonly control: JobControl;
}

export class ActivationStream {
  readonly #options: ActivationStreamOptions;
  readonly #plan: ActivationPlan;
  /** What is in memory. */
  #collected: { readonly sequences: readonly number[]; readonly rows: Float32Array } | null = null;
  #order: { readonly block: number; readonly rows: Uint32Array } | null = null;

  /** @throws {ValidationError} if there is too little text for a batch */
  constructor(options: ActivationStreamOptions) {
    const { spec: { batch, width, seed }, sequences, model: { architecture: { bosId } } } = options;
    this.#options = options;
    this.#plan = new ActivationPlan(sequences, { bosId, batch, width, seed });
  }

  /** The activations of a step: `[token, channel]`; null if the job is to stop before they are there. */
  async batchOf(step: number): Promise<Float32Array<ArrayBuffer> | null> {
    const { batch, width } = this.#options.spec;
    const block = this.#plan.blockOf(step);
    const collected = await this.#collect(block);
    if (collected === null) return null;
    if (this.#order?.block !== block.index) this.#order = { block: block.index, rows: this.#plan.orderOf(block) };
    const first = (step - block.firstStep) * batch;
    const rows = new Float32Array(batch * width);
    for (let i = 0; i < batch; i++) {
      const row = this.#order.rows[first + i] ?? 0;
      rows.set(collected.subarray(row * width, (row + 1) * width), i * width);
    }
    return rows;
  }

  /** All activations of the first block: `[token, channel]`; null if the job is to stop before they are there. */
  firstBlock(): Promise<Float32Array | null> {
    return this.#collect(this.#plan.blockOf(0));
  }

  async #collect({ sequences: numbers, rows: count }: ActivationBlock): Promise<Float32Array | null> {
    if (this.#collected?.sequences === numbers) return this.#collected.rows;
    const { worker, model, spec: { site, width }, sequences, stepTokens, control } = this.#options;
    // Gone before the next one is there.
    this.#collected = null;
    const rows = new Float32Array(count * width);
    let filled = 0;
    for (const batch of planBatches(sequences, stepTokens, numbers)) {
      if (control.isStopping()) return null;
      const texts = batch.map((number) => sequences.at(number));
      const input = { modelId: model.id, site, texts };
      const found = (await patientCall(worker, "siteActivations", { input, signal: control.signal })).rows;
      rows.set(found, filled);
      filled += found.length;
    }
    this.#collected = { sequences: numbers, rows };
    return rows;
  }
}

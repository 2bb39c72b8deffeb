/** Training on the test's thread: specifications, batches of sparse directions, and steps. */
import type { Questioner } from "../../engine/circuit/questioner.ts";
import { Trainer } from "../../engine/dictionaries/training/trainer.ts";
import {
  resolveTraining,
  trainingSchema,
  type TrainingSpec,
} from "../../engine/dictionaries/training/training_spec.ts";
import type { Architecture } from "../../engine/model/architecture.ts";
import type { ModelWeights } from "../../engine/model/language_model.ts";
import { uniformOf } from "../../engine/tensor/random.ts";
import { executeGraph } from "./execute_graph.ts";
import { randomNumbers } from "./random_numbers.ts";

const ARCHITECTURE: Architecture = {
  family: "gpt2",
  layerCount: 2,
  headCount: 2,
  headWidth: 4,
  modelWidth: 8,
  mlpWidth: 32,
  vocabularySize: 67,
  contextLength: 24,
  normEpsilon: 1e-5,
  bosId: null,
};

/** A training of width 8 with some fields changed after defaults were filled in. */
export function tinySpec(changes: Partial<TrainingSpec> = {}): TrainingSpec {
  const input = trainingSchema.parse({ site: "blocks.0.hook_mlp_out", latents: 20, k: 3, steps: 50, batch: 32 });
  return { ...resolveTraining(input, ARCHITECTURE), ...changes };
}

/** Tokens that are sums of a few of twice as many directions as there are channels, around a mean: `[token, channel]`. */
export function sparseRows(count: number, width: number, seed: number): Float32Array<ArrayBuffer> {
  return sumsOfDirections(count, width, { seed, share: 0.15 });
}

/** The same, of so few that they can be told apart. */
export function sparserRows(count: number, width: number, seed: number): Float32Array<ArrayBuffer> {
  return sumsOfDirections(count, width, { seed, share: 1 / width });
}

function sumsOfDirections(
  count: number,
  width: number,
  { seed, share }: { readonly seed: number; readonly share: number },
): Float32Array<ArrayBuffer> {
  const directions = Array.from({ length: 2 * width }, (_, j) => randomNumbers(width, 100 + j));
  const rows = new Float32Array(count * width);
  for (let t = 0; t < count; t++) {
    for (const [j, direction] of directions.entries()) {
      const isActive = uniformOf(seed, t * directions.length + j) < share;
      const size = isActive ? 1 + uniformOf(seed + 1, t * directions.length + j) : 0;
      for (let c = 0; c < width; c++) rows[t * width + c] = (rows[t * width + c] ?? 0) + size * (direction[c] ?? 0);
    }
    for (let c = 0; c < width; c++) rows[t * width + c] = (rows[t * width + c] ?? 0) + 0.5 + 0.1 * c;
  }
  return rows;
}

/** Executes graphs on this thread; which model they belong to does not matter. */
export const DIRECT: Pick<Questioner, "execute"> = {
  execute: (_model, { build }, feeds) => executeGraph(build().outputs, feeds),
};

/** A trainer of the test's thread, and what it takes for a model. */
export const trainer = new Trainer(DIRECT);
export const noModel = { id: "none" } as ModelWeights;

/**
 * Measures steps of training against the plain matrix products of their forward and backward pass, in turns with them: x W_enc and z W_dec, and for
 * the gradients e W_decᵀ, zᵀ e and xᵀ g, through the same runtime with the same settings. Random activations, 768 channels, 1,024 tokens a step.
 *
 * Run by `deno task bench`; `--latents N` sets the size of the dictionary (default 4096), `--rounds N` how often each is measured (default 10).
 */
import { parseArgs } from "node:util";
import { Questioner } from "../../engine/circuit/questioner.ts";
import {
  resolveTraining,
  TRAINED_ARCHITECTURES,
  trainingSchema,
} from "../../engine/dictionaries/training/training_spec.ts";
import { firstState, measureNormalization } from "../../engine/dictionaries/training/training_state.ts";
import { Trainer } from "../../engine/dictionaries/training/trainer.ts";
import type { Architecture } from "../../engine/model/architecture.ts";
import type { ModelWeights } from "../../engine/model/language_model.ts";
import { addAll } from "../../engine/onnx/elementwise.ts";
import { matMul, reduceSum } from "../../engine/onnx/linear.ts";
import { lowerGraph } from "../../engine/onnx/lower.ts";
import { encodeModel } from "../../engine/onnx/proto.ts";
import { graphInput } from "../../engine/onnx/value.ts";
import { createOrtBackend } from "../../engine/runtime/ort_backend.ts";
import { normalNumbers } from "../../engine/tensor/random.ts";
import { float32, type Tensor } from "../../engine/tensor/tensor.ts";

const WIDTH = 768;
const BATCH = 1024;
const BATCHES = 4;

const { values } = parseArgs({
  args: Deno.args,
  options: { latents: { type: "string", default: "4096" }, rounds: { type: "string", default: "10" } },
});
const latents = Number(values.latents);
const rounds = Number(values.rounds);

const GPT2_SMALL: Architecture = {
  family: "gpt2",
  layerCount: 12,
  headCount: 12,
  headWidth: 64,
  modelWidth: WIDTH,
  mlpWidth: 4 * WIDTH,
  vocabularySize: 50257,
  contextLength: 1024,
  normEpsilon: 1e-5,
  bosId: 50256,
};

const backend = await createOrtBackend({ device: "cpu" }, new Uint8Array());
const random = (shape: readonly number[], seed: number): Tensor<Float32Array<ArrayBuffer>> =>
  float32(shape, Float32Array.from(normalNumbers(shape.reduce((a, b) => a * b, 1), seed))) as Tensor<
    Float32Array<ArrayBuffer>
  >;

const input = (name: string, shape: readonly number[]) => graphInput(name, "float32", shape);
const [x, z] = [input("x", [BATCH, WIDTH]), input("z", [BATCH, latents])];
const [error, slope] = [input("error", [BATCH, WIDTH]), input("slope", [BATCH, latents])];
const [encoder, decoder] = [input("encoder", [WIDTH, latents]), input("decoder", [latents, WIDTH])];
const products = [
  matMul(x, encoder),
  matMul(z, decoder),
  matMul(error, decoder, { transB: true }),
  matMul(z, error, { transA: true }),
  matMul(x, slope, { transA: true }),
];
// A sum of one element a product keeps each alive without adding work that counts.
const total = addAll(products.map((product) => reduceSum(product)));
const plain = await backend.prepare(encodeModel(lowerGraph({ outputs: { total } })));
const plainFeeds = {
  x: random([BATCH, WIDTH], 1),
  z: random([BATCH, latents], 2),
  error: random([BATCH, WIDTH], 3),
  slope: random([BATCH, latents], 4),
  encoder: random([WIDTH, latents], 5),
  decoder: random([latents, WIDTH], 6),
};
const batches = Array.from({ length: BATCHES }, (_, i) => random([BATCH, WIDTH], 10 + i).data);
const trainer = new Trainer(new Questioner(backend, 1e9));

for (const architecture of TRAINED_ARCHITECTURES) {
  const spec = resolveTraining(
    trainingSchema.parse({ site: "blocks.6.hook_resid_pre", architecture, latents, batch: BATCH }),
    GPT2_SMALL,
  );
  let state = firstState(spec, measureNormalization(batches[0] ?? new Float32Array(), WIDTH));
  const times = { step: [] as number[], plain: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const rows = batches[round % BATCHES]?.slice() ?? new Float32Array();
    const plainAt = performance.now();
    await plain.execute(plainFeeds);
    const stepAt = performance.now();
    ({ state } = await trainer.step({ id: "bench" } as ModelWeights, { spec, state }, rows));
    const endAt = performance.now();
    // The first step compiles.
    if (round === 0) continue;
    times.plain.push(stepAt - plainAt);
    times.step.push(endAt - stepAt);
  }
  const [ofStep, ofPlain] = [median(times.step), median(times.plain)];
  write(
    `${architecture}, ${latents} latents: ${(1000 / ofStep).toFixed(2)} steps a second (${
      ofStep.toFixed(0)
    } ms, plain products ${ofPlain.toFixed(0)} ms), share of the plain products' speed: ${
      (ofPlain / ofStep).toFixed(2)
    }`,
  );
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}

function write(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

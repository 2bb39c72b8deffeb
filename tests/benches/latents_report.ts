/**
 * Measures a question in the latent basis on GPT-2-small shapes with random weights: one dictionary of 32,768 latents at the MLP output of each
 * of 12 layers, 32 tokens, against the plain matrix products of encoding, decoding, forward and backward pass, in turns with them;
 * and the memory that it takes beyond the files.
 *
 * Run by `deno task bench`; `--activation relu` has half of all latents active, which no trained dictionary has; default: TopK, 32 a token.
 */
import { parseArgs } from "node:util";
import { PLAIN } from "../../engine/circuit/dictionary_spec.ts";
import { weightedChoices } from "../../engine/circuit/objective.ts";
import { Questioner } from "../../engine/circuit/questioner.ts";
import { openLanguageModel } from "../../engine/model/language_model.ts";
import type { Dictionary } from "../../engine/model/dictionary.ts";
import { addAll } from "../../engine/onnx/elementwise.ts";
import { matMul, reduceSum } from "../../engine/onnx/linear.ts";
import { lowerGraph } from "../../engine/onnx/lower.ts";
import { encodeModel } from "../../engine/onnx/proto.ts";
import { graphInput } from "../../engine/onnx/value.ts";
import { createOrtBackend } from "../../engine/runtime/ort_backend.ts";
import { float32 } from "../../engine/tensor/tensor.ts";
import { tinyDictionary } from "../support/tiny_dictionary.ts";
import { GPT2_SMALL, writeTinyModel } from "../support/tiny_model.ts";
import { preparePlainMatmuls } from "./plain_matmuls.ts";

const LATENTS = 32_768;
const WIDTH = 768;
const TOKENS = 32;
const LAYERS = 12;
const ROUNDS = 12;

const { values } = parseArgs({ args: Deno.args, options: { activation: { type: "string", default: "topk" } } });
const activation = values.activation === "relu" ? "relu" : "topk";
const folder = await Deno.makeTempDir();
await writeTinyModel(folder, GPT2_SMALL);
const dictionaries: Dictionary[] = [];
for (let layer = 0; layer < LAYERS; layer++) {
  dictionaries.push(
    await tinyDictionary(folder, {
      writeHook: `blocks.${layer}.hook_mlp_out`,
      widths: [WIDTH, WIDTH],
      latentCount: LATENTS,
      activation,
      k: 32,
      seed: layer,
    }),
  );
}
const model = { ...await openLanguageModel({ id: "gpt2-small", folder }), dictionaries };
const filesBytes = model.checkpoint.sizeBytes + dictionaries.reduce((sum, { detail }) => sum + detail.sizeBytes, 0);
const backend = await createOrtBackend({ device: "cpu" }, new Uint8Array());
const questioner = new Questioner(backend, 1e9);
const plain = await preparePlainMatmuls(model, backend, "both");

/** x W_enc and z W_dec of every dictionary: each product has its own input, so that none can be shared. */
const input = graphInput("x", "float32", ["token", WIDTH]);
const latents = graphInput("z", "float32", ["token", LATENTS]);
const products = dictionaries.flatMap(({ weights: { encoder, decoder } }) => [
  matMul(input, encoder.value),
  matMul(latents, decoder.value),
]);
const total = addAll(products.map((product) => reduceSum(product)));
const ofDictionaries = await backend.prepare(encodeModel(lowerGraph({ outputs: { total } })));
const feeds = {
  x: float32([TOKENS, WIDTH], new Float32Array(TOKENS * WIDTH).fill(0.01)),
  z: float32([TOKENS, LATENTS], new Float32Array(TOKENS * LATENTS).fill(0.01)),
};

const tokens = Array.from({ length: TOKENS }, (_, i) => (i * 997 + 13) % model.architecture.vocabularySize);
const question = {
  ...PLAIN,
  objective: "logit-diff",
  freezeFinalNorm: true,
  edits: [],
  trace: null,
  topK: 10,
  rows: [{ tokens, position: TOKENS - 1, choices: weightedChoices("logit-diff", [11], [12]) }],
} as const;
const inLatents = {
  ...question,
  basis: { mlp: "latent", attention: "head" },
  dictionaries: dictionaries.map(({ detail }) => detail.id),
} as const;

const times = { plain: 0, dictionaries: 0, latents: 0, neurons: 0 };
const timed = async (key: keyof typeof times, work: () => Promise<unknown>, counts: boolean) => {
  const startedAt = performance.now();
  await work();
  if (counts) times[key] += (performance.now() - startedAt) / ROUNDS;
};
let active = 0;
for (let round = 0; round <= ROUNDS; round++) {
  // The first round compiles, and reads the files.
  const counts = round > 0;
  await timed("plain", () => plain.session.execute(plain.feeds(TOKENS)), counts);
  await timed("dictionaries", () => ofDictionaries.execute(feeds), counts);
  await timed("neurons", () => questioner.run(model, question), counts);
  await timed("latents", async () => {
    const numbers = await questioner.run(model, inLatents);
    active = numbers.dictionaries.reduce((sum, part) => sum + part.latents.length, 0);
  }, counts);
}
const anonymous = Number(/RssAnon:\s+(\d+) kB/.exec(await Deno.readTextFile("/proc/self/status"))?.[1] ?? NaN) * 1024;
const share = times.latents / (times.plain + times.dictionaries);
for (
  const line of [
    `activation ${activation}, ${TOKENS} tokens, ${active} latents shown`,
    `plain products: model ${times.plain.toFixed(0)} ms, dictionaries ${times.dictionaries.toFixed(0)} ms`,
    `a question in neurons ${times.neurons.toFixed(0)} ms, in latents ${times.latents.toFixed(0)} ms`,
    `in latents, over the plain products: ${share.toFixed(2)}`,
    `files ${(filesBytes / 1e6).toFixed(0)} MB; anonymous memory beside them ${
      (anonymous / 1e6).toFixed(0)
    } MB, resident in all ${(Deno.memoryUsage().rss / 1e6).toFixed(0)} MB`,
  ]
) {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
await Deno.remove(folder, { recursive: true });

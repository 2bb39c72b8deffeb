/**
 * Measures a sweep on GPT-2-small shapes with random weights: sequences of 128 tokens, all neurons and heads, against the plain matrix
 * products of the same forward passes (`plain_matmuls.ts`), in turns with them; and the resident memory from the first to the last quarter.
 *
 * Run by `deno task bench`; `--tokens N` sets how many tokens are swept (default 100000).
 */
import { parseArgs } from "node:util";
import { Questioner } from "../../engine/circuit/questioner.ts";
import { hashOf } from "../../engine/tensor/random.ts";
import { Sequences } from "../../engine/corpus/sequences.ts";
import { SweepPlan, tokensPerStep } from "../../engine/corpus/sweep_plan.ts";
import { emptyState, Sweeper } from "../../engine/corpus/sweeper.ts";
import { openLanguageModel } from "../../engine/model/language_model.ts";
import { createOrtBackend } from "../../engine/runtime/ort_backend.ts";
import { GPT2_SMALL, writeTinyModel } from "../support/tiny_model.ts";
import { preparePlainMatmuls } from "./plain_matmuls.ts";

/** Tokens of a sequence. */
const LENGTH = 128;

const { values } = parseArgs({ args: Deno.args, options: { tokens: { type: "string", default: "100000" } } });
const tokenCount = Number(values.tokens);
const folder = await Deno.makeTempDir();
await writeTinyModel(folder, GPT2_SMALL);
const model = await openLanguageModel({ id: "gpt2-small", folder });
const backend = await createOrtBackend({ device: "cpu" }, new Uint8Array());
const plain = await preparePlainMatmuls(model, backend, "forward");

const { vocabularySize } = model.architecture;
const count = Math.ceil(tokenCount / LENGTH);
const sequences = new Sequences(
  Int32Array.from({ length: count * LENGTH }, (_, i) => hashOf(1, i) % vocabularySize),
  Uint32Array.from({ length: count + 1 }, (_, i) => i * LENGTH),
);
const plan = new SweepPlan(model.architecture, sequences, tokensPerStep(model.architecture));
const sweeper = new Sweeper(new Questioner(backend, 1e9));
const state = emptyState({ model, dictionary: null });

const times = { sweep: 0, plain: 0, longest: 0, tokens: 0 };
const memory: number[] = [];
for (let index = 0; index < plan.stepCount; index++) {
  const step = plan.step(index);
  // Scores of heads come first, and are not what is measured.
  if (step.kind !== "text") continue;
  const { tokens } = plan.progressOf(index);
  const plainAt = performance.now();
  await plain.session.execute(plain.feeds(tokens));
  const sweepAt = performance.now();
  await sweeper.add(model, state, step);
  const endAt = performance.now();
  memory.push(Deno.memoryUsage().rss);
  // The first step compiles.
  if (memory.length === 1) continue;
  times.plain += sweepAt - plainAt;
  times.sweep += endAt - sweepAt;
  times.longest = Math.max(times.longest, endAt - sweepAt);
  times.tokens += tokens;
}
const perSecond = (ms: number) => (times.tokens / ms * 1000).toFixed(0);
const quarter = Math.floor(memory.length / 4);
const largest = (from: number, to: number) => Math.max(...memory.slice(from, to)) / 1e6;
const [first, last] = [largest(1, 1 + quarter), largest(memory.length - quarter, memory.length)];
for (
  const line of [
    `swept: ${times.tokens} tokens, ${perSecond(times.sweep)} a second; plain products ${
      perSecond(times.plain)
    } a second`,
    `share of the plain products' speed: ${(times.plain / times.sweep).toFixed(2)}`,
    `longest step: ${times.longest.toFixed(0)} ms`,
    `resident memory, largest of the first and the last quarter: ${first.toFixed(0)} MB, ${last.toFixed(0)} MB`,
  ]
) {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
await Deno.remove(folder, { recursive: true });

/**
 * Measures a sweep on GPT-2-small shapes with random weights: sequences of 128 tokens, all neurons and heads, the state stored after each
 * step, against the plain matrix products of the same forward passes (`plain_matmuls.ts`), in turns with them; the resident memory
 * from the first to the last quarter; and how long questions wait that are asked while the engine sweeps.
 *
 * Run by `deno task bench`; `--tokens N` sets how many tokens are swept (default 100000).
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Questioner } from "../../engine/circuit/questioner.ts";
import { openEngine } from "../../engine/mod.ts";
import { Sequences } from "../../engine/corpus/sequences.ts";
import { SweepPlan, tokensPerStep } from "../../engine/corpus/sweep_plan.ts";
import { emptyState, Sweeper } from "../../engine/corpus/sweeper.ts";
import { openLanguageModel } from "../../engine/model/language_model.ts";
import { createOrtBackend } from "../../engine/runtime/ort_backend.ts";
import { Store } from "../../engine/store/store.ts";
import { hashOf } from "../../engine/tensor/random.ts";
import { GPT2_SMALL, writeTinyModel } from "../support/tiny_model.ts";
import { preparePlainMatmuls } from "./plain_matmuls.ts";

/** Tokens of a sequence. */
const LENGTH = 128;
/** Questions that are asked during a sweep, and how long after each other, in ms. */
const QUESTIONS = 12;
const QUESTION_PAUSE = 700;

const { values } = parseArgs({ args: Deno.args, options: { tokens: { type: "string", default: "100000" } } });
const folder = await Deno.makeTempDir();
const modelFolder = join(folder, "gpt2-small");
await writeTinyModel(modelFolder, GPT2_SMALL);
const model = await openLanguageModel({ id: "gpt2-small", folder: modelFolder });
await measureSpeed(Number(values.tokens));
await measureWaits();
await Deno.remove(folder, { recursive: true });

async function measureSpeed(tokenCount: number): Promise<void> {
  const backend = await createOrtBackend({ device: "cpu" }, new Uint8Array());
  const plain = await preparePlainMatmuls(model, backend, "forward");
  const sequences = sequencesOf(Math.ceil(tokenCount / LENGTH));
  const plan = new SweepPlan(model.architecture, sequences, tokensPerStep(model.architecture));
  const sweeper = new Sweeper(new Questioner(backend, 1e9));
  const state = emptyState({ model, dictionary: null });
  using store = Store.open(join(folder, "speed"), print);
  const progress = {
    step: 0,
    stepCount: plan.stepCount,
    sequencesDone: 0,
    sequenceCount: sequences.count,
    tokensDone: 0,
  };
  let row = { key: "bench", model: model.id, weights: "none", textSet: "random", progress, generation: 0 };
  store.sweeps.begin(row, sequences);

  const times = { sweep: 0, plain: 0, storing: 0, longest: 0, tokens: 0 };
  const memory: number[] = [];
  for (let index = 0; index < plan.stepCount; index++) {
    const step = plan.step(index);
    const { tokens } = plan.progressOf(index);
    const plainAt = performance.now();
    if (tokens > 0) await plain.session.execute(plain.feeds(tokens));
    const sweepAt = performance.now();
    await sweeper.add(model, state, step);
    const storeAt = performance.now();
    const generation = await store.sweeps.save(row, state, { ...progress, step: index + 1 });
    row = { ...row, generation };
    const endAt = performance.now();
    memory.push(Deno.memoryUsage().rss);
    // The first step of a kind compiles. Those before the texts are for the scores of heads, and are short.
    if (step.kind !== "text" || times.tokens + tokens <= LENGTH) {
      times.tokens += tokens;
      continue;
    }
    times.plain += sweepAt - plainAt;
    times.sweep += endAt - sweepAt;
    times.storing += endAt - storeAt;
    times.longest = Math.max(times.longest, endAt - sweepAt);
    times.tokens += tokens;
  }
  const counted = times.tokens - LENGTH;
  const perSecond = (ms: number) => (counted / ms * 1000).toFixed(0);
  const quarter = Math.floor(memory.length / 4);
  const largest = (from: number, to: number) => (Math.max(...memory.slice(from, to)) / 1e6).toFixed(0);
  print(
    `swept: ${counted} tokens, ${perSecond(times.sweep)} a second; plain products ${perSecond(times.plain)} a second`,
  );
  print(`share of the plain products' speed: ${(times.plain / times.sweep).toFixed(2)}`);
  print(`storing the state: ${(100 * times.storing / times.sweep).toFixed(1)} % of the sweep's time`);
  print(`longest step: ${times.longest.toFixed(0)} ms`);
  print(
    `resident memory, largest of the first and the last quarter: ${largest(1, 1 + quarter)} MB, ${
      largest(memory.length - quarter, memory.length)
    } MB`,
  );
}

/** Asks questions while a whole engine sweeps. */
async function measureWaits(): Promise<void> {
  const texts = Array.from({ length: 200 }, (_, text) => textOf(text).join(" "));
  await Deno.writeTextFile(join(modelFolder, "corpus.txt"), texts.join("\n<|endoftext|>\n"));
  const dataFolder = join(folder, "waits");
  const engine = await openEngine({ modelFolders: [modelFolder], dataFolder, device: "cpu", version: "bench" });
  try {
    const { id } = await engine.startJob({ kind: "sweep" });
    while ((engine.jobs()[0]?.done ?? 0) === 0) await rest(50);
    const waits: number[] = [];
    for (let question = 0; question < QUESTIONS; question++) {
      const tokens = textOf(1000 + question).slice(0, 16);
      const { result } = await engine.run({ prompts: [{ tokens, targets: [1] }] });
      waits.push(result.timing.queuedMs);
      await rest(QUESTION_PAUSE);
    }
    const state = engine.jobs().find((job) => job.id === id)?.state;
    print(
      `${QUESTIONS} questions during a sweep (${state}) waited for the step in flight: ${
        waits.map((wait) => wait.toFixed(0)).join(", ")
      } ms, longest ${Math.max(...waits).toFixed(0)} ms`,
    );
  } finally {
    await engine.close();
  }
}

function sequencesOf(count: number): Sequences {
  const texts = Array.from({ length: count }, (_, text) => textOf(text));
  return new Sequences(Int32Array.from(texts.flat()), Uint32Array.from({ length: count + 1 }, (_, i) => i * LENGTH));
}

/** Ids of a text: random ones. */
function textOf(text: number): readonly number[] {
  const { vocabularySize } = model.architecture;
  return Array.from({ length: LENGTH }, (_, i) => hashOf(1, text * LENGTH + i) % vocabularySize);
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

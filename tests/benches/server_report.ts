/**
 * Measures the program as a user meets it, over HTTP, on GPT-2-small shapes with random weights and on the demo model, and prints one line
 * for each claim of the README. Every time stands beside the plain matrix products of the same pass, measured in turns with it.
 *
 * Run by `deno task bench`; `--questions N` sets how many questions the memory is watched over (default 1000).
 */
import { parseArgs } from "node:util";
import { join } from "node:path";
import { openLanguageModel } from "../../engine/model/language_model.ts";
import { createOrtBackend } from "../../engine/runtime/ort_backend.ts";
import { startServer } from "../support/test_server.ts";
import { GPT2_SMALL, writeTinyModel } from "../support/tiny_model.ts";
import { preparePlainMatmuls } from "./plain_matmuls.ts";

const { values } = parseArgs({ args: Deno.args, options: { questions: { type: "string", default: "1000" } } });
const models = await Deno.makeTempDir();
const folder = join(models, "gpt2-small");
await writeTinyModel(folder, GPT2_SMALL);
await using server = await startServer(["--models", folder]);
const model = await openLanguageModel({ id: "gpt2-small", folder });
const plain = await preparePlainMatmuls(model, await createOrtBackend({ device: "cpu" }, new Uint8Array()), "both");
let seed = 1;

await reportCompile();
for (const tokenCount of [16, 32, 64, 128]) await reportQuestion(tokenCount);
await reportInterventions();
await reportMeasured();
await reportMemory(Number(values.questions));
await reportDemo();
await reportHealth();
await Deno.remove(models, { recursive: true });

/** The first question of each kind, a moment after another one, as people ask. */
async function reportCompile(): Promise<void> {
  await ask({ tokenCount: 32 });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const compileMs: number[] = [];
  for (const objective of ["prob", "log-prob", "logit"]) {
    compileMs.push((await ask({ tokenCount: 32, objective })).compileMs);
  }
  print(
    `compiling a new kind of question: median ${median(compileMs).toFixed(0)} ms, largest ${
      Math.max(...compileMs).toFixed(0)
    } ms`,
  );
}

async function reportQuestion(tokenCount: number): Promise<void> {
  const [asked, multiplied]: [number[], number[]] = [[], []];
  for (let round = 0; round < 15; round++) {
    asked.push((await ask({ tokenCount })).httpMs);
    const startedAt = performance.now();
    await plain.session.execute(plain.feeds(tokenCount));
    multiplied.push(performance.now() - startedAt);
  }
  const ratio = median(asked) / median(multiplied);
  print(
    `${tokenCount} tokens over HTTP: median ${median(asked).toFixed(0)} ms, plain forward + backward products ` +
      `${median(multiplied).toFixed(0)} ms, ratio ${ratio.toFixed(2)}`,
  );
}

/** A question with an intervention (two sides) against two prompts (two sides); every time another neuron and value. */
async function reportInterventions(): Promise<void> {
  await ask({ tokenCount: 32, prompts: 2 });
  await ask({ tokenCount: 32, interventions: [{ node: "mlp/0/0@0", set: 0 }] });
  const before = await compiledGraphs();
  const [edited, plainSides]: [number[], number[]] = [[], []];
  for (let round = 0; round < 15; round++) {
    const interventions = [{ node: `mlp/${round % 12}/${round * 97}@${round}`, set: round }];
    edited.push((await ask({ tokenCount: 32, interventions })).httpMs);
    plainSides.push((await ask({ tokenCount: 32, prompts: 2 })).httpMs);
  }
  print(
    `a question with another intervention each time: median ${median(edited).toFixed(0)} ms, two sides without ${
      median(plainSides).toFixed(0)
    } ms, ratio ${(median(edited) / median(plainSides)).toFixed(2)}; ${
      await compiledGraphs() - before
    } graphs compiled meanwhile`,
  );
}

/** The top 32 nodes of a question of 32 tokens, really ablated, against 32 forward passes of plain products. */
async function reportMeasured(): Promise<void> {
  const plainForward = await preparePlainMatmuls(
    model,
    await createOrtBackend({ device: "cpu" }, new Uint8Array()),
    "forward",
  );
  const [measured, multiplied]: [number[], number[]] = [[], []];
  for (let round = 0; round < 4; round++) {
    const { id } = await ask({ tokenCount: 32 });
    const startedAt = performance.now();
    await post(`runs/${id}/measured`, { top: 32 });
    await (await fetch(`${server.url}api/v1/runs/${id}/measured?top=32&wait=true`)).json();
    const measuredMs = performance.now() - startedAt;
    const plainStartedAt = performance.now();
    for (let pass = 0; pass < 32; pass++) await plainForward.session.execute(plainForward.feeds(32));
    // The first compiles.
    if (round === 0) continue;
    measured.push(measuredMs);
    multiplied.push(performance.now() - plainStartedAt);
  }
  print(
    `measured effects of the top 32 nodes, 32 tokens: median ${
      median(measured).toFixed(0)
    } ms, 32 plain forward passes ${median(multiplied).toFixed(0)} ms, ratio ${
      (median(measured) / median(multiplied)).toFixed(2)
    }`,
  );
}

async function compiledGraphs(): Promise<number> {
  const metrics = await (await fetch(`${server.url}metrics`)).text();
  return Number(/sessions_compiled\w* (\d+)/.exec(metrics)?.[1] ?? NaN);
}

/** Resident memory of the server after a warm-up and after many more questions of 32 tokens, in a process that served nothing else. */
async function reportMemory(questions: number): Promise<void> {
  await using fresh = await startServer(["--models", folder]);
  for (let index = 0; index < 20; index++) await ask({ tokenCount: 32, url: fresh.url });
  const before = await memoryOf(fresh.pid);
  for (let index = 0; index < questions; index++) await ask({ tokenCount: 32, url: fresh.url });
  const after = await memoryOf(fresh.pid);
  const share = (bytes: number) => (bytes / model.checkpoint.sizeBytes).toFixed(2);
  print(
    `resident memory: ${share(before.resident)}× the weights file after 20 questions, ${
      share(after.resident)
    }× after ${questions} more ` +
      `(change ${((after.resident / before.resident - 1) * 100).toFixed(1)} %; anonymous ${
        (after.anonymous / 1e6).toFixed(0)
      } MB)`,
  );
}

async function reportDemo(): Promise<void> {
  const times: number[] = [];
  for (let index = 0; index < 220; index++) times.push((await ask({ tokenCount: 15, modelId: "demo" })).httpMs);
  const warm = times.slice(20).sort((a, b) => a - b);
  print(
    `the demo model, 15 tokens over HTTP, 200 warm questions: median ${median(warm).toFixed(1)} ms, p95 ${
      warm[190]?.toFixed(1)
    } ms`,
  );
}

async function reportHealth(): Promise<void> {
  let isDone = false;
  const long = ask({ tokenCount: 512 }).finally(() => isDone = true);
  const times: number[] = [];
  while (!isDone) {
    const startedAt = performance.now();
    await (await fetch(`${server.url}healthz`)).text();
    times.push(performance.now() - startedAt);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { httpMs } = await long;
  print(
    `/healthz during a 512-token question of ${httpMs.toFixed(0)} ms: ${times.length} answers, slowest ${
      Math.max(...times).toFixed(0)
    } ms`,
  );
}

interface Asked {
  readonly id: string;
  readonly httpMs: number;
  readonly compileMs: number;
}

interface AskOptions {
  readonly tokenCount: number;
  readonly objective?: string;
  readonly modelId?: string;
  readonly url?: string;
  /** 1 or 2. */
  readonly prompts?: number;
  readonly interventions?: readonly unknown[];
}

/** Asks a question that was never asked before. */
async function ask(
  { tokenCount, objective = "logit-diff", modelId = "gpt2-small", url = server.url, prompts = 1, interventions = [] }:
    AskOptions,
): Promise<Asked> {
  const vocabularySize = modelId === "demo" ? 1536 : 50257;
  const tokens = Array.from({ length: tokenCount }, (_, index) => (index * 7919 + seed * 104729) % vocabularySize);
  seed++;
  const distractors = objective === "logit-diff" ? [12] : [];
  const prompt = { tokens, targets: [11], distractors };
  const startedAt = performance.now();
  const response = await post("runs", {
    model: modelId,
    prompts: Array.from({ length: prompts }, (_, index) => ({ ...prompt, tokens: tokens.with(0, index) })),
    objective: { kind: objective },
    interventions,
  }, url);
  const result = await response.json();
  const httpMs = performance.now() - startedAt;
  if (response.status !== 201) {
    throw new Error(`Expected a new run but found status ${response.status}: ${JSON.stringify(result)}`);
  }
  return { id: result.id, httpMs, compileMs: result.timing.compileMs };
}

function post(path: string, body: unknown, url = server.url): Promise<Response> {
  return fetch(`${url}api/v1/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** From Linux's own account, in bytes. */
async function memoryOf(pid: number): Promise<{ readonly resident: number; readonly anonymous: number }> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? NaN) * 1024;
  return { resident: field("VmRSS"), anonymous: field("RssAnon") };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

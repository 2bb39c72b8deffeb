/** Random GPT-2 checkpoints in the Hugging Face layout, from a seed: small ones for tests, full-size ones for benches. */
import { join } from "node:path";
import { decode, elementCount, encode, type FixtureEntry, safetensorsHeader } from "./safetensors_fixture.ts";
import { byteLevelTokenizer, END_OF_TEXT_ID, TOKENIZER_VOCABULARY_SIZE } from "./tiny_tokenizer.ts";

/** Every option has a default that gives a two-layer model of about 14 000 parameters. */
export interface TinyModelOptions {
  /** Default: 2. */
  readonly layers?: number;
  /** d_model; default: 16. */
  readonly width?: number;
  /** Default: 2. */
  readonly heads?: number;
  /** Neurons per layer; default: 4 · width. */
  readonly inner?: number;
  /** Default: 67, or what the tokenizer needs. */
  readonly vocab?: number;
  /** Default: 24. */
  readonly positions?: number;
  /** Default: F32. */
  readonly dtype?: "F32" | "F16" | "BF16";
  /** Put before every name but `lm_head.weight`; default: `transformer.`. */
  readonly prefix?: "transformer." | "";
  /** `false` writes a `lm_head.weight` of its own; default: true. */
  readonly tied?: boolean;
  /** Number of files; with more than one there is an index. Default: 1. */
  readonly shards?: number;
  /** Also write the causal-mask buffers that old checkpoints carry, which a reader has to skip. Default: false. */
  readonly maskBuffers?: boolean;
  /** Default: 1. */
  readonly seed?: number;
  /** Write a `tokenizer.json`; see `tiny_tokenizer.ts`. Default: false. */
  readonly tokenizer?: boolean;
  /** Added to `config.json`, over what is there. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Return the weights as written. Default: true up to 10 million parameters. */
  readonly keepWeights?: boolean;
}

/** A weight as written: rounded to the file's type. */
export interface TinyWeight {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface TinyModel {
  readonly folder: string;
  /** What `config.json` says. */
  readonly config: TinyModelConfig & Readonly<Record<string, unknown>>;
  /** By the names in the file; empty where they were not kept. */
  readonly weights: ReadonlyMap<string, TinyWeight>;
  readonly parameterCount: number;
}

export interface TinyModelConfig {
  readonly "n_layer": number;
  readonly "n_head": number;
  readonly "n_embd": number;
  readonly "n_inner": number;
  readonly "n_positions": number;
  readonly "vocab_size": number;
  readonly "layer_norm_epsilon": number;
}

/** Options for a checkpoint of GPT-2 small's size: 124 million parameters, 500 MB in float32. */
export const GPT2_SMALL: TinyModelOptions = { layers: 12, width: 768, heads: 12, vocab: 50257, positions: 1024 };

/** Writes a checkpoint into a folder, which is made if it does not exist. The same options give the same bytes. */
export async function writeTinyModel(folder: string, options: TinyModelOptions = {}): Promise<TinyModel> {
  const { seed = 1, shards = 1 } = options;
  const config = configOf(options);
  const plans = weightPlans(config, options);
  const parameterCount = plans.reduce(
    (count, { fill, shape }) => fill === "mask" ? count : count + elementCount(shape),
    0,
  );
  const keepWeights = options.keepWeights ?? parameterCount <= 10_000_000;
  const weights = new Map<string, TinyWeight>();
  await Deno.mkdir(folder, { recursive: true });
  await writeJson(join(folder, "config.json"), config);
  if (options.tokenizer) await writeJson(join(folder, "tokenizer.json"), byteLevelTokenizer());

  const random = new Random(seed);
  const weightMap: Record<string, string> = {};
  for (const [index, inFile] of splitEvenly(plans, shards).entries()) {
    const fileName = shards === 1
      ? "model.safetensors"
      : `model-${fiveDigits(index + 1)}-of-${fiveDigits(shards)}.safetensors`;
    using file = await Deno.open(join(folder, fileName), { write: true, create: true, truncate: true });
    await writeAll(file, safetensorsHeader(inFile, { format: "pt" }));
    for (const plan of inFile) {
      const data = await writeWeight(file, plan, { random, keepWeights });
      weightMap[plan.name] = fileName;
      if (data !== null) weights.set(plan.name, { shape: plan.shape, data });
    }
  }
  if (shards > 1) {
    const sizeBytes = parameterCount * (options.dtype === "F16" || options.dtype === "BF16" ? 2 : 4);
    await writeJson(join(folder, "model.safetensors.index.json"), {
      metadata: { "total_size": sizeBytes },
      "weight_map": weightMap,
    });
  }
  return { folder, config, weights, parameterCount };
}

function configOf(options: TinyModelOptions): TinyModel["config"] {
  const { layers = 2, width = 16, heads = 2, inner = 4 * width, positions = 24, tokenizer = false, tied = true } =
    options;
  const vocab = options.vocab ?? (tokenizer ? TOKENIZER_VOCABULARY_SIZE : 67);
  if (width % heads !== 0) throw new RangeError(`Expected a width that ${heads} heads divide but found ${width}`);
  if (tokenizer && vocab < TOKENIZER_VOCABULARY_SIZE) {
    throw new RangeError(`Expected a vocabulary of at least ${TOKENIZER_VOCABULARY_SIZE} but found ${vocab}`);
  }
  return {
    architectures: ["GPT2LMHeadModel"],
    "model_type": "gpt2",
    "vocab_size": vocab,
    "n_positions": positions,
    "n_ctx": positions,
    "n_embd": width,
    "n_layer": layers,
    "n_head": heads,
    "n_inner": inner,
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "tie_word_embeddings": tied,
    ...(tokenizer ? { "bos_token_id": END_OF_TEXT_ID, "eos_token_id": END_OF_TEXT_ID } : {}),
    ...options.config,
  };
}

/** A tensor to be written: uniform numbers around a centre, or the causal mask. */
interface WeightPlan extends FixtureEntry {
  readonly fill: { readonly centre: number; readonly deviation: number } | "mask";
}

/**
 * Scales are chosen so that every part matters at any size: attention is neither flat nor one-hot, neurons reach both sides of
 * the GELU, and no gain is 1 and no bias 0.
 */
function weightPlans(config: TinyModelConfig, options: TinyModelOptions): WeightPlan[] {
  const { dtype = "F32", prefix = "transformer.", tied = true, maskBuffers = false } = options;
  const { "n_embd": width, "n_inner": inner, "n_positions": positions, "vocab_size": vocab } = config;
  const plan = (name: string, shape: readonly number[], deviation: number, centre = 0): WeightPlan => (
    { name: prefix + name, dtype, shape, fill: { centre, deviation } }
  );
  const norm = (name: string) => [plan(`${name}.weight`, [width], 0.2, 1), plan(`${name}.bias`, [width], 0.1)];
  const linear = (name: string, [from, to]: readonly [number, number], strength: number) => [
    plan(`${name}.weight`, [from, to], strength / Math.sqrt(from)),
    plan(`${name}.bias`, [to], 0.1),
  ];
  const plans = [
    plan("wte.weight", [vocab, width], 1.6 / Math.sqrt(width)),
    plan("wpe.weight", [positions, width], 0.8 / Math.sqrt(width)),
  ];
  for (let layer = 0; layer < config["n_layer"]; layer++) {
    const h = `h.${layer}`;
    plans.push(
      ...norm(`${h}.ln_1`),
      ...linear(`${h}.attn.c_attn`, [width, 3 * width], 1.3),
      ...linear(`${h}.attn.c_proj`, [width, width], 0.6),
      ...norm(`${h}.ln_2`),
      ...linear(`${h}.mlp.c_fc`, [width, inner], 1.2),
      ...linear(`${h}.mlp.c_proj`, [inner, width], 0.6),
    );
    if (maskBuffers) {
      plans.push({ name: `${prefix}${h}.attn.bias`, dtype, shape: [1, 1, positions, positions], fill: "mask" });
    }
  }
  plans.push(...norm("ln_f"));
  if (!tied) plans.push({ ...plan("", [vocab, width], 1.6 / Math.sqrt(width)), name: "lm_head.weight" });
  return plans;
}

/** Elements that are made and written at a time, so that a large model needs little memory. */
const CHUNK_ELEMENTS = 1 << 20;

async function writeWeight(
  file: Deno.FsFile,
  { shape, dtype, fill }: WeightPlan,
  { random, keepWeights }: { readonly random: Random; readonly keepWeights: boolean },
): Promise<Float64Array | null> {
  const count = elementCount(shape);
  const kept = keepWeights ? new Float64Array(count) : null;
  for (let start = 0; start < count; start += CHUNK_ELEMENTS) {
    const values = new Float32Array(Math.min(CHUNK_ELEMENTS, count - start));
    if (fill === "mask") fillMask(values, start, shape.at(-1) ?? 1);
    else random.fill(values, fill.centre, fill.deviation);
    const bytes = encode(dtype, values);
    await writeAll(file, bytes);
    kept?.set(decode(dtype, bytes.buffer), start);
  }
  return kept;
}

/** 1 where the key is not after the query, `[query, key]`, from element `start` on. */
function fillMask(values: Float32Array, start: number, size: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (start + i) % size <= Math.floor((start + i) / size) ? 1 : 0;
}

/** The mulberry32 generator: 32 bits of state, good enough for weights, and the same everywhere. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform numbers with the given mean and standard deviation. */
  fill(values: Float32Array, mean: number, deviation: number): void {
    const halfWidth = deviation * Math.sqrt(3);
    const [scale, offset] = [2 * halfWidth / 2 ** 32, mean - halfWidth];
    let state = this.#state;
    for (let i = 0; i < values.length; i++) {
      state = (state + 0x6d2b79f5) | 0;
      let bits = Math.imul(state ^ (state >>> 15), state | 1);
      bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
      values[i] = ((bits ^ (bits >>> 14)) >>> 0) * scale + offset;
    }
    this.#state = state;
  }
}

/** Consecutive runs of nearly equal count. */
function splitEvenly<T>(items: readonly T[], parts: number): T[][] {
  return Array.from(
    { length: parts },
    (_, part) => items.slice(Math.floor(part * items.length / parts), Math.floor((part + 1) * items.length / parts)),
  );
}

function fiveDigits(count: number): string {
  return `${count}`.padStart(5, "0");
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
}

async function writeJson(path: string, content: unknown): Promise<void> {
  await Deno.writeTextFile(path, JSON.stringify(content, null, 2) + "\n");
}

/** A model folder, opened: everything about a language model that does not need ONNX Runtime. */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { FileFormatError, StartError } from "../errors.ts";
import type { Architecture, TransformerWeights } from "./architecture.ts";
import { Checkpoint } from "./checkpoint.ts";
import type { Dictionary } from "./dictionary.ts";
import { gpt2OutputNames, gpt2ParameterNames, gpt2Weights, parseGpt2Config } from "./gpt2.ts";
import { hookPoints } from "./hook_points.ts";
import type { ModelDetail } from "./summary.ts";
import { idTokenizer, readTokenizer, type Tokenizer } from "./tokenizer.ts";

/** Largest `config.json` accepted, in bytes. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/** A model's id and its folder. */
export interface ModelLocation {
  readonly id: string;
  readonly folder: string;
}

/** What the engine thread needs of a model: numbers, no texts. */
export interface ModelWeights extends ModelLocation {
  readonly architecture: Architecture;
  readonly checkpoint: Checkpoint;
  readonly weights: TransformerWeights;
  /** Those that can be spliced in. */
  readonly dictionaries: readonly Dictionary[];
}

export interface LanguageModel extends ModelWeights {
  readonly tokenizer: Tokenizer;
  /** Names of the tensors of the final norm and the unembedding. */
  readonly outputNames: { readonly gain: string; readonly bias: string; readonly unembedding: string };
  readonly detail: ModelDetail;
}

/**
 * Opens the weights of a model folder and checks that every tensor it needs is there and of the right shape.
 *
 * @throws {FileFormatError} if it is damaged or of a family that we cannot run.
 */
export async function openModelWeights({ id, folder }: ModelLocation): Promise<ModelWeights> {
  const architecture = parseGpt2Config(await readConfig(join(folder, "config.json")));
  const checkpoint = await Checkpoint.open(folder);
  return { id, folder, architecture, checkpoint, weights: gpt2Weights(checkpoint, architecture), dictionaries: [] };
}

/** Opens a model folder with its tokenizer. Errors as `openModelWeights`. */
export async function openLanguageModel({ id, folder }: ModelLocation): Promise<LanguageModel> {
  const model = await openModelWeights({ id, folder });
  const { architecture, checkpoint } = model;
  const fileTokenizer = await readTokenizer(join(folder, "tokenizer.json"));
  const tokenizer = fileTokenizer ?? idTokenizer;
  return {
    ...model,
    tokenizer,
    outputNames: gpt2OutputNames(checkpoint),
    detail: {
      id,
      family: architecture.family,
      layerCount: architecture.layerCount,
      headCount: architecture.headCount,
      modelWidth: architecture.modelWidth,
      mlpWidth: architecture.mlpWidth,
      vocabularySize: architecture.vocabularySize,
      contextLength: architecture.contextLength,
      parameterCount: checkpoint.parameterCount(gpt2ParameterNames(checkpoint, architecture)),
      weightsBytes: checkpoint.sizeBytes,
      hasTokenizer: fileTokenizer !== null,
      bos: architecture.bosId === null
        ? null
        : { id: architecture.bosId, text: tokenizer.tokenText(architecture.bosId) },
      config: await readConfig(join(folder, "config.json")),
      hookPoints: hookPoints(architecture),
      dictionaries: [],
      datasets: [],
    },
  };
}

/**
 * Finds the models of a folder that is itself a model, or holds model folders.
 *
 * @throws {StartError} if it cannot be read or holds none.
 */
export async function findModels(folder: string): Promise<readonly ModelLocation[]> {
  const path = resolve(folder);
  if (await isModelFolder(path)) return [{ id: basename(path), folder: path }];
  const entries = await readdir(path).catch((cause: unknown) => {
    throw new StartError(
      `Cannot read models folder ${folder}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  });
  const found: ModelLocation[] = [];
  for (const entry of entries.sort()) {
    if (await isModelFolder(join(path, entry))) found.push({ id: entry, folder: join(path, entry) });
  }
  if (found.length === 0) {
    throw new StartError(
      `Cannot find a model in ${folder}: expected config.json with model.safetensors there or in folders inside`,
    );
  }
  return found;
}

function isModelFolder(folder: string): Promise<boolean> {
  return stat(join(folder, "config.json")).then((found) => found.isFile(), () => false);
}

async function readConfig(path: string): Promise<Record<string, unknown>> {
  const { size } = await stat(path);
  if (size > MAX_CONFIG_BYTES) {
    throw new FileFormatError(
      `Cannot read config.json: it has ${size} bytes, at most ${MAX_CONFIG_BYTES} are accepted`,
    );
  }
  try {
    const parsed: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch {
    // Reported below, with what would be right.
  }
  throw new FileFormatError("Cannot read config.json: expected a JSON object");
}

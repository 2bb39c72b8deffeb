/**
 * Executes questions on the engine thread: chooses the compiled graph for the kind of question, or compiles it; feeds what
 * differs; reads the numbers out. Knows no text and no ids of runs.
 */
import { lowerGraph } from "../onnx/lower.ts";
import { encodeModel } from "../onnx/proto.ts";
import type { Value } from "../onnx/value.ts";
import type { LanguageModel } from "../model/language_model.ts";
import type { Backend } from "../runtime/backend.ts";
import { SessionCache, type SessionCounters } from "../runtime/session_cache.ts";
import { float32Data, type Tensor } from "../tensor/tensor.ts";
import { type CheckNumbers, readCheckNumbers } from "./checks.ts";
import { questionFeeds, type QuestionKind, type QuestionRow } from "./question_graph.ts";
import { buildRunGraph, type Effect, EFFECTS } from "./run_graph.ts";
import { type Candidate, readSelection, selectionFeeds } from "./selection.ts";
import { buildTensorsGraph, type TensorName } from "./tensors_graph.ts";
import { computeWriteNorms } from "./write_norms.ts";

/** What a session is assumed to hold beyond its graph, in bytes (measured: 10 MB with prepacking off). */
const SESSION_BYTES = 10 * 1024 * 1024;

export interface RunQuestion extends QuestionKind {
  /** One a side. */
  readonly rows: readonly QuestionRow[];
  readonly topK: number;
}

/** Sums of one effect: `[side][token]`. */
export interface SumNumbers {
  readonly mlp: readonly (readonly number[])[];
  readonly byQuery: readonly (readonly number[])[];
  readonly byKey: readonly (readonly number[])[];
}

/** The numbers of a run. */
export interface RunNumbers {
  /** J by side. */
  readonly objective: readonly number[];
  /** All logits at the position, by side. */
  readonly logits: readonly Float32Array[];
  /** The last residual at the position, by side. */
  readonly residual: readonly Float32Array[];
  readonly mlp: readonly Candidate[];
  readonly head: readonly Candidate[];
  /** `[side][token]` */
  readonly embed: Readonly<Record<"writeNorm" | Effect, readonly (readonly number[])[]>>;
  readonly sums: Readonly<Record<Effect, SumNumbers>>;
  readonly checks: CheckNumbers;
  readonly compileMs: number;
  readonly computeMs: number;
}

export interface TensorsQuestion extends QuestionKind {
  readonly row: QuestionRow;
  readonly tensors: readonly TensorName[];
}

/** A tensor without its batch axis, in the axes that `spec/api.md` promises. */
export interface NamedResult {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export class Questioner {
  readonly #backend: Backend;
  readonly #sessions: SessionCache<null>;
  readonly #writeNorms = new Map<string, Readonly<Record<string, Tensor>>>();

  constructor(backend: Backend, maxSessionBytes: number) {
    this.#backend = backend;
    this.#sessions = new SessionCache(maxSessionBytes);
  }

  get sessions(): SessionCounters {
    return this.#sessions.counters();
  }

  /** Computes the constants of a model that questions are fed with. Done at the start; otherwise at the first question. */
  async prepareModel(model: LanguageModel): Promise<void> {
    await this.#norms(model);
  }

  async run(model: LanguageModel, question: RunQuestion): Promise<RunNumbers> {
    const { objective, freezeFinalNorm, rows, topK } = question;
    const key = JSON.stringify(["run", model.id, objective, freezeFinalNorm]);
    const { session, compileMs } = await this.#session(model, key, () => buildRunGraph(model, question));
    const tokenCount = Math.max(...rows.map(({ tokens }) => tokens.length));
    const { mlpWidth, headCount, layerCount } = model.architecture;
    const norms = await this.#norms(model);
    const startedAt = performance.now();
    const fetches = await session.execute({
      ...norms,
      ...questionFeeds(rows),
      ...selectionFeeds("mlp", topK, tokenCount * mlpWidth),
      ...selectionFeeds("head", topK, headCount * tokenCount * tokenCount),
    });
    const computeMs = performance.now() - startedAt;

    const lengths = rows.map(({ tokens }) => tokens.length);
    const selection = { layerCount, k: topK, sideCount: rows.length };
    const sides = <T extends Float32Array>(name: string) => rowsOf(fetches, name, rows.length) as T[];
    const perToken = (name: string) => sides(name).map((values, side) => [...values.subarray(0, lengths[side])]);
    const sums = (effect: Effect): SumNumbers => ({
      mlp: perToken(`sum.${effect}.mlp`),
      byQuery: perToken(`sum.${effect}.byQuery`),
      byKey: perToken(`sum.${effect}.byKey`),
    });
    return {
      objective: [...output(fetches, "objective")],
      logits: sides("logits"),
      residual: sides("residual"),
      mlp: readSelection("mlp", fetches, {
        ...selection,
        isNode: (flatIndex, side) => Math.floor(flatIndex / mlpWidth) < (lengths[side] ?? 0),
      }),
      head: readSelection("head", fetches, {
        ...selection,
        isNode: (flatIndex, side) => {
          const [query, key] = [Math.floor(flatIndex / tokenCount) % tokenCount, flatIndex % tokenCount];
          return key <= query && query < (lengths[side] ?? 0);
        },
      }),
      embed: {
        writeNorm: perToken("embed.writeNorm"),
        directEffect: perToken("embed.directEffect"),
        totalEffect: perToken("embed.totalEffect"),
      },
      sums: Object.fromEntries(EFFECTS.map((effect) => [effect, sums(effect)])) as Record<Effect, SumNumbers>,
      checks: readCheckNumbers((name) => [...output(fetches, name)]),
      compileMs,
      computeMs,
    };
  }

  async tensors(model: LanguageModel, { row, tensors, objective, freezeFinalNorm }: TensorsQuestion): Promise<{
    readonly tensors: readonly NamedResult[];
    readonly objective: number;
  }> {
    const names = [...new Set(tensors.map(({ text }) => text))];
    const key = JSON.stringify(["tensors", model.id, objective, freezeFinalNorm, names]);
    const { session } = await this.#session(
      model,
      key,
      () => buildTensorsGraph(model, { objective, freezeFinalNorm }, tensors),
    );
    const fetches = await session.execute({ ...await this.#norms(model), ...questionFeeds([row]) });
    return {
      objective: output(fetches, "objective")[0] ?? NaN,
      tensors: names.map((name) => ({ name, shape: fetches[name]?.shape ?? [], data: output(fetches, name) })),
    };
  }

  #session(
    model: LanguageModel,
    key: string,
    build: () => { outputs: Readonly<Record<string, Value>>; names: ReadonlyMap<Value, string> },
  ) {
    return this.#sessions.get(key, async () => {
      const bytes = encodeModel(lowerGraph(build()));
      const session = await this.#backend.prepare(bytes, { weightsFolder: model.folder });
      return { session, plan: null, bytes: bytes.length + SESSION_BYTES };
    });
  }

  async #norms(model: LanguageModel): Promise<Readonly<Record<string, Tensor>>> {
    const known = this.#writeNorms.get(model.id);
    if (known !== undefined) return known;
    const norms = await computeWriteNorms(model, this.#backend);
    this.#writeNorms.set(model.id, norms);
    return norms;
  }
}

function output(fetches: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  const fetched = fetches[name];
  if (fetched === undefined) throw new Error(`Internal: the graph has no output ${name}`);
  return float32Data(fetched);
}

/** An output `[batch, …]` as one array a side. */
function rowsOf(fetches: Readonly<Record<string, Tensor>>, name: string, count: number): readonly Float32Array[] {
  const data = output(fetches, name);
  const width = data.length / count;
  return Array.from({ length: count }, (_, row) => data.slice(row * width, (row + 1) * width));
}

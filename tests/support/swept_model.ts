/** A tiny random model beside a corpus of token ids, and engines on one data folder. */
import { join } from "node:path";
import { type Engine, openEngine } from "../../engine/mod.ts";
import { hashOf } from "../../engine/tensor/random.ts";
import { type TinyModel, writeTinyModel } from "./tiny_model.ts";

/** Tokens that the model's context holds. */
const CONTEXT = 24;
const VOCABULARY = 67;

export interface SweptModel {
  readonly tiny: TinyModel;
  /** The sequences that the corpus has to become, in order. */
  readonly sequences: readonly (readonly number[])[];
  readonly modelFolder: string;
  readonly dataFolder: string;
}

/** Documents of 2 to 61 token ids, longer ones than the context among them. */
export function corpusDocuments(count: number): readonly (readonly number[])[] {
  return Array.from(
    { length: count },
    (_, i) => Array.from({ length: 2 + hashOf(1, i) % 60 }, (_, token) => hashOf(2 + i, token) % VOCABULARY),
  );
}

/** Makes the model, its corpus and an empty data folder, and removes them when `use` is over. */
export async function withSweptModel(documentCount: number, use: (model: SweptModel) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const modelFolder = join(folder, "tiny");
  const tiny = await writeTinyModel(modelFolder, { vocab: VOCABULARY, positions: CONTEXT, seed: 5 });
  const documents = corpusDocuments(documentCount);
  await Deno.writeTextFile(
    join(modelFolder, "corpus.txt"),
    documents.map((ids) => ids.join(" ")).join("\n<|endoftext|>\n"),
  );
  const sequences = documents.flatMap((ids) =>
    Array.from({ length: Math.ceil(ids.length / CONTEXT) }, (_, i) => ids.slice(i * CONTEXT, (i + 1) * CONTEXT))
  );
  try {
    await use({ tiny, sequences, modelFolder, dataFolder: join(folder, "data") });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** An engine with the model. @param stepTokens Tokens of a batch */
export function openSweptEngine(
  { modelFolder, dataFolder }: Pick<SweptModel, "modelFolder" | "dataFolder">,
  stepTokens: number,
): Promise<Engine> {
  return openEngine({ modelFolders: [modelFolder], dataFolder, device: "cpu", version: "test", stepTokens });
}

/** Sweeps the model, or one of its dictionaries, to the end. @throws {Error} if the job ends otherwise */
export async function sweepToTheEnd(engine: Engine, dictionary?: string): Promise<void> {
  const { id } = await engine.startJob({ kind: "sweep", ...dictionary === undefined ? {} : { dictionary } });
  const { state, problem } = await engine.finishedJob(id);
  if (state !== "done") throw new Error(`The sweep is ${state}: ${problem}`);
}

/** Everything that was collected, as plain data. */
export async function collected(engine: Engine): Promise<unknown> {
  const [model] = engine.models();
  const records = [];
  for (let layer = 0; layer < (model?.layerCount ?? 0); layer++) {
    for (const kind of ["mlp", "head"] as const) records.push(...await engine.layerRecords({ kind, layer }));
  }
  return records;
}

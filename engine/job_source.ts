/** What long work needs of the engine. */
import type { Dictionary } from "./model/dictionary.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { EngineRequests } from "./protocol.ts";
import type { WorkerClient } from "./runtime/worker_client.ts";
import type { Store } from "./store/store.ts";

export interface JobSource {
  readonly worker: Pick<WorkerClient<EngineRequests>, "call">;
  readonly store: Store;
  /** Files of `--corpus`. */
  readonly corpusFiles: readonly string[];
  /** Where results are kept; states of trainings too. */
  readonly dataFolder: string;
  /** Folder that the dictionaries which are trained for a model are written into. */
  trainedFolder(model: LanguageModel): string;
  /** Tokens of a sweep's batch; null: as the model's size asks for. */
  readonly stepTokens: number | null;
  /** A loaded model. @throws {NotFoundError} */
  model(id: string): LanguageModel;
  /** Digest of a model's weights, and of dictionaries that something is computed with. */
  digest(model: LanguageModel, dictionaries?: readonly Dictionary[]): Promise<string>;
}

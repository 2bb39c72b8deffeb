/** Puts the engine together: models, dictionaries, store, engine thread. */
import { PLAIN } from "./circuit/dictionary_spec.ts";
import type { Engine } from "./engine.ts";
import { StartError } from "./errors.ts";
import type { EngineRequests, OpenInput } from "./protocol.ts";
import { openPublishedRecords } from "./corpus/published_records.ts";
import { openDictionaries, withDictionaries } from "./open_dictionaries.ts";
import { messageOf, openModels } from "./open_models.ts";
import { WorkerClient } from "./runtime/worker_client.ts";
import { type OpenEngineOptions, trainedFolder } from "./engine_options.ts";
import { Store } from "./store/store.ts";
import { Digests } from "./weights_digest.ts";
import { LocalEngine } from "./local_engine.ts";

/** Bound on what compiled graphs hold, in bytes. */
const MAX_SESSION_BYTES = 512 * 1024 * 1024;

/**
 * Opens models, store and engine thread, and begins to compile the default question.
 *
 * @throws {StartError} if a model folder or the device cannot be used.
 */
export async function openEngine(options: OpenEngineOptions): Promise<Engine> {
  const log = options.log ?? (() => {});
  const plain = await openModels(options.modelFolders, log);
  const { dataFolder, records = [], dictionaryFolders: folders = [] } = options;
  const dictionaries = await openDictionaries({ folders, trained: trainedFolder(dataFolder) }, plain, log);
  const models = withDictionaries(plain, dictionaries);
  const published = openPublishedRecords(records, { models: [...models.keys()], dataFolder });
  const openInput: OpenInput = {
    device: options.device,
    models: [...models.values()].map(({ id, folder }) => ({
      id,
      folder,
      dictionaries: dictionaries.locations.get(id) ?? [],
    })),
    maxSessionBytes: MAX_SESSION_BYTES,
  };
  const worker = new WorkerClient<EngineRequests>(new URL("./worker.ts", import.meta.url), {
    maxQueued: options.maxQueued ?? 64,
    openInput,
    log,
  });
  const [first] = models.values();
  if (first === undefined) throw new StartError("Cannot start: no model is loaded");
  const kind = { objective: "logit-diff", freezeFinalNorm: true, edits: null, trace: null, ...PLAIN } as const;
  try {
    await worker.call("warm", { modelId: first.id, kind });
  } catch (error) {
    await worker.close();
    throw error instanceof StartError ? error : new StartError(`Cannot start: ${messageOf(error)}`, { cause: error });
  }
  const store = Store.open(dataFolder, log);
  const digests = new Digests(store, dictionaries.paths);
  const engine = new LocalEngine({ models, published, worker, store, digests, options });
  engine.resumeJobs();
  return engine;
}

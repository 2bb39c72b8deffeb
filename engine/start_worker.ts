/** The engine thread, started with the models, its first graph compiled. */
import { PLAIN } from "./circuit/dictionary_spec.ts";
import type { OpenEngineOptions } from "./engine_options.ts";
import { StartError } from "./errors.ts";
import type { LanguageModel } from "./model/language_model.ts";
import { messageOf } from "./open_models.ts";
import type { EngineRequests, OpenInput } from "./protocol.ts";
import { WorkerClient } from "./runtime/worker_client.ts";

/** Bound on what compiled graphs hold, in bytes. */
const MAX_SESSION_BYTES = 512 * 1024 * 1024;

/** @throws {StartError} if the device cannot be used, or there is no model */
export async function startWorker(
  { device, maxQueued = 64, log = () => {} }: OpenEngineOptions,
  { models, locations }: {
    readonly models: ReadonlyMap<string, LanguageModel>;
    /** Where the dictionaries of each model are. */
    readonly locations: ReadonlyMap<string, OpenInput["models"][number]["dictionaries"]>;
  },
): Promise<WorkerClient<EngineRequests>> {
  const openInput: OpenInput = {
    device,
    models: [...models.values()].map(({ id, folder }) => ({ id, folder, dictionaries: locations.get(id) ?? [] })),
    maxSessionBytes: MAX_SESSION_BYTES,
  };
  const worker = new WorkerClient<EngineRequests>(new URL("./worker.ts", import.meta.url), {
    maxQueued,
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
  return worker;
}

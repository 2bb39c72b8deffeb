/** How an engine is opened. */
import { join } from "node:path";
import type { PublishedSource } from "./corpus/published_records.ts";
import type { AssistantOptions } from "./explain/assistant.ts";
import type { Device } from "./runtime/backend.ts";

export interface OpenEngineOptions {
  /** Model folders, or folders of them, in order of preference; the first model is the default. */
  readonly modelFolders: readonly string[];
  /** Folders that are searched for dictionaries, beside those in the models' own folders. */
  readonly dictionaryFolders?: readonly string[];
  readonly dataFolder: string;
  readonly device: Device;
  readonly version: string;
  readonly log?: (line: string) => void;
  /** Requests that may wait for the engine thread. */
  readonly maxQueued?: number;
  /** Files with texts that models can be swept over, beside their own. */
  readonly corpusFiles?: readonly string[];
  /** Where records of models' components have been published. */
  readonly records?: readonly PublishedSource[];
  /** Tokens of a sweep's batch; default: as the model's size asks for. */
  readonly stepTokens?: number;
  /** Who explains beside our own rules; null or absent: nobody, and nothing is sent anywhere. */
  readonly assistant?: AssistantOptions | null;
  /** Where dictionaries that are trained are written, each into a folder of its own; default: by model, in the data folder. */
  readonly trainedFolder?: string;
}

/** Where dictionaries that were trained here lie, a folder a model. */
export function trainedFolder(dataFolder: string): string {
  return join(dataFolder, "dictionaries");
}

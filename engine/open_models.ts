/** The models that a start names. */
import { FileFormatError, StartError } from "./errors.ts";
import { findModels, type LanguageModel, openLanguageModel } from "./model/language_model.ts";

/** Opens every model of the folders. A damaged one ends the start if it was named itself, else it is left out and told. */
export async function openModels(
  folders: readonly string[],
  log: (line: string) => void,
): Promise<ReadonlyMap<string, LanguageModel>> {
  const models = new Map<string, LanguageModel>();
  for (const folder of folders) {
    const found = await findModels(folder);
    const opened = await Promise.allSettled(found.map(openLanguageModel));
    opened.forEach((outcome, index) => {
      const { id } = found[index] ?? { id: "" };
      if (outcome.status === "rejected") {
        const line = `Cannot load model "${id}": ${messageOf(outcome.reason)}`;
        if (found.length === 1 || !(outcome.reason instanceof FileFormatError)) {
          throw new StartError(line, { cause: outcome.reason });
        }
        log(line);
      } else if (models.has(id)) {
        throw new StartError(`Cannot start: two models are named "${id}"; rename one of the folders`);
      } else {
        models.set(id, outcome.value);
      }
    });
  }
  return models;
}

/** What went wrong, in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

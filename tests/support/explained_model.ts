/** Engines on a tiny swept model, with or without an assistant. */
import { type Engine, openEngine } from "../../engine/mod.ts";
import { sweepToTheEnd, type SweptModel, withSweptModel } from "./swept_model.ts";

/** What the tests' assistant costs, so that costs are seen. */
export const TEST_PRICE = { prompt: 1, completion: 2 };

export const TEST_KEY = "sk-secret-key";

export function openExplainedEngine(
  { modelFolder, dataFolder }: Pick<SweptModel, "modelFolder" | "dataFolder">,
  { url, log, price = TEST_PRICE, timeoutMs = 5000, concurrency = 3 }: {
    /** Of the assistant; none without. */
    readonly url?: string;
    readonly log?: (line: string) => void;
    readonly price?: typeof TEST_PRICE | null;
    readonly timeoutMs?: number;
    readonly concurrency?: number;
  } = {},
): Promise<Engine> {
  return openEngine({
    modelFolders: [modelFolder],
    dataFolder,
    device: "cpu",
    version: "test",
    ...log === undefined ? {} : { log },
    assistant: url === undefined
      ? null
      : { url, model: "test-model", key: TEST_KEY, concurrency, timeoutMs, price, pauseMs: 5 },
  });
}

/** A swept tiny model. */
export function withExplainedModel(use: (model: SweptModel) => Promise<void>): Promise<void> {
  return withSweptModel(120, async (model) => {
    const engine = await openExplainedEngine(model);
    try {
      await sweepToTheEnd(engine);
    } finally {
      await engine.close();
    }
    await use(model);
  });
}

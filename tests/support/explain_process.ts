/** Explains some neurons in a process of its own, which a test can kill: `explain_process.ts MODEL_FOLDER DATA_FOLDER ASSISTANT_URL`. */
import { openExplainedEngine } from "./explained_model.ts";

const [modelFolder = "", dataFolder = "", url = ""] = Deno.args;
const engine = await openExplainedEngine({ modelFolder, dataFolder }, { url });
const { id } = await engine.startJob({
  kind: "explain",
  explain: {
    by: "assistant",
    components: Array.from({ length: 8 }, (_, neuron) => `mlp/0/${neuron}`),
    candidates: 1,
  },
});
const { state } = await engine.finishedJob(id);
Deno.stdout.writeSync(new TextEncoder().encode(`${state}\n`));
await engine.close();

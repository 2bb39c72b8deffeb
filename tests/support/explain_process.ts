/** Explains in a process of its own, which a test can kill: `explain_process.ts MODEL_FOLDER DATA_FOLDER ASSISTANT_URL EXPLAIN`. */
import { openExplainedEngine } from "./explained_model.ts";

const [modelFolder = "", dataFolder = "", url = "", explain = ""] = Deno.args;
const engine = await openExplainedEngine({ modelFolder, dataFolder }, { url });
const { id } = await engine.startJob({ kind: "explain", explain: JSON.parse(explain) });
const { state } = await engine.finishedJob(id);
Deno.stdout.writeSync(new TextEncoder().encode(`${state}\n`));
await engine.close();

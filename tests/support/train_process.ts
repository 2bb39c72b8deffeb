/** Trains in a process of its own, which a test can kill: `train_process.ts MODEL_FOLDER DATA_FOLDER TRAINING`. A line a change of progress. */
import { printProgress } from "./job_process.ts";
import { openSweptEngine } from "./swept_model.ts";

const [modelFolder = "", dataFolder = "", training = ""] = Deno.args;
const engine = await openSweptEngine({ modelFolder, dataFolder }, 64);
const { id } = await engine.startJob({ kind: "train", training: JSON.parse(training) });
await printProgress(engine, id);
await engine.close();

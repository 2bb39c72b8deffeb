/** Sweeps in a process of its own, which a test can kill: `sweep_process.ts MODEL_FOLDER DATA_FOLDER STEP_TOKENS [DICTIONARY]`. A line a change of progress. */
import { printProgress } from "./job_process.ts";
import { openSweptEngine } from "./swept_model.ts";

const [modelFolder = "", dataFolder = "", stepTokens = "", dictionary] = Deno.args;
const engine = await openSweptEngine({ modelFolder, dataFolder }, Number(stepTokens));
const { id } = await engine.startJob({ kind: "sweep", ...dictionary === undefined ? {} : { dictionary } });
await printProgress(engine, id);
await engine.close();

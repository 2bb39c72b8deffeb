/** Sweeps in a process of its own, which a test can kill: `sweep_process.ts MODEL_FOLDER DATA_FOLDER STEP_TOKENS [DICTIONARY]`. A line a change of progress. */
import { openSweptEngine } from "./swept_model.ts";

const [modelFolder = "", dataFolder = "", stepTokens = "", dictionary] = Deno.args;
const engine = await openSweptEngine({ modelFolder, dataFolder }, Number(stepTokens));
const write = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
const { id } = await engine.startJob({ kind: "sweep", ...dictionary === undefined ? {} : { dictionary } });
let last = -1;
const timer = setInterval(() => {
  const done = engine.jobs().find((job) => job.id === id)?.done ?? 0;
  if (done !== last) write(`${done}`);
  last = done;
}, 1);
const { state } = await engine.finishedJob(id);
clearInterval(timer);
write(state);
await engine.close();

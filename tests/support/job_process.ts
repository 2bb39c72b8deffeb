/** Jobs in processes of their own that tests kill: what those print, and how they are killed. */
import { TextLineStream } from "./text_lines.ts";
import type { Engine } from "../../engine/mod.ts";

/** Prints how far a job is, a line a change, and at last how it ended. */
export async function printProgress(engine: Engine, id: string): Promise<void> {
  const write = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  let last = -1;
  const timer = setInterval(() => {
    const done = engine.jobs().find((job) => job.id === id)?.done ?? 0;
    if (done !== last) write(`${done}`);
    last = done;
  }, 1);
  const { state } = await engine.finishedJob(id);
  clearInterval(timer);
  write(state);
}

/** Runs a script that prints so, and kills it for good when so much is done. @returns Its last line */
export async function killWhenDone(script: string, args: readonly string[], done: number): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, ...args],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let last = "";
  for await (const line of child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
    last = line;
    if (Number(line) >= done) break;
  }
  try {
    child.kill("SIGKILL");
  } catch {
    // It had ended by itself.
  }
  await child.status;
  return last;
}

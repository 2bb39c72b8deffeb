/** The program itself, as a user starts it: `main.ts` in a process of its own. */
import { fileURLToPath } from "node:url";
import denoConfig from "../../deno.json" with { type: "json" };

export interface TestServer extends AsyncDisposable {
  /** With a slash at the end. */
  readonly url: string;
  readonly pid: number;
}

/** Starts the program on a free port and waits for the URL, the first line that it prints. */
export async function startServer(args: readonly string[] = []): Promise<TestServer> {
  const dataFolder = await Deno.makeTempDir();
  const { env, args: startArgs } = startTask();
  const process = new Deno.Command(Deno.execPath(), {
    args: [...startArgs, "--port", "0", "--data", dataFolder, ...args],
    env,
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let printed = "";
  while (!printed.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The program ended before it printed its URL: ${printed}`);
    printed += value;
  }
  return {
    url: printed.split("\n")[0] ?? "",
    pid: process.pid,
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      await reader.cancel();
      await process.status;
      await Deno.remove(dataFolder, { recursive: true });
    },
  };
}

/** What `deno task start` runs, without the task runner between us and the process. */
function startTask(): { readonly env: Record<string, string>; readonly args: readonly string[] } {
  const words = denoConfig.tasks.start.split(" ");
  const command = words.indexOf("deno");
  return {
    env: Object.fromEntries(words.slice(0, command).map((word) => word.split("=", 2))),
    args: words.slice(command + 1),
  };
}

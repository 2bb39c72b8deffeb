/** The program itself, as a user starts it: `main.ts` in a process of its own. */
import { fileURLToPath } from "node:url";
import denoConfig from "../../deno.json" with { type: "json" };

export interface TestServer extends AsyncDisposable {
  /** With a slash at the end. */
  readonly url: string;
  readonly pid: number;
}

export interface StartOptions {
  /** Default: a new one, which goes with the server. */
  readonly dataFolder?: string;
  /** Variables besides those of the start task. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told whatever the program writes, to either stream. */
  readonly onWritten?: (text: string) => void;
}

/** Starts the program on a free port and waits for the URL, the first line that it prints. */
export async function startServer(
  args: readonly string[] = [],
  { dataFolder: given, env: more = {}, onWritten }: StartOptions = {},
): Promise<TestServer> {
  const dataFolder = given ?? await Deno.makeTempDir();
  const { env, args: startArgs } = startTask();
  const process = new Deno.Command(Deno.execPath(), {
    args: [...startArgs, "--port", "0", "--data", dataFolder, ...args],
    env: { ...env, ...more },
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    stdout: "piped",
    stderr: onWritten === undefined ? "null" : "piped",
  }).spawn();
  const told = onWritten === undefined ? null : tell(process.stderr, onWritten);
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let printed = "";
  while (!printed.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The program ended before it printed its URL: ${printed}`);
    printed += value;
  }
  onWritten?.(printed);
  const rest = onWritten === undefined ? null : tellRest(reader, onWritten);
  return {
    url: printed.split("\n")[0] ?? "",
    pid: process.pid,
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      if (rest === null) await reader.cancel();
      await Promise.all([process.status, told, rest]);
      if (given === undefined) await Deno.remove(dataFolder, { recursive: true });
    },
  };
}

async function tell(stream: ReadableStream<Uint8Array<ArrayBuffer>>, onWritten: (text: string) => void): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) onWritten(text);
}

async function tellRest(reader: ReadableStreamDefaultReader<string>, onWritten: (text: string) => void): Promise<void> {
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    onWritten(value);
  }
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

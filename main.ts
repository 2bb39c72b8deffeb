/** Composition root: configuration → engine → app → server. Nothing else reads flags, variables or the network. */
import denoConfig from "./deno.json" with { type: "json" };
import { CONFIG_VARIABLES, HELP, parseConfig, type ServerConfig } from "./engine/config.ts";
import { type Engine, openEngine, StartError, sweepCommand, trainCommand, withoutKey } from "./engine/mod.ts";
import { createApp } from "./routes/app.ts";
import type { Deps } from "./routes/env.ts";

const EMBEDDED_MODELS = new URL("./models/", import.meta.url).pathname;

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    logLine(error.message);
    Deno.exit(1);
  }
}

async function main(): Promise<void> {
  const command = await parseConfig(Deno.args, variables());
  if (command.kind === "help") return printLine(HELP);
  if (command.kind === "version") return printLine(denoConfig.version);
  const { config } = command;
  const log = withoutKey(logLine, config.assistant?.key ?? null);
  const engine = await openEngine({
    modelFolders: [EMBEDDED_MODELS, ...config.models],
    dictionaryFolders: config.dictionaries,
    dataFolder: config.dataFolder,
    device: config.device,
    version: denoConfig.version,
    corpusFiles: config.corpusFiles,
    records: config.records,
    assistant: config.assistant,
    ...command.kind === "train" ? { trainedFolder: command.order.trainedFolder } : {},
    log,
  });
  if (command.kind === "sweep") {
    return await runToTheEnd(engine, () => sweepCommand(engine, { ...command, write }));
  }
  if (command.kind === "train") {
    return await runToTheEnd(engine, () => trainCommand(engine, { order: command.order, write }));
  }
  const server = listen(config, { engine, log });
  const stop = async () => {
    // A second signal must not wait for the first.
    setTimeout(() => Deno.exit(1), 5000);
    await engine.close();
    await server.shutdown();
    Deno.exit(0);
  };
  onStop(stop);
}

/** Works to the end, or until somebody stops it; either way what is done is kept. */
async function runToTheEnd(engine: Engine, work: () => Promise<void>): Promise<void> {
  onStop(async () => {
    await engine.close();
    Deno.exit(130);
  });
  try {
    await work();
  } finally {
    await engine.close();
  }
}

function onStop(stop: () => Promise<void>): void {
  for (const signal of Deno.build.os === "windows" ? ["SIGINT"] as const : ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, stop);
  }
}

function listen({ host, port, allowedHosts }: ServerConfig, deps: Pick<Deps, "engine" | "log">): Deno.HttpServer {
  try {
    const names = ["localhost", "127.0.0.1", "[::1]", host.includes(":") ? `[${host}]` : host, ...allowedHosts];
    let app: ReturnType<typeof createApp> | undefined;
    return Deno.serve({
      hostname: host,
      port,
      onListen: (address) => {
        app = createApp({ ...deps, allowedHosts: names.map((name) => `${name}:${address.port}`) });
        const shown = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;
        printLine(`http://${shown}:${address.port}/`);
      },
    }, (request) => app?.fetch(request) ?? new Response(null, { status: 503 }));
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new StartError(
        `Cannot start: port ${port} of ${host} is taken; choose another with --port, or 0 for any free one`,
        { cause },
      );
    }
    throw new StartError(
      `Cannot start: cannot listen on ${host}:${port} (${cause instanceof Error ? cause.message : cause})`,
      { cause },
    );
  }
}

/** Only the variables that we document: the program may read no others. */
function variables(): Record<string, string> {
  return Object.fromEntries(CONFIG_VARIABLES.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

function printLine(line: string): void {
  write(`${line}\n`);
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

function logLine(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

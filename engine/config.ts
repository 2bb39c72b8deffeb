/** Flags and environment variables of the program (`spec/api.md`, "Starting"), parsed once and checked before anything starts. */
import { readdir, stat } from "node:fs/promises";
import { delimiter, resolve } from "node:path";
import { parseArgs } from "node:util";
import { DEFAULT_ASSISTANT_URL, KEY_VARIABLE, parseAssistant } from "./assistant_config.ts";
import type { PublishedSource } from "./corpus/published_records.ts";
import { isUrl } from "./corpus/published_store.ts";
import { StartError } from "./errors.ts";
import type { AssistantOptions } from "./explain/assistant.ts";
import { type Device, DEVICES } from "./runtime/backend.ts";
import { takeTrainingFlags, TRAINING_HELP, type TrainingOrder, trainingOrder } from "./training_flags.ts";

export interface ServerConfig {
  /** 0 means any free port. */
  readonly port: number;
  readonly host: string;
  readonly models: readonly string[];
  readonly dictionaries: readonly string[];
  /** Published records of models; whether the models are there is not known yet. */
  readonly records: readonly PublishedSource[];
  readonly dataFolder: string;
  readonly device: Device;
  /** Files with texts that models can be swept over, beside their own. */
  readonly corpusFiles: readonly string[];
  /** Host names, beyond this machine's own, under which the server may be asked. */
  readonly allowedHosts: readonly string[];
  /** Who explains components beside our own rules; null: nobody. */
  readonly assistant: AssistantOptions | null;
}

/** Sweep without a server. */
export interface SweepOrder {
  readonly kind: "sweep";
  readonly config: ServerConfig;
  /** Null: all that are loaded. */
  readonly model: string | null;
  /** One dictionary, or "all"; null: none, the models' own components. */
  readonly dictionary: string | null;
}

/** What the command line asks for. */
export type Command =
  | { readonly kind: "start"; readonly config: ServerConfig }
  | SweepOrder
  /** Train a dictionary without a server. */
  | { readonly kind: "train"; readonly config: ServerConfig; readonly order: TrainingOrder }
  | { readonly kind: "help" }
  | { readonly kind: "version" };

export const HELP = `Usage: deno task start [OPTION]…
       deno task sweep [OPTION]… [--model ID] [--dictionary ID|all]
                            collects records without a server: of all neurons and heads, or of a dictionary's latents
       deno task train-dictionary [OPTION]… --site HOOK --latents NUMBER --out DIR   trains a sparse autoencoder, without a server

  --port NUMBER        port to listen on; 0: any free one (TDB_PORT; default 8000)
  --host NAME          address to listen on (TDB_HOST; default 127.0.0.1)
  --models DIR         a model folder, or a folder of them; repeatable (TDB_MODELS)
  --corpus FILE        texts to sweep models over, .txt or .jsonl; repeatable (TDB_CORPORA)
  --dictionaries DIR   folder with sparse autoencoders; repeatable (TDB_DICTIONARIES)
  --records MODEL=FROM published records of a model, in a folder or under an http(s) URL; repeatable (TDB_RECORDS)
  --data DIR           where results are kept (TDB_DATA; default ./data)
  --device NAME        ${DEVICES.join(" or ")} (TDB_DEVICE; default cpu)
  --allow-host NAME    a host name under which a team reaches the server; repeatable (TDB_ALLOWED_HOSTS)
  --assistant-model ID        a language model that explains components (TDB_ASSISTANT_MODEL; default: none)
  --assistant-url URL         its endpoint, any that speaks chat completions (TDB_ASSISTANT_URL;
                              default ${DEFAULT_ASSISTANT_URL})
  --assistant-price IN,OUT    what a million tokens cost, prompts and answers (TDB_ASSISTANT_PRICE; default: unknown)
  --assistant-concurrency N   calls at a time (TDB_ASSISTANT_CONCURRENCY; default 4)
  --assistant-timeout SECONDS how long a call may take (TDB_ASSISTANT_TIMEOUT; default 60)
                              Its key is read from ${KEY_VARIABLE} only.
  --version, --help

Of train-dictionary:
${TRAINING_HELP}

A flag wins over its variable. Lists in variables are joined by "${delimiter}".`;

const STRING_FLAGS = [
  "port",
  "host",
  "models",
  "corpus",
  "dictionaries",
  "records",
  "data",
  "device",
  "allow-host",
  "assistant-model",
  "assistant-url",
  "assistant-price",
  "assistant-concurrency",
  "assistant-timeout",
  "model",
  "dictionary",
] as const;
/** What only makes sense for one command. */
const SWEEP_FLAGS = ["model", "dictionary"] as const;
type SweepFlag = typeof SWEEP_FLAGS[number];
type StringFlag = typeof STRING_FLAGS[number];

const repeated = { type: "string", multiple: true } as const;
/** All may be repeated for the parser; `setting` says which may be for us. */
const STRING_OPTIONS = {
  port: repeated,
  host: repeated,
  models: repeated,
  corpus: repeated,
  dictionaries: repeated,
  records: repeated,
  data: repeated,
  device: repeated,
  "allow-host": repeated,
  "assistant-model": repeated,
  "assistant-url": repeated,
  "assistant-price": repeated,
  "assistant-concurrency": repeated,
  "assistant-timeout": repeated,
  model: repeated,
  dictionary: repeated,
} as const satisfies Record<StringFlag, unknown>;

/** Of all flags of the server. */
const VARIABLES: Readonly<Record<Exclude<StringFlag, SweepFlag>, string>> = {
  port: "TDB_PORT",
  host: "TDB_HOST",
  models: "TDB_MODELS",
  corpus: "TDB_CORPORA",
  dictionaries: "TDB_DICTIONARIES",
  records: "TDB_RECORDS",
  data: "TDB_DATA",
  device: "TDB_DEVICE",
  "allow-host": "TDB_ALLOWED_HOSTS",
  "assistant-model": "TDB_ASSISTANT_MODEL",
  "assistant-url": "TDB_ASSISTANT_URL",
  "assistant-price": "TDB_ASSISTANT_PRICE",
  "assistant-concurrency": "TDB_ASSISTANT_CONCURRENCY",
  "assistant-timeout": "TDB_ASSISTANT_TIMEOUT",
};
/** Every variable that is read. */
export const CONFIG_VARIABLES: readonly string[] = [...Object.values(VARIABLES), KEY_VARIABLE];

const LIST_FLAGS: ReadonlySet<StringFlag> = new Set<StringFlag>([
  "models",
  "corpus",
  "dictionaries",
  "records",
  "allow-host",
]);

/** What separates a list in a variable, where it is not every delimiter: a URL has colons too, but no MODEL= after them. */
const SEPARATORS: Readonly<Partial<Record<StringFlag, RegExp>>> = {
  records: new RegExp(`${delimiter}(?=[^${delimiter}/\\\\=]+=)`),
};

/** Words that come first for something else than a server. */
const COMMANDS = ["sweep", "train-dictionary"] as const;
const NO_ORDER = { order: null, rest: null } as const;

/** Values of one setting with the name under which they were given. */
interface Setting {
  readonly source: string;
  readonly values: readonly string[];
}

/**
 * Reads flags and variables.
 *
 * @throws {StartError} with one line that says what is wrong and what would be right.
 */
export async function parseConfig(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Command> {
  const command = COMMANDS.find((name) => name === args[0]) ?? null;
  const { order, rest } = command === "train-dictionary" ? takeTrainingFlags(args.slice(1)) : NO_ORDER;
  const flags = parseFlags(rest ?? args.slice(command === null ? 0 : 1));
  if (flags.help) return { kind: "help" };
  if (flags.version) return { kind: "version" };
  const settingOf = (flag: StringFlag) => setting(flag, flags.values[flag], env);
  const config: ServerConfig = {
    port: parsePort(settingOf("port")),
    host: single(settingOf("host")) ?? "127.0.0.1",
    models: await folders(settingOf("models")),
    corpusFiles: await files(settingOf("corpus")),
    dictionaries: await folders(settingOf("dictionaries")),
    records: await recordSources(settingOf("records")),
    dataFolder: resolve(await dataFolder(settingOf("data"))),
    device: parseDevice(settingOf("device")),
    allowedHosts: settingOf("allow-host").values,
    assistant: parseAssistant({
      model: single(settingOf("assistant-model")),
      url: named(settingOf("assistant-url")),
      price: named(settingOf("assistant-price")),
      concurrency: named(settingOf("assistant-concurrency")),
      timeout: named(settingOf("assistant-timeout")),
      key: env[KEY_VARIABLE] === "" ? undefined : env[KEY_VARIABLE],
    }),
  };
  const [model, dictionary] = SWEEP_FLAGS.map((flag) => single(settingOf(flag)) ?? null);
  if (command === "sweep") return { kind: "sweep", config, model: model ?? null, dictionary: dictionary ?? null };
  refuseFlag("dictionary", dictionary, "deno task sweep");
  if (order !== null) return { kind: "train", config, order: trainingOrder(order, model ?? null) };
  refuseFlag("model", model, "deno task sweep and train-dictionary");
  return { kind: "start", config };
}

/** @throws {StartError} if a flag is given where it says nothing */
function refuseFlag(flag: SweepFlag, value: string | null | undefined, command: string): void {
  if (value === null || value === undefined) return;
  const plural = flag === "model" ? "models" : "dictionaries";
  throw new StartError(`Cannot start: --${flag} belongs to ${command}; --${plural} loads ${plural}`);
}

interface Flags {
  readonly help: boolean;
  readonly version: boolean;
  readonly values: Readonly<Partial<Record<StringFlag, readonly string[]>>>;
}

function parseFlags(args: readonly string[]): Flags {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { ...STRING_OPTIONS, help: { type: "boolean" }, version: { type: "boolean" } },
      strict: true,
      allowPositionals: false,
    });
    const given = STRING_FLAGS.flatMap((flag): [StringFlag, readonly string[]][] => {
      const value = values[flag];
      return value === undefined ? [] : [[flag, value]];
    });
    return { help: values.help === true, version: values.version === true, values: Object.fromEntries(given) };
  } catch (cause) {
    const [firstLine = ""] = (cause instanceof Error ? cause.message : String(cause)).split(/\n|\. To specify/);
    throw new StartError(`Cannot start: ${firstLine.replace(/\.$/, "")}; --help lists the flags`, { cause });
  }
}

function setting(
  flag: StringFlag,
  given: readonly string[] | undefined,
  env: Readonly<Record<string, string>>,
): Setting {
  const isList = LIST_FLAGS.has(flag);
  if (given !== undefined) {
    if (!isList && given.length > 1) {
      throw new StartError(`Cannot start: --${flag} is given ${given.length} times, expected once`);
    }
    const empty = given.includes("");
    if (empty) throw new StartError(`Cannot start: --${flag} has no value; --help lists the flags`);
    return { source: `--${flag}`, values: given };
  }
  if (flag === "model" || flag === "dictionary") return { source: `--${flag}`, values: [] };
  const variable = VARIABLES[flag];
  const value = env[variable];
  if (value === undefined || value === "") return { source: variable, values: [] };
  return { source: variable, values: isList ? value.split(SEPARATORS[flag] ?? delimiter).filter(Boolean) : [value] };
}

function single({ values: [value] }: Setting): string | undefined {
  return value;
}

function named(setting: Setting): { readonly source: string; readonly value: string | undefined } {
  return { source: setting.source, value: single(setting) };
}

function parsePort({ source, values: [value = "8000"] }: Setting): number {
  const port = Number(value);
  if (!/^\d{1,5}$/.test(value) || port > 65535) {
    throw new StartError(`Cannot start: ${source} is "${value}", expected a port number in 0..65535`);
  }
  return port;
}

function parseDevice({ source, values: [value = "cpu"] }: Setting): Device {
  const device = DEVICES.find((name) => name === value);
  if (device === undefined) {
    throw new StartError(`Cannot start: ${source} is "${value}", expected ${DEVICES.join(" or ")}`);
  }
  return device;
}

async function folders({ source, values }: Setting): Promise<readonly string[]> {
  for (const folder of values) await requireFolder(source, folder);
  return values;
}

async function requireFolder(source: string, folder: string): Promise<void> {
  await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    throw new StartError(`Cannot start: ${source} "${folder}" ${whyUnreadable(cause)}, expected a readable folder`, {
      cause,
    });
  });
}

async function recordSources({ source, values }: Setting): Promise<readonly PublishedSource[]> {
  const sources: PublishedSource[] = [];
  for (const value of values) {
    const [, model, location] = /^([^=]+)=(.+)$/s.exec(value) ?? [];
    if (model === undefined || location === undefined) {
      throw new StartError(`Cannot start: ${source} is "${value}", expected MODEL=FOLDER or MODEL=URL`);
    }
    if (isUrl(location)) requireBaseUrl(source, location);
    else await requireFolder(source, location);
    sources.push({ model, location });
  }
  return sources;
}

/** Paths are put after the URL, and it is told to whoever asks: nothing may follow its path, and no password stand in it. */
function requireBaseUrl(source: string, location: string): void {
  const url = URL.parse(location);
  if (url !== null && url.username === "" && url.password === "" && !/[?#]/.test(location)) return;
  throw new StartError(`Cannot start: ${source} has a URL that is not http(s)://HOST/PATH, without password, ? and #`);
}

async function files({ source, values }: Setting): Promise<readonly string[]> {
  for (const file of values) {
    const found = await stat(file).catch(() => null);
    if (found === null || !found.isFile()) {
      const why = found === null ? "does not exist" : "is not a file";
      throw new StartError(`Cannot start: ${source} "${file}" ${why}, expected a .txt or .jsonl file`);
    }
    if (!/\.(txt|jsonl)$/i.test(file)) {
      throw new StartError(`Cannot start: ${source} "${file}" has another ending, expected .txt or .jsonl`);
    }
  }
  return values;
}

/** The data folder may be made at the start, but a file cannot stand in its place. */
async function dataFolder({ source, values: [value = "data"] }: Setting): Promise<string> {
  const found = await stat(value).catch(() => null);
  if (found !== null && !found.isDirectory()) {
    throw new StartError(`Cannot start: ${source} "${value}" is a file, expected a folder or a new name`);
  }
  return value;
}

function whyUnreadable({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ENOENT") return "does not exist";
  if (code === "ENOTDIR") return "is not a folder";
  return `cannot be read (${message})`;
}

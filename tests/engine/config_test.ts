import assert from "node:assert/strict";
import { delimiter, join } from "node:path";
import { withoutKey } from "../../engine/assistant_config.ts";
import { parseConfig, type ServerConfig } from "../../engine/config.ts";
import { StartError } from "../../engine/errors.ts";

async function configOf(args: readonly string[], env: Record<string, string> = {}): Promise<ServerConfig> {
  const command = await parseConfig(args, env);
  assert.equal(command.kind, "start");
  return command.kind === "start" ? command.config : assert.fail();
}

Deno.test("parseConfig() has a default for everything", async () => {
  const config = await configOf([]);
  assert.equal(config.port, 8000);
  assert.equal(config.host, "127.0.0.1");
  assert.equal(config.device, "cpu");
  assert.deepEqual([config.models, config.dictionaries, config.allowedHosts], [[], [], []]);
  assert.equal(config.dataFolder, join(Deno.cwd(), "data"));
});

Deno.test("parseConfig() reads variables, and a flag wins over its variable", async () => {
  const here = Deno.cwd();
  const env = {
    TDB_PORT: "1234",
    TDB_HOST: "::1",
    TDB_MODELS: `${here}${delimiter}${here}/tests`,
    TDB_DATA: "x",
    TDB_DEVICE: "cuda",
  };
  const config = await configOf(["--port", "0", "--data=y"], env);
  assert.equal(config.port, 0);
  assert.equal(config.host, "::1");
  assert.deepEqual(config.models, [here, `${here}/tests`]);
  assert.equal(config.dataFolder, join(here, "y"));
  assert.equal(config.device, "cuda");
});

Deno.test("parseConfig() reads an assistant; its key is no flag", async () => {
  assert.equal((await configOf([])).assistant, null);
  const local = ["--assistant-model", "m", "--assistant-url", "http://127.0.0.1:11434/v1/"];
  assert.deepEqual((await configOf(local)).assistant, {
    url: "http://127.0.0.1:11434/v1",
    model: "m",
    key: null,
    price: null,
    concurrency: 4,
    timeoutMs: 60_000,
  });
  const env = { TDB_ASSISTANT_MODEL: "m", TDB_ASSISTANT_KEY: "secret", TDB_ASSISTANT_PRICE: "0.15,0.60" };
  const { assistant } = await configOf(["--assistant-concurrency", "2", "--assistant-timeout", "5"], env);
  assert.deepEqual([assistant?.key, assistant?.price, assistant?.concurrency, assistant?.timeoutMs], [
    "secret",
    { prompt: 0.15, completion: 0.6 },
    2,
    5000,
  ]);
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["--assistant-key", "x"], /Unknown option '--assistant-key'/],
    [["--assistant-model", "m"], /needs a key in TDB_ASSISTANT_KEY/],
    [["--assistant-url", "http://h/v1"], /--assistant-url is given without --assistant-model/],
    [["--assistant-model", "m", "--assistant-url", "http://u:secret@h/v1"], /without password/],
    [["--assistant-model", "m", "--assistant-url", "file:///x"], /no http\(s\)/],
    [[...local, "--assistant-price", "1"], /expected PROMPT,ANSWER/],
    [[...local, "--assistant-concurrency", "0"], /expected a whole number in 1\.\.64/],
    [[...local, "--assistant-timeout", "1.5"], /expected a whole number/],
  ];
  for (const [args, problem] of wrong) {
    await assert.rejects(parseConfig(args, {}), (error: Error) => {
      assert.ok(error instanceof StartError && problem.test(error.message), error.message);
      assert.ok(!error.message.includes("secret") && !error.message.includes("\n"));
      return true;
    });
  }
});

Deno.test("parseConfig() takes --models several times", async () => {
  assert.deepEqual((await configOf(["--models", ".", "--models", "tests"])).models, [".", "tests"]);
});

Deno.test("parseConfig() reads where records are published, a folder or a URL, for each model", async () => {
  const records = async (args: readonly string[], env = {}) =>
    (await configOf(args, env)).records.map(({ model, location }) => [model, location]);
  const url = "https://box.example:8000/neuron-explainer/a=b";
  assert.deepEqual(await records([]), []);
  assert.deepEqual(await records([`--records=gpt2=${url}`, "--records", "demo=tests"]), [["gpt2", url], [
    "demo",
    "tests",
  ]]);
  const variable = [`gpt2=${url}`, "demo=tests", `gpt2=http://[::1]:8000/x`].join(delimiter);
  assert.deepEqual(await records([], { TDB_RECORDS: variable }), [
    ["gpt2", url],
    ["demo", "tests"],
    ["gpt2", "http://[::1]:8000/x"],
  ]);
});

Deno.test("parseConfig() knows --help and --version", async () => {
  assert.equal((await parseConfig(["--help"], {})).kind, "help");
  assert.equal((await parseConfig(["--version"], {})).kind, "version");
});

const REFUSED: Readonly<Record<string, readonly [readonly string[], RegExp]>> = {
  "an unknown flag": [["--prot", "1"], /Unknown option '--prot'; --help lists the flags/],
  "a positional argument": [["demo"], /Unexpected argument 'demo'/],
  "a flag without a value": [["--port"], /--port/],
  "an empty value": [["--host", ""], /--host has no value/],
  "a port that is no number": [["--port", "eighty"], /--port is "eighty", expected a port number in 0\.\.65535/],
  "a port out of range": [["--port", "65536"], /expected a port number in 0\.\.65535/],
  "a negative port": [["--port=-1"], /expected a port number/],
  "a port given twice": [["--port", "1", "--port", "2"], /--port is given 2 times, expected once/],
  "a models folder that does not exist": [
    ["--models", "no/such"],
    /--models "no\/such" does not exist, expected a readable folder/,
  ],
  "a models folder that is a file": [["--models", "deno.json"], /"deno.json" is not a folder/],
  "a dictionaries folder that does not exist": [
    ["--dictionaries", "no/such"],
    /--dictionaries "no\/such" does not exist/,
  ],
  "records of no model": [["--records", "tests"], /--records is "tests", expected MODEL=FOLDER or MODEL=URL/],
  "records without a place": [["--records", "demo="], /--records is "demo=", expected MODEL=FOLDER or MODEL=URL/],
  "records in a folder that does not exist": [["--records", "demo=no/such"], /--records "no\/such" does not exist/],
  "records under what is no URL": [["--records", "demo=http://"], /--records has a URL that is not http\(s\):/],
  "records under a URL with a password": [["--records", "demo=https://a:b@x.example/"], /without password, \? and #/],
  "records under a URL with a query": [["--records", "demo=https://x.example/?sig=1"], /without password, \? and #/],
  "a data folder that is a file": [["--data", "deno.json"], /"deno.json" is a file, expected a folder/],
  "an unknown device": [["--device", "tpu"], /--device is "tpu", expected cpu or cuda/],
};

for (const [what, [args, message]] of Object.entries(REFUSED)) {
  Deno.test(`parseConfig() refuses ${what} with one line`, async () => {
    await assert.rejects(parseConfig(args, {}), (error: unknown) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  });
}

Deno.test("parseConfig() names the variable when the variable is wrong", async () => {
  await assert.rejects(parseConfig([], { TDB_PORT: "x" }), /TDB_PORT is "x"/);
});

Deno.test("withoutKey() keeps a key out of every line, and leaves lines alone without one", () => {
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  withoutKey(log, "sk-123456")("to sk-123456, twice sk-123456");
  withoutKey(log, null)("as it is");
  withoutKey(log, "a")("a key of one letter is none");
  assert.deepEqual(lines, ["to [key], twice [key]", "as it is", "a key of one letter is none"]);
});

/** The program as a process: its first line, its exit codes, its one line for everything that is wrong. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startServer } from "./support/test_server.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  /** Without Deno's own notes. */
  readonly lines: readonly string[];
}

async function start(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-P", "main.ts", ...args],
    cwd: ROOT,
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stderr);
  return {
    code,
    stdout: new TextDecoder().decode(stdout),
    lines: text.split("\n").filter((line) => line !== "" && !/^(Warning|Check|Download)/.test(line)),
  };
}

Deno.test("the first line is the URL, and a signal ends the program with 0", async () => {
  const data = await Deno.makeTempDir();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-P", "main.ts", "--port", "0", "--data", data],
    cwd: ROOT,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader.read();
  assert.match(value, /^http:\/\/127\.0\.0\.1:\d+\/\n/);
  const answer = await fetch(value.split("\n")[0] ?? "");
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /Why did the model say that/);
  child.kill("SIGTERM");
  await reader.cancel();
  assert.equal((await child.status).code, 0);
  await Deno.remove(data, { recursive: true });
});

Deno.test("what is wrong with a start is said in one line, with a non-zero exit code", async (t) => {
  const wrong: Readonly<Record<string, readonly [readonly string[], Record<string, string>, RegExp]>> = {
    "an unknown flag": [["--prot", "1"], {}, /Unknown option '--prot'; --help lists the flags/],
    "a bad port": [["--port", "x"], {}, /--port is "x", expected a port number/],
    "a bad variable": [[], { TDB_PORT: "x" }, /TDB_PORT is "x"/],
    "a folder that is not there": [["--models", "no/such"], {}, /does not exist, expected a readable folder/],
    "a folder without a model": [["--models", "tests/e2e"], {}, /Cannot find a model in tests\/e2e/],
    "a device that is not there": [["--device", "cuda"], {}, /Cannot use device cuda/],
  };
  for (const [what, [args, env, message]] of Object.entries(wrong)) {
    await t.step(what, async () => {
      const { code, stdout, lines } = await start(args, env);
      assert.notEqual(code, 0);
      assert.equal(stdout, "");
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0] ?? "", message);
    });
  }
});

Deno.test("a taken port is said in one line, with a non-zero exit code", async () => {
  await using server = await startServer();
  const { code, lines } = await start(["--port", new URL(server.url).port, "--data", await Deno.makeTempDir()]);
  assert.equal(code, 1);
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.match(lines[0] ?? "", /port \d+ of 127\.0\.0\.1 is taken; choose another with --port/);
});

Deno.test("--help and --version print and end", async () => {
  const help = await start(["--help"]);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Usage: deno task start/);
  const version = await start(["--version"]);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

/** `deno task sweep`: what it is asked with, and what it writes. */
import assert from "node:assert/strict";
import { delimiter } from "node:path";
import { parseConfig } from "../../engine/config.ts";
import { StartError } from "../../engine/errors.ts";
import type { Job } from "../../engine/mod.ts";
import { progressLine } from "../../engine/follow_job.ts";
import { sweepCommand } from "../../engine/sweep_command.ts";
import { FakeEngine } from "../support/fake_engine.ts";

const CORPUS = "models/demo/corpus.txt";

Deno.test("parseConfig() knows the sweep, its model, and files of texts", async () => {
  const command = await parseConfig(["sweep", "--model", "demo", "--corpus", CORPUS, "--data", "x"], {});
  assert.ok(command.kind === "sweep");
  assert.deepEqual([command.model, command.dictionary, command.config.corpusFiles], ["demo", null, [CORPUS]]);
  const latents = await parseConfig(["sweep", "--dictionary", "mlp-out-1"], {});
  assert.ok(latents.kind === "sweep");
  assert.equal(latents.dictionary, "mlp-out-1");
  const all = await parseConfig(["sweep"], { TDB_CORPORA: [CORPUS, CORPUS].join(delimiter) });
  assert.ok(all.kind === "sweep");
  assert.deepEqual([all.model, all.config.corpusFiles], [null, [CORPUS, CORPUS]]);
  const start = await parseConfig(["--corpus", CORPUS], {});
  assert.ok(start.kind === "start");
  assert.deepEqual(start.config.corpusFiles, [CORPUS]);
});

Deno.test("parseConfig() refuses texts that cannot be read, and a sweep's flag elsewhere, with one line", async () => {
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [["--corpus", "no/such.txt"], /--corpus "no\/such.txt" does not exist, expected a \.txt or \.jsonl file/],
    [["--corpus", "models"], /--corpus "models" is not a file/],
    [["--corpus", "deno.json"], /--corpus "deno.json" has another ending, expected \.txt or \.jsonl/],
    [["--model", "demo"], /--model belongs to deno task sweep/],
    [["--dictionary", "all"], /--dictionary belongs to deno task sweep; --dictionaries loads dictionaries/],
    [["sweep", "--model", "a", "--model", "b"], /--model is given 2 times/],
  ];
  for (const [args, message] of refused) {
    await assert.rejects(parseConfig(args, {}), (error: unknown) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("sweepCommand() sweeps every text set of the model, and says what is wrong in one line", async () => {
  const engine = new FakeEngine();
  let written = "";
  const write = (text: string) => written += text;
  engine.finishedJob = (id) => Promise.resolve({ ...jobOf(engine, id), state: "done" });
  await sweepCommand(engine, { model: "demo", dictionary: null, write });
  assert.deepEqual(engine.jobs().filter(({ kind }) => kind === "sweep").map(({ id }) => id), [
    "sweep:demo:corpus",
    "sweep:demo:letters",
  ]);
  assert.match(written, /\rsweep:demo:corpus {2}20 of 80 sequences, 10 a second, 6 s left +\n/);
  engine.finishedJob = (id) => Promise.resolve({ ...jobOf(engine, id), state: "failed", problem: "no room" });
  await assert.rejects(sweepCommand(engine, { model: null, dictionary: null, write }), /Cannot sweep: no room/);
  await assert.rejects(sweepCommand(engine, { model: "other", dictionary: null, write }), /there is no model "other"/);
  engine.textSets = () => Promise.resolve([]);
  await assert.rejects(
    sweepCommand(engine, { model: null, dictionary: null, write }),
    /no model has texts; put corpus\.txt/,
  );
});

Deno.test("sweepCommand() sweeps one dictionary or all of them, and says which there are", async () => {
  const engine = new FakeEngine();
  const write = () => {};
  engine.finishedJob = (id) => Promise.resolve({ ...jobOf(engine, id), state: "done" });
  await sweepCommand(engine, { model: null, dictionary: "attn/1", write });
  const sweeps = () => engine.jobs().filter(({ kind }) => kind === "sweep").map(({ id }) => id);
  assert.deepEqual(sweeps(), ["sweep:demo:corpus:attn/1", "sweep:demo:letters:attn/1"]);
  const { dictionaries } = engine.model("demo");
  await sweepCommand(engine, { model: "demo", dictionary: "all", write });
  assert.equal(sweeps().length, 2 * dictionaries.length);
  await assert.rejects(
    sweepCommand(engine, { model: null, dictionary: "x", write }),
    /there is no dictionary "x", expected all or one of mlp\/0, mlp\/1/,
  );
  engine.model = () => ({ ...FakeEngine.prototype.model.call(new FakeEngine(), "demo"), dictionaries: [] });
  await assert.rejects(sweepCommand(engine, { model: null, dictionary: "all", write }), /give --dictionaries DIR/);
});

Deno.test("progressLine() is always as wide, so that nothing of the line before stays", () => {
  const job: Job = {
    id: "sweep:a:b",
    kind: "sweep",
    model: "a",
    textSet: "b",
    state: "running",
    done: 0,
    total: 0,
    unit: "sequences",
    perSecond: null,
    etaSeconds: null,
    problem: null,
  };
  const later = { ...job, done: 5, total: 9000, perSecond: 1.2, etaSeconds: 7496 };
  assert.equal(progressLine(job).trimEnd(), "sweep:a:b  reading texts");
  assert.equal(progressLine(later).trimEnd(), "sweep:a:b  5 of 9000 sequences, 1 a second, 2.1 h left");
  assert.equal(
    progressLine({ ...later, etaSeconds: 600, state: "paused" }).trimEnd(),
    "sweep:a:b  5 of 9000 sequences, 1 a second, 10 min left, paused",
  );
  assert.equal(progressLine(job).length, progressLine(later).length);
});

function jobOf(engine: FakeEngine, id: string): Job {
  return engine.jobs().find((job) => job.id === id) ?? assert.fail(`no job ${id}`);
}

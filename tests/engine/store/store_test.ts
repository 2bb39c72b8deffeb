/** The store on real files, whole and broken: it always opens, and says what is wrong. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RunResult } from "../../../engine/circuit/run_result.ts";
import { DATABASE_FILE } from "../../../engine/store/database.ts";
import { Store } from "../../../engine/store/store.ts";

function resultOf(id: string): RunResult {
  return {
    id,
    spec: {
      model: "demo",
      prompts: [{ text: "hello", targets: [" x"], distractors: [] }],
      bos: true,
      objective: { kind: "logit-diff", position: -1 },
      freezeFinalNorm: true,
      interventions: [],
      trace: null,
      basis: { mlp: "neuron", attention: "head" },
      dictionaries: [],
      topK: 10,
    },
    objectiveKind: "logit-diff",
    alignment: null,
    sides: [],
    nodes: [],
    sums: {
      directEffect: { mlp: [], attentionByQuery: [], attentionByKey: [], embed: [] },
      totalEffect: { mlp: [], attentionByQuery: [], attentionByKey: [], embed: [] },
      layers: null,
    },
    checks: [],
    timing: { queuedMs: 0, compileMs: 0, computeMs: 1, device: "cpu" },
    provenance: { model: "demo", weights: "sha256:00", version: "0" },
  };
}

async function inFolder(use: (folder: string, lines: string[]) => Promise<void> | void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Store.open() makes the folder, keeps runs over a restart, newest first", () =>
  inFolder((folder, lines) => {
    const path = join(folder, "deep", "data");
    {
      using store = Store.open(path, (line) => lines.push(line));
      store.saveRun(resultOf("a"), new Date(1000));
      store.saveRun(resultOf("b"), new Date(2000));
    }
    using store = Store.open(path, (line) => lines.push(line));
    assert.deepEqual(store.findRun("a"), resultOf("a"));
    assert.equal(store.findRun("missing"), null);
    assert.deepEqual(store.recentRuns(5).map(({ id }) => id), ["b", "a"]);
    assert.equal(store.countRuns(), 2);
    assert.equal(store.problem, null);
    assert.deepEqual(lines, []);
  }));

Deno.test("a run that was stored before there were sums by layer has none", () =>
  inFolder((folder) => {
    using store = Store.open(folder, () => {});
    const { layers: _layers, ...sums } = resultOf("old").sums;
    store.saveRun({ ...resultOf("old"), sums } as unknown as RunResult);
    assert.equal(store.findRun("old")?.sums.layers, null);
  }));

Deno.test("Store.saveRun() keeps the first result of an id", () =>
  inFolder((folder) => {
    using store = Store.open(folder, () => {});
    store.saveRun(resultOf("a"));
    store.saveRun({ ...resultOf("a"), timing: { queuedMs: 9, compileMs: 9, computeMs: 9, device: "cpu" } });
    assert.equal(store.findRun("a")?.timing.computeMs, 1);
  }));

for (
  const [what, bytes] of Object.entries({
    "garbage": new TextEncoder().encode("this is no database".repeat(100)),
    "a truncated database": new Uint8Array(0),
  })
) {
  Deno.test(`Store.open() survives ${what} in place of the database`, () =>
    inFolder(async (folder, lines) => {
      const path = join(folder, DATABASE_FILE);
      if (bytes.length > 0) {
        await Deno.writeFile(path, bytes);
      } else {
        {
          using store = Store.open(folder, () => {});
          for (let i = 0; i < 200; i++) store.saveRun(resultOf(`run ${i}`));
        }
        const whole = await Deno.readFile(path);
        await Deno.writeFile(path, whole.subarray(0, Math.floor(whole.length / 2)));
        await Deno.remove(`${path}-wal`).catch(() => {});
      }
      using store = Store.open(folder, (line) => lines.push(line), new Date(0));
      assert.match(store.problem ?? "", /was damaged; it was set aside as .*corrupt-1970/);
      assert.equal(lines.length, 1);
      store.saveRun(resultOf("a"));
      assert.equal(store.countRuns(), 1);
      const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
      assert.ok(names.some((name) => name.includes(".corrupt-")), names.join());
    }));
}

Deno.test("Store.open() goes on in memory while another process holds the database locked", () =>
  inFolder((folder, lines) => {
    Store.open(folder, () => {})[Symbol.dispose]();
    const other = new DatabaseSync(join(folder, DATABASE_FILE));
    other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE held (x INTEGER)");
    try {
      using store = Store.open(folder, (line) => lines.push(line));
      assert.match(store.problem ?? "", /locked.*kept in memory only/);
      store.saveRun(resultOf("a"));
      assert.equal(store.findRun("a")?.id, "a");
      assert.equal(lines.length, 1);
    } finally {
      other.close();
    }
  }));

Deno.test("Store.open() leaves a database of a newer version alone and goes on in memory", () =>
  inFolder((folder) => {
    Store.open(folder, () => {})[Symbol.dispose]();
    const newer = new DatabaseSync(join(folder, DATABASE_FILE));
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    using store = Store.open(folder, () => {});
    assert.match(store.problem ?? "", /Version 99 was written by a newer program.*kept in memory only/);
    assert.equal(store.countRuns(), 0);
  }));

Deno.test("Store.open() goes on in memory where it cannot write", () =>
  inFolder(async (folder) => {
    // A folder in place of the file, and a file in place of the folder: even root cannot write there.
    await Deno.mkdir(join(folder, DATABASE_FILE));
    using store = Store.open(folder, () => {});
    assert.match(store.problem ?? "", /Cannot use .*kept in memory only/);
    await Deno.writeTextFile(join(folder, "file"), "");
    using second = Store.open(join(folder, "file"), () => {});
    assert.match(second.problem ?? "", /kept in memory only/);
  }));

Deno.test("a failure while storing is a problem of the store, not of the request", () =>
  inFolder((folder, lines) => {
    using store = Store.open(folder, (line) => lines.push(line));
    const other = new DatabaseSync(join(folder, DATABASE_FILE));
    other.exec("DROP TABLE runs");
    other.close();
    store.saveRun(resultOf("a"));
    assert.equal(store.findRun("a"), null);
    assert.match(store.problem ?? "", /Cannot read a run: no such table/);
    assert.equal(lines.length, 2);
  }));

Deno.test("a stored row that is no result is treated as absent", () =>
  inFolder((folder) => {
    using store = Store.open(folder, () => {});
    const other = new DatabaseSync(join(folder, DATABASE_FILE));
    other.exec("INSERT INTO runs VALUES ('x', 'demo', '2026', '{\"id\":'), ('y', 'demo', '2026', '3')");
    other.close();
    assert.equal(store.findRun("x"), null);
    assert.equal(store.findRun("y"), null);
    assert.deepEqual(store.recentRuns(5), []);
  }));

Deno.test("two stores on one database see each other's runs", () =>
  inFolder((folder) => {
    using first = Store.open(folder, () => {});
    using second = Store.open(folder, () => {});
    first.saveRun(resultOf("a"));
    second.saveRun(resultOf("b"));
    assert.equal(second.findRun("a")?.id, "a");
    assert.equal(first.countRuns(), 2);
    assert.equal(first.problem, null);
    assert.equal(second.problem, null);
  }));

Deno.test("digests are found for an unchanged file only", () =>
  inFolder((folder) => {
    using store = Store.open(folder, () => {});
    const stamp = { path: "/w/model.safetensors", sizeBytes: 10, modifiedMs: 1234.5 };
    store.saveDigest(stamp, "sha256:aa");
    assert.equal(store.findDigest(stamp), "sha256:aa");
    assert.equal(store.findDigest({ ...stamp, modifiedMs: 1235 }), null);
    assert.equal(store.findDigest({ ...stamp, sizeBytes: 11 }), null);
  }));

Deno.test("a database from before there were reports keeps its runs and takes reports", () =>
  inFolder((folder, lines) => {
    {
      using store = Store.open(folder, () => {});
      store.saveRun(resultOf("a"));
    }
    const database = new DatabaseSync(join(folder, DATABASE_FILE));
    database.exec(
      "DROP TABLE explanation_scores; DROP TABLE explanations; DROP TABLE explanation_failures; " +
        "DROP TABLE explanation_words; DROP TABLE assistant_answers; DROP TABLE job_spending; " +
        "DROP TABLE reports; DROP TABLE jobs; DROP TABLE sweeps; PRAGMA user_version = 2",
    );
    database.close();
    using store = Store.open(folder, (line) => lines.push(line));
    assert.equal(store.findRun("a")?.id, "a");
    assert.equal(store.findReport("b"), null);
    assert.equal(store.saveReport("b", "{}"), true);
    assert.equal(store.findReport("b"), "{}");
    assert.deepEqual(lines, []);
  }));

Deno.test("reports are kept as they were first stored, the oldest beyond the limits dropped", () =>
  inFolder((folder) => {
    using store = Store.open(folder, () => {});
    const held = () => ["a", "b", "c", "d", "e"].filter((key) => store.findReport(key) !== null).join("");
    store.saveReport("a", "1");
    store.saveReport("a", "2");
    assert.equal(store.findReport("a"), "1");
    for (const key of ["b", "c", "d"]) store.saveReport(key, "123456789", { count: 3, bytes: 1000 });
    assert.equal(held(), "bcd", "three at most");
    store.saveReport("e", "123456789", { count: 3, bytes: 18 });
    assert.equal(held(), "de", "18 bytes at most");
    store.saveReport("a", "1234567890123456789", { count: 3, bytes: 18 });
    assert.equal(held(), "", "what is too large by itself is dropped too");
    store.saveReport("a", "1", { count: 3, bytes: 18 });
    assert.equal(held(), "a");
  }));

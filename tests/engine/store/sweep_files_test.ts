/** States of sweeps in files: read as they were written, one over the other, and told from what is damaged. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { SweepFiles, SweepMemory, type SweepStates } from "../../../engine/store/sweep_files.ts";

const KEY = "sweep";

function groupsOf(seed: number): ReadonlyMap<string, ArrayBuffer> {
  const bufferOf = (length: number) => Uint8Array.from({ length }, (_, i) => (i * seed) % 251).buffer;
  return new Map([["mlp/0", bufferOf(10_000)], ["head/0", bufferOf(24)], ["mlp/1", bufferOf(5000 + seed)]]);
}

function assertHolds(states: SweepStates, generation: number, groups: ReadonlyMap<string, ArrayBuffer>): void {
  for (const [name, buffer] of groups) {
    assert.deepEqual(states.read({ key: KEY, generation }, name), buffer, `${name} of ${generation}`);
  }
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (
  const [where, open] of [["files", (folder: string) => new SweepFiles(folder)], [
    "memory",
    () => new SweepMemory(),
  ]] as const
) {
  Deno.test(`a state in ${where} is read as it was written, and its buffers may be used again`, () =>
    inFolder(async (folder) => {
      const states = open(join(folder, "states"));
      const groups = groupsOf(3);
      await states.write({ key: KEY, generation: 1 }, groups, null);
      groups.values().forEach((buffer) => new Uint8Array(buffer).fill(9));
      assertHolds(states, 1, groupsOf(3));
      assert.equal(states.read({ key: KEY, generation: 1 }, "head/9"), null);
      assert.equal(states.read({ key: KEY, generation: 2 }, "head/0"), null);
      assert.equal(states.read({ key: "other", generation: 1 }, "head/0"), null);
      await states.remove({ key: KEY, generation: 1 });
      await states.remove({ key: KEY, generation: 1 });
      assert.equal(states.read({ key: KEY, generation: 1 }, "head/0"), null);
    }));
}

Deno.test("a state is written over one that nobody needs, longer or shorter, and beside all others", () =>
  inFolder(async (folder) => {
    const files = new SweepFiles(folder);
    await files.write({ key: KEY, generation: 1 }, groupsOf(900), null);
    await files.write({ key: KEY, generation: 2 }, groupsOf(5), null);
    await files.write({ key: KEY, generation: 3 }, groupsOf(7), 1);
    await files.write({ key: KEY, generation: 4 }, groupsOf(800), 1);
    const names = (await Array.fromAsync(Deno.readDir(join(folder, KEY)))).map(({ name }) => name);
    assert.deepEqual(names.toSorted(), ["2", "3", "4"]);
    assertHolds(files, 2, groupsOf(5));
    assertHolds(files, 3, groupsOf(7));
    assertHolds(files, 4, groupsOf(800));
  }));

Deno.test("a file that is damaged, cut short or no state is refused, never read as numbers", () =>
  inFolder(async (folder) => {
    const files = new SweepFiles(folder);
    const name = { key: KEY, generation: 1 };
    await files.write(name, groupsOf(3), null);
    const path = join(folder, KEY, "1");
    const whole = await Deno.readFile(path);
    const damaged = whole.slice();
    const at = whole.length - 100;
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    await Deno.writeFile(path, damaged);
    assert.throws(() => files.read(name, "mlp/1"), /The state of the sweep is damaged at "mlp\/1"/);
    assert.ok(files.read(name, "mlp/0") !== null, "what is whole is read");
    await Deno.writeFile(path, whole.subarray(0, at));
    assert.throws(() => files.read(name, "mlp/1"), /ends too early/);
    for (const bytes of [new Uint8Array(0), new Uint8Array(5000), Uint8Array.of(255, 255, 255, 127, 1, 2)]) {
      await Deno.writeFile(path, bytes);
      assert.throws(() => files.read(name, "mlp/1"));
    }
  }));

Deno.test("what a process left behind is dropped when it is old; what is referred to, and what is young, stays", () =>
  inFolder(async (folder) => {
    const files = new SweepFiles(folder);
    files.tidy([]);
    for (const generation of [1, 2]) await files.write({ key: KEY, generation }, groupsOf(3), null);
    files.tidy([{ key: KEY, generation: 1 }]);
    assertHolds(files, 2, groupsOf(3));
    files.tidy([{ key: KEY, generation: 1 }], Date.now() + 2 * 60 * 60 * 1000);
    assertHolds(files, 1, groupsOf(3));
    assert.equal(files.read({ key: KEY, generation: 2 }, "head/0"), null);
  }));

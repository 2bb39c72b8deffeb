/** Which components fire on a text, against the reference transformer on that text and on every sequence of the corpus. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  CancelledError,
  type Engine,
  type Firing,
  type FiringRow,
  NotFoundError,
  openEngine,
} from "../../../engine/mod.ts";
import { assertClose } from "../../support/assert_close.ts";
import { openSweptEngine, sweepToTheEnd, withSweptModel } from "../../support/swept_model.ts";
import { writeTinyModel } from "../../support/tiny_model.ts";
import { END_OF_TEXT_ID } from "../../support/tiny_tokenizer.ts";
import { type AllValues, bruteForce } from "./brute_force.ts";

/** Values this near to each other may change places between float32 and float64. */
const NEAR = 2e-5;

const TEXT = [5, 3, 60, 3, 5, 12, 7, 3, 41, 5, 3, 60];

/** A value, and where it is: `[token]`, or `[query, key]`. */
interface Placed {
  readonly value: number;
  readonly at: readonly number[];
}

/** All values of a component on the only sequence. */
function placed(component: string, values: AllValues): readonly Placed[] {
  const own = values.get(component)?.[0]?.values ?? [];
  if (component.startsWith("mlp/")) return own.map((value, token) => ({ value, at: [token] }));
  const pairs: Placed[] = [];
  for (let query = 0; pairs.length < own.length; query++) {
    for (let key = 0; key <= query; key++) pairs.push({ value: own[pairs.length] ?? NaN, at: [query, key] });
  }
  return pairs;
}

/** Checks every row by itself, and that those which are missing do not fire. */
function checkFiring(
  { rows, total, considered }: Firing,
  values: AllValues,
  counts: (place: Placed) => boolean,
): void {
  assert.equal(considered, values.size);
  assert.equal(rows.length, total);
  const byName = new Map(rows.map((row): [string, FiringRow] => [row.component, row]));
  assert.equal(byName.size, total, "each component once");
  for (const component of values.keys()) {
    const places = placed(component, values).filter(counts);
    const best = places.reduce((a, b) => b.value > a.value ? b : a);
    const row = byName.get(component);
    if (row === undefined) {
      assert.ok(best.value < NEAR, `${component} fires with ${best.value} and is missing`);
      continue;
    }
    assertClose([row.value], [best.value], { label: component, absolute: NEAR });
    const isAlone = places.filter(({ value }) => value > best.value - 2 * NEAR).length === 1;
    if (isAlone) assert.deepEqual(row.at, best.at, component);
  }
}

function assertFalling(numbers: readonly (number | null)[]): void {
  const known = numbers.map((number) => number ?? -Infinity);
  assert.deepEqual(known, known.toSorted((a, b) => b - a));
}

async function all(engine: Engine, request: Parameters<Engine["firing"]>[0]): Promise<Firing> {
  return await engine.firing({ pageSize: 200, ...request });
}

Deno.test("firing() finds each component's strongest place, over all tokens or at one, before and after a sweep", () =>
  withSweptModel(40, async (model) => {
    const { values } = bruteForce(model.tiny, [TEXT]);
    const corpus = bruteForce(model.tiny, model.sequences).values;
    const text = TEXT.join(" ");
    const engine = await openSweptEngine(model, 200);
    try {
      const before = await all(engine, { text });
      assert.deepEqual([before.source, before.sort, before.token], [null, "value", null]);
      assert.deepEqual(before.tokens.map(({ id }) => id), TEXT);
      checkFiring(before, values, () => true);
      assertFalling(before.rows.map(({ value }) => value));
      assert.ok(before.rows.every(({ relative, largest }) => relative === null && largest === null));
      const asked = { text, sort: "relative" } as const;
      await assert.rejects(all(engine, asked), /Nothing has been collected .* POST \/api\/v1\/jobs/);

      await sweepToTheEnd(engine);
      const relative = await all(engine, { text });
      assert.deepEqual([relative.source, relative.sort], ["corpus", "relative"]);
      checkFiring(relative, values, () => true);
      assertFalling(relative.rows.map((row) => row.relative));
      for (const { component, value, largest, relative: share } of relative.rows) {
        const maximum = Math.max(...corpus.get(component)?.map(({ max }) => max) ?? []);
        assertClose([largest ?? NaN], [maximum], { label: `${component} largest`, absolute: NEAR });
        if (share !== null) assertClose([share], [value / maximum], { label: component, absolute: 1e-3 });
      }
      for (const token of [0, 7]) {
        const there = await all(engine, { text, token, sort: "value" });
        checkFiring(there, values, ({ at: [place] }) => place === token);
      }
    } finally {
      await engine.close();
    }
  }));

Deno.test("firing() looks at the kinds and layers asked for, in pages, and answers the same question from what is kept", () =>
  withSweptModel(10, async (model) => {
    const engine = await openSweptEngine(model, 200);
    const text = TEXT.join(" ");
    try {
      const whole = await all(engine, { text });
      const isIn = (prefix: string) => ({ component }: FiringRow) => component.startsWith(prefix);
      const heads = await all(engine, { text, kind: "head" });
      assert.deepEqual(heads.rows, whole.rows.filter(isIn("head/")));
      assert.equal(heads.considered, 4);
      const neurons = await all(engine, { text, kind: "mlp", layers: [1, 1] });
      assert.deepEqual(neurons.rows, whole.rows.filter(isIn("mlp/1/")));
      const pages = await Promise.all(
        [1, 2, 3].map((page) => engine.firing({ text, page, pageSize: 2, kind: "head" })),
      );
      assert.deepEqual(pages.flatMap(({ rows }) => rows), heads.rows);
      assert.deepEqual(await all(engine, { text, layers: [1, 0] }), whole);
      const together = await Promise.all([1, 2].map(() => all(engine, { text, token: 3 })));
      assert.deepEqual(together[0], together[1]);
      await assert.rejects(engine.firing({ text, token: 4 }, { signal: AbortSignal.abort() }), CancelledError);
    } finally {
      await engine.close();
    }
  }));

Deno.test("firing() says what is wrong with a text, a token, a layer, a text set", () =>
  withSweptModel(10, async (model) => {
    const engine = await openSweptEngine(model, 200);
    try {
      const refused: readonly (readonly [Parameters<Engine["firing"]>[0], RegExp])[] = [
        [{ text: "" }, /text: The text is empty: expected at least one token/],
        [{ text: Array(25).fill("1").join(" ") }, /text: The text has 25 tokens: expected 1\.\.24/],
        [{ text: "1 x" }, /text: .*expected whole numbers but found "x"/],
        [{ text: "1 2", token: 2 }, /token: There is no token 2: expected 0\.\.1/],
        [{ text: "1 2", layers: [0, 2] }, /layers\.1: There is no layer 2: expected 0\.\.1/],
        [{ text: "1 2", pageSize: 201 }, /pageSize/],
      ];
      for (const [request, message] of refused) await assert.rejects(engine.firing(request), message);
      await assert.rejects(engine.firing({ text: "1 2", textSet: "other" }), NotFoundError);
      await assert.rejects(engine.firing({ text: "1 2", model: "other" }), NotFoundError);
    } finally {
      await engine.close();
    }
  }));

Deno.test("firing() leaves out a BOS that stands before every text, unless it is asked for", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const tiny = await writeTinyModel(join(folder, "tiny"), { tokenizer: true, seed: 9 });
    const options = {
      modelFolders: [tiny.folder],
      dataFolder: join(folder, "data"),
      device: "cpu",
      version: "x",
    } as const;
    const engine = await openEngine(options);
    try {
      const found = await all(engine, { text: " Mary to John" });
      const ids = found.tokens.map(({ id }) => id);
      assert.equal(ids[0], END_OF_TEXT_ID);
      const { values } = bruteForce(tiny, [ids]);
      checkFiring(found, values, ({ at: [place] }) => place !== 0);
      const atStart = await all(engine, { text: " Mary to John", token: 0 });
      checkFiring(atStart, values, ({ at: [place] }) => place === 0);
    } finally {
      await engine.close();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

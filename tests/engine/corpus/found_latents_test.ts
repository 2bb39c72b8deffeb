/** Finding latents: what fires on a text, what is strongest on a phrase, and what has to do with one; each by comparing all. */
import assert from "node:assert/strict";
import type { Engine, FiringRow, LayerRecord, RelatedComponents } from "../../../engine/mod.ts";
import { assertClose } from "../../support/assert_close.ts";
import { type KnownDictionary, readDictionaries, withSweptDictionaries } from "../../support/swept_dictionaries.ts";
import { openSweptEngine, sweepToTheEnd } from "../../support/swept_model.ts";
import { allLatentValues, bruteForceLatents } from "./brute_force_latents.ts";
import { NEAR } from "./check_records.ts";

const TEXT = [5, 3, 60, 3, 5, 12, 7, 3, 41, 5, 3, 60];

Deno.test("latents that fire on a text are those that the reference has active there, by their share of their largest value", () =>
  withSweptDictionaries(40, async (model) => {
    const corpus = await allLatentValues(model);
    const engine = await openSweptEngine(model, 200);
    try {
      for (const [id, known] of await readDictionaries(model)) {
        const values = bruteForceLatents(model.tiny, known, [TEXT]);
        const ask = { text: TEXT.join(" "), dictionary: id, pageSize: 200 };
        const before = await engine.firing(ask);
        assert.deepEqual([before.dictionary, before.source, before.sort], [id, null, "value"]);
        checkRows(before.rows, values);
        await sweepToTheEnd(engine, id);
        const { rows, sort, considered, total } = await engine.firing(ask);
        assert.deepEqual([sort, considered, total], ["relative", values.size, rows.length]);
        checkRows(rows, values);
        for (const { component, value, largest, relative } of rows) {
          const maximum = Math.max(...corpus.get(id)?.get(component)?.map(({ max }) => max) ?? []);
          assertClose([largest ?? NaN], [maximum], { label: component, absolute: NEAR });
          if (relative !== null) assertClose([relative], [value / maximum], { label: component, absolute: 1e-3 });
        }
        const shares = rows.map(({ relative }) => relative ?? -Infinity);
        assert.deepEqual(shares, shares.toSorted((a, b) => b - a));
        const there = await engine.firing({ ...ask, token: 7 });
        assert.ok(there.rows.every(({ at }) => at[0] === 7));
      }
      const byKind = await engine.firing({ text: TEXT.join(" "), kind: "resid-latent" });
      assert.equal(byKind.dictionary, "resid-gated", "the first of its kind");
      await assert.rejects(
        engine.firing({ text: "1", kind: "mlp-latent", dictionary: "resid-gated" }),
        /dictionary: .*are resid-latent\/1, others are asked for/,
      );
      await assert.rejects(
        engine.firing({ text: "1", kind: "attn-latent", layers: [1] }),
        /No dictionary with attn-latent/,
      );
    } finally {
      await engine.close();
    }
  }));

function checkRows(rows: readonly FiringRow[], values: ReturnType<typeof bruteForceLatents>): void {
  const found = new Map(rows.map((row) => [row.component, row]));
  assert.equal(found.size, rows.length);
  for (const [component, [own]] of values) {
    const row = found.get(component);
    if (row === undefined) {
      assert.ok((own?.max ?? NaN) < NEAR, `${component} fires with ${own?.max} and is missing`);
      continue;
    }
    assertClose([row.value], [own?.max ?? NaN], { label: component, absolute: NEAR });
    const isAlone = own?.values.filter((value) => value > own.max - 2 * NEAR).length === 1;
    if (isAlone) assert.deepEqual(row.at, own.at, component);
  }
}

Deno.test("a phrase finds the latents whose top sequences have their maximum on it", () =>
  withSweptDictionaries(60, async (model) => {
    const engine = await openSweptEngine(model, 200);
    try {
      await sweepToTheEnd(engine, "mlp-topk");
      const records = await recordsOf(engine, "mlp-topk");
      const tokenOf = ({ sequence, at: [token = -1] }: LayerRecord["top"][number]) =>
        model.sequences[sequence]?.[token];
      const ids = records.flatMap(({ top }) => top.map(tokenOf));
      const frequency = (id: number | undefined) => ids.filter((other) => other === id).length;
      const [id] = ids.toSorted((x, y) => frequency(y) - frequency(x));
      const expected = new Map(
        records.map(({ component, top }) => [component, top.filter((entry) => tokenOf(entry) === id).length] as const)
          .filter(([, matches]) => matches > 0),
      );
      assert.ok(expected.size > 1);
      const { components, dictionary } = await engine.search({ q: `${id}`, match: "tokens", dictionary: "mlp-topk" });
      assert.equal(dictionary, "mlp-topk");
      assert.deepEqual(new Map(components?.rows.map(({ component, matches }) => [component, matches])), expected);
      assert.ok(components?.rows.every(({ on, listed }) => on === "token" && listed > 0));
      assert.equal(components?.considered, 20);
    } finally {
      await engine.close();
    }
  }));

async function recordsOf(engine: Engine, dictionary: string): Promise<readonly LayerRecord[]> {
  return [...await engine.layerRecords({ kind: "mlp-latent", layer: 1, dictionary })];
}

/** Cosines of one direction with many, but for one of them, the largest in size first. */
function cosines(
  direction: Float64Array,
  others: readonly Float64Array[],
  nameOf: (index: number) => string,
): readonly (readonly [string, number])[] {
  return others.map((other, index): readonly [string, number] => {
    const product = direction.reduce((sum, value, i) => sum + value * (other[i] ?? NaN), 0);
    return [nameOf(index), product / (Math.hypot(...direction) * Math.hypot(...other))];
  });
}

function bySize(list: readonly (readonly [string, number])[], count = 10): readonly (readonly [string, number])[] {
  return list.toSorted(([, a], [, b]) => Math.abs(b) - Math.abs(a)).slice(0, count);
}

function checkList(list: RelatedComponents["similar"][number], expected: readonly (readonly [string, number])[]): void {
  assert.deepEqual(
    list.components.map(({ component, dictionary }) => `${dictionary} ${component}`),
    expected.map(([name]) => name),
  );
  assertClose(list.components.map(({ score }) => score), expected.map(([, score]) => score), {
    label: list.by,
    absolute: 1e-6,
  });
}

function columns(matrix: readonly Float64Array[]): readonly Float64Array[] {
  return Array.from({ length: matrix[0]?.length ?? 0 }, (_, j) => Float64Array.from(matrix, (row) => row[j] ?? NaN));
}

Deno.test("neighbours of a latent are the largest cosines of decoder rows and encoder columns, in its dictionary and in others", () =>
  withSweptDictionaries(4, async (model) => {
    const known = await readDictionaries(model);
    const engine = await openSweptEngine(model, 200);
    const get = (id: string): KnownDictionary => known.get(id) ?? assert.fail(id);
    try {
      const own = get("mlp-relu").reference;
      const row = own.decoder[7] ?? assert.fail();
      const column = columns(own.encoder)[7] ?? assert.fail();
      const related = await engine.related({ component: "mlp-latent/1/7" });
      assert.deepEqual([related.dictionary, related.upstream, related.downstream], ["mlp-relu", [], []]);
      assert.deepEqual(related.similar.map(({ kind, by }) => `${kind} ${by}`), [
        "mlp-latent decoder",
        "mlp-latent encoder",
        "attn-latent decoder-elsewhere",
        "mlp-latent decoder-elsewhere",
        "resid-latent decoder-elsewhere",
      ]);
      const name = (id: string, prefix: string) => (index: number) => `${id} ${prefix}/${index}`;
      const self = "mlp-relu mlp-latent/1/7";
      const within = (vector: Float64Array, others: readonly Float64Array[]) =>
        bySize(cosines(vector, others, name("mlp-relu", "mlp-latent/1")).filter(([other]) => other !== self));
      const expected = [
        within(row, own.decoder),
        within(column, columns(own.encoder)),
        bySize(cosines(row, get("attn-jump").reference.decoder, name("attn-jump", "attn-latent/0"))),
        bySize(cosines(row, get("mlp-topk").reference.decoder, name("mlp-topk", "mlp-latent/1"))),
        bySize(cosines(row, get("resid-gated").reference.decoder, name("resid-gated", "resid-latent/1"))),
      ];
      related.similar.forEach((list, index) => checkList(list, expected[index] ?? []));
      const [[, alignment] = ["", NaN]] = cosines(row, [column], () => "");
      assertClose([related.alignment ?? NaN], [alignment], { label: "alignment", absolute: 1e-6 });
      assert.equal(related.coActivation, null, "nothing was swept");
      const neurons = await engine.related({ component: "mlp-latent/0/3", dictionary: "neurons", top: 2 });
      assert.deepEqual(
        neurons.similar.map(({ by, components }) => [by, components.length]),
        [["decoder", 2], ["encoder", 2]],
        "no other dictionary writes the neurons of layer 0",
      );
      assert.equal((await engine.related({ component: "mlp/0/3" })).alignment, null);
    } finally {
      await engine.close();
    }
  }));

Deno.test("latents that are active together are of one dictionary; neurons and heads beside them are of the same texts", () =>
  withSweptDictionaries(60, async (model) => {
    const engine = await openSweptEngine(model, 200);
    try {
      await sweepToTheEnd(engine, "mlp-relu");
      const component = (await engine.catalogue({ kind: "mlp-latent", layer: 1, sort: "max" })).rows[0]?.component ??
        "";
      const alone = (await engine.related({ component, top: 50 })).coActivation;
      assert.deepEqual(alone?.lists.map(({ kind }) => kind), ["mlp-latent"]);
      await sweepToTheEnd(engine);
      const active = (await engine.related({ component, top: 50 })).coActivation;
      assert.deepEqual(active?.lists.map(({ kind }) => kind), ["mlp-latent", "mlp", "head"]);
      const latents = await recordsOf(engine, "mlp-relu");
      const own = new Set(
        latents.find((record) => record.component === component)?.top.map(({ sequence }) => sequence),
      );
      const check = (records: readonly LayerRecord[], list: number) => {
        const expected = records.map((record) =>
          [record.component, record.top.filter(({ sequence }) => own.has(sequence)).length] as const
        ).filter(([name, count]) => count > 0 && name !== component);
        const found = active?.lists[list]?.shared.map(({ component: name, shared }) => [name, shared] as const) ?? [];
        const counts = new Map(expected);
        for (const [name, count] of found) assert.equal(counts.get(name), count, name);
        assert.equal(found.length, Math.min(50, expected.length));
      };
      check(latents, 0);
      check([
        ...await engine.layerRecords({ kind: "head", layer: 0 }),
        ...await engine.layerRecords({ kind: "head", layer: 1 }),
      ], 2);
      // Correlations of maxima on the random sequences, of one head by hand.
      const [strongest] = active?.lists[2]?.correlated ?? [];
      const maxima = async (name: string) =>
        (await engine.records({ component: name, top: 0, random: 64 })).random.map(({ max }) => max);
      const [a, b] = [await maxima(component), await maxima(strongest?.component ?? "")];
      assertClose([strongest?.correlation ?? NaN], [pearson(a, b)], { label: "correlation", absolute: 1e-4 });
    } finally {
      await engine.close();
    }
  }));

function pearson(a: readonly number[], b: readonly number[]): number {
  const centred = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  };
  const [x, y] = [centred(a), centred(b)];
  return x.reduce((sum, value, i) => sum + value * (y[i] ?? NaN), 0) / (Math.hypot(...x) * Math.hypot(...y));
}

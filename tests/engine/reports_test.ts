/** Lens, attention and circuits through the whole engine, on the demo model. */
import assert from "node:assert/strict";
import { type Engine, METRICS, openEngine, type RunSpecInput, ValidationError } from "../../engine/mod.ts";
import { assertClose } from "../support/assert_close.ts";
import { readSafetensors } from "../support/safetensors_fixture.ts";
import { writeTinyModel } from "../support/tiny_model.ts";

const DEMO = new URL("../../models/demo", import.meta.url).pathname;
const PROMPT = {
  text: "When Mary and John went to the store, John gave a drink to",
  targets: [" Mary"],
  distractors: [" John"],
};
const LONGER = { ...PROMPT, text: "When Mary and John went to the big store, John gave a drink to" };
const QUESTION: RunSpecInput = { prompts: [PROMPT] };
const INTERVENTIONS = [{ node: "head/3/3@14<*", set: 0 }, { node: "mlp/1/17@5", set: 2 }];
/** Name movers, what moves the repeated name to them, and what they read. */
const NODES = ["head/3/3@14<2", "head/2/6@14<3", "head/2/0@14<6", "mlp/3/195@14", "embed@2", "embed@4"];

async function withEngine(use: (engine: Engine) => Promise<void>, model = DEMO): Promise<void> {
  const dataFolder = await Deno.makeTempDir();
  const engine = await openEngine({ modelFolders: [model], dataFolder, device: "cpu", version: "test" });
  try {
    await use(engine);
  } finally {
    await engine.close();
    await Deno.remove(dataFolder, { recursive: true });
  }
}

/** Asserts that a request is refused at one field. */
async function assertRefused(asked: Promise<unknown>, path: string, message: RegExp): Promise<void> {
  await assert.rejects(asked, (error: unknown) => {
    assert.ok(error instanceof ValidationError, String(error));
    assert.deepEqual(error.issues.map((issue) => issue.path), [path]);
    assert.match(error.issues[0]?.message ?? "", message);
    return true;
  });
}

Deno.test("the lens ends where the objective is read, and its last row is the run's prediction, on every side", () =>
  withEngine(async (engine) => {
    const question = { prompts: [PROMPT, LONGER], interventions: INTERVENTIONS };
    const { result } = await engine.run(question);
    for (const [side, { label, tokens, position, logits }] of result.sides.entries()) {
      const lens = await engine.lens({ ...question, side, count: 4 });
      assert.deepEqual([lens.side, lens.tokens], [label, tokens]);
      assert.equal(lens.target.text, " Mary");
      assert.equal(lens.from + 3, position);
      assert.deepEqual(lens.rows.map(({ length }) => length), [4, 4, 4, 4, 4]);
      const cell = lens.rows.at(-1)?.at(-1);
      const target = logits.find(({ id }) => id === lens.target.id);
      assert.equal(cell?.top.id, logits[0]?.id);
      assert.equal(cell?.targetRank, target?.rank);
      assertClose(
        [cell?.topLogProb ?? NaN, cell?.targetLogProb ?? NaN],
        [logits[0]?.logProb ?? NaN, target?.logProb ?? NaN],
        { label, absolute: 1e-4 },
      );
    }
  }));

Deno.test("the lens of a longer prompt counts its own tokens", () =>
  withEngine(async (engine) => {
    const beside = await engine.lens({ prompts: [PROMPT, LONGER], side: 1, from: 7, count: 32 });
    const alone = await engine.lens({ prompts: [LONGER], from: 7, count: 32 });
    assert.equal(beside.tokens[8]?.text, " big");
    assert.deepEqual([beside.tokens, beside.target, beside.from], [alone.tokens, alone.target, alone.from]);
    assert.equal(beside.rows[0]?.length, beside.tokens.length - 7);
    for (const [row, cells] of alone.rows.entries()) {
      assert.deepEqual(beside.rows[row]?.map(({ top }) => top), cells.map(({ top }) => top));
      assertClose(beside.rows[row]?.map((cell) => cell.targetLogProb) ?? [], cells.map((cell) => cell.targetLogProb), {
        label: `row ${row}`,
        absolute: 1e-4,
      });
    }
  }));

Deno.test("the lens reads the objective's own position, and fewer tokens where there are fewer before it", () =>
  withEngine(async (engine) => {
    const { from, rows } = await engine.lens({ ...QUESTION, objective: { position: 3 } });
    assert.deepEqual([from, rows[0]?.length], [0, 4]);
    const last = await engine.lens({ ...QUESTION, from: 13, count: 9 });
    assert.deepEqual([last.from, last.rows[0]?.length], [13, 2]);
  }));

Deno.test("lens() and attention() say which sides, tokens and heads there are", () =>
  withEngine(async (engine) => {
    await assertRefused(engine.lens({ ...QUESTION, from: 15 }), "from", /no token 15: expected 0\.\.14/);
    await assertRefused(engine.lens({ ...QUESTION, side: 1 }), "side", /no side 1 .*expected 0 \(clean\)/);
    await assertRefused(engine.lens({ ...QUESTION, count: 33 }), "count", /1\.\.32/);
    const [layer, head] = [/layer 0\.\.3 and head 0\.\.7/, /expected head\/LAYER\/HEAD/];
    await assertRefused(engine.attention({ ...QUESTION, head: "head/4/0" }), "head", layer);
    await assertRefused(engine.attention({ ...QUESTION, head: "head/0/8" }), "head", layer);
    await assertRefused(engine.attention({ ...QUESTION, head: "head/0/1@3<2" }), "head", head);
    await assertRefused(engine.attention({ ...QUESTION, head: "head/0/1", side: 3 }), "side", /no side 3/);
  }));

Deno.test("attention() is the tensors' on the first side, with interventions and a trace", () =>
  withEngine(async (engine) => {
    const question = {
      ...QUESTION,
      interventions: INTERVENTIONS,
      trace: { node: "head/3/3@14<2", path: "q" },
    } as const;
    const names = ["activation", "write_norm", "direct_effect", "total_effect"].map((name) => `scalar:${name}:head:2`);
    const { tensors } = readSafetensors(await engine.tensors({ ...question, tensors: names }));
    for (const [index, metric] of METRICS.entries()) {
      const { values, tokens, side, head } = await engine.attention({ ...question, head: "head/2/06", metric });
      assert.deepEqual([side, head, tokens.length, values.length], ["ablated", "head/2/6", 15, 15]);
      const { data = [], shape: [, , headCount = 0] = [] } = tensors.get(names[index] ?? "") ?? {};
      values.forEach((row, query) => {
        assert.equal(row.length, query + 1);
        const expected = row.map((_, key) => Number(data[(query * 15 + key) * headCount + 6] ?? NaN));
        assertClose(row, expected, { label: `${metric} from ${query}`, absolute: 1e-5 });
        if (metric === "activation") {
          assertClose([row.reduce((sum, value) => sum + value, 0)], [1], { label: `row ${query}`, absolute: 1e-5 });
        }
      });
    }
  }));

Deno.test("attention() on another side is that of its prompt alone", () =>
  withEngine(async (engine) => {
    for (const metric of METRICS) {
      const of = { head: "head/3/3", metric };
      const beside = await engine.attention({ prompts: [PROMPT, LONGER], side: 1, ...of });
      const alone = await engine.attention({ prompts: [LONGER], ...of });
      assert.deepEqual([beside.side, beside.tokens], ["right", alone.tokens]);
      beside.values.forEach((row, query) =>
        assertClose(row, alone.values[query] ?? [], { label: `${metric} from ${query}`, absolute: 1e-3 })
      );
    }
  }));

Deno.test("a circuit's edges are those that edges() tells, its scalars those of the run", () =>
  withEngine(async (engine) => {
    const circuit = await engine.circuit({ ...QUESTION, nodes: [...NODES, "mlp/3/0195@14", NODES[0] ?? ""] });
    assert.deepEqual(circuit.nodes.map(({ ref }) => ref), NODES, "each once");
    assert.deepEqual([circuit.done, circuit.total], [10, 10], "three heads by three ways, one neuron");
    const { result } = await engine.run({ ...QUESTION, topK: 200 });
    assertClose([circuit.objective], [result.sides[0]?.objective ?? NaN], { label: "objective", absolute: 1e-4 });
    const rows = new Map(result.nodes.map((row) => [row.ref, row]));
    for (const { ref, activation, directEffect, totalEffect } of circuit.nodes) {
      const row = rows.get(ref);
      assert.deepEqual([activation, directEffect, totalEffect], [
        row?.activation[0] ?? null,
        row?.directEffect[0] ?? null,
        row?.totalEffect[0] ?? null,
      ]);
    }
    const expected = [];
    const outside = new Map<string, number>();
    for (const ref of NODES.filter((name) => !name.startsWith("embed"))) {
      for (const path of ref.startsWith("head") ? ["q", "k", "v"] as const : [null]) {
        const { edges } = await engine.edges({ ...QUESTION, node: ref, path, direction: "upstream", topK: 200 });
        for (const { ref: from, attribution } of edges) {
          if (NODES.includes(from)) expected.push({ from, to: ref, path, attribution });
          else outside.set(from, Math.max(outside.get(from) ?? 0, Math.abs(attribution)));
        }
      }
    }
    assert.ok(expected.length >= 6, `${expected.length} edges`);
    const byName = (a: object, b: object) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
    assert.deepEqual(circuit.edges.toSorted(byName), expected.toSorted(byName));
    const sizes = circuit.edges.map(({ attribution }) => Math.abs(attribution));
    assert.deepEqual(sizes, sizes.toSorted((a, b) => b - a));
    assert.deepEqual(
      circuit.candidates.map(({ edge }) => Math.abs(edge.attribution)),
      [...outside.values()].sort((a, b) => b - a).slice(0, 20),
    );
    assert.ok(circuit.candidates.every(({ ref, edge }) => ref === edge.from && !NODES.includes(ref)));
  }));

Deno.test("a circuit without patience comes to the same end, one way a call", () =>
  withEngine(async (engine) => {
    const request = { ...QUESTION, interventions: INTERVENTIONS, nodes: NODES };
    let circuit = await engine.circuit(request, { patienceMs: 0 });
    const progress = [circuit.done];
    while (circuit.done < circuit.total) {
      circuit = await engine.circuit(request, { patienceMs: 0 });
      progress.push(circuit.done);
    }
    assert.deepEqual(progress, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.deepEqual(await engine.circuit(request), circuit, "with patience it is the same");
    const { nodes: _nodes, ...question } = request;
    const { result: { sides } } = await engine.run(question);
    assertClose([circuit.objective], [sides[0]?.objective ?? NaN], { label: "the ablated side's", absolute: 1e-4 });
    assert.notDeepEqual(circuit.edges, (await engine.circuit({ ...QUESTION, nodes: NODES })).edges);
  }));

Deno.test("circuit() names every node that there is none of", () =>
  withEngine(async (engine) => {
    const nodes = ["embed@0", "mlp/4/0@1", "somewhere", "head/1/1@2<3", "embed@15"];
    await assert.rejects(engine.circuit({ ...QUESTION, nodes }), (error: unknown) => {
      assert.ok(error instanceof ValidationError);
      assert.deepEqual(error.issues.map(({ path }) => path), ["nodes.1", "nodes.2", "nodes.3", "nodes.4"]);
      return true;
    });
    await assertRefused(engine.circuit({ ...QUESTION, nodes: [] }), "nodes", /at least one/);
    await assertRefused(engine.circuit({ prompts: [PROMPT, LONGER], nodes: NODES }), "prompts", /exactly one prompt/);
    const alone = await engine.circuit({ ...QUESTION, nodes: ["embed@3"] });
    assert.deepEqual([alone.edges, alone.candidates, alone.done, alone.total], [[], [], 0, 0]);
  }));

Deno.test("in a circuit of all nodes, the edges of each way add up to all that the writers give on it", async () => {
  const folder = await Deno.makeTempDir();
  await writeTinyModel(folder, { inner: 4, seed: 51 });
  await withEngine(async (engine) => {
    const [layers, units, question] = [[0, 1], [0, 1, 2, 3], { prompts: [{ tokens: [3, 41], targets: [7] }] }];
    const nodes = [
      ...["embed@0", "embed@1"],
      ...layers.flatMap((layer) =>
        [0, 1].flatMap((head) => ["0<0", "1<0", "1<1"].map((at) => `head/${layer}/${head}@${at}`))
      ),
      ...layers.flatMap((layer) => units.flatMap((unit) => [`mlp/${layer}/${unit}@0`, `mlp/${layer}/${unit}@1`])),
    ];
    const { edges, candidates, total } = await engine.circuit({ ...question, nodes });
    assert.deepEqual(candidates, [], "nobody is outside");
    assert.equal(total, 12 * 3 + 16);
    const readers = nodes.filter((ref) => !ref.startsWith("embed"));
    for (const ref of readers) {
      for (const path of ref.startsWith("head") ? ["q", "k", "v"] as const : [null]) {
        const trace = { node: ref, path, activation: "post", of: "attribution" } as const;
        const { result: { sums: { directEffect } } } = await engine.run({ ...question, trace });
        const { embed, mlp, attentionByQuery } = directEffect;
        const given = [embed, mlp, attentionByQuery].flatMap(([side = []]) => side);
        const inside = edges.filter((edge) => edge.to === ref && edge.path === path);
        assertClose(
          [inside.reduce((sum, { attribution }) => sum + attribution, 0)],
          [given.reduce((sum, value) => sum + value, 0)],
          { label: `${ref} ${path}`, absolute: 1e-5 },
        );
      }
    }
  }, folder);
  await Deno.remove(folder, { recursive: true });
});

/** Similarities and compositions by weights, against whole matrices multiplied out in float64, and on weights that are made for them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { ModelComponent } from "../../../engine/corpus/component.ts";
import { relatedByWeights } from "../../../engine/corpus/related_weights.ts";
import type { RelatedList, WeightRelations } from "../../../engine/corpus/related_request.ts";
import { strongest } from "../../../engine/corpus/strongest.ts";
import { Asker } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import {
  composition,
  cosine,
  type Matrix,
  product,
  ReferenceRelations,
  transposed,
} from "../../support/reference_relations.ts";
import { readSafetensors, writeSafetensors } from "../../support/safetensors_fixture.ts";
import { type TinyModel, type TinyModelOptions, writeTinyModel } from "../../support/tiny_model.ts";

const LAYERS = 3;
const HEADS = 4;
const WIDTH = 16;
const NEURONS = 10;
const SHAPE: TinyModelOptions = { layers: LAYERS, heads: HEADS, width: WIDTH, inner: NEURONS, seed: 11 };
/** More than any list has. */
const ALL = 1000;

async function withModel(options: TinyModelOptions, use: (model: TinyModel) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(await writeTinyModel(folder, options));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function relationsOf(folder: string, component: ModelComponent, top = ALL): Promise<WeightRelations> {
  const { questioner, model } = await Asker.open(folder);
  return await relatedByWeights(questioner, model, { component, top });
}

/** Every score by its list and component, as in `upstream head k head/0/1`. */
function flat(relations: WeightRelations): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(relations).flatMap(([relation, lists]) =>
      (lists as readonly RelatedList<string>[]).flatMap(({ kind, by, components }) =>
        components.map(({ component, score }): [string, number] => [`${relation} ${kind} ${by} ${component}`, score])
      )
    ),
  );
}

function parse(name: string): ModelComponent {
  const [kind, layer, index] = name.split("/");
  return { kind: kind === "mlp" ? "mlp" : "head", layer: Number(layer), index: Number(index) };
}

/** Every component of a kind in some layers. */
function namesOf(kind: "mlp" | "head", from: number, to: number): readonly string[] {
  const count = kind === "mlp" ? NEURONS : HEADS;
  return Array.from({ length: Math.max(0, to - from) * count }, (_, i) => {
    return `${kind}/${from + Math.floor(i / count)}/${i % count}`;
  });
}

/** All that a component's lists must hold, by the definitions. */
function expected(reference: ReferenceRelations, { kind, layer, index }: ModelComponent): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const self = `${kind}/${layer}/${index}`;
  const written = ({ kind, layer, index }: ModelComponent): Matrix =>
    kind === "mlp" ? reference.neuron(layer, index).output : reference.head(layer, index).ov;
  const read = ({ kind, layer, index }: ModelComponent): readonly (readonly [string, Matrix])[] => {
    if (kind === "mlp") return [["in", reference.neuron(layer, index).input]];
    const { ov, qk } = reference.head(layer, index);
    return [["q", qk], ["k", transposed(qk)], ["v", ov]];
  };
  const composed = (writer: ModelComponent, reader: ModelComponent): readonly (readonly [string, number])[] =>
    read(reader).map(([by, matrix]) => {
      const size = composition(written(writer), matrix);
      const [sum = NaN] = product(written(writer), matrix)[0] ?? [];
      return [by, writer.kind === "mlp" && reader.kind === "mlp" ? Math.sign(sum) * size : size];
    });
  const own: ModelComponent = { kind, layer, index };
  for (const name of namesOf(kind, 0, LAYERS).filter((other) => other !== self)) {
    const other = parse(name);
    if (kind === "mlp") {
      const [a, b] = [reference.neuron(layer, index), reference.neuron(other.layer, other.index)];
      found.set(`similar mlp output ${name}`, cosine(a.output, b.output));
      found.set(`similar mlp input ${name}`, cosine(a.input, b.input));
    } else {
      const [a, b] = [reference.head(layer, index), reference.head(other.layer, other.index)];
      found.set(`similar head ov ${name}`, cosine(a.ov, b.ov));
      found.set(`similar head qk ${name}`, cosine(a.qk, b.qk));
    }
  }
  for (const otherKind of ["head", "mlp"] as const) {
    const end = kind === "mlp" && otherKind === "head" ? layer + 1 : layer;
    for (const name of namesOf(otherKind, 0, end)) {
      for (const [by, score] of composed(parse(name), own)) found.set(`upstream ${otherKind} ${by} ${name}`, score);
    }
    const start = kind === "head" && otherKind === "mlp" ? layer : layer + 1;
    for (const name of namesOf(otherKind, start, LAYERS)) {
      for (const [by, score] of composed(own, parse(name))) found.set(`downstream ${otherKind} ${by} ${name}`, score);
    }
  }
  return found;
}

for (const name of ["mlp/0/3", "mlp/1/0", "mlp/2/9", "head/0/0", "head/1/2", "head/2/3"]) {
  Deno.test(`what is related to ${name} by weights is what whole matrices in float64 say`, () =>
    withModel(SHAPE, async ({ folder, weights, config }) => {
      const relations = await relationsOf(folder, parse(name));
      const found = flat(relations);
      const wanted = expected(new ReferenceRelations(weights, config), parse(name));
      assert.deepEqual([...found.keys()].toSorted(), [...wanted.keys()].toSorted());
      for (const [key, score] of wanted) assertClose([found.get(key) ?? NaN], [score], { label: key, absolute: 2e-6 });
      for (const { components } of [...relations.similar, ...relations.upstream, ...relations.downstream]) {
        const sizes = components.map(({ score }) => Math.abs(score));
        assert.deepEqual(sizes, sizes.toSorted((a, b) => b - a), "by falling size");
      }
    }));
}

Deno.test("16-bit weights are compared as they are written", () =>
  withModel({ ...SHAPE, dtype: "BF16" }, async ({ folder, weights, config }) => {
    const found = flat(await relationsOf(folder, parse("head/1/1")));
    const wanted = expected(new ReferenceRelations(weights, config), parse("head/1/1"));
    for (const [key, score] of wanted) assertClose([found.get(key) ?? NaN], [score], { label: key, absolute: 2e-6 });
  }));

Deno.test("lists hold as many as were asked for, and are the beginning of longer ones", () =>
  withModel(SHAPE, async ({ folder }) => {
    for (const name of ["mlp/1/0", "head/1/2"]) {
      const [short, long] = [await relationsOf(folder, parse(name), 3), await relationsOf(folder, parse(name))];
      for (const relation of ["similar", "upstream", "downstream"] as const) {
        for (const [i, { components }] of short[relation].entries()) {
          assert.deepEqual(components, long[relation][i]?.components.slice(0, 3));
        }
      }
    }
  }));

Deno.test("over random weights, scores have the root mean square that is told", () =>
  withModel({ ...SHAPE, layers: 4, width: 32, inner: 200 }, async ({ folder }) => {
    for (const name of ["mlp/1/0", "head/2/2"]) {
      const { similar, upstream, downstream } = await relationsOf(folder, parse(name));
      for (const { kind, by, chance, components } of [...similar, ...upstream, ...downstream]) {
        const square = components.reduce((sum, { score }) => sum + score ** 2, 0) / components.length;
        const ratio = Math.sqrt(square) / chance;
        // Few heads: their mean is less sure.
        assert.ok(
          ratio > (kind === "mlp" ? 0.85 : 0.6) && ratio < (kind === "mlp" ? 1.15 : 1.6),
          `${name} ${by} ${ratio}`,
        );
      }
    }
  }));

/** Row i of Sylvester's Hadamard matrix: ±1, at right angles to each other; all but row 0 sum to 0. */
function hadamard(row: number): readonly number[] {
  return Array.from({ length: WIDTH }, (_, column) => {
    let sign = 1;
    for (let bits = row & column; bits > 0; bits &= bits - 1) sign = -sign;
    return sign;
  });
}

type Change = (name: string, entry: readonly [row: number, column: number], value: number) => void;

/** The tiny model with gains of 1 and some entries changed; linear weights are `[in, out]`. */
async function change(folder: string, edit: (set: Change) => void): Promise<void> {
  const path = join(folder, "model.safetensors");
  const { tensors, metadata } = readSafetensors(await Deno.readFile(path));
  const named = (name: string) => {
    const found = tensors.get(`transformer.${name}`);
    assert.ok(found !== undefined, name);
    return found;
  };
  for (let layer = 0; layer < LAYERS; layer++) {
    for (const norm of ["ln_1", "ln_2"]) named(`h.${layer}.${norm}.weight`).data.fill(1);
  }
  edit((name, [row, column], value) => {
    const { shape: [, columns = 0], data } = named(name);
    data[row * columns + column] = value;
  });
  await Deno.writeFile(path, writeSafetensors(tensors, metadata));
}

/**
 * Head 1 of layer 0 writes along rows 1..4 of the Hadamard matrix, which head 2 of layer 1 reads as its keys; its queries read rows 5..8,
 * its values rows 9..12. All other heads of layer 0 write along rows 13..15, and neurons of layer 0 along row 13.
 */
function previousTokenAndInduction(set: Change): void {
  const r = WIDTH / HEADS;
  for (let i = 0; i < r; i++) {
    for (let c = 0; c < WIDTH; c++) {
      for (let head = 0; head < HEADS; head++) {
        const row = head === 1 ? 1 + i : 13 + (head + i) % 3;
        set("h.0.attn.c_proj.weight", [head * r + i, c], hadamard(row)[c] ?? NaN);
      }
      for (const [part, first] of [[0, 5], [1, 1], [2, 9]] as const) {
        set("h.1.attn.c_attn.weight", [c, part * WIDTH + 2 * r + i], hadamard(first + i)[c] ?? NaN);
      }
      for (let neuron = 0; neuron < NEURONS; neuron++) {
        set("h.0.mlp.c_proj.weight", [neuron, c], hadamard(13)[c] ?? NaN);
      }
    }
  }
}

Deno.test("a head that reads as keys what another one writes is composed with it by K, and with no other", () =>
  withModel(SHAPE, async ({ folder }) => {
    await change(folder, previousTokenAndInduction);
    const reader = await relationsOf(folder, parse("head/1/2"));
    const listOf = (kind: string, by: string) =>
      reader.upstream.find((list) => list.kind === kind && list.by === by)?.components ?? [];
    const [first, ...others] = listOf("head", "k");
    assert.equal(first?.component, "head/0/1");
    // ‖V H Hᵀ Qᵀ‖ / (‖V H‖ ‖H Qᵀ‖) = 64 ‖V‖ / (4 ‖V‖ · 32), with H Hᵀ = 16 and four columns of length 4 in each of K and Q.
    assertClose([first?.score ?? NaN], [0.5], { label: "K-composition", absolute: 1e-6 });
    for (
      const { component, score } of [...others, ...listOf("head", "q"), ...listOf("head", "v"), ...listOf("mlp", "k")]
    ) {
      assertClose([score], [0], { label: component, absolute: 1e-6 });
    }
    assert.equal(listOf("head", "q").length, HEADS);
    const writer = await relationsOf(folder, parse("head/0/1"));
    const down = writer.downstream.find(({ kind, by }) => kind === "head" && by === "k")?.components ?? [];
    assert.deepEqual(down.find(({ component }) => component === "head/1/2"), {
      component: "head/1/2",
      score: first?.score,
    });
  }));

Deno.test("equal weights have a cosine of 1, opposite ones of −1, and no weights one of 0", () =>
  withModel(SHAPE, async ({ folder }) => {
    await change(folder, (set) => {
      const r = WIDTH / HEADS;
      for (let c = 0; c < WIDTH; c++) {
        // Neuron 5 of layer 2 reads what neuron 3 of layer 0 reads and writes the opposite; neuron 6 does nothing.
        const [x, y] = [Math.sin(c), Math.cos(3 * c)];
        for (const [layer, neuron, sign] of [[0, 3, 1], [2, 5, -1], [2, 6, 0]] as const) {
          set(`h.${layer}.mlp.c_fc.weight`, [c, neuron], sign === 0 ? 0 : x);
          // A mean that all write alike acts on nothing.
          set(`h.${layer}.mlp.c_proj.weight`, [neuron, c], sign === 0 ? 0 : sign * y + 10);
        }
        // Head 2 of layer 2 is head 1 of layer 0.
        for (let i = 0; i < r; i++) {
          for (const [layer, head] of [[0, 1], [2, 2]] as const) {
            for (let part = 0; part < 3; part++) {
              set(
                `h.${layer}.attn.c_attn.weight`,
                [c, part * WIDTH + head * r + i],
                Math.sin(1 + part + 5 * c + 7 * i),
              );
            }
            set(`h.${layer}.attn.c_proj.weight`, [head * r + i, c], Math.cos(2 * c + 11 * i));
          }
        }
      }
    });
    const found = flat(await relationsOf(folder, parse("mlp/0/3")));
    const heads = flat(await relationsOf(folder, parse("head/0/1")));
    const pairs: readonly (readonly [number | undefined, number])[] = [
      [found.get("similar mlp output mlp/2/5"), -1],
      [found.get("similar mlp input mlp/2/5"), 1],
      [found.get("similar mlp output mlp/2/6"), 0],
      [found.get("similar mlp input mlp/2/6"), 0],
      [found.get("downstream mlp in mlp/2/6"), 0],
      [heads.get("similar head ov head/2/2"), 1],
      [heads.get("similar head qk head/2/2"), 1],
      [heads.get("downstream mlp in mlp/2/6"), 0],
    ];
    for (const [index, [score = NaN, wanted]] of pairs.entries()) {
      assertClose([score], [wanted], { label: `pair ${index}`, absolute: 1e-6 });
    }
  }));

Deno.test("weights that are not finite are refused", () =>
  withModel(SHAPE, async ({ folder }) => {
    await change(folder, (set) => set("h.1.mlp.c_fc.weight", [2, 2], NaN));
    await assert.rejects(relationsOf(folder, parse("mlp/0/0")), /weights of model "model" are damaged or overflow/);
  }));

Deno.test("strongest() finds the largest of either sign, the first of equals first, and no NaN", () => {
  assert.deepEqual(strongest([1, -3, NaN, 2, 3, 0], 3), [1, 4, 3]);
  assert.deepEqual(strongest([1, -3, NaN], 9), [1, 0]);
  assert.deepEqual(strongest([2, -2, 2, 2], 2), [0, 1]);
  assert.deepEqual([strongest([], 2), strongest([1], 0), strongest([NaN], 1)], [[], [], []]);
});

/** The one execution behind a run: selection, sums and checks against whole tensors and against the identities. */
import assert from "node:assert/strict";
import { checkRun } from "../../../engine/circuit/checks.ts";
import type { Metric } from "../../../engine/circuit/metrics.ts";
import type { Candidate } from "../../../engine/circuit/selection.ts";
import { Asker, runQuestion, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { goldenModelFolder } from "../../support/golden.ts";

const LEFT: TestQuestion = { tokens: [96, 20, 39, 70, 0, 8, 52, 21, 10], targets: [54], distractors: [76] };
const RIGHT: TestQuestion = { tokens: [96, 20, 39, 71, 0, 8, 53, 21, 10], targets: [76], distractors: [54] };
const METRICS = {
  activation: "activation",
  writeNorm: "write_norm",
  directEffect: "direct_effect",
  totalEffect: "total_effect",
};

for (const k of [1, 10, 200]) {
  Deno.test(`a run with k = ${k} selects what sorting all nodes of both sides selects`, async () => {
    const asker = await Asker.open(goldenModelFolder("tiny"));
    const numbers = await asker.run([LEFT, RIGHT], k);
    for (const kind of ["mlp", "head"] as const) {
      const sides = [await allNodes(asker, kind, LEFT), await allNodes(asker, kind, RIGHT)];
      const expected = new Set(sides.flatMap((nodes) => bruteForce(nodes, k)));
      const found = new Set(numbers[kind].map(({ layer, flatIndex }) => `${layer}:${flatIndex}`));
      // Equal values may be chosen differently; the values themselves may not.
      for (const metric of Object.keys(METRICS) as Metric[]) {
        sides.forEach((nodes, side) => {
          const valueOf = new Map(nodes.map((node) => [node.key, node.values[metric]]));
          const best = (keys: Iterable<string>, sign: number) =>
            [...keys].map((key) => sign * (valueOf.get(key) ?? NaN)).sort((a, b) => b - a).slice(0, k);
          const bySize = metric === "activation" || metric === "writeNorm";
          for (const sign of bySize ? [0] : [1, -1]) {
            const keyed = (keys: Iterable<string>) =>
              sign === 0
                ? [...keys].map((key) => Math.abs(valueOf.get(key) ?? NaN)).sort((a, b) => b - a).slice(0, k)
                : best(keys, sign);
            assertClose(keyed(found), keyed(valueOf.keys()), {
              label: `${kind} ${metric} side ${side}`,
              absolute: 1e-5,
            });
          }
        });
      }
      assert.ok(found.size >= Math.min(k, expected.size));
      checkValues(numbers[kind], sides);
    }
  });
}

Deno.test("a run never lists a pair whose key comes after its query, however large k is", async () => {
  const asker = await Asker.open(goldenModelFolder("tiny"));
  const tokens = [1, 2];
  const { head } = await asker.run([{ tokens, targets: [3], distractors: [4] }], 200);
  const pairs = head.map(({ flatIndex }) => [Math.floor(flatIndex / 2) % 2, flatIndex % 2]);
  assert.ok(pairs.every(([query = 0, key = 0]) => key <= query));
  // 3 layers × 4 heads × 3 causal pairs
  assert.equal(head.length, 36);
});

Deno.test("sums of a run equal the sums of the whole tensors", async () => {
  const asker = await Asker.open(goldenModelFolder("tiny"));
  const { sums, embed } = await asker.run([LEFT]);
  for (const [effect, name] of [["directEffect", "direct_effect"], ["totalEffect", "total_effect"]] as const) {
    const tokenCount = LEFT.tokens.length;
    const byToken = {
      mlp: new Float64Array(tokenCount),
      byQuery: new Float64Array(tokenCount),
      byKey: new Float64Array(tokenCount),
    };
    const byLayer = { mlp: new Float64Array(3), attention: new Float64Array(3) };
    const names = [0, 1, 2].flatMap((layer) => [`scalar:${name}:mlp:${layer}`, `scalar:${name}:head:${layer}`]);
    const tensors = await asker.tensors([...names, `scalar:${name}:embed`], LEFT);
    for (const layer of [0, 1, 2]) {
      tensors.get(`scalar:${name}:mlp:${layer}`)?.data.forEach((value, index, { length }) => {
        add(byToken.mlp, Math.floor(index / (length / tokenCount)), value);
        add(byLayer.mlp, layer, value);
      });
      tensors.get(`scalar:${name}:head:${layer}`)?.data.forEach((value, index) => {
        add(byToken.byQuery, Math.floor(index / 4 / tokenCount), value);
        add(byToken.byKey, Math.floor(index / 4) % tokenCount, value);
        add(byLayer.attention, layer, value);
      });
    }
    for (const sum of ["mlp", "byQuery", "byKey"] as const) {
      assertClose(sums[effect][sum][0] ?? [], byToken[sum], { label: `${effect} ${sum}`, absolute: 2e-5 });
    }
    for (const sum of ["mlp", "attention"] as const) {
      const found = sums[effect].layers[sum][0] ?? [];
      assertClose(found, byLayer[sum], { label: `${effect} ${sum} by layer`, absolute: 2e-5 });
    }
    assertClose(embed[effect][0] ?? [], tensors.get(`scalar:${name}:embed`)?.data ?? [], {
      label: `${effect} embed`,
      absolute: 1e-5,
    });
  }
});

for (const objective of ["logit-diff", "logit", "log-prob", "prob"] as const) {
  for (const freezeFinalNorm of [true, false]) {
    Deno.test(`every check of a run is ok under ${objective}, final norm ${freezeFinalNorm ? "frozen" : "free"}`, async () => {
      const asker = await Asker.open(goldenModelFolder("tiny"));
      const question = runQuestion([{
        ...LEFT,
        distractors: objective === "logit-diff" ? [76] : [],
        objective,
        freezeFinalNorm,
      }], 5);
      const checks = await checkRun(asker.model, question, await asker.questioner.run(asker.model, question));
      assert.equal(checks.length, 3);
      for (const { name, ok, difference, tolerance } of checks) {
        assert.ok(ok, `${name}: ${difference} > ${tolerance}`);
        // A tolerance that everything meets shows nothing: the identities hold far more closely than they must.
        assert.ok(difference < tolerance / 2, `${name}: ${difference} is close to ${tolerance}`);
      }
    });
  }
}

Deno.test("a check fails when the numbers are wrong", async () => {
  const asker = await Asker.open(goldenModelFolder("tiny"));
  const question = runQuestion([LEFT], 5);
  const numbers = await asker.questioner.run(asker.model, question);
  const [sums, lens, rows] = await checkRun(asker.model, question, {
    ...numbers,
    objective: numbers.objective.map((value) => value * 1.01),
    residual: numbers.residual.map((residual) => residual.toReversed()),
    checks: { ...numbers.checks, patternRowError: 1e-3 },
  });
  assert.deepEqual([sums?.ok, lens?.ok, rows?.ok], [false, false, false]);
});

Deno.test("the last layer's neurons have the same direct and total effect", async () => {
  const asker = await Asker.open(goldenModelFolder("tiny"));
  const tensors = await asker.tensors(["scalar:direct_effect:mlp:2", "scalar:total_effect:mlp:2"], LEFT);
  assertClose(
    tensors.get("scalar:total_effect:mlp:2")?.data ?? [],
    tensors.get("scalar:direct_effect:mlp:2")?.data ?? [],
    {
      label: "last layer",
      absolute: 1e-6,
    },
  );
});

Deno.test("other tokens, choices and k use the compiled graph again", async () => {
  const asker = await Asker.open(goldenModelFolder("tiny"));
  await asker.run([LEFT]);
  await asker.run([RIGHT], 3);
  await asker.run([LEFT, RIGHT], 50);
  await asker.run([{ tokens: [1], targets: [2, 3] }]);
  assert.deepEqual({ ...asker.questioner.sessions, bytes: 0 }, { count: 1, bytes: 0, compiled: 1, reused: 3 });
});

interface WholeNode {
  readonly key: string;
  readonly values: Readonly<Record<Metric, number>>;
}

/** Every node of a kind, with key after query left out, keyed as candidates are. */
async function allNodes(asker: Asker, kind: "mlp" | "head", question: TestQuestion): Promise<readonly WholeNode[]> {
  const tokenCount = question.tokens.length;
  const nodes: WholeNode[] = [];
  for (const layer of [0, 1, 2]) {
    const names = Object.values(METRICS).map((name) => `scalar:${name}:${kind}:${layer}`);
    const tensors = await asker.tensors(names, question);
    const at = (name: string, index: number) => tensors.get(`scalar:${name}:${kind}:${layer}`)?.data[index] ?? NaN;
    const count = tensors.get(`scalar:activation:${kind}:${layer}`)?.data.length ?? 0;
    for (let index = 0; index < count; index++) {
      const [query, key, head] = [Math.floor(index / 4 / tokenCount), Math.floor(index / 4) % tokenCount, index % 4];
      if (kind === "head" && key > query) continue;
      const flatIndex = kind === "mlp" ? index : (head * tokenCount + query) * tokenCount + key;
      nodes.push({
        key: `${layer}:${flatIndex}`,
        values: {
          activation: at("activation", index),
          writeNorm: at("write_norm", index),
          directEffect: at("direct_effect", index),
          totalEffect: at("total_effect", index),
        },
      });
    }
  }
  return nodes;
}

function bruteForce(nodes: readonly WholeNode[], k: number): readonly string[] {
  const top = (key: (node: WholeNode) => number) =>
    nodes.toSorted((a, b) => key(b) - key(a)).slice(0, k).map((node) => node.key);
  return [
    ...top(({ values }) => Math.abs(values.activation)),
    ...top(({ values }) => values.writeNorm),
    ...top(({ values }) => values.directEffect),
    ...top(({ values }) => -values.directEffect),
    ...top(({ values }) => values.totalEffect),
    ...top(({ values }) => -values.totalEffect),
  ];
}

function checkValues(candidates: readonly Candidate[], sides: readonly (readonly WholeNode[])[]): void {
  const byKey = sides.map((nodes) => new Map(nodes.map((node) => [node.key, node.values])));
  for (const { layer, flatIndex, values } of candidates) {
    for (const metric of Object.keys(METRICS) as Metric[]) {
      const expected = byKey.map((nodes) => nodes.get(`${layer}:${flatIndex}`)?.[metric] ?? NaN);
      assertClose(values[metric], expected, { label: `${metric} of ${layer}:${flatIndex}`, absolute: 1e-5 });
    }
  }
}

function add(sums: Float64Array, index: number, value: number): void {
  sums[index] = (sums[index] ?? 0) + value;
}

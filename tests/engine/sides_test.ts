/** Sides of a run: clean against ablated, two prompts, four cells, prompts of different length; and traces, on the demo model. */
import assert from "node:assert/strict";
import {
  type Engine,
  NotFoundError,
  openEngine,
  type RunResult,
  type RunSpecInput,
  ValidationError,
} from "../../engine/mod.ts";
import { readSafetensors } from "../support/safetensors_fixture.ts";
import { assertClose } from "../support/assert_close.ts";

const DEMO = new URL("../../models/demo", import.meta.url).pathname;
const PROMPT = "When Mary and John went to the store, John gave a drink to";
const DEMO_PROMPT = { text: PROMPT, targets: [" Mary"], distractors: [" John"] };
const QUESTION: RunSpecInput = { prompts: [DEMO_PROMPT] };
const SWAPPED = {
  text: "When Mary and John went to the store, Mary gave a drink to",
  targets: [" Mary"],
  distractors: [" John"],
};
const LONGER = {
  text: "When Mary and John went to the big store, John gave a drink to",
  targets: [" Mary"],
  distractors: [" John"],
};
/** The strongest name mover of the demo question. */
const NAME_MOVER = "head/3/3@14<2";

async function withEngine(use: (engine: Engine) => Promise<void>): Promise<void> {
  const dataFolder = await Deno.makeTempDir();
  const engine = await openEngine({ modelFolders: [DEMO], dataFolder, device: "cpu", version: "test" });
  try {
    await use(engine);
  } finally {
    await engine.close();
    await Deno.remove(dataFolder, { recursive: true });
  }
}

function labels({ sides }: RunResult): readonly string[] {
  return sides.map(({ label }) => label);
}

function nodeOf({ nodes }: RunResult, ref: string): RunResult["nodes"][number] {
  const found = nodes.find((row) => row.ref === ref);
  assert.ok(found, `no node ${ref}`);
  return found;
}

function assertSound({ checks }: RunResult): void {
  assert.ok(checks.every(({ ok }) => ok), JSON.stringify(checks));
}

Deno.test("one prompt with interventions has the sides ablated and clean, and clean is the run without", () =>
  withEngine(async (engine) => {
    const { result: clean } = await engine.run(QUESTION);
    const { result } = await engine.run({ ...QUESTION, interventions: [{ node: NAME_MOVER, set: 0 }] });
    assert.deepEqual(labels(result), ["ablated", "clean"]);
    assertSound(result);
    const [ablated, beside] = result.sides;
    assertClose([beside?.objective ?? NaN], [clean.sides[0]?.objective ?? NaN], { label: "clean", absolute: 1e-3 });
    assert.ok(
      (ablated?.objective ?? NaN) < (beside?.objective ?? NaN) - 0.5,
      "without the name mover the difference shrinks",
    );
    const mover = nodeOf(result, NAME_MOVER);
    assert.equal(mover.activation[0], 0);
    assert.ok((mover.activation[1] ?? 0) > 0.1);
    assert.equal(mover.directEffect[0], 0);
  }));

Deno.test("interventions are one question in whatever order they are given", () =>
  withEngine(async (engine) => {
    const interventions = [{ node: "mlp/2/17@5", set: 1 }, { node: "head/1/3@6<*", set: 0 }, {
      node: "embed@3",
      scale: 2,
    }];
    const { result } = await engine.run({ ...QUESTION, interventions });
    assert.deepEqual(result.spec.interventions.map((intervention) => intervention.node), [
      "embed@3",
      "head/1/3@6<*",
      "mlp/2/17@5",
    ]);
    const again = await engine.run({ ...QUESTION, interventions: interventions.toReversed() });
    assert.equal(again.isNew, false);
    assert.deepEqual(await engine.canonicalize(JSON.parse(JSON.stringify(result.spec))), result.spec);
  }));

Deno.test("two prompts with interventions have four cells, two of them the runs without", () =>
  withEngine(async (engine) => {
    const prompts = [DEMO_PROMPT, SWAPPED];
    const { result: clean } = await engine.run({ prompts });
    const { result } = await engine.run({ prompts, interventions: [{ node: NAME_MOVER, patch: { from: "right" } }] });
    assert.deepEqual(labels(result), ["left", "right", "left-clean", "right-clean"]);
    assertSound(result);
    const objectives = result.sides.map(({ objective }) => objective);
    assertClose(objectives.slice(2), clean.sides.map(({ objective }) => objective), {
      label: "clean cells",
      absolute: 1e-3,
    });
    // A patch from the right changes nothing on the right.
    assertClose([objectives[1] ?? NaN], [objectives[3] ?? NaN], { label: "right", absolute: 1e-3 });
    const { activation } = nodeOf(result, NAME_MOVER);
    assertClose([activation[0] ?? NaN], [activation[3] ?? NaN], { label: "the patched value", absolute: 1e-6 });
  }));

Deno.test("prompts of different length are aligned, and each side has the numbers that it has alone", () =>
  withEngine(async (engine) => {
    const alone = [await engine.run(QUESTION), await engine.run({ prompts: [LONGER] })].map(({ result }) => result);
    const { result } = await engine.run({ prompts: [DEMO_PROMPT, LONGER], topK: 200 });
    assertSound(result);
    const inserted = result.alignment?.find(([left]) => left === null);
    assert.ok(inserted);
    assert.equal(result.sides[1]?.tokens[inserted[1] ?? -1]?.text, " big");
    alone.forEach((run, side) => {
      assert.deepEqual(result.sides[side]?.tokens, run.sides[0]?.tokens);
      assertClose([result.sides[side]?.objective ?? NaN], [run.sides[0]?.objective ?? NaN], {
        label: "J",
        absolute: 1e-3,
      });
      assert.equal(result.sides[side]?.position, run.sides[0]?.position);
      for (const effect of ["directEffect", "totalEffect"] as const) {
        for (const [kind, values] of Object.entries(result.sums[effect])) {
          assertClose(values[side] ?? [], run.sums[effect][kind as "mlp"][0] ?? [], {
            label: `${effect} ${kind}`,
            absolute: 2e-3,
          });
        }
      }
      const byRef = new Map(run.nodes.map((row) => [row.ref, row]));
      let matched = 0;
      for (const row of result.nodes) {
        const own = byRef.get(row.refs?.[side] ?? "");
        if (own === undefined) continue;
        matched++;
        for (const metric of ["activation", "writeNorm", "directEffect", "totalEffect"] as const) {
          assertClose([row[metric][side] ?? NaN], [own[metric][0] ?? NaN], {
            label: `${row.ref} ${metric}`,
            absolute: 1e-3,
          });
        }
      }
      assert.equal(matched, run.nodes.length, "every node of the run alone is found");
    });
    // What one side lacks is null there and named as the other counts it.
    const unmatched = result.nodes.filter(({ refs }) => refs?.includes(null));
    assert.ok(unmatched.length > 0);
    for (const { refs, activation } of unmatched) {
      refs?.forEach((ref, side) => assert.equal(activation[side] === null, ref === null));
    }
  }));

Deno.test("an intervention of either prompt's counting meets its counterpart on the other", () =>
  withEngine(async (engine) => {
    const prompts = [DEMO_PROMPT, LONGER];
    const [left, right] = [{ node: "mlp/1/5@14", prompt: 0 as const }, { node: "mlp/1/5@15", prompt: 1 as const }];
    const [first, second] = [
      await engine.run({ prompts, interventions: [{ ...left, set: 3 }] }),
      await engine.run({ prompts, interventions: [{ ...right, set: 3 }] }),
    ];
    assertClose(
      first.result.sides.map(({ objective }) => objective),
      second.result.sides.map(({ objective }) => objective),
      { label: "objectives", absolute: 1e-5 },
    );
  }));

Deno.test("tracing the name mover's query leads to the heads that move the repeated name there", () =>
  withEngine(async (engine) => {
    const { result } = await engine.run({ ...QUESTION, trace: { node: NAME_MOVER, path: "q" } });
    assertSound(result);
    assert.equal(result.objectiveKind, "trace");
    assert.deepEqual(result.spec.trace, {
      node: NAME_MOVER,
      path: "q",
      towards: null,
      towardsPath: null,
      activation: "pre",
      freezeNorm: true,
      of: "value",
    });
    assert.equal(result.sides[0]?.position, 14);
    const [strongest] = result.nodes.filter(({ ref }) => ref.startsWith("head/"))
      .toSorted((a, b) => Math.abs(b.directEffect[0] ?? 0) - Math.abs(a.directEffect[0] ?? 0));
    assert.match(strongest?.ref ?? "", /^head\/[0-2]\//, "a head of an earlier layer");
    for (const { ref, directEffect, totalEffect } of result.nodes.filter(({ ref }) => /^(head|mlp)\/3\//.test(ref))) {
      assert.equal(directEffect[0], 0, ref);
      assert.equal(totalEffect[0], 0, ref);
    }
  }));

Deno.test("traces, interventions and two prompts work together, in any order of actions", () =>
  withEngine(async (engine) => {
    const { result } = await engine.run({
      prompts: [DEMO_PROMPT, LONGER],
      interventions: [{ node: "head/1/0@14<*", scale: 0.5 }],
      trace: { node: NAME_MOVER, path: "v", towards: "mlp/3/17@14" },
    });
    assert.deepEqual(labels(result), ["left", "right", "left-clean", "right-clean"]);
    assertSound(result);
  }));

Deno.test("measuring ablates the strongest nodes one by one, as a run with that intervention does", () =>
  withEngine(async (engine) => {
    const { result } = await engine.run(QUESTION);
    assert.equal(engine.measurement(result.id, { top: 8 }), null);
    const begun = await engine.measure(result.id, { top: 8 });
    assert.equal(begun.state, "running");
    const measured = await engine.finishedMeasurement(result.id, { top: 8 });
    assert.deepEqual([measured.state, measured.done, measured.total, measured.nodes.length], ["done", 8, 8, 8]);
    assertClose([measured.objective ?? NaN], [result.sides[0]?.objective ?? NaN], {
      label: "objective",
      absolute: 1e-3,
    });
    for (const { ref, totalEffect, measured: loss } of measured.nodes.slice(0, 4)) {
      assert.equal(totalEffect, nodeOf(result, ref).totalEffect[0]);
      const ablated = await engine.run({ ...QUESTION, interventions: [{ node: ref, set: 0 }] });
      const [without, clean] = ablated.result.sides.map(({ objective }) => objective);
      assertClose([loss], [(clean ?? NaN) - (without ?? NaN)], { label: ref, absolute: 2e-3 });
    }
    // Asked again, nothing is computed again.
    assert.equal((await engine.measure(result.id, { top: 8 })).state, "done");
    assert.ok(Math.abs(measured.rankCorrelation ?? 2) <= 1);
  }));

Deno.test("measuring works on top of interventions, patches and traces, and refuses what it cannot do", () =>
  withEngine(async (engine) => {
    const { result } = await engine.run({
      prompts: [DEMO_PROMPT, LONGER],
      interventions: [{ node: NAME_MOVER, patch: { from: "right" } }, { node: "mlp/0/3@4", set: 2 }],
      trace: { node: "mlp/3/17@14" },
    });
    await engine.measure(result.id, { top: 5, by: "directEffect" });
    const measured = await engine.finishedMeasurement(result.id, { top: 5, by: "directEffect" });
    assert.equal(measured.state, "done");
    assertClose([measured.objective ?? NaN], [result.sides[0]?.objective ?? NaN], {
      label: "objective",
      absolute: 1e-3,
    });
    await assert.rejects(engine.measure(result.id, { top: 0 }), ValidationError);
    await assert.rejects(engine.measure("missing", {}), NotFoundError);
    await assert.rejects(engine.finishedMeasurement(result.id, { top: 7 }), NotFoundError);
  }));

Deno.test("a cancelled measurement says so, and can be asked again", () =>
  withEngine(async (engine) => {
    const { result } = await engine.run({ ...QUESTION, topK: 200 });
    // Something to wait for: the measurement stands behind it.
    const other = engine.run({ ...QUESTION, topK: 7 });
    await engine.measure(result.id, { top: 200 });
    engine.cancelMeasurement(result.id, { top: 200 });
    assert.equal((await engine.finishedMeasurement(result.id, { top: 200 })).state, "cancelled");
    await other;
    await engine.measure(result.id, { top: 200 });
    const again = await engine.finishedMeasurement(result.id, { top: 200 });
    assert.equal(again.state, "done");
    assert.equal(again.nodes.length, 200);
  }));

Deno.test("an edge is the same from either end", () =>
  withEngine(async (engine) => {
    const writer = "head/2/6@14<3";
    const { edges, objective } = await engine.edges({ ...QUESTION, node: writer, direction: "downstream", topK: 20 });
    assert.ok(edges.length >= 20);
    assert.ok(edges.every(({ ref }) => /^(mlp\/[23]|head\/3)\//.test(ref)), "only what comes after it");
    const { result } = await engine.run(QUESTION);
    assertClose([objective], [result.sides[0]?.objective ?? NaN], { label: "objective", absolute: 1e-3 });
    let compared = 0;
    for (const { ref, into, attribution } of edges.slice(0, 8)) {
      const path = into === "mlp" ? null : into;
      const upstream = await engine.edges({ ...QUESTION, node: ref, direction: "upstream", path, topK: 200 });
      const back = upstream.edges.find((edge) => edge.ref === writer);
      if (back === undefined) continue;
      compared++;
      assertClose([back.attribution], [attribution], {
        label: `${ref} ${into}`,
        absolute: 1e-3 * Math.max(1, Math.abs(attribution)),
      });
    }
    assert.ok(compared >= 4, `${compared} edges compared`);
  }));

Deno.test("what is upstream of a neuron, with all embeddings, adds up to its attribution but for biases and the norm", () =>
  withEngine(async (engine) => {
    const upstream = await engine.edges({ ...QUESTION, node: "mlp/3/195@14", direction: "upstream", topK: 200 });
    const { result } = await engine.run(QUESTION);
    assertClose([upstream.attribution ?? NaN], [nodeOf(result, "mlp/3/195@14").totalEffect[0] ?? NaN], {
      label: "attribution",
      absolute: 1e-4,
    });
    const sizes = upstream.edges.map(({ attribution }) => Math.abs(attribution));
    assert.deepEqual(sizes, sizes.toSorted((a, b) => b - a));
  }));

Deno.test("edges() refuses what has none", () =>
  withEngine(async (engine) => {
    const wrong = [
      { node: "embed@3", direction: "upstream" },
      { node: "head/1/1@3<2", direction: "upstream" },
      { node: "mlp/1/5@3", direction: "upstream", path: "q" },
      { node: "mlp/1/5@3", direction: "downstream", path: "q" },
      { node: "mlp/9/5@3", direction: "downstream" },
      { node: "somewhere", direction: "downstream" },
    ] as const;
    for (const request of wrong) await assert.rejects(engine.edges({ ...QUESTION, ...request }), ValidationError);
    const { edges } = await engine.edges({ ...QUESTION, node: "mlp/3/5@14", direction: "downstream" });
    assert.deepEqual(edges, [], "nothing reads after the last layer but the unembedding");
  }));

Deno.test("scored tokens say what a node promotes and what drives it, for every kind of node", () =>
  withEngine(async (engine) => {
    const mover = await engine.scoredTokens({ ...QUESTION, node: "head/3/3@14<2", top: 5 });
    assert.ok(mover.write.top.some(({ text }) => text === " Mary"), "the name mover promotes the name that it reads");
    assert.deepEqual(mover.reads.map(({ path }) => path), ["q", "k"]);
    assert.equal(mover.alone, null);
    const neuron = await engine.scoredTokens({ ...QUESTION, node: "mlp/3/195@14", top: 5 });
    assert.deepEqual(neuron.reads.map(({ path }) => path), [null]);
    assert.equal(neuron.alone?.top.length, 5);
    const embedding = await engine.scoredTokens({ ...QUESTION, node: "embed@2" });
    assert.deepEqual([embedding.reads, embedding.alone], [[], null]);
    assert.equal(embedding.write.bottom.length, 10);
    await assert.rejects(engine.scoredTokens({ ...QUESTION, node: "mlp/9/0@1" }), ValidationError);
    await assert.rejects(engine.scoredTokens({ ...QUESTION, node: "mlp/1/0@1", top: 0 }), ValidationError);
  }));

Deno.test("a row is its pairs up to the attending token: nothing leaks in from the future", () =>
  withEngine(async (engine) => {
    const pairs = Array.from({ length: 7 }, (_, key) => ({ node: `head/1/3@6<${key}`, set: 0.25 }));
    const byRow = await engine.run({ ...QUESTION, interventions: [{ node: "head/1/3@6<*", set: 0.25 }] });
    const byPairs = await engine.run({ ...QUESTION, interventions: pairs });
    assertClose(
      byRow.result.sides.map(({ objective }) => objective),
      byPairs.result.sides.map(({ objective }) => objective),
      { label: "objectives", absolute: 1e-5 },
    );
    // A pair alone is another intervention than its row.
    const byPair = await engine.run({ ...QUESTION, interventions: [{ node: "head/1/3@6<2", set: 0.25 }] });
    assert.notEqual(byPair.result.sides[0]?.objective, byRow.result.sides[0]?.objective);
  }));

Deno.test("tensors() are those after interventions and of the trace, and say so", () =>
  withEngine(async (engine) => {
    const bytes = await engine.tensors({
      ...QUESTION,
      interventions: [{ node: "mlp/2/17@5", set: 4 }],
      trace: { node: NAME_MOVER, path: "k" },
      tensors: ["blocks.2.mlp.hook_post", "scalar:direct_effect:head:3", "scalar:direct_effect:head:1"],
    });
    const { tensors, metadata } = readSafetensors(bytes);
    const post = tensors.get("blocks.2.mlp.hook_post");
    assert.equal(post?.data[5 * (post.shape[1] ?? 0) + 17], 4);
    assert.ok(
      tensors.get("scalar:direct_effect:head:3")?.data.every((value) => value === 0),
      "nothing of its own layer",
    );
    assert.ok(tensors.get("scalar:direct_effect:head:1")?.data.some((value) => value !== 0));
    const spec = JSON.parse(metadata["spec"] ?? "{}");
    assert.deepEqual([spec.interventions[0].set, spec.trace.path], [4, "k"]);
  }));

Deno.test("edges to a node at an earlier token are those of the objective at its own position", () =>
  withEngine(async (engine) => {
    const { result } = await engine.run({ ...QUESTION, topK: 200 });
    const early = result.nodes.filter(({ ref }) => /^mlp\/1\/\d+@(?!14)/.test(ref))
      .toSorted((a, b) => Math.abs(b.totalEffect[0] ?? 0) - Math.abs(a.totalEffect[0] ?? 0))[0];
    assert.ok(early, "some neuron before the last token has an effect");
    const upstream = await engine.edges({ ...QUESTION, node: early.ref, direction: "upstream", topK: 200 });
    assertClose([upstream.attribution ?? NaN], [early.totalEffect[0] ?? NaN], { label: early.ref, absolute: 1e-4 });
    assertClose([upstream.objective], [result.sides[0]?.objective ?? NaN], { label: "objective", absolute: 1e-3 });
    const [strongest] = upstream.edges.filter(({ ref }) => ref.startsWith("mlp/0/"));
    assert.ok(strongest);
    const downstream = await engine.edges({ ...QUESTION, node: strongest.ref, direction: "downstream", topK: 200 });
    const back = downstream.edges.find(({ ref }) => ref === early.ref);
    assertClose([back?.attribution ?? NaN], [strongest.attribution], { label: strongest.ref, absolute: 1e-4 });
    assert.equal(engine.recentRuns(9).length, 1, "edges are not runs that somebody asked for");
  }));

Deno.test("a patch from a prompt that lacks the node's token is refused, not left out", () =>
  withEngine(async (engine) => {
    const prompts = [DEMO_PROMPT, LONGER];
    const { result } = await engine.run({ prompts });
    const inserted = result.alignment?.find(([left]) => left === null)?.[1];
    await assert.rejects(
      engine.run({ prompts, interventions: [{ node: `mlp/1/5@${inserted}`, prompt: 1, patch: { from: "left" } }] }),
      /The left prompt has no counterpart of mlp\/1\/5@/,
    );
  }));

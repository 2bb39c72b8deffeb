/** Vocabulary scores against golden tensors, and the sides of a head against each other. */
import assert from "node:assert/strict";
import type { ScoresQuestion } from "../../../engine/circuit/questions.ts";
import { scoredList } from "../../../engine/circuit/scored_tokens.ts";
import type { Trace, TracedNode } from "../../../engine/circuit/trace.ts";
import { Asker, runQuestion, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { goldenDescription, goldenExpectations, goldenModelFolder } from "../../support/golden.ts";
import { goldenDictionaries } from "../../support/golden_dictionaries.ts";
import { type Counterparts, goldenWriter, testCounterparts, writeOf } from "../../support/golden_nodes.ts";
import { readMatrix } from "../../support/read_value.ts";
import { tinyDictionary } from "../../support/tiny_dictionary.ts";

const askers: Asker[] = [];
for (const name of ["tiny.tokens.T7", "tiny.tokens_ae.T7"]) {
  const golden = await goldenExpectations(name);
  const { request } = await goldenDescription(name);
  const dictionaries = (await Promise.all(golden.request.autoencoders.map(goldenDictionaries))).flat();
  const own = await Asker.open(golden.request.modelFolder, dictionaries);
  askers.push(own);
  const asked: TestQuestion = {
    tokens: golden.request.tokens,
    targets: golden.request.targets,
    distractors: golden.request.distractors,
    dictionaries: dictionaries.map(({ detail }) => detail.id),
  };

  const ofNodes = (request.nodes ?? []).map((node, index): Counterparts => {
    const writer = goldenWriter(node);
    const writes: Counterparts = {
      [`node${index}.resid_write`]: () => writeOf(own, asked, writer),
      [`node${index}.token_write`]: () => scores(own, asked, { writer }),
    };
    if (writer.kind !== "mlp" && writer.kind !== "mlp-latent") return writes;
    return {
      ...writes,
      [`node${index}.resid_read`]: async () => {
        const { token, layer } = writer;
        const gradient = `grad:blocks.${layer}.hook_resid_mid`;
        const found = (await own.tensors([gradient], { ...asked, trace: traceOf(writer) })).get(gradient);
        const width = found?.shape[1] ?? 0;
        return found?.data.subarray(token * width, (token + 1) * width) ?? [];
      },
      [`node${index}.token_read`]: () => scores(own, asked, "read", writer),
    };
  });
  const alone = (request["input_score_nodes"] ?? []).map(({ type, layer, index: unit }, index): Counterparts => {
    const of = type === "mlp_latent" ? { layer, latent: unit } : { layer, neuron: unit };
    return { [`input_score${index}`]: () => scores(own, asked, of) };
  });
  testCounterparts(name, golden, Object.assign({}, ...ofNodes, ...alone));
}

const [asker = await Asker.open(goldenModelFolder("tiny"))] = askers;
const QUESTION: TestQuestion = { tokens: [100, 65, 92, 95, 92, 67, 65], targets: [54], distractors: [76] };

function scores(
  of: Asker,
  question: TestQuestion,
  what: ScoresQuestion["of"],
  traced: TracedNode | null = null,
): Promise<Float32Array> {
  const trace = traced === null ? null : traceOf(traced);
  const { topK: _k, ...rest } = runQuestion([{ ...question, trace }], 1);
  return of.questioner.scores(of.model, { ...rest, of: what });
}

function traceOf(node: TracedNode): Trace {
  return { node, towards: null, activation: "pre", freezeNorm: true, of: "value" };
}

Deno.test("a head's query list is about the attending token and its key list about the attended one", async () => {
  const pair = { kind: "head", layer: 1, head: 2, query: 6, key: 1 } as const;
  const [query, key] = [
    await scores(asker, QUESTION, "read", { ...pair, path: "q" }),
    await scores(asker, QUESTION, "read", { ...pair, path: "k" }),
  ];
  // W_E[v] · ∂score/∂residual, from the gradients of the score at the two tokens.
  const gradientName = "grad:blocks.1.hook_resid_pre";
  const wte = await embeddingRows();
  for (const [path, found, token] of [["q", query, 6], ["k", key, 1]] as const) {
    const trace = traceOf({ ...pair, path });
    const gradient = (await asker.tensors([gradientName], { ...QUESTION, trace })).get(gradientName);
    const width = gradient?.shape[1] ?? 0;
    const direction = gradient?.data.subarray(token * width, (token + 1) * width) ?? new Float32Array();
    assert.ok(direction.some((value) => value !== 0), `the score reads token ${token} through ${path}`);
    const expected = wte.map((row) => row.reduce((sum, value, i) => sum + value * (direction[i] ?? NaN), 0));
    assertClose(found, expected, { label: path, absolute: 1e-5 });
  }
  assert.ok(query.some((value, id) => Math.abs(value - (key[id] ?? NaN)) > 1e-3), "they are two lists");
});

Deno.test("what drives a latent that reads the stream is along its encoder column", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { modelWidth } = asker.model.architecture;
    const options = { writeHook: "blocks.1.hook_resid_pre", widths: [modelWidth, modelWidth] } as const;
    const dictionary = await tinyDictionary(folder, options);
    const own = await Asker.open(goldenModelFolder("tiny"), [dictionary]);
    const latent = { kind: "resid-latent", layer: 1, token: 3, latent: 5 } as const;
    const found = await scores(own, { ...QUESTION, dictionaries: [dictionary.detail.id] }, "read", latent);
    const column = (await readMatrix(dictionary.weights.encoder)).map((row) => row[latent.latent] ?? NaN);
    const wte = await embeddingRows();
    const expected = wte.map((row) => row.reduce((sum, value, i) => sum + value * (column[i] ?? NaN), 0));
    assertClose(found, expected, { label: "read", absolute: 1e-5 });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("scoredList() gives both ends, strongest first, over the largest of them", () => {
  const { top, bottom } = scoredList([0.5, -4, 2, 0, 1], 2, (id) => ({ id, text: `t${id}` }));
  assert.deepEqual(top.map(({ id, score, normalized }) => [id, score, normalized]), [[2, 2, 0.5], [4, 1, 0.25]]);
  assert.deepEqual(bottom.map(({ id, score, normalized }) => [id, score, normalized]), [[1, -4, -1], [3, 0, 0]]);
});

async function embeddingRows(): Promise<readonly Float64Array[]> {
  const { checkpoint, architecture: { vocabularySize } } = asker.model;
  return await Promise.all(Array.from({ length: vocabularySize }, (_, id) => checkpoint.row("wte.weight", id)));
}

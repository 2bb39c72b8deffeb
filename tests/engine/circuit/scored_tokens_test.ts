/** Vocabulary scores against golden tensors, and the sides of a head against each other. */
import assert from "node:assert/strict";
import type { Writer } from "../../../engine/circuit/writer.ts";
import type { ScoresQuestion } from "../../../engine/circuit/questions.ts";
import { scoredList } from "../../../engine/circuit/scored_tokens.ts";
import type { TracedNode } from "../../../engine/circuit/trace.ts";
import { Asker, runQuestion, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { goldenAllowance, goldenModelFolder } from "../../support/golden.ts";
import { goldenDictionaries } from "../../support/golden_dictionaries.ts";
import { readMatrix } from "../../support/read_value.ts";
import { readSafetensors } from "../../support/safetensors_fixture.ts";
import { tinyDictionary } from "../../support/tiny_dictionary.ts";

const FOLDER = new URL("../../fixtures/golden/other/", import.meta.url);

interface GoldenNode {
  readonly type: string;
  readonly layer: number;
  readonly index: readonly number[];
}

function writerOf({ type, layer, index: [first = 0, second = 0, head = 0] }: GoldenNode): Writer {
  switch (type) {
    case "mlp_neuron":
      return { kind: "mlp", layer, token: first, neuron: second };
    case "attention_head":
      return { kind: "head", layer, head, query: first, key: second };
    case "mlp_latent":
      return { kind: "mlp-latent", layer, token: first, latent: second };
    case "attention_latent":
      return { kind: "attn-latent", layer, token: first, latent: second };
    default:
      return { kind: "embed", token: first };
  }
}

const askers: Asker[] = [];
for (const name of ["tiny.tokens.T7", "tiny.tokens_ae.T7"]) {
  const golden = JSON.parse(await Deno.readTextFile(new URL(`${name}.json`, FOLDER)));
  const { tensors } = readSafetensors(await Deno.readFile(new URL(`${name}.safetensors`, FOLDER)));
  const autoencoders: readonly string[] = golden.autoencoders ?? [];
  const dictionaries = (await Promise.all(autoencoders.map(goldenDictionaries))).flat();
  const own = await Asker.open(goldenModelFolder("tiny"), dictionaries);
  askers.push(own);
  const asked: TestQuestion = {
    tokens: golden.request.prompt_ids,
    targets: golden.request.loss.target_ids,
    distractors: golden.request.loss.distractor_ids,
    dictionaries: dictionaries.map(({ detail }) => detail.id),
  };
  const assertGolden = (found: ArrayLike<number>, tensor: string) => {
    const { max_abs: maxAbs, noise } = golden.tensors[tensor];
    assertClose(found, tensors.get(tensor)?.data ?? [], {
      label: tensor,
      absolute: goldenAllowance({ maxAbs, noise }),
    });
  };

  (golden.request.nodes as readonly GoldenNode[]).forEach((goldenNode, index) => {
    const { type, layer } = goldenNode;
    Deno.test(`what ${type} ${layer ?? ""} writes and reads in the vocabulary matches ${name} (node ${index})`, async () => {
      const writer = writerOf(goldenNode);
      assertGolden(await scores(own, asked, { writer }), `node${index}.token_write`);
      if (writer.kind !== "mlp" && writer.kind !== "mlp-latent") return;
      assertGolden(await scores(own, asked, "read", writer), `node${index}.token_read`);
    });
  });

  (golden.request.input_score_nodes as readonly { readonly type: string; layer: number; index: number }[]).forEach(
    ({ type, layer, index: unit }, index) => {
      Deno.test(`what each token alone does to ${type} ${unit} of layer ${layer} matches ${name}`, async () => {
        const of = type === "mlp_latent" ? { layer, latent: unit } : { layer, neuron: unit };
        assertGolden(await scores(own, asked, of), `input_score${index}`);
      });
    },
  );
}

const [asker = await Asker.open(goldenModelFolder("tiny"))] = askers;
const QUESTION: TestQuestion = { tokens: [100, 65, 92, 95, 92, 67, 65], targets: [54], distractors: [76] };

function scores(
  of: Asker,
  question: TestQuestion,
  what: ScoresQuestion["of"],
  traced: TracedNode | null = null,
): Promise<Float32Array> {
  const trace = traced === null
    ? null
    : { node: traced, towards: null, activation: "pre", freezeNorm: true, of: "value" } as const;
  const { topK: _k, ...rest } = runQuestion([{ ...question, trace }], 1);
  return of.questioner.scores(of.model, { ...rest, of: what });
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
    const trace = { node: { ...pair, path }, towards: null, activation: "pre", freezeNorm: true, of: "value" } as const;
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

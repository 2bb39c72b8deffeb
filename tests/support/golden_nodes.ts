/** What the golden cases on edges and vocabulary scores say of single nodes, put beside ours. */
import assert from "node:assert/strict";
import { buildQuestion, dictionariesOf, questionFeeds, questionKind } from "../../engine/circuit/question_graph.ts";
import { type Writer, writerFeeds, writerKind, writtenVector } from "../../engine/circuit/writer.ts";
import { float32Data } from "../../engine/tensor/tensor.ts";
import { type Asker, runQuestion, type TestQuestion } from "./asker.ts";
import { assertClose } from "./assert_close.ts";
import { goldenAllowance, type GoldenCase, type GoldenWriterFile } from "./golden.ts";

/** How each tensor is computed from ours, by its golden name. */
export type Counterparts = Readonly<Record<string, () => Promise<ArrayLike<number>>>>;

/** One test a tensor, and one that no tensor is left out or invented. */
export function testCounterparts(caseName: string, { ofNodes }: GoldenCase, counterparts: Counterparts): void {
  Deno.test(`every tensor of a single node of ${caseName} is compared`, () => {
    assert.deepEqual(Object.keys(counterparts).sort(), [...ofNodes.keys()].sort());
  });
  for (const [goldenName, compute] of Object.entries(counterparts)) {
    Deno.test(`${goldenName} matches the golden tensor of ${caseName}`, async () => {
      const golden = ofNodes.get(goldenName);
      assert.ok(golden);
      assertClose(await compute(), golden.expected, { label: goldenName, absolute: goldenAllowance(golden) });
    });
  }
}

export function goldenWriter({ type, layer, index: [first = 0, second = 0, head = 0] }: GoldenWriterFile): Writer {
  if (type === "embedding") return { kind: "embed", token: first };
  assert.ok(layer !== null);
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
      throw new RangeError(`Cannot translate a writing ${type}`);
  }
}

/** What a node adds to the stream at its token, as edges and vocabulary scores read it. */
export async function writeOf(asker: Asker, asked: TestQuestion, writer: Writer): Promise<Float32Array> {
  const { model, questioner } = asker;
  const question = runQuestion([asked], 1);
  const kind = questionKind(question, model.architecture);
  const written = writerKind(writer, dictionariesOf(model, question.dictionaries));
  const build = () => ({
    outputs: { write: writtenVector(model, written, buildQuestion(model, kind, false)) },
    names: new Map(),
  });
  const { write } = await questioner.execute(model, { key: ["what a node writes", kind, written], build }, {
    ...questionFeeds(question, model.architecture),
    ...writerFeeds(writer, 1),
  });
  assert.ok(write);
  return float32Data(write);
}

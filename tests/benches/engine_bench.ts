/**
 * Benches on GPT-2-small shapes with random weights, made in a temporary folder. In each group the baseline is the plain matrix
 * products of the same pass (`plain_matmuls.ts`), so that the ratio that `deno bench` prints is what counts, whatever the machine.
 */
import { buildRunGraph } from "../../engine/circuit/run_graph.ts";
import { weightedChoices } from "../../engine/circuit/objective.ts";
import { PLAIN } from "../../engine/circuit/dictionary_spec.ts";
import { Questioner } from "../../engine/circuit/questioner.ts";
import { openLanguageModel } from "../../engine/model/language_model.ts";
import { buildForward, readOut } from "../../engine/model/transformer.ts";
import { lowerGraph } from "../../engine/onnx/lower.ts";
import { encodeModel } from "../../engine/onnx/proto.ts";
import { createOrtBackend } from "../../engine/runtime/ort_backend.ts";
import { int64 } from "../../engine/tensor/tensor.ts";
import { GPT2_SMALL, writeTinyModel } from "../support/tiny_model.ts";
import { preparePlainMatmuls } from "./plain_matmuls.ts";

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
await writeTinyModel(folder, GPT2_SMALL);
const model = await openLanguageModel({ id: "gpt2-small", folder });
const backend = await createOrtBackend({ device: "cpu" }, new Uint8Array());
const questioner = new Questioner(backend, 1e9);
const kind = {
  objective: "logit-diff",
  freezeFinalNorm: true,
  edits: null,
  trace: null,
  ...PLAIN,
} as const;
await questioner.warm(model, kind);

const graphBytes = () => encodeModel(lowerGraph(buildRunGraph(model, kind)));
const bytes = graphBytes();

Deno.bench("build, differentiate, simplify and encode the graph of a question", { group: "compile" }, () => {
  graphBytes();
});

Deno.bench("create the session of a question", { group: "compile" }, async () => {
  await using _session = await backend.prepare(bytes);
});

const forward = buildForward(model.architecture, model.weights);
const { logits } = readOut(forward.residual, model, { freezeScale: true });
const forwardSession = await backend.prepare(encodeModel(lowerGraph({ outputs: { logits } })));
const plainForward = await preparePlainMatmuls(model, backend, "forward");
const plainBoth = await preparePlainMatmuls(model, backend, "both");

for (const tokenCount of [16, 32, 64, 128]) {
  const tokens = Array.from({ length: tokenCount }, (_, index) => (index * 7919) % model.architecture.vocabularySize);

  Deno.bench(`plain matrix products of a forward pass, ${tokenCount} tokens`, {
    group: `forward ${tokenCount}`,
    baseline: true,
  }, async () => {
    await plainForward.session.execute(plainForward.feeds(tokenCount));
  });

  Deno.bench(
    `forward pass with the logits of all ${tokenCount} tokens`,
    { group: `forward ${tokenCount}` },
    async () => {
      await forwardSession.execute({
        tokens: int64([1, tokenCount], tokens),
        order: int64([1, tokenCount], tokens.keys()),
      });
    },
  );

  Deno.bench(`plain matrix products of forward and backward, ${tokenCount} tokens`, {
    group: `question ${tokenCount}`,
    baseline: true,
  }, async () => {
    await plainBoth.session.execute(plainBoth.feeds(tokenCount));
  });

  Deno.bench(`a whole question, ${tokenCount} tokens: logits, four scalars of every node, top 10`, {
    group: `question ${tokenCount}`,
  }, async () => {
    await questioner.run(model, {
      ...kind,
      edits: [],
      topK: 10,
      rows: [{ tokens, position: tokenCount - 1, choices: weightedChoices("logit-diff", [11], [12]) }],
    });
  });
}

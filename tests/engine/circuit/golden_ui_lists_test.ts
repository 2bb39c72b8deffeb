/** The lists that the other implementation's page shows: tokens that a node promotes or reads, where an attention latent comes from, next tokens. */
import assert from "node:assert/strict";
import { scoredList } from "../../../engine/circuit/scored_tokens.ts";
import { Asker, runQuestion, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { goldenCaseNames, goldenExpectations, type GoldenTable, type GoldenTokenList } from "../../support/golden.ts";
import { goldenDictionaries } from "../../support/golden_dictionaries.ts";
import { goldenWriter } from "../../support/golden_nodes.ts";

for (const name of goldenCaseNames()) {
  const { ui, request } = await goldenExpectations(name);
  if (ui === undefined) continue;
  Deno.test(`the lists of ${name} have our numbers`, async () => {
    const dictionaries = (await Promise.all(request.autoencoders.map(goldenDictionaries))).flat();
    const asker = await Asker.open(request.modelFolder, dictionaries);
    // What a node writes and reads does not depend on where gradients of the page's numbers start.
    const asked: TestQuestion = {
      ...request,
      trace: null,
      objective: request.objectiveKind,
      dictionaries: dictionaries.map(({ detail }) => detail.id),
    };
    // Where something is ablated, the second answer is the one without.
    for (const [side, response] of ui.responses.entries()) {
      const question = side === 0 ? asked : { ...asked, edits: [] };
      const { topKComponents: { nodes }, upvotedOutputTokens, inputTokensThatUpvoteMlp, tokenPairAttribution } =
        response;
      for (const [index, [type, layer, place]] of nodes.entries()) {
        const writer = goldenWriter({ type, layer, index: place });
        const label = `${type} ${layer} ${place}, side ${side}`;
        const reads = writer.kind === "mlp" || writer.kind === "mlp-latent";
        const { topK: _k, basis: _basis, ...plain } = runQuestion([question], 1);
        const written = await asker.questioner.scores(asker.model, { ...plain, of: { writer } });
        assertList(written, upvotedOutputTokens[index] ?? null, `written by ${label}`);
        assert.equal(inputTokensThatUpvoteMlp[index] !== null, reads, label);
        if (reads) {
          const trace = { node: writer, towards: null, activation: "pre", freezeNorm: true, of: "value" } as const;
          const read = await asker.questioner.scores(asker.model, { ...plain, trace, of: "read" });
          assertList(read, inputTokensThatUpvoteMlp[index] ?? null, `read by ${label}`);
        }
        const sources = tokenPairAttribution[index] ?? null;
        // Latents that are not active come from nowhere.
        if (sources === null || writer.kind !== "attn-latent") continue;
        const [found] = await asker.questioner.attributedTokens(asker.model, { ...plain, latents: [writer] });
        // Keys after the query bring nothing, and are not among ours.
        const values = question.tokens.map((_, key) => found?.values[key] ?? 0);
        assertNumbers(sources["key_tokens"].map((key) => values[key] ?? NaN), sources.attributions, label);
        assertNumbers(values.toSorted((a, b) => b - a).slice(0, 3), sources.attributions, `largest of ${label}`);
      }
      await assertNextTokens(asker, question, response.topOutputTokenLogits);
    }
  });
}

/** Both the scores of the golden tokens and the scores that our own list has: equal ones may stand in any order. */
function assertList(scores: Float32Array, golden: GoldenTokenList | null, label: string): void {
  assert.ok(golden !== null, label);
  const ours = scoredList(scores, golden.top.length, (id) => ({ id, text: "" }));
  for (const end of ["top", "bottom"] as const) {
    assertNumbers(golden[end].map(([id]) => scores[id] ?? NaN), golden[end].map(([, score]) => score), label);
    assertNumbers(ours[end].map(({ score }) => score), golden[end].map(([, score]) => score), label);
    assertNumbers(ours[end].map(({ normalized }) => normalized), golden[end].map(([, , share]) => share), label);
  }
}

async function assertNextTokens(asker: Asker, question: TestQuestion, { nodes, values, sums }: GoldenTable) {
  const logits = (await asker.tensors(["logits"], question)).get("logits");
  const [width, data] = [logits?.shape[1] ?? 0, [...logits?.data ?? []]];
  const golden = values["logits"] ?? [];
  const found = nodes.map(([, , [token = 0, id = 0]]) =>
    data[(token < 0 ? question.tokens.length + token : token) * width + id] ?? NaN
  );
  assertNumbers(found, golden, "logits");
  assert.equal(golden.length, Math.min(width, 200));
  const token = nodes[0]?.[2][0] ?? 0;
  const start = (token < 0 ? question.tokens.length + token : token) * width;
  const ranked = data.slice(start, start + width).sort((a, b) => b - a);
  assertNumbers(
    width > 200 ? [...ranked.slice(0, 100), ...ranked.slice(-100)] : ranked,
    golden.toSorted((a, b) => b - a),
    "largest and smallest logits",
  );
  const bySum = question.tokens.map((_, at) => data.slice(at * width, (at + 1) * width).reduce((sum, x) => sum + x, 0));
  assertNumbers(bySum, (sums["logits"]?.["logits"] ?? []).map(Number), "sums of logits");
}

/** As the numbers of the page's tables are compared. */
function assertNumbers(found: readonly number[], expected: readonly number[], label: string): void {
  assertClose(found, expected, { label, absolute: 2e-5 * Math.max(1, ...expected.map(Math.abs)) });
}

/**
 * Where the values of attention latents come from (`reference-semantics.md` §3.7): with r a latent's encoder row, P the pattern and v the
 * values at the latent's token q,
 *
 *   attribution[k] = Σ_h P[q,k,h] ⟨v[k,h] W_O[h], r⟩
 *
 * and 0 where the latent is 0. The scale of a normalised input is held, so that the attributions, the biases along r and the encoder's own
 * add up to the pre-activation. All latents of a question are entries of one execution, by layer.
 */
import { equal, mul, where } from "../onnx/elementwise.ts";
import { matMul, reduceSum } from "../onnx/linear.ts";
import { gather, gatherNd, reshape, transpose, unsqueeze } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { graphInput, int64Vector, scalar, type Value } from "../onnx/value.ts";
import { blockOf } from "../model/architecture.ts";
import { latentKind } from "../model/dictionary.ts";
import { readRows } from "../model/latents.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { hookOf } from "../model/transformer.ts";
import { int64, type Tensor } from "../tensor/tensor.ts";
import { readsHeads } from "./attributed_tokens.ts";
import {
  buildQuestion,
  dictionariesOf,
  type QuestionGraph,
  type QuestionKind,
  questionKind,
} from "./question_graph.ts";
import type { AttributedTokensNumbers, AttributedTokensQuestion } from "./questions.ts";
import type { LatentRef } from "./refs.ts";
import type { Splice } from "./splice.ts";

/** The kind of a question; whence a value comes is the same whatever is explained. */
export function attributedTokensKind(question: AttributedTokensQuestion, model: ModelWeights): QuestionKind {
  const plain = { ...question, objective: "logit-diff", freezeFinalNorm: true, trace: null } as const;
  return questionKind(plain, model.architecture);
}

/** Outputs of the first side and each layer with such latents, tokens as slots: `activation.L` `[entry]`, `values.L` `[entry, token]`. */
export function buildAttributedTokensGraph(model: ModelWeights, kind: QuestionKind): GraphRequest {
  const question = buildQuestion(model, kind, false);
  const outputs = question.splices.filter(hasSources).map((splice) => {
    const { activation, values } = attributed(splice, { model, question });
    return { [`activation.${splice.layer}`]: activation, [`values.${splice.layer}`]: values };
  });
  return { outputs: Object.assign({}, ...outputs), names: new Map() };
}

function hasSources({ kind, dictionary: { detail } }: Pick<Splice, "kind" | "dictionary">): boolean {
  return kind === "attn-latent" && readsHeads(detail);
}

function attributed(
  { dictionary, input, ownLatents, layer }: Splice,
  { model, question: { forward } }: { readonly model: ModelWeights; readonly question: QuestionGraph },
): { readonly activation: Value; readonly values: Value } {
  const { headCount, headWidth } = model.architecture;
  const entry = `entry.${layer}`;
  const at = graphInput(`latents.at.${layer}`, "int64", [entry, 2]);
  const units = graphInput(`latents.unit.${layer}`, "int64", [entry]);
  const rows = readRows(dictionary, gatherNd(input, at), units);
  // W_O[h] r of every entry and head: [head, entry, width].
  const along = transpose(
    reshape(matMul(rows, blockOf(model.weights, layer).attentionOut.weight, { transB: true }), [
      entry,
      headCount,
      headWidth,
    ]),
    [1, 0, 2],
  );
  // Those of the first side: [head, token, width].
  const values = gather(transpose(hookOf(forward, `blocks.${layer}.attn.hook_v`), [2, 0, 1, 3]), int64Vector([0]), 1);
  const ofHead = reshape(values, [headCount, "token", headWidth]);
  const pattern = gatherNd(transpose(hookOf(forward, `blocks.${layer}.attn.hook_pattern`), [0, 2, 1, 3]), at);
  const brought = mul(transpose(pattern, [1, 0, 2]), matMul(along, ofHead, { transB: true }));
  const activation = gatherNd(ownLatents, graphInput(`latents.cell.${layer}`, "int64", [entry, 3]));
  const isOff = unsqueeze(equal(activation, scalar(0)), 1);
  return { activation, values: where(isOff, scalar(0), reduceSum(brought, { axes: [0] })) };
}

/** Layers whose attention latents can be asked for. */
function layersOf(model: ModelWeights, { dictionaries }: Pick<AttributedTokensQuestion, "dictionaries">) {
  return dictionariesOf(model, dictionaries).filter((dictionary) =>
    hasSources({ kind: latentKind(dictionary.detail), dictionary })
  ).map(({ detail }) => detail.layer);
}

/** Feeds of the inputs beside those of the question. A layer without a latent has one entry that nobody reads. */
export function attributedTokensFeeds(model: ModelWeights, question: AttributedTokensQuestion): Record<string, Tensor> {
  const feeds = layersOf(model, question).map((layer) => {
    const own = question.latents.filter((latent) => latent.layer === layer);
    const entries: readonly Pick<LatentRef, "token" | "latent">[] = own.length === 0 ? [{ token: 0, latent: 0 }] : own;
    return {
      [`latents.at.${layer}`]: int64([entries.length, 2], entries.flatMap(({ token }) => [0, token])),
      [`latents.unit.${layer}`]: int64([entries.length], entries.map(({ latent }) => latent)),
      [`latents.cell.${layer}`]: int64([entries.length, 3], entries.flatMap(({ token, latent }) => [0, token, latent])),
    };
  });
  return Object.assign({}, ...feeds);
}

/** The numbers of each latent, in the order of the question. @param data An output by its name */
export function readAttributedTokens(
  { latents, rows: [row] }: AttributedTokensQuestion,
  data: (name: string) => Float32Array,
): readonly AttributedTokensNumbers[] {
  const slotCount = row?.tokens.length ?? 0;
  return latents.map((latent) => {
    const { layer, token } = latent;
    const place = latents.filter((other) => other.layer === layer).indexOf(latent);
    const values = data(`values.${layer}`).subarray(place * slotCount, place * slotCount + token + 1);
    return {
      activation: data(`activation.${layer}`)[place] ?? NaN,
      // Adding 0 makes a zero of either sign the same zero, as it is once stored.
      values: Array.from(values, (value) => value + 0),
    };
  });
}

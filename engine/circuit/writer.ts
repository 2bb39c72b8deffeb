/** A node as a writer: what it adds to the stream, at one token a side, and where in the pass. */
import { mul } from "../onnx/elementwise.ts";
import { matMul } from "../onnx/linear.ts";
import { gather, gatherNd, reshape, unsqueeze } from "../onnx/shaping.ts";
import { graphInput, type Value } from "../onnx/value.ts";
import { blockOf } from "../model/architecture.ts";
import { type Dictionary, standsForNeurons } from "../model/dictionary.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { type Forward, hookOf } from "../model/transformer.ts";
import { int64, type Tensor } from "../tensor/tensor.ts";
import { spliceOf } from "./latent_trace_graph.ts";
import { dictionaryOf } from "./node_range.ts";
import { placeInBlock, type QuestionGraph } from "./question_graph.ts";
import { isError, isLatent, latentKindOfError, type NodeRef } from "./refs.ts";
import { type Splice, writesAt } from "./splice.ts";

/** A node that writes. Tokens are slots. */
export type Writer = NodeRef;

/** What decides the structure of a writer's graph. */
export interface WriterKind {
  readonly kind: Writer["kind"];
  readonly layer: number;
  /** Where its layer's stream has its write: 0 before the attention, 1 between attention and MLP, 2 after the MLP. */
  readonly place: number;
}

/** A writer without what is fed. @param dictionaries Those of the question */
export function writerKind(writer: Writer, dictionaries: readonly Dictionary[]): WriterKind {
  if (writer.kind === "embed") return { kind: writer.kind, layer: 0, place: 0 };
  return { kind: writer.kind, layer: writer.layer, place: placeOf(writer, dictionaries) };
}

function placeOf(writer: Exclude<Writer, { kind: "embed" }>, dictionaries: readonly Dictionary[]): number {
  switch (writer.kind) {
    case "head":
    case "attn-latent":
    case "attn-error":
      return 1;
    case "mlp":
    case "mlp-latent":
    case "mlp-error":
      return 2;
    case "resid-latent":
    case "resid-error": {
      const dictionary = dictionaryOf(dictionaries, "resid-latent", writer.layer);
      return placeInBlock(dictionary?.detail.writeHook ?? "");
    }
  }
}

/** The input that says where a writer writes: int64 `[batch, 2]`, row and token. */
export function writtenPlace(): Value {
  return graphInput("writer.at", "int64", ["batch", 2]);
}

/** What a node writes into the stream: `[batch, d_model]`. */
export function writtenVector(
  model: ModelWeights,
  { kind, layer }: WriterKind,
  { forward, splices }: Pick<QuestionGraph, "forward" | "splices">,
): Value {
  switch (kind) {
    case "embed":
      return gatherNd(forward.embedding, writtenPlace());
    case "mlp":
      return mul(activationOf(kind, hookOf(forward, `blocks.${layer}.mlp.hook_post`)), neuronRow(model, layer));
    case "head":
      return headWrite(model, layer, forward);
    case "mlp-latent":
    case "attn-latent":
    case "resid-latent": {
      const splice = spliceOf(splices, kind, layer);
      const write = writesAt(splice, { at: writtenPlace(), unit: writerUnit() });
      return toStream(mul(activationOf(kind, splice.latents), write), splice, model);
    }
    case "mlp-error":
    case "attn-error":
    case "resid-error": {
      const splice = spliceOf(splices, latentKindOfError(kind), layer);
      return toStream(gatherNd(splice.error, writtenPlace()), splice, model);
    }
  }
}

/** Which neuron, latent or head: int64 `[1]`. */
function writerUnit(): Value {
  return graphInput("writer.unit", "int64", [1]);
}

/** The writer's own activation: `[batch, 1]` */
function activationOf(kind: Writer["kind"], activations: Value): Value {
  const cell = graphInput("writer.cell", "int64", ["batch", kind === "head" ? 4 : 3]);
  return unsqueeze(gatherNd(activations, cell), 1);
}

function neuronRow({ weights }: ModelWeights, layer: number): Value {
  return gather(blockOf(weights, layer).mlpOut.weight, writerUnit());
}

function headWrite({ architecture, weights }: ModelWeights, layer: number, forward: Forward): Value {
  const { headCount, headWidth, modelWidth } = architecture;
  const { weight } = blockOf(weights, layer).attentionOut;
  // Row, key and head of the value vector.
  const place = graphInput("writer.value", "int64", ["batch", 3]);
  const value = gatherNd(hookOf(forward, `blocks.${layer}.attn.hook_v`), place);
  const output = gather(reshape(weight, [headCount, headWidth, modelWidth]), writerUnit());
  const written = reshape(matMul(unsqueeze(value, 1), output), ["batch", modelWidth]);
  return mul(activationOf("head", hookOf(forward, `blocks.${layer}.attn.hook_pattern`)), written);
}

/** Neurons write through W_out. @param write At the splice's site: `[batch, out]` */
function toStream(write: Value, { dictionary, layer }: Splice, { weights }: ModelWeights): Value {
  return standsForNeurons(dictionary) ? matMul(write, blockOf(weights, layer).mlpOut.weight) : write;
}

/** Feeds of the writer's inputs. */
export function writerFeeds(writer: Writer, rowCount: number): Record<string, Tensor> {
  const onRows = (...index: readonly number[]) =>
    int64([rowCount, 1 + index.length], Array.from({ length: rowCount }, (_, row) => [row, ...index]).flat());
  if (writer.kind === "head") {
    return {
      "writer.at": onRows(writer.query),
      "writer.unit": int64([1], [writer.head]),
      "writer.cell": onRows(writer.head, writer.query, writer.key),
      "writer.value": onRows(writer.key, writer.head),
    };
  }
  const place = { "writer.at": onRows(writer.token) };
  if (writer.kind === "embed" || isError(writer)) return place;
  const unit = isLatent(writer) ? writer.latent : writer.neuron;
  return { ...place, "writer.unit": int64([1], [unit]), "writer.cell": onRows(writer.token, unit) };
}

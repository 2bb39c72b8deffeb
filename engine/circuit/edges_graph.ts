/**
 * Edges from one writer to everything that reads after it (`reference-semantics.md` §2.4, "Edges"): how the write, put into the stream in
 * front of a reader's layer, moves the reader. Only the direct way counts: nothing between writer and reader is recomputed.
 *
 *   activation edge   (∂activation/∂residual) · write
 *   attribution edge  the same times the objective's gradient with respect to the activation, held constant
 *
 * A head is read into through its query, its key or its value; the other two are held constant. What a value moves has no
 * activation of its own, so its edge is an attribution only: P ⟨∂v/∂residual · write, ∂J/∂z⟩.
 */
import { jvp } from "../autodiff/jvp.ts";
import { zerosOf } from "../autodiff/vjp_rules.ts";
import { add, gelu, mul, neg, scale, stopGradient } from "../onnx/elementwise.ts";
import { matMul, softmax } from "../onnx/linear.ts";
import { concat, expand, gather, reshape, scatterNd, split, topK, transpose } from "../onnx/shaping.ts";
import { graphInput, int64Vector, type Value } from "../onnx/value.ts";
import { type Architecture, blockOf } from "../model/architecture.ts";
import type { HookName } from "../model/hook_points.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { causalMask, freezableNorm, hookOf, linear, readAt } from "../model/transformer.ts";
import { dimAt, elementCount } from "../tensor/shape.ts";
import { float32Data, int64, int64Numbers, type Tensor } from "../tensor/tensor.ts";
import { buildQuestion, type QuestionGraph, type QuestionKind } from "./question_graph.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { pairPenalty, tokenPenalty } from "./selection.ts";
import { type WriterKind, writtenPlace, writtenVector } from "./writer.ts";

/** What decides the structure of the graph. */
export interface EdgesKind extends QuestionKind {
  readonly writer: WriterKind;
  /** Hold the scale of the norm in front of each reader constant. */
  readonly freezeNorm: boolean;
}

/** Ways into readers. */
export const EDGE_KINDS = ["q", "k", "v", "mlp"] as const;
export type EdgeKind = typeof EDGE_KINDS[number];

/** One reader layer's edges, each `[batch, head, query, key]` or `[batch, token, neuron]`. */
export interface LayerEdges {
  readonly kind: EdgeKind;
  readonly layer: number;
  readonly attribution: Value;
  /** Null for values. */
  readonly activation: Value | null;
}

/** Layers whose attention, and whose MLP, read after a writer. */
export function firstReaders({ layer, place }: WriterKind): { readonly head: number; readonly mlp: number } {
  return { head: place === 0 ? layer : layer + 1, mlp: place < 2 ? layer : layer + 1 };
}

export function writerEdges(model: ModelWeights, kind: EdgesKind, question: QuestionGraph): readonly LayerEdges[] {
  const { architecture: { layerCount } } = model;
  const first = firstReaders(kind.writer);
  const layers = Array.from({ length: layerCount }, (_, layer) => layer);
  const [headReaders, mlpReaders] = [layers.slice(first.head), layers.slice(first.mlp)];
  const hook = (layer: number, suffix: string) => hookOf(question.forward, `blocks.${layer}.${suffix}` as HookName);
  const gradients = question.gradients([
    ...headReaders.flatMap((layer) => [hook(layer, "attn.hook_pattern"), hook(layer, "attn.hook_z")]),
    ...mlpReaders.map((layer) => hook(layer, "mlp.hook_post")),
  ]);
  const gradientAt = (index: number) => {
    const found = gradients[index];
    if (found === undefined) throw new Error("Internal: gradient() answered too few values");
    return found;
  };
  const context = { model, question, write: writeOf(model, kind.writer, question), freezeNorm: kind.freezeNorm };
  return [
    ...headReaders.flatMap((layer, i) =>
      headEdges(layer, { pattern: gradientAt(2 * i), z: gradientAt(2 * i + 1) }, context)
    ),
    ...mlpReaders.map((layer, i) => neuronEdges(layer, gradientAt(2 * headReaders.length + i), context)),
  ];
}

interface EdgeContext {
  readonly model: ModelWeights;
  readonly question: QuestionGraph;
  /** The write at its token, zeros elsewhere: `[batch, token, d_model]` */
  readonly write: Value;
  readonly freezeNorm: boolean;
}

function headEdges(
  layer: number,
  gradient: { readonly pattern: Value; readonly z: Value },
  { model, question, write, freezeNorm }: EdgeContext,
): readonly LayerEdges[] {
  const { headCount, headWidth, normEpsilon: epsilon } = model.architecture;
  const { norm1, qkv } = blockOf(model.weights, layer);
  const residual = readAt(question.forward, `blocks.${layer}.hook_resid_pre`);
  const fused = linear(freezableNorm(residual, norm1, { epsilon, freezeScale: freezeNorm }).output, qkv);
  const byHead = reshape(fused, [dimAt(fused.shape, 0), dimAt(fused.shape, 1), 3 * headCount, headWidth]);
  const [query, key, value] = split(byHead, 2, [headCount, headCount, headCount]).map((part) =>
    transpose(part, [0, 2, 1, 3])
  );
  if (query === undefined || key === undefined || value === undefined) {
    throw new Error("Internal: c_attn has three parts");
  }
  const pattern = (q: Value, k: Value) =>
    softmax(add(
      scale(matMul(q, k, { transB: true }), 1 / Math.sqrt(headWidth)),
      causalMask(question.forward.order),
    ));
  const moved = {
    q: jvp(pattern(query, stopGradient(key)), residual, write),
    k: jvp(pattern(stopGradient(query), key), residual, write),
  };
  // ⟨v[k], ∂J/∂z[q]⟩ for every pair.
  const onward = matMul(stopGradient(transpose(gradient.z, [0, 2, 1, 3])), value, { transB: true });
  const weights = stopGradient(hookOf(question.forward, `blocks.${layer}.attn.hook_pattern`));
  return [
    { kind: "q", layer, activation: moved.q, attribution: mul(moved.q, gradient.pattern) },
    { kind: "k", layer, activation: moved.k, attribution: mul(moved.k, gradient.pattern) },
    { kind: "v", layer, activation: null, attribution: mul(weights, jvp(onward, residual, write)) },
  ];
}

function neuronEdges(layer: number, gradient: Value, { model, question, write, freezeNorm }: EdgeContext): LayerEdges {
  const { norm2, mlpIn } = blockOf(model.weights, layer);
  const residual = readAt(question.forward, `blocks.${layer}.hook_resid_mid`);
  const activation = jvp(
    gelu(
      linear(
        freezableNorm(residual, norm2, { epsilon: model.architecture.normEpsilon, freezeScale: freezeNorm }).output,
        mlpIn,
      ),
    ),
    residual,
    write,
  );
  return { kind: "mlp", layer, activation, attribution: mul(activation, gradient) };
}

/** The writer's vector at its token. */
function writeOf(model: ModelWeights, writer: WriterKind, question: QuestionGraph): Value {
  const at = writtenPlace();
  const updates = writtenVector(model, writer, question);
  return scatterNd(zerosOf(question.front), at, { updates, reduction: "add" });
}

/** Names of the outputs that hold the chosen edges of a layer: indices, attributions and (not for values) activations. */
export function edgeOutputs(
  kind: EdgeKind,
  layer: number,
): Readonly<Record<"indices" | "attribution" | "activation", string>> {
  const prefix = `edges.${kind}.${layer}`;
  return { indices: `${prefix}.indices`, attribution: `${prefix}.attribution`, activation: `${prefix}.activation` };
}

/** An edge by its reader's place in the graph. */
export interface EdgeNumbers {
  readonly kind: EdgeKind;
  readonly layer: number;
  /** Index into `[token, neuron]` or `[head, query, key]`. */
  readonly flatIndex: number;
  readonly attribution: number;
  readonly activation: number | null;
}

/** The input that says how many edges of each sign, kind and layer are taken: int64 `[1]`. */
const EDGE_COUNT_INPUT = "edges.k";

/** @param nodeCount The smallest number of readers that a layer has of some kind, empty slots included. */
export function edgeCountFeed(topK: number, nodeCount: number): Record<string, Tensor> {
  return { [EDGE_COUNT_INPUT]: int64([1], [Math.min(topK, nodeCount)]) };
}

/** The k strongest edges of either sign over all layers and kinds, by falling size. */
export function readEdges(
  { writer }: EdgesKind,
  { layerCount }: Architecture,
  { fetches, topK }: { readonly fetches: Readonly<Record<string, Tensor>>; readonly topK: number },
): readonly EdgeNumbers[] {
  const first = firstReaders(writer);
  const found = EDGE_KINDS.flatMap((kind) =>
    Array.from({ length: layerCount }, (_, layer) => layer).slice(kind === "mlp" ? first.mlp : first.head)
      .flatMap((layer) => layerEdgeNumbers(kind, layer, fetches))
  );
  const rising = found.toSorted((a, b) => a.attribution - b.attribution);
  return [...new Set([...rising.slice(-topK), ...rising.slice(0, topK)])].filter(({ attribution }) => attribution !== 0)
    .sort((a, b) => Math.abs(b.attribution) - Math.abs(a.attribution));
}

function layerEdgeNumbers(
  kind: EdgeKind,
  layer: number,
  fetches: Readonly<Record<string, Tensor>>,
): readonly EdgeNumbers[] {
  const names = edgeOutputs(kind, layer);
  const [indices, attribution] = [fetches[names.indices], fetches[names.attribution]];
  if (indices === undefined || attribution === undefined) {
    throw new Error(`Internal: no edges ${kind} of layer ${layer}`);
  }
  const activation = fetches[names.activation];
  const byIndex = new Map(
    int64Numbers(indices).map((flatIndex, place): [number, EdgeNumbers] => [flatIndex, {
      kind,
      layer,
      flatIndex,
      attribution: float32Data(attribution)[place] ?? NaN,
      activation: activation === undefined ? null : float32Data(activation)[place] ?? NaN,
    }]),
  );
  return [...byIndex.values()];
}

/** The strongest edges of either sign of every kind and layer, of the first side. */
export function buildEdgesGraph(model: ModelWeights, kind: EdgesKind): GraphRequest {
  const question = buildQuestion(model, kind, false);
  const { forward: { order } } = question;
  const k = graphInput(EDGE_COUNT_INPUT, "int64", [1]);
  const outputs: Record<string, Value> = { objective: question.value };
  for (const edges of writerEdges(model, kind, question)) {
    const names = edgeOutputs(edges.kind, edges.layer);
    const penalty = edges.kind === "mlp" ? tokenPenalty(order) : pairPenalty(order);
    // [1, node], of the first side.
    const flat = (values: Value) => reshape(firstSide(values), [1, elementCount(values.shape.slice(1))]);
    const lowest = flat(expand(penalty, edges.attribution.shape));
    const attribution = flat(edges.attribution);
    const both = add(concat([attribution, neg(attribution)], 0), lowest);
    const { indices } = topK(both, k, { kDim: "k_edges", largest: true });
    const chosen = reshape(indices, [elementCount(indices.shape)]);
    outputs[names.indices] = chosen;
    outputs[names.attribution] = gather(attribution, chosen, 1);
    if (edges.activation !== null) outputs[names.activation] = gather(flat(edges.activation), chosen, 1);
  }
  return { outputs, names: new Map() };
}

/** Only the first row of the batch, its axis kept. */
function firstSide(values: Value): Value {
  return gather(values, int64Vector([0]));
}

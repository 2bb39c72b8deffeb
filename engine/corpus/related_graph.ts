/**
 * One component against all others, by weights: similarities with its own kind in all layers, compositions with what comes before and after
 * it. An MLP reads what the heads of its own layer write; nothing else reads its own layer.
 */
import { concat } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { graphInput, type Value } from "../onnx/value.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { int64, type Tensor } from "../tensor/tensor.ts";
import { componentsPerLayer, type ModelComponent, type ModelKind } from "./component.ts";
import {
  type Factored,
  type FoldedHeads,
  foldedHeads,
  type FoldedNeurons,
  foldedNeurons,
  oneHead,
  oneNeuron,
} from "./folded_weights.ts";
import type { ReaderWay, Similarity } from "./related_request.ts";
import {
  circuitSimilarity,
  headToHead,
  headToNeuron,
  inputSimilarity,
  neuronToHead,
  neuronToNeuron,
  outputSimilarity,
} from "./weight_scores.ts";

/** What a component is compared with, in one way. */
export type ListPlan =
  & { readonly kind: ModelKind }
  & (
    | { readonly relation: "similar"; readonly by: Similarity }
    | { readonly relation: "upstream" | "downstream"; readonly by: ReaderWay }
  );

/** Output of a plan: one score a component, layer after layer. */
export function planOutput({ relation, kind, by }: ListPlan): string {
  return `${relation}.${kind}.${by}`;
}

/** Ways into a reader of a kind. */
const WAYS = { mlp: ["in"], head: ["q", "k", "v"] } as const satisfies Record<ModelKind, readonly ReaderWay[]>;

const SIMILARITIES_OF = { mlp: ["output", "input"], head: ["ov", "qk"] } as const satisfies Record<
  ModelKind,
  readonly Similarity[]
>;

/** Everything that a component of a kind is compared with; heads before neurons. */
export function listPlans(own: ModelKind): readonly ListPlan[] {
  const kinds = ["head", "mlp"] as const;
  return [
    ...SIMILARITIES_OF[own].map((by): ListPlan => ({ relation: "similar", kind: own, by })),
    ...kinds.flatMap((kind) => WAYS[own].map((by): ListPlan => ({ relation: "upstream", kind, by }))),
    ...kinds.flatMap((kind) => WAYS[kind].map((by): ListPlan => ({ relation: "downstream", kind, by }))),
  ];
}

/** Layers whose components stand in a list: `from` to before `to`. An MLP reads what the heads of its own layer write. */
export function listedLayers(
  { relation, kind }: ListPlan,
  own: Omit<ModelComponent, "index">,
  layerCount: number,
): { readonly from: number; readonly to: number } {
  switch (relation) {
    case "similar":
      return { from: 0, to: layerCount };
    case "upstream":
      return { from: 0, to: own.kind === "mlp" && kind === "head" ? own.layer + 1 : own.layer };
    case "downstream":
      return { from: own.kind === "head" && kind === "mlp" ? own.layer : own.layer + 1, to: layerCount };
  }
}

/** Inputs int64 `[1]` each: which neuron or head of which layer. */
const [LAYER_INPUT, INDEX_INPUT] = ["component.layer", "component.index"] as const;

export function relatedFeeds({ layer, index }: ModelComponent): Record<string, Tensor> {
  return { [LAYER_INPUT]: int64([1], [layer]), [INDEX_INPUT]: int64([1], [index]) };
}

/** Neurons or heads: all of a layer, or one. */
type Folded =
  | { readonly kind: "mlp"; readonly neurons: FoldedNeurons }
  | { readonly kind: "head"; readonly heads: FoldedHeads };

/**
 * Outputs as `planOutput` names them, for any component of a kind. Compositions are computed with every layer, also with those that cannot
 * be listed: so that one graph does for all layers.
 */
export function buildRelatedGraph(model: ModelWeights, own: ModelKind): GraphRequest {
  const layers = model.weights.blocks.map((_, layer): Readonly<Record<ModelKind, Folded>> => ({
    mlp: { kind: "mlp", neurons: foldedNeurons(model, layer) },
    head: { kind: "head", heads: foldedHeads(model, layer) },
  }));
  const one = chosen(layers.map((folded) => folded[own]), {
    layer: graphInput(LAYER_INPUT, "int64", [1]),
    index: graphInput(INDEX_INPUT, "int64", [1]),
  });
  const outputs = listPlans(own).map((plan) => {
    const count = componentsPerLayer(plan.kind, model.architecture);
    const scores = layers.map((folded) => scoresOf(plan, { one, others: folded[plan.kind], count }));
    return [planOutput(plan), concat(scores, 0)] as const;
  });
  return { outputs: Object.fromEntries(outputs), names: new Map() };
}

/** One component: the one of each layer, and of these the one of its layer. */
function chosen(layers: readonly Folded[], { layer, index }: { readonly layer: Value; readonly index: Value }): Folded {
  const neurons = layers.flatMap((folded) => folded.kind === "mlp" ? [folded.neurons] : []);
  if (neurons.length > 0) return { kind: "mlp", neurons: oneNeuron(neurons, { layer, index }) };
  const heads = layers.flatMap((folded) => folded.kind === "head" ? [folded.heads] : []);
  return { kind: "head", heads: oneHead(heads, { layer, index }) };
}

interface Compared {
  readonly one: Folded;
  /** Of one layer. */
  readonly others: Folded;
  readonly count: number;
}

function scoresOf(plan: ListPlan, { one, others, count }: Compared): Value {
  switch (plan.relation) {
    case "similar":
      return similarity(plan.by, { one, others, count });
    case "upstream":
      return composition(plan.by, { writer: others, reader: one, count });
    case "downstream":
      return composition(plan.by, { writer: one, reader: others, count });
  }
}

function similarity(by: Similarity, { one, others, count }: Compared): Value {
  if (one.kind === "mlp" && others.kind === "mlp") {
    const compare = by === "output" ? outputSimilarity : inputSimilarity;
    return compare(one.neurons, others.neurons, count);
  }
  if (one.kind === "head" && others.kind === "head") {
    const circuit = by === "ov" ? "ov" : "qk";
    return circuitSimilarity(one.heads[circuit], others.heads[circuit], count);
  }
  throw new Error("Internal: only components of one kind are similar");
}

function composition(
  by: ReaderWay,
  { writer, reader, count }: { readonly writer: Folded; readonly reader: Folded; readonly count: number },
): Value {
  if (reader.kind === "mlp") {
    return writer.kind === "mlp"
      ? neuronToNeuron(writer.neurons, reader.neurons, count)
      : headToNeuron(writer.heads.ov, reader.neurons, count);
  }
  const way = wayInto(reader.heads, by);
  return writer.kind === "mlp" ? neuronToHead(writer.neurons, way, count) : headToHead(writer.heads.ov, way, count);
}

/** What a head makes of what is written where its query, key or value is read. */
function wayInto({ ov, qk, kq }: FoldedHeads, by: ReaderWay): Factored {
  switch (by) {
    case "q":
      return qk;
    case "k":
      return kq;
    case "v":
      return ov;
    case "in":
      throw new Error("Internal: a head is read through q, k or v");
  }
}

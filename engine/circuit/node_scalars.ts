/**
 * The four scalars of every node, as graph values (`reference-semantics.md` §2.3). With J the objective, g the gradient of J
 * at the last residual, P the pattern, v the value vectors:
 *
 * | | neuron (t, i) | head (q, k, h) | embedding (t) |
 * |---|---|---|---|
 * | activation | a | P | 1 |
 * | write norm | ‖a W_out[i]‖ | ‖P v[k,h] W_O[h]‖ | ‖e‖ |
 * | direct effect | a ⟨W_out[i], g[t]⟩ | P ⟨v[k,h] W_O[h], g[q]⟩ | ⟨e, g[t]⟩ |
 * | total effect | a ∂J/∂a | P ∂J/∂P | ⟨e, ∂J/∂e⟩ |
 *
 * g is the gradient at the residual that J reads: the last one, or that in front of a traced node. J reads it at one or a few tokens, so
 * direct effects are computed from those rows of g alone and are exactly zero at other tokens. No tensor of tokens² × width appears: a pair's write is contracted with W_O[h] g before it meets the pattern.
 */
import { abs, mul } from "../onnx/elementwise.ts";
import { zerosOf } from "../autodiff/vjp_rules.ts";
import { matMul, reduceL2, reduceSum } from "../onnx/linear.ts";
import { gatherNd, reshape, transpose, unsqueeze } from "../onnx/shaping.ts";
import { graphInput, type Value } from "../onnx/value.ts";
import { blockOf } from "../model/architecture.ts";
import type { HookName } from "../model/hook_points.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { hookOf } from "../model/transformer.ts";
import { dimAt } from "../tensor/shape.ts";
import { type SpliceScalars, spliceScalars } from "./latent_scalars.ts";
import { type Direction, dot, type NodeScalars, type VectorScalars } from "./metrics.ts";
import { isUpstream, type QuestionGraph } from "./question_graph.ts";

export interface QuestionScalars {
  /** By layer. */
  readonly mlp: readonly NodeScalars[];
  /** By layer. */
  readonly head: readonly NodeScalars[];
  readonly embed: VectorScalars;
  /** One a dictionary that is spliced in, in the order of the pass. */
  readonly splices: readonly SpliceScalars[];
  /** What the output biases of all attention and MLP layers add to J: `[batch]` */
  readonly biasEffect: Value;
  /** What the final norm's bias adds to J where J is linear in the logits: ⟨bias, ∂J/∂output⟩: `[batch]` */
  readonly normBiasEffect: Value;
  /** ⟨the residual that J reads, g⟩: what all writes together add to J: `[batch]` */
  readonly residualEffect: Value;
}

/** Name of the input that holds the sum of the output biases of all layers that write into `front`, `[d_model]` (`model_constants.ts`). */
export const BIAS_SUM_INPUT = "bias_sum";

/** Name of the input that holds ‖W_out[i]‖ of a layer, `[d_mlp]` (`model_constants.ts`). */
export function writeNormsInput(layer: number): string {
  return `mlp_write_norms.${layer}`;
}

/** The scalars of every node of the model under a question. Direct effects of nodes that do not write into `front` are 0. */
export function nodeScalars(model: ModelWeights, question: QuestionGraph): QuestionScalars {
  const { forward, front, upstream } = question;
  const { embedding } = forward;
  const hook = (layer: number, suffix: string) => hookOf(forward, `blocks.${layer}.${suffix}` as HookName);
  const layers = model.weights.blocks.map((_, layer) => layer);
  const { splices } = question;
  const [g, embeddingGradient, outputGradient, ...rest] = question.gradients([
    front,
    embedding,
    question.readOut.output,
    ...layers.map((layer) => hook(layer, "mlp.hook_post")),
    ...layers.map((layer) => hook(layer, "attn.hook_pattern")),
    ...splices.map(({ output }) => output),
  ]);
  if (g === undefined || embeddingGradient === undefined || outputGradient === undefined) {
    throw new Error("Internal: gradient() answered too few values");
  }
  const direction = { rows: gatherNd(g, question.readerIndex), mask: question.readerMask };
  const biasSum = graphInput(BIAS_SUM_INPUT, "float32", [model.architecture.modelWidth]);

  return {
    mlp: layers.map((layer) =>
      neuronScalars(hook(layer, "mlp.hook_post"), {
        gradient: elementAt(rest, layer),
        direction: layer < upstream.mlp ? direction : null,
        model,
        layer,
      })
    ),
    head: layers.map((layer) =>
      headScalars(hook(layer, "attn.hook_pattern"), {
        values: hook(layer, "attn.hook_v"),
        gradient: elementAt(rest, layers.length + layer),
        direction: layer < upstream.head ? direction : null,
        model,
        layer,
      })
    ),
    embed: {
      writeNorm: reduceL2(embedding, { axes: [-1] }),
      directEffect: dot(embedding, g),
      totalEffect: dot(embedding, embeddingGradient),
    },
    splices: splices.map((splice, index) =>
      spliceScalars(splice, {
        model,
        gradient: elementAt(rest, 2 * layers.length + index),
        direction: isUpstream(splice, upstream) ? direction : null,
      })
    ),
    biasEffect: dot(reduceSum(g, { axes: [1] }), biasSum),
    normBiasEffect: reduceSum(dot(outputGradient, model.weights.finalNorm.bias), { axes: [1] }),
    residualEffect: reduceSum(dot(front, g), { axes: [1] }),
  };
}

interface ScalarOptions {
  /** ∂J/∂activation, of its shape. */
  readonly gradient: Value;
  /** Null where the layer does not write into what J reads. */
  readonly direction: Direction | null;
  readonly model: ModelWeights;
  readonly layer: number;
}

function neuronScalars(activation: Value, { gradient, direction, model, layer }: ScalarOptions): NodeScalars {
  const { mlpOut } = blockOf(model.weights, layer);
  const norms = graphInput(writeNormsInput(layer), "float32", [model.architecture.mlpWidth]);
  // ⟨W_out[i], g⟩ at each reader, then spread over the tokens: [batch, reader, neuron] → [batch, token, neuron].
  const projections = ({ rows, mask }: Direction) =>
    matMul(mask, matMul(rows, mlpOut.weight, { transB: true }), { transA: true });
  return {
    activation,
    writeNorm: mul(abs(activation), norms),
    directEffect: direction === null ? zerosOf(activation) : mul(activation, projections(direction)),
    totalEffect: mul(activation, gradient),
  };
}

interface HeadOptions extends ScalarOptions {
  /** v: `[batch, token, head, d_head]` */
  readonly values: Value;
}

function headScalars(pattern: Value, { values, gradient, direction, model, layer }: HeadOptions): NodeScalars {
  const { attentionOut } = blockOf(model.weights, layer);
  const { headCount, headWidth, modelWidth } = model.architecture;
  const byHead = transpose(values, [0, 2, 1, 3]);
  const writeNorms = reduceL2(matMul(byHead, reshape(attentionOut.weight, [headCount, headWidth, modelWidth])), {
    axes: [-1],
  });
  // W_O[h] g at each reader, [batch, head, reader, d_head], meets v[k, h]; then spread over the queries.
  const projections = ({ rows, mask }: Direction) => {
    const read = reshape(matMul(rows, attentionOut.weight, { transB: true }), [
      dimAt(rows.shape, 0),
      dimAt(rows.shape, 1),
      headCount,
      headWidth,
    ]);
    const projection = matMul(transpose(read, [0, 2, 1, 3]), byHead, { transB: true });
    return matMul(unsqueeze(mask, 1), projection, { transA: true });
  };
  return {
    activation: pattern,
    writeNorm: mul(abs(pattern), unsqueeze(writeNorms, 2)),
    directEffect: direction === null ? zerosOf(pattern) : mul(pattern, projections(direction)),
    totalEffect: mul(pattern, gradient),
  };
}

function elementAt<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`Internal: no element ${index} among ${items.length}`);
  return item;
}

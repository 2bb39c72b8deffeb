/**
 * Graphs that answer with whole tensors: any hook point, any gradient, any scalar of every node, by name
 * (`spec/api.md`, "Tensors"). Here the final norm and the logits are read out at every token.
 */
import { expand, gather, transpose } from "../onnx/shaping.ts";
import { constant, scalar, type Value } from "../onnx/value.ts";
import type { HookName } from "../model/hook_points.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { nodeScalars, type QuestionScalars } from "./node_scalars.ts";
import { buildQuestion, hooksOf, type QuestionKind } from "./question_graph.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import type { TensorName } from "./tensor_names.ts";

export type { TensorName } from "./tensor_names.ts";

/** Graph with `objective` and one output for each name, without batch axis and in the axes promised outside. */
export function buildTensorsGraph(model: ModelWeights, kind: QuestionKind, names: readonly TensorName[]): GraphRequest {
  const question = buildQuestion(model, kind, true);
  const hooks = hooksOf(question);
  const hookValue = (name: HookName) => {
    const value = hooks.get(name);
    if (value === undefined) throw new Error(`Internal: the graph has no hook point ${name}`);
    return value;
  };
  const gradientNames = names.flatMap((name) => name.kind === "gradient" ? [name] : []);
  const gradients = question.gradients(gradientNames.map(({ hook }) => hookValue(hook)));
  const gradientOf = new Map(gradientNames.map(({ text }, index) => [text, gradients[index]]));
  let scalars: QuestionScalars | undefined;
  const valueOf = (name: TensorName): Value => {
    switch (name.kind) {
      case "activation":
        return outward(hookValue(name.hook), isPairHook(name.hook));
      case "gradient":
        return outward(gradientOf.get(name.text) ?? hookValue(name.hook), isPairHook(name.hook));
      case "scalar":
        scalars ??= nodeScalars(model, question);
        return scalarTensor(scalars, name);
    }
  };
  return {
    outputs: { objective: question.value, ...Object.fromEntries(names.map((name) => [name.text, valueOf(name)])) },
    names: new Map(),
  };
}

function scalarTensor(scalars: QuestionScalars, name: TensorName & { kind: "scalar" }): Value {
  const { component, metric } = name;
  if (component.kind === "embed") {
    const { directEffect } = scalars.embed;
    const ones = () => expand(scalar(1), directEffect.shape);
    return outward(metric === "activation" ? ones() : scalars.embed[metric], false);
  }
  const layer = scalars[component.kind][component.layer];
  if (layer === undefined) throw new Error(`Internal: no layer ${component.layer}`);
  return outward(layer[metric], component.kind === "head");
}

/** The one row of the batch; `[head, query, key]` becomes `[query, key, head]`. */
function outward(value: Value, isPair: boolean): Value {
  const row = gather(value, constant("int64", [], BigInt64Array.of(0n)));
  return isPair ? transpose(row, [1, 2, 0]) : row;
}

function isPairHook(name: HookName): boolean {
  return name.endsWith(".attn.hook_attn_scores") || name.endsWith(".attn.hook_pattern");
}

/**
 * Graphs that answer with whole tensors: any hook point, any gradient, any scalar of every node, by name
 * (`spec/api.md`, "Tensors"). Here the final norm and the logits are read out at every token.
 */
import { expand, gather, transpose } from "../onnx/shaping.ts";
import { constant, scalar, type Value } from "../onnx/value.ts";
import type { HookName } from "../model/hook_points.ts";
import type { ModelWeights } from "../model/language_model.ts";
import type { VectorScalars } from "./metrics.ts";
import { nodeScalars, type QuestionScalars } from "./node_scalars.ts";
import { buildQuestion, hooksOf, type QuestionKind } from "./question_graph.ts";
import { isError, latentKindOfError } from "./refs.ts";
import { alongWrites } from "./splice.ts";
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
  const splices = new Map(question.splices.map((splice) => [splice.dictionary.detail.writeHook as string, splice]));
  const spliceAt = (hook: HookName) => splices.get(hook.slice(0, hook.lastIndexOf(".")));
  // What a dictionary adds is differentiated behind it.
  const targets = gradientNames.map(({ hook }) => spliceAt(hook)?.output ?? hookValue(hook));
  const gradients = question.gradients(targets);
  const gradientOf = new Map(gradientNames.map(({ text, hook }, index) => {
    const [gradient, splice] = [gradients[index], spliceAt(hook)];
    const isOfLatents = splice !== undefined && hook.endsWith(".hook_sae_acts_post");
    return [text, isOfLatents && gradient !== undefined ? alongWrites(splice, gradient) : gradient];
  }));
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
  const ofVectors = (vectors: VectorScalars) => {
    const ones = () => expand(scalar(1), vectors.directEffect.shape);
    return outward(metric === "activation" ? ones() : vectors[metric], false);
  };
  if (component.kind === "embed") return ofVectors(scalars.embed);
  if (component.kind === "mlp" || component.kind === "head") {
    return outward(found(scalars[component.kind][component.layer])[metric], component.kind === "head");
  }
  const kind = isError(component) ? latentKindOfError(component.kind) : component.kind;
  const { latents, error } = found(
    scalars.splices.find((splice) => splice.kind === kind && splice.layer === component.layer),
  );
  return isError(component) ? ofVectors(error) : outward(latents[metric], false);
}

function found<T>(scalars: T | undefined): T {
  if (scalars === undefined) throw new Error("Internal: the question has no such layer or dictionary");
  return scalars;
}

/** The one row of the batch; `[head, query, key]` becomes `[query, key, head]`. */
function outward(value: Value, isPair: boolean): Value {
  const row = gather(value, constant("int64", [], BigInt64Array.of(0n)));
  return isPair ? transpose(row, [1, 2, 0]) : row;
}

function isPairHook(name: HookName): boolean {
  return name.endsWith(".attn.hook_attn_scores") || name.endsWith(".attn.hook_pattern");
}

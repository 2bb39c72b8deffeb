/** Names of tensors that can be asked for: `HOOK`, `grad:HOOK`, `scalar:METRIC:mlp:LAYER`, `scalar:METRIC:embed`, as well as those of dictionaries. */
import type { FieldIssue } from "../errors.ts";
import { type DictionaryDetail, type LatentKind, latentKind } from "../model/dictionary.ts";
import { type HookName, hookPoints, LATENT_HOOKS } from "../model/hook_points.ts";
import type { Metric } from "./metrics.ts";
import type { NodeSpace } from "./node_range.ts";
import { type ErrorKind, errorKind } from "./refs.ts";
import { latentHook } from "./splice.ts";

export type ScalarComponent =
  | { readonly kind: "mlp" | "head"; readonly layer: number }
  | { readonly kind: LatentKind; readonly layer: number }
  | { readonly kind: ErrorKind; readonly layer: number }
  | { readonly kind: "embed" };

/** A parsed name; `text` is as it was asked. */
export type TensorName =
  & { readonly text: string }
  & (
    | { readonly kind: "activation" | "gradient"; readonly hook: HookName }
    | { readonly kind: "scalar"; readonly metric: Metric; readonly component: ScalarComponent }
  );

/** Metrics as tensor names spell them. */
const METRIC_NAMES: Readonly<Record<string, Metric>> = {
  "activation": "activation",
  "write_norm": "writeNorm",
  "direct_effect": "directEffect",
  "total_effect": "totalEffect",
};

/** Every name that a question answers to: those of the model, in the order of the forward pass, then those of its dictionaries. */
export function tensorNames({ architecture, dictionaries }: NodeSpace): ReadonlyMap<string, TensorName> {
  const names: TensorName[] = [];
  for (const { name } of hookPoints(architecture)) {
    names.push({ text: name, kind: "activation", hook: name as HookName });
  }
  for (const { name } of hookPoints(architecture)) {
    names.push({ text: `grad:${name}`, kind: "gradient", hook: name as HookName });
  }
  for (const [spelling, metric] of Object.entries(METRIC_NAMES)) {
    for (let layer = 0; layer < architecture.layerCount; layer++) {
      names.push({
        text: `scalar:${spelling}:mlp:${layer}`,
        kind: "scalar",
        metric,
        component: { kind: "mlp", layer },
      });
      names.push({
        text: `scalar:${spelling}:head:${layer}`,
        kind: "scalar",
        metric,
        component: { kind: "head", layer },
      });
    }
    names.push({ text: `scalar:${spelling}:embed`, kind: "scalar", metric, component: { kind: "embed" } });
  }
  names.push(...dictionaries.flatMap(({ detail }) => dictionaryNames(detail)));
  return new Map(names.map((name) => [name.text, name]));
}

/** Latents have no gradient before their nonlinearity: what is differentiated through is their decoder. */
function dictionaryNames(detail: DictionaryDetail): readonly TensorName[] {
  const { layer, writeHook } = detail;
  const kind = latentKind(detail);
  const hooks = LATENT_HOOKS.map((name) => latentHook(writeHook, name));
  return [
    ...hooks.map((hook): TensorName => ({ text: hook, kind: "activation", hook })),
    ...hooks.filter((hook) => !hook.endsWith("_pre")).map((hook): TensorName => ({
      text: `grad:${hook}`,
      kind: "gradient",
      hook,
    })),
    ...Object.entries(METRIC_NAMES).flatMap(([spelling, metric]) =>
      [kind, errorKind(kind)].map((component): TensorName => ({
        text: `scalar:${spelling}:${component}:${layer}`,
        kind: "scalar",
        metric,
        component: { kind: component, layer } as ScalarComponent,
      }))
    ),
  ];
}

/** Looks names up; unknown ones become issues that suggest the nearest names. */
export function resolveTensorNames(
  asked: readonly string[],
  space: NodeSpace,
): { readonly names: readonly TensorName[]; readonly issues: readonly FieldIssue[] } {
  const known = tensorNames(space);
  const issues: FieldIssue[] = [];
  const names = asked.flatMap((text, index) => {
    const name = known.get(text);
    if (name !== undefined) return [name];
    const nearest = [...known.keys()].map((candidate) => ({ candidate, distance: editDistance(text, candidate) }))
      .sort((a, b) => a.distance - b.distance).slice(0, 3).map(({ candidate }) => `"${candidate}"`);
    issues.push({
      path: `tensors.${index}`,
      message: `Unknown tensor "${text}"; the nearest names are ${nearest.join(", ")}`,
    });
    return [];
  });
  return { names, issues };
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substituted, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

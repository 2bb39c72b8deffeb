/** Names of tensors that can be asked for: `HOOK`, `grad:HOOK`, `scalar:METRIC:mlp:LAYER`, `scalar:METRIC:embed`. */
import type { FieldIssue } from "../errors.ts";
import type { Architecture } from "../model/architecture.ts";
import { type HookName, hookPoints } from "../model/hook_points.ts";
import type { Metric } from "./node_scalars.ts";

export type ScalarComponent =
  | { readonly kind: "mlp" | "head"; readonly layer: number }
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

/** Every name that a model answers to, in the order of the forward pass. */
export function tensorNames(architecture: Architecture): ReadonlyMap<string, TensorName> {
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
  return new Map(names.map((name) => [name.text, name]));
}

/** Looks names up; unknown ones become issues that suggest the nearest names. */
export function resolveTensorNames(
  asked: readonly string[],
  architecture: Architecture,
): { readonly names: readonly TensorName[]; readonly issues: readonly FieldIssue[] } {
  const known = tensorNames(architecture);
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

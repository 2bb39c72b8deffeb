/** Results by hand, and how a picture is read back. */
import { parseHTML } from "linkedom";
import type { VNode } from "preact";
import { renderToString } from "preact-render-to-string";
import type {
  AttentionResult,
  CircuitEdge,
  CircuitNode,
  CircuitResult,
  RunResult,
  Token,
} from "../../../engine/mod.ts";

/** A token that would break out of text or of an attribute, were it not escaped. */
export const HOSTILE = `"><script>x</script>'&`;

export function tokensOf(...texts: readonly string[]): readonly Token[] {
  return texts.map((text, id) => ({ id, text }));
}

/** So many tokens, each of a length as in English. */
export function manyTokens(count: number): readonly Token[] {
  return Array.from({ length: count }, (_, id) => ({ id, text: [" Mary", " to", " store", ","][id % 4] ?? "" }));
}

export function html(picture: VNode): string {
  return renderToString(picture);
}

export function parsed(picture: VNode): Document {
  return parseHTML(`<!doctype html><html><body>${html(picture)}</body></html>`).document as unknown as Document;
}

export function sizeBytes(picture: VNode): number {
  return new TextEncoder().encode(html(picture)).length;
}

/** Every number of these HTML attributes, in order of appearance. */
export function numbersOf(elements: Iterable<Element>, name: string): readonly number[] {
  return [...elements].map((element) => Number(element.getAttribute(name)));
}

export function attentionOf(
  values: readonly (readonly number[])[],
  metric: AttentionResult["metric"],
): AttentionResult {
  return { head: "head/3/3", metric, side: "clean", tokens: manyTokens(values.length), values };
}

type Sums = RunResult["sums"];

/** A run of two layers on two sides. */
export function layeredRun(layers: Sums["layers"], sides: readonly ("left" | "right")[] = ["left"]): RunResult {
  const effect = { mlp: [], attentionByQuery: [], attentionByKey: [], embed: [[0.25, 0.5], [1, 1]] };
  return {
    id: "abc",
    spec: { version: 1, model: "demo", prompts: [], interventions: [], topK: 10 } as unknown as RunResult["spec"],
    objectiveKind: "logitDifference" as RunResult["objectiveKind"],
    alignment: null,
    sides: sides.map((label) => ({ label, tokens: tokensOf("a", "b"), position: 1, objective: 1, logits: [] })),
    nodes: [],
    sums: { directEffect: effect, totalEffect: effect, layers },
    checks: [],
    timing: { queuedMs: 0, compileMs: 0, computeMs: 0, device: "cpu" },
    provenance: { model: "demo", weights: "", version: "" },
  };
}

export function circuitOf(
  refs: readonly string[],
  edges: readonly (readonly [string, string, CircuitEdge["path"], number])[] = [],
  directEffects: Readonly<Record<string, number | null>> = {},
): CircuitResult {
  return {
    objective: 2.5,
    tokens: manyTokens(16),
    nodes: refs.map((ref): CircuitNode => ({
      ref,
      activation: 1,
      directEffect: directEffects[ref] ?? null,
      totalEffect: 0.5,
    })),
    edges: edges.map(([from, to, path, attribution]) => ({ from, to, path, attribution })),
    candidates: [],
    done: 1,
    total: 1,
  };
}

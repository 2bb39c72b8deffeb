/** Runs of the fake engine: numbers follow from places, the same each time. */
import type { ModelSummary, RunResult, RunSpec, Side, SideLabel, Token } from "../../engine/mod.ts";

import { fakeDictionarySums, fakeLatentRows } from "./fake_dictionaries.ts";

/** Starts every text. */
export const BOS: Token = { id: 0, text: "<|endoftext|>" };

/** Its only model. */
export const FAKE_MODEL: ModelSummary = {
  id: "demo",
  family: "gpt2",
  layerCount: 2,
  headCount: 2,
  modelWidth: 8,
  mlpWidth: 32,
  vocabularySize: 1_000_000,
  contextLength: 64,
  parameterCount: 1234,
  weightsBytes: 4936,
  hasTokenizer: true,
  bos: BOS,
};

/** How the fake engine reads and writes tokens. */
export interface FakeTokens {
  encode(text: string, bos: boolean): readonly Token[];
  textOf(token: number): string;
}

/** An answer with three nodes, whatever the question. */
export function fakeRun(
  { id, spec, version }: { readonly id: string; readonly spec: RunSpec; readonly version: string },
  { encode, textOf }: FakeTokens,
): RunResult {
  const labels: readonly SideLabel[] = spec.prompts.length === 1 ? ["clean"] : ["left", "right"];
  const sides = spec.prompts.map((prompt, index): Side => {
    const tokens = "text" in prompt
      ? encode(prompt.text, spec.bos)
      : prompt.tokens.map((token) => ({ id: token, text: textOf(token) }));
    const choice = (role: "target" | "distractor") => (value: string | number, rank: number) => {
      const [token = BOS] = typeof value === "string" ? encode(value, false) : [];
      return { ...token, logit: 1 / 3 + rank, logProb: -0.1 - rank, rank: rank + 1, role };
    };
    return {
      label: labels[index] ?? "clean",
      tokens,
      position: tokens.length - 1,
      objective: 3.25,
      logits: [...prompt.targets.map(choice("target")), ...prompt.distractors.map(choice("distractor"))],
    };
  });
  const values = (value: number): number[] => sides.map((_, side) => value + side);
  const zeros = sides.map(({ tokens }) => tokens.map(() => 0));
  const sums = { mlp: zeros, attentionByQuery: zeros, attentionByKey: zeros, embed: zeros };
  const dictionaries = fakeDictionarySums(spec, sides);
  const layers = { attention: sides.map(() => [0.5, 2]), mlp: sides.map(() => [-0.25, 1]) };
  return {
    id,
    spec,
    objectiveKind: spec.trace === null ? spec.objective.kind : "trace",
    alignment: null,
    sides,
    nodes: [
      ...["embed@0", "head/0/1@0<0", "mlp/1/7@0"].map((ref, i) => ({
        ref,
        activation: values(0.1 * i),
        writeNorm: values(i + 1 / 3),
        directEffect: values(-i),
        totalEffect: values(i % 2),
      })),
      ...fakeLatentRows(spec, sides),
    ],
    sums: { directEffect: sums, totalEffect: sums, layers: { directEffect: layers, totalEffect: layers } },
    ...dictionaries.length === 0 ? {} : { dictionaries },
    checks: [{ name: "direct effects sum to the objective", ok: true, difference: 2e-6, tolerance: 1e-3 }],
    timing: { queuedMs: 0, compileMs: 0, computeMs: 1, device: "cpu" },
    provenance: { model: spec.model, weights: `sha256:${"0".repeat(64)}`, version },
  };
}

/** From the numbers of a run to its result: texts, ranks, refs, in the form that is stored and shown. */
import type { LanguageModel } from "../model/language_model.ts";
import type { Token } from "../model/summary.ts";
import type { RunNumbers, SumNumbers } from "./questions.ts";
import { formatNodeRef, type NodeRef } from "./refs.ts";
import type { ResolvedQuestion } from "./resolve_spec.ts";
import type { EffectSums, NodeRow, RunResult, Side, TokenLogit } from "./run_result.ts";
import type { Candidate } from "./selection.ts";

/** What a result says that the numbers do not. */
export type ResultFrame = Pick<RunResult, "id" | "checks" | "timing" | "provenance">;

export function assembleResult(
  model: LanguageModel,
  { spec, question }: ResolvedQuestion,
  { numbers, frame }: { readonly numbers: RunNumbers; readonly frame: ResultFrame },
): RunResult {
  const labels = question.rows.length === 1 ? ["clean"] : ["left", "right"];
  const token = tokenNamer(model);
  const sides = question.rows.map(({ tokens, position, choices }, index): Side => ({
    label: labels[index] ?? "",
    tokens: tokens.map(token),
    position,
    objective: numbers.objective[index] ?? NaN,
    logits: (numbers.logits[index] ?? []).map(({ id, ...score }) => ({
      ...token(id),
      ...score,
      role: roleOf(choices.find((choice) => choice.id === id)?.weight),
    })),
  }));
  const { id, ...rest } = frame;
  return {
    id,
    spec,
    sides,
    nodes: nodeRows(model, numbers, question.rows.map(({ tokens }) => tokens.length)),
    sums: {
      directEffect: effectSums(numbers.sums.directEffect, numbers.embed.directEffect),
      totalEffect: effectSums(numbers.sums.totalEffect, numbers.embed.totalEffect),
    },
    ...rest,
  };
}

function roleOf(weight: number | undefined): TokenLogit["role"] {
  if (weight === undefined) return null;
  return weight > 0 ? "target" : "distractor";
}

/** Names tokens, each once. */
function tokenNamer({ tokenizer }: LanguageModel): (id: number) => Token {
  const known = new Map<number, Token>();
  return (id) => {
    const token = known.get(id) ?? { id, text: tokenizer.tokenText(id) };
    known.set(id, token);
    return token;
  };
}

function nodeRows(
  { architecture: { mlpWidth } }: LanguageModel,
  numbers: RunNumbers,
  lengths: readonly number[],
): readonly NodeRow[] {
  const tokenCount = Math.max(...lengths);
  const neuron = ({ layer, flatIndex }: Candidate): NodeRef => ({
    kind: "mlp",
    layer,
    neuron: flatIndex % mlpWidth,
    token: Math.floor(flatIndex / mlpWidth),
  });
  const head = ({ layer, flatIndex }: Candidate): NodeRef => ({
    kind: "head",
    layer,
    head: Math.floor(flatIndex / (tokenCount * tokenCount)),
    query: Math.floor(flatIndex / tokenCount) % tokenCount,
    key: flatIndex % tokenCount,
  });
  const row = (ref: NodeRef, values: Candidate["values"]): NodeRow => ({ ref: formatNodeRef(ref), ...values });
  const { embed } = numbers;
  return [
    ...Array.from({ length: tokenCount }, (_, token) =>
      row({ kind: "embed", token }, {
        activation: lengths.map(() => 1),
        writeNorm: embed.writeNorm.map((side) => side[token] ?? 0),
        directEffect: embed.directEffect.map((side) => side[token] ?? 0),
        totalEffect: embed.totalEffect.map((side) => side[token] ?? 0),
      })),
    ...numbers.head.map((candidate) => row(head(candidate), candidate.values)),
    ...numbers.mlp.map((candidate) => row(neuron(candidate), candidate.values)),
  ];
}

function effectSums({ mlp, byQuery, byKey }: SumNumbers, embed: EffectSums["embed"]): EffectSums {
  return { mlp, attentionByQuery: byQuery, attentionByKey: byKey, embed };
}

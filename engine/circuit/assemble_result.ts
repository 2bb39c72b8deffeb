/** From the numbers of a run to its result: texts, ranks, refs, in the form that is stored and shown. */
import type { LanguageModel } from "../model/language_model.ts";
import type { Token } from "../model/summary.ts";
import type { Alignment } from "./alignment.ts";
import type { RunNumbers, SumNumbers, VectorNumbers } from "./questions.ts";
import { errorKind, formatNodeRef, type NodeRef } from "./refs.ts";
import type { ResolvedQuestion } from "./resolve_spec.ts";
import type { EffectSums, NodeRow, RunResult, Side, TokenLogit } from "./run_result.ts";
import type { Candidate } from "./selection.ts";

/** What a result says that the numbers do not. */
export type ResultFrame = Pick<RunResult, "id" | "checks" | "timing" | "provenance">;

export function assembleResult(
  model: LanguageModel,
  resolved: ResolvedQuestion,
  { numbers, frame }: { readonly numbers: RunNumbers; readonly frame: ResultFrame },
): RunResult {
  const { spec, question, alignment } = resolved;
  const token = tokenNamer(model);
  const sides = resolved.sides.map(({ label, prompt }, index): Side => {
    const row = question.rows[index];
    if (row === undefined) throw new Error(`Internal: no row of side ${label}`);
    return {
      label,
      tokens: row.tokens.filter((id) => id !== null).map(token),
      position: alignment[row.position]?.[prompt] ?? NaN,
      objective: numbers.objective[index] ?? NaN,
      logits: (numbers.logits[index] ?? []).map(({ id, ...score }) => ({
        ...token(id),
        ...score,
        role: roleOf(row.choices.find((choice) => choice.id === id)?.weight),
      })),
    };
  });
  const { id, ...rest } = frame;
  return {
    id,
    spec,
    objectiveKind: spec.trace === null ? spec.objective.kind : "trace",
    alignment: isShifted(alignment) ? alignment : null,
    sides,
    nodes: nodeRows(model, numbers, resolved),
    sums: {
      directEffect: effectSums(numbers.sums.directEffect, numbers.embed.directEffect),
      totalEffect: effectSums(numbers.sums.totalEffect, numbers.embed.totalEffect),
      layers: {
        directEffect: numbers.sums.directEffect.layers,
        totalEffect: numbers.sums.totalEffect.layers,
      },
    },
    ...numbers.dictionaries.length === 0 ? {} : { dictionaries: numbers.dictionaries.map(({ sums }) => sums) },
    ...rest,
  };
}

/** Whether the prompts count the tokens of some slot differently. */
function isShifted(alignment: Alignment): boolean {
  return alignment.some(([left, right]) => right !== undefined && left !== right);
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
  { alignment, sides, question }: ResolvedQuestion,
): readonly NodeRow[] {
  const slotCount = alignment.length;
  // Nodes are found by slot, and named by the tokens that a side has there.
  const neuron = ({ layer, flatIndex }: Candidate): NodeRef => ({
    kind: "mlp",
    layer,
    neuron: flatIndex % mlpWidth,
    token: Math.floor(flatIndex / mlpWidth),
  });
  const head = ({ layer, flatIndex }: Candidate): NodeRef => ({
    kind: "head",
    layer,
    head: Math.floor(flatIndex / (slotCount * slotCount)),
    query: Math.floor(flatIndex / slotCount) % slotCount,
    key: flatIndex % slotCount,
  });
  const shifted = isShifted(alignment);
  const row = (node: NodeRef, values: Candidate["values"]): NodeRow => {
    const refs = sides.map(({ prompt }) => refOnPrompt(node, alignment, prompt));
    const onSides = (metric: readonly number[]) =>
      refs.every((ref) => ref !== null) ? metric : metric.map((value, side) => refs[side] === null ? null : value);
    return {
      ref: refs.find((ref) => ref !== null) ?? "",
      ...shifted ? { refs } : {},
      activation: onSides(values.activation),
      writeNorm: onSides(values.writeNorm),
      directEffect: onSides(values.directEffect),
      totalEffect: onSides(values.totalEffect),
    };
  };
  const { embed } = numbers;
  const perSide = (metric: readonly (readonly number[])[], slot: number) =>
    metric.map((side, index) => side[alignment[slot]?.[sides[index]?.prompt ?? 0] ?? -1] ?? 0);
  // A whole vector is there or not: its activation is 1.
  const vectorAt = ({ writeNorm, directEffect, totalEffect }: VectorNumbers, slot: number): Candidate["values"] => ({
    activation: sides.map(() => 1),
    writeNorm: perSide(writeNorm, slot),
    directEffect: perSide(directEffect, slot),
    totalEffect: perSide(totalEffect, slot),
  });
  return [
    ...alignment.map((_, slot) => row({ kind: "embed", token: slot }, vectorAt(embed, slot))),
    ...numbers.head.map((candidate) => row(head(candidate), candidate.values)),
    ...numbers.mlp.map((candidate) => row(neuron(candidate), candidate.values)),
    ...numbers.dictionaries.flatMap(({ kind, layer, latentCount, latents, error }) => [
      ...latents.map(({ flatIndex, values }) =>
        row({ kind, layer, latent: flatIndex % latentCount, token: Math.floor(flatIndex / latentCount) }, values)
      ),
      // Where errors are dropped, nobody reads them.
      ...(question.dropsErrors ? [] : alignment).map((_, slot) =>
        row({ kind: errorKind(kind), layer, token: slot }, vectorAt(error, slot))
      ),
    ]),
  ];
}

/** The ref of a node, given by slots, as a prompt counts its tokens; null if the prompt lacks one of them. */
function refOnPrompt(node: NodeRef, alignment: Alignment, prompt: number): string | null {
  const token = (slot: number) => alignment[slot]?.[prompt] ?? null;
  if (node.kind === "head") {
    const [query, key] = [token(node.query), token(node.key)];
    return query === null || key === null ? null : formatNodeRef({ ...node, query, key });
  }
  const at = token(node.token);
  return at === null ? null : formatNodeRef({ ...node, token: at });
}

function effectSums({ mlp, byQuery, byKey }: SumNumbers, embed: EffectSums["embed"]): EffectSums {
  return { mlp, attentionByQuery: byQuery, attentionByKey: byKey, embed };
}

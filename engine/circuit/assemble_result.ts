/** From the numbers of a run to its result: texts, ranks, refs, in the form that is stored and shown. */
import type { LanguageModel } from "../model/language_model.ts";
import type { Token } from "../model/summary.ts";
import type { RunNumbers, SumNumbers } from "./questions.ts";
import { formatNodeRef, type NodeRef } from "./refs.ts";
import type { ResolvedQuestion } from "./resolve_spec.ts";
import type { EffectSums, NodeRow, RunResult, Side, TokenLogit } from "./run_result.ts";
import type { Candidate } from "./selection.ts";

/** Likeliest tokens that are kept of each side, besides targets and distractors. */
const LISTED_TOKENS = 100;

/** What a result says that the numbers do not. */
export type ResultFrame = Pick<RunResult, "id" | "checks" | "timing" | "provenance">;

export function assembleResult(
  model: LanguageModel,
  { spec, question }: ResolvedQuestion,
  { numbers, frame }: { readonly numbers: RunNumbers; readonly frame: ResultFrame },
): RunResult {
  const labels = question.rows.length === 1 ? ["clean"] : ["left", "right"];
  const ranked = numbers.logits.map(rankLogits);
  const listed = listedTokens(ranked, question.rows.flatMap(({ choices }) => choices.map(({ id }) => id)));
  const token = tokenNamer(model);
  const sides = question.rows.map(({ tokens, position, choices }, index): Side => ({
    label: labels[index] ?? "",
    tokens: tokens.map(token),
    position,
    objective: numbers.objective[index] ?? NaN,
    logits: sideLogits(ranked[index] ?? rankLogits(new Float32Array()), listed, (id) => ({
      ...token(id),
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

/** A side's logits with what makes ranks quick to find. */
interface RankedLogits {
  readonly logits: Float32Array;
  /** The same, falling. */
  readonly falling: Float32Array;
}

function rankLogits(logits: Float32Array): RankedLogits {
  return { logits, falling: Float32Array.from(logits).sort().reverse() };
}

/** Ids of the likeliest tokens of any side and of all choices. */
function listedTokens(sides: readonly RankedLogits[], choices: readonly number[]): readonly number[] {
  const likeliest = sides.flatMap(({ logits, falling }) => {
    const least = falling[Math.min(LISTED_TOKENS, falling.length) - 1] ?? Infinity;
    const ids: number[] = [];
    logits.forEach((logit, id) => {
      if (logit >= least) ids.push(id);
    });
    return ids.sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b).slice(0, LISTED_TOKENS);
  });
  return [...new Set([...likeliest, ...choices])];
}

function sideLogits(
  { logits, falling }: RankedLogits,
  listed: readonly number[],
  describe: (id: number) => Pick<TokenLogit, "id" | "text" | "role">,
): readonly TokenLogit[] {
  const [max = 0] = falling;
  const logSum = max + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
  return listed.map((id) => {
    const logit = logits[id] ?? NaN;
    return { ...describe(id), logit, logProb: logit - logSum, rank: countAbove(falling, logit) + 1 };
  }).sort((a, b) => b.logit - a.logit || a.id - b.id);
}

/** How many of the values, which fall, are greater. */
function countAbove(falling: Float32Array, value: number): number {
  let [low, high] = [0, falling.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((falling[middle] ?? -Infinity) > value) low = middle + 1;
    else high = middle;
  }
  return low;
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

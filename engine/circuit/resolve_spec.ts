/**
 * From a question as sent to the canonical question and the numbers that the engine thread needs: tokenizes, checks every
 * field against the model, fills in every default. Wrong fields are all reported at once, each with its path.
 */
import { type FieldIssue, ValidationError } from "../errors.ts";
import type { Dictionary } from "../model/dictionary.ts";
import type { LanguageModel } from "../model/language_model.ts";
import { type Alignment, alignPrompts, slotOf } from "./alignment.ts";
import { resolveDictionaries } from "./dictionary_spec.ts";
import { resolveInterventions } from "./intervention_spec.ts";
import type { ModelMeans } from "./model_means.ts";
import { weightedChoices } from "./objective.ts";
import type { QuestionRow } from "./question_graph.ts";
import type { RunQuestion } from "./questions.ts";
import type { SideLabel } from "./run_result.ts";
import type { ChoiceToken, PromptSpec, RunSpec, runSpecSchema } from "./run_spec.ts";
import type { Trace } from "./trace.ts";
import { resolveTrace } from "./trace_spec.ts";
import type { z } from "zod";

type ParsedSpec = z.output<typeof runSpecSchema>;
type ParsedPrompt = ParsedSpec["prompts"][number];

export interface ResolvedQuestion {
  /** Those that are spliced in, in the order of the pass. */
  readonly dictionaries: readonly Dictionary[];
  readonly spec: RunSpec;
  readonly question: RunQuestion;
  /** What each row of the question is. */
  readonly sides: readonly QuestionSide[];
  readonly alignment: Alignment;
}

/** @throws {ValidationError} that lists every field that the model cannot honour. */
export function resolveSpec(parsed: ParsedSpec, model: LanguageModel, means: ModelMeans | null): ResolvedQuestion {
  const issues: FieldIssue[] = [];
  const { objective: { kind, position }, freezeFinalNorm, topK } = parsed;
  const bos = resolveBos(parsed, model, issues);
  const prompts = parsed.prompts.map((prompt, index) => {
    const path = `prompts.${index}`;
    return {
      prompt,
      tokens: promptTokens(prompt, { model, bos, path, issues }),
      targets: prompt.targets.map((choice, i) =>
        resolveChoice(choice, { model, path: `${path}.targets.${i}`, issues })
      ),
      distractors: prompt.distractors.map((choice, i) =>
        resolveChoice(choice, { model, path: `${path}.distractors.${i}`, issues })
      ),
    };
  });
  prompts.forEach(({ targets, distractors }, index) => {
    reportRepeats([...targets, ...distractors], `prompts.${index}`, issues);
    if (kind !== "logit-diff" && distractors.length > 0) {
      issues.push({
        path: `prompts.${index}.distractors`,
        message: `Only the objective logit-diff has distractors: expected none for ${kind}`,
      });
    }
  });
  const tokens = prompts.map((prompt) => prompt.tokens);
  const lengths = tokens.map(({ length }) => length);
  if (lengths.some((length) => length === 0)) throw new ValidationError(issues);
  reportPosition(position, lengths, issues);
  const alignment = alignPrompts(tokens);
  const dictionaries = resolveDictionaries(
    { basis: parsed.basis, dictionaries: parsed.dictionaries, nodes: namedNodes(parsed) },
    model,
    issues,
  );
  const dropsErrors = parsed.dropErrors && dictionaries.length > 0;
  const dictionaryIds = dictionaries.map(({ detail }) => detail.id);
  const context = { architecture: model.architecture, dictionaries, prompts: tokens, alignment };
  const sides = sidesOf(prompts.length, parsed.interventions.length > 0);
  const { canonical: interventions, edits } = resolveInterventions(
    parsed.interventions,
    { ...context, sides, means },
    issues,
  );
  const trace = parsed.trace === null ? null : resolveTrace(parsed.trace, context, issues);
  if (issues.length > 0) throw new ValidationError(issues);

  const rows = sides.map(({ prompt: index }): QuestionRow => {
    const prompt = prompts[index];
    if (prompt === undefined) throw new Error(`Internal: no prompt ${index}`);
    const token = position < 0 ? prompt.tokens.length + position : position;
    return {
      tokens: alignment.map((at) => prompt.tokens[at[index] ?? -1] ?? null),
      position: tracedSlot(trace) ?? slotOf(alignment, index, token),
      choices: weightedChoices(kind, prompt.targets.map(({ id }) => id), prompt.distractors.map(({ id }) => id)),
    };
  });
  const [first = 0] = lengths;
  const isEqual = lengths.every((length) => length === first);
  return {
    sides,
    alignment,
    dictionaries,
    question: {
      objective: kind,
      freezeFinalNorm,
      topK,
      rows,
      edits,
      trace,
      dictionaries: dictionaryIds,
      dropsErrors,
      basis: parsed.basis,
    },
    spec: {
      model: model.id,
      prompts: prompts.map(({ prompt, tokens: ids, targets, distractors }): PromptSpec => ({
        ...("text" in prompt ? { text: prompt.text } : { tokens: ids }),
        targets: targets.map(({ canonical }) => canonical),
        distractors: distractors.map(({ canonical }) => canonical),
      })),
      bos,
      // Counted from the end where that is one place, so that the last token is -1 however it was named.
      objective: { kind, position: position < 0 || !isEqual ? position : position - first },
      freezeFinalNorm,
      interventions,
      trace: parsed.trace,
      basis: parsed.basis,
      dictionaries: dictionaryIds,
      ...dictionaryIds.length === 0 ? {} : { dropErrors: dropsErrors },
      topK,
    },
  };
}

/** Nodes that a question names. */
function namedNodes({ interventions, trace }: ParsedSpec): readonly string[] {
  const traced = trace === null ? [] : [trace.node, ...trace.towards === null ? [] : [trace.towards]];
  return [...interventions.map(({ node }) => node), ...traced];
}

/** A row of the batch. */
export interface QuestionSide {
  readonly label: SideLabel;
  /** Index of its prompt. */
  readonly prompt: number;
  /** Whether the interventions apply to it. */
  readonly isEdited: boolean;
}

/** Every prompt with the interventions; then, if there are any, every prompt without. */
function sidesOf(promptCount: number, hasInterventions: boolean): readonly QuestionSide[] {
  const side = (label: SideLabel, prompt: number, isEdited: boolean): QuestionSide => ({ label, prompt, isEdited });
  if (promptCount === 1) {
    return hasInterventions ? [side("ablated", 0, true), side("clean", 0, false)] : [side("clean", 0, false)];
  }
  const compared = [side("left", 0, hasInterventions), side("right", 1, hasInterventions)];
  return hasInterventions ? [...compared, side("left-clean", 0, false), side("right-clean", 1, false)] : compared;
}

/** Where logits are read while tracing: at the traced node, unless the objective itself enters, which has a position of its own. */
function tracedSlot(trace: Trace | null): number | null {
  if (trace === null || trace.of === "attribution") return null;
  const { node, towards } = trace;
  if (node.kind !== "head") return node.token;
  return node.path === "v" && towards === null ? null : node.query;
}

/** The tokens of a text, BOS prepended if asked for and lacking. @throws {ValidationError} if the model has no such token. */
export function tokenizeText(model: LanguageModel, text: string, bos: boolean): readonly number[] {
  const ids = model.tokenizer.encode(text);
  const { bosId, vocabularySize } = model.architecture;
  const unknown = ids.find((id) => id >= vocabularySize);
  if (unknown !== undefined) {
    throw new ValidationError([{
      path: "",
      message: `Token ${unknown} is not in the vocabulary: expected 0..${vocabularySize - 1}`,
    }]);
  }
  return bos && bosId !== null && ids[0] !== bosId ? [bosId, ...ids] : ids;
}

function resolveBos(
  { bos, prompts }: ParsedSpec,
  { architecture: { bosId } }: LanguageModel,
  issues: FieldIssue[],
): boolean {
  const hasText = prompts.some((prompt) => "text" in prompt);
  if (bos === true && bosId === null) {
    issues.push({ path: "bos", message: "This model has no BOS token: expected false" });
  }
  if (bos === true && !hasText) {
    issues.push({ path: "bos", message: "A BOS is never prepended to tokens: expected false, or text" });
  }
  return hasText && (bos ?? bosId !== null);
}

interface FieldOptions {
  readonly model: LanguageModel;
  readonly path: string;
  readonly issues: FieldIssue[];
}

function promptTokens(
  prompt: ParsedPrompt,
  { model, bos, path, issues }: FieldOptions & { readonly bos: boolean },
): readonly number[] {
  const { vocabularySize, contextLength } = model.architecture;
  const field = "text" in prompt ? `${path}.text` : `${path}.tokens`;
  const tokens = "text" in prompt ? guarded(() => tokenizeText(model, prompt.text, bos), field, issues) : prompt.tokens;
  if (tokens === null) return [];
  if (tokens.length === 0) issues.push({ path: field, message: "The prompt is empty: expected at least one token" });
  if (tokens.length > contextLength) {
    issues.push({
      path: field,
      message: `The prompt has ${tokens.length} tokens: this model reads at most ${contextLength}`,
    });
  }
  const unknown = tokens.findIndex((id) => id >= vocabularySize);
  if (unknown >= 0) {
    issues.push({
      path: `${field}.${unknown}`,
      message: `Token ${tokens[unknown]} is not in the vocabulary: expected 0..${vocabularySize - 1}`,
    });
  }
  return tokens;
}

interface ResolvedChoice {
  /** −1 where the choice is refused. */
  readonly id: number;
  readonly canonical: ChoiceToken;
}

function resolveChoice(choice: ChoiceToken, { model, path, issues }: FieldOptions): ResolvedChoice {
  const { tokenizer, architecture: { vocabularySize } } = model;
  if (typeof choice === "number") {
    if (choice < vocabularySize) return { id: choice, canonical: canonicalChoice(model, choice) };
    issues.push({ path, message: `Token ${choice} is not in the vocabulary: expected 0..${vocabularySize - 1}` });
    return { id: -1, canonical: choice };
  }
  const ids = guarded(() => tokenizeText(model, choice, false), path, issues);
  const [id] = ids ?? [];
  if (ids !== null && (ids.length !== 1 || id === undefined)) {
    const parts = ids.map((part) => `"${tokenizer.tokenText(part)}" (${part})`).join(", ");
    issues.push({ path, message: `"${choice}" is ${ids.length} tokens, ${parts}: expected exactly one` });
  }
  return id === undefined || ids?.length !== 1
    ? { id: -1, canonical: choice }
    : { id, canonical: canonicalChoice(model, id) };
}

/** The token's text where that text means exactly this token; otherwise its id. */
function canonicalChoice({ tokenizer, detail }: LanguageModel, id: number): ChoiceToken {
  if (!detail.hasTokenizer) return id;
  const text = tokenizer.tokenText(id);
  const ids = text === "" ? [] : tokenizer.encode(text);
  return ids.length === 1 && ids[0] === id ? text : id;
}

function reportRepeats(choices: readonly ResolvedChoice[], path: string, issues: FieldIssue[]): void {
  const seen = new Set<number>();
  for (const { id, canonical } of choices) {
    if (id >= 0 && seen.has(id)) {
      issues.push({
        path,
        message: `Token ${JSON.stringify(canonical)} is given twice: expected each target and distractor once`,
      });
    }
    seen.add(id);
  }
}

function reportPosition(position: number, lengths: readonly number[], issues: FieldIssue[]): void {
  const shortest = Math.min(...lengths);
  if (position >= shortest || position < -shortest) {
    issues.push({
      path: "objective.position",
      message: `Position ${position} is outside the prompt: expected ${-shortest}..${shortest - 1}`,
    });
  }
}

/** What `work` gives; null, and its complaints at `path`, if it refuses. */
function guarded<T>(work: () => T, path: string, issues: FieldIssue[]): T | null {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    issues.push(...error.issues.map(({ message }) => ({ path, message })));
    return null;
  }
}

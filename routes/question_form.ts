/** The question form between the browser and the engine: reading it, changing it, asking it. */
import {
  type DictionaryDetail,
  type Engine,
  EngineError,
  fieldIssues,
  latentKind,
  MAX_DICTIONARIES,
  type ModelSummary,
  OBJECTIVE_KINDS,
  type RunAnswer,
  type RunResult,
  type RunSpecInput,
  runSpecSchema,
  ValidationError,
} from "../engine/mod.ts";
import { ATTENTION_BASIS_FIELD, DICTIONARY_FIELD, MLP_BASIS_FIELD } from "../views/parts/basis_fields.tsx";
import type { FieldMessage, ModelDictionary, PromptFields, QuestionFields } from "../views/props.ts";
import { formatIntervention, formatTrace, parseInterventions, parseTrace } from "./change_text.ts";
import { chosenDictionaries, namedNodes, tickedDictionaries } from "./form_dictionaries.ts";

const MAX_PROMPTS = 2;
const LIST_ACTION = /^(add|remove)-(target|distractor)\.([01])(?:\.(\d{1,3}))?$/;
const SWAP_ACTION = /^swap\.([01])$/;

/** The question that the form opens with, and everything that a link leaves unsaid. */
export const DEFAULT_FIELDS: Omit<QuestionFields, "model"> = {
  prompts: [{
    text: "When Mary and John went to the store, John gave a drink to",
    targets: [" Mary"],
    distractors: [" John"],
  }],
  objective: "logit-diff",
  position: "-1",
  topK: "10",
  bos: true,
  freezeFinalNorm: true,
  mlpBasis: "neuron",
  attentionBasis: "head",
  dictionaries: [],
  dropErrors: false,
  interventions: "",
  trace: "",
};

/** The form exactly as submitted, also where it is no valid question. A text area's line ends are CRLF on the wire. */
export function submittedFields(form: URLSearchParams, defaultModel: string): QuestionFields {
  const texts = form.getAll("prompt").slice(0, MAX_PROMPTS);
  return {
    model: form.get("model") ?? defaultModel,
    prompts: (texts.length === 0 ? [""] : texts).map((text, index) => ({
      text: text.replaceAll("\r\n", "\n"),
      targets: atLeastOne(form.getAll(`target.${index}`)),
      distractors: atLeastOne(form.getAll(`distractor.${index}`)),
    })),
    objective: form.get("objective") ?? DEFAULT_FIELDS.objective,
    position: form.get("position") ?? DEFAULT_FIELDS.position,
    topK: form.get("k") ?? DEFAULT_FIELDS.topK,
    bos: form.get("bos") === "on",
    freezeFinalNorm: form.get("freezeFinalNorm") === "on",
    mlpBasis: form.get(MLP_BASIS_FIELD) ?? DEFAULT_FIELDS.mlpBasis,
    attentionBasis: form.get(ATTENTION_BASIS_FIELD) ?? DEFAULT_FIELDS.attentionBasis,
    dictionaries: [...new Set(form.getAll(DICTIONARY_FIELD).filter(isFilled))].slice(0, MAX_DICTIONARIES),
    dropErrors: form.get("dropErrors") === "on",
    interventions: (form.get("interventions") ?? "").replaceAll("\r\n", "\n"),
    trace: form.get("trace") ?? "",
  };
}

/** The form as a link asks for it; without a prompt in the link, the default question. */
export function linkedFields(query: URLSearchParams, defaultModel: string): QuestionFields {
  const given = submittedFields(query, defaultModel);
  return {
    ...given,
    prompts: query.has("prompt") ? given.prompts : DEFAULT_FIELDS.prompts,
    bos: query.has("bos") ? given.bos : DEFAULT_FIELDS.bos,
    freezeFinalNorm: query.has("freezeFinalNorm") ? given.freezeFinalNorm : DEFAULT_FIELDS.freezeFinalNorm,
  };
}

/** The form that asks a run's question again. Prompts given as tokens are shown as their text, without BOS. */
export function fieldsOfRun(
  { spec, sides }: RunResult,
  model: ModelSummary | undefined,
  dictionaries: readonly DictionaryDetail[] = [],
): QuestionFields {
  const bosId = model?.bos?.id;
  const startsWithBos = bosId !== undefined && sides[0]?.tokens[0]?.id === bosId;
  // Without a tokenizer, texts are token ids with spaces between them.
  const separator = model?.hasTokenizer === false ? " " : "";
  return {
    model: spec.model,
    prompts: spec.prompts.map((prompt, index) => {
      const tokens = sides[index]?.tokens ?? [];
      const choiceText = (choice: string | number): string =>
        typeof choice === "string"
          ? choice
          : sides[index]?.logits.find(({ id }) => id === choice)?.text ?? String(choice);
      return {
        text: "text" in prompt
          ? prompt.text
          : tokens.slice(startsWithBos ? 1 : 0).map(({ text }) => text).join(separator),
        targets: atLeastOne(prompt.targets.map(choiceText)),
        distractors: atLeastOne(prompt.distractors.map(choiceText)),
      };
    }),
    objective: spec.objective.kind,
    position: String(spec.objective.position),
    topK: String(spec.topK),
    bos: spec.prompts.some((prompt) => "text" in prompt) ? spec.bos : startsWithBos,
    freezeFinalNorm: spec.freezeFinalNorm,
    mlpBasis: spec.basis.mlp,
    attentionBasis: spec.basis.attention,
    dictionaries: tickedDictionaries(spec, dictionaries),
    dropErrors: spec.dropErrors ?? false,
    interventions: spec.interventions.map(formatIntervention).join("\n"),
    trace: spec.trace === null ? "" : formatTrace(spec.trace),
  };
}

/** Does what one of the form's small buttons asks for. @throws {ValidationError} if there is no such button. */
export function applyAction(fields: QuestionFields, action: string): QuestionFields {
  const { prompts } = fields;
  const [first] = prompts;
  if (action === "add-prompt" && first !== undefined) {
    return { ...fields, prompts: [...prompts, first].slice(0, MAX_PROMPTS) };
  }
  if (action === "remove-prompt") return { ...fields, prompts: prompts.slice(0, 1) };
  const swap = SWAP_ACTION.exec(action);
  if (swap !== null) {
    return changePrompt(fields, Number(swap[1]), (prompt) => ({
      ...prompt,
      targets: prompt.distractors,
      distractors: prompt.targets,
    }));
  }
  const list = LIST_ACTION.exec(action);
  if (list === null) {
    throw new ValidationError([{
      path: "action",
      message:
        `There is no action ${JSON.stringify(action)}: expected add-target.0, remove-target.0, add-distractor.0, ` +
        "remove-distractor.0, swap.0, add-prompt or remove-prompt",
    }]);
  }
  const [, verb, kind, prompt, position] = list;
  const key = kind === "target" ? "targets" : "distractors";
  return changePrompt(fields, Number(prompt), (old) => {
    const removed = position === undefined ? old[key].length - 1 : Number(position);
    const changed = verb === "add" ? [...old[key], ""] : old[key].filter((_, i) => i !== removed);
    return { ...old, [key]: atLeastOne(changed) };
  });
}

/** The answer, or the messages to show beside the form's fields. */
export type Asked = { readonly answer: RunAnswer } | { readonly messages: readonly FieldMessage[] };

/** Asks the form's question. Other errors than a wrong field are thrown on. */
export async function askForm(engine: Engine, fields: QuestionFields, signal: AbortSignal): Promise<Asked> {
  try {
    return { answer: await engine.run(runInput(fields, dictionariesOf(engine, fields.model)), { signal }) };
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return { messages: error.issues.map(({ path, message }) => ({ path: inputPath(path, fields), message })) };
  }
}

/** The dictionaries of a model; none of one that is not loaded. */
export function dictionariesOf(engine: Pick<Engine, "model">, model: string): readonly ModelDictionary[] {
  try {
    return engine.model(model).dictionaries.map((detail) => ({ ...detail, kind: latentKind(detail) }));
  } catch (error) {
    if (error instanceof EngineError) return [];
    throw error;
  }
}

/** The form as a question; inputs left empty are not part of it. @throws {ValidationError} */
function runInput(fields: QuestionFields, known: readonly DictionaryDetail[]): RunSpecInput {
  const { interventions, issues: lineIssues } = parseInterventions(fields.interventions);
  const { trace, issues: traceIssues } = parseTrace(fields.trace);
  const parsed = runSpecSchema.safeParse({
    model: fields.model,
    prompts: fields.prompts.map(({ text, targets, distractors }) => ({
      text,
      targets: targets.filter(isFilled),
      distractors: distractors.filter(isFilled),
    })),
    bos: fields.bos,
    objective: { kind: fields.objective, position: integer(fields.position, -1) },
    freezeFinalNorm: fields.freezeFinalNorm,
    interventions,
    trace,
    basis: { mlp: fields.mlpBasis, attention: fields.attentionBasis },
    dropErrors: fields.dropErrors,
    topK: integer(fields.topK, 10),
  });
  const issues = [
    ...lineIssues,
    ...traceIssues,
    ...fields.prompts.flatMap(({ text }, index) =>
      text === "" ? [{ path: `prompts.${index}.text`, message: "The prompt is empty: expected a text" }] : []
    ),
    ...(parsed.success ? [] : fieldIssues(parsed.error.issues)).map(({ path, message }) => ({
      path,
      message: formMessage(path, fields) ?? message,
    })),
  ];
  if (!parsed.success || issues.length > 0) throw new ValidationError(issues);
  const choice = { ...parsed.data, nodes: namedNodes(parsed.data), dictionaries: fields.dictionaries };
  return { ...parsed.data, dictionaries: chosenDictionaries(choice, known) };
}

/** Wording for fields that are text in the form and something else in the question. */
function formMessage(path: string, { objective, position, topK }: QuestionFields): string | null {
  if (path === "objective.kind") {
    return `There is no objective ${JSON.stringify(objective)}: expected ${OBJECTIVE_KINDS.join(", ")}`;
  }
  if (path === "objective.position") {
    return `${JSON.stringify(position)} is not a position: expected a whole number, -1 for the last token`;
  }
  return path === "topK" ? `${JSON.stringify(topK)} is not a number of rows: expected 1 to 200` : null;
}

/** From a path in the question, which skips empty inputs, to the path of the form's input. */
function inputPath(path: string, fields: QuestionFields): string {
  const match = /^prompts\.(\d+)\.(targets|distractors)\.(\d+)/.exec(path);
  if (match === null) return path;
  const [, prompt, key, position] = match;
  const inputs = fields.prompts[Number(prompt)]?.[key === "targets" ? "targets" : "distractors"] ?? [];
  const filled = [...inputs.keys()].filter((i) => isFilled(inputs[i] ?? ""));
  return `prompts.${prompt}.${key}.${filled[Number(position)] ?? position}`;
}

function changePrompt(
  fields: QuestionFields,
  changed: number,
  change: (prompt: PromptFields) => PromptFields,
): QuestionFields {
  return { ...fields, prompts: fields.prompts.map((prompt, index) => index === changed ? change(prompt) : prompt) };
}

/** NaN, which no field takes, for what is no whole number. */
function integer(text: string, whenBlank: number): number {
  const trimmed = text.trim();
  if (trimmed === "") return whenBlank;
  return /^[+-]?\d{1,15}$/.test(trimmed) ? Number(trimmed) : NaN;
}

function isFilled(choice: string): boolean {
  return choice !== "";
}

function atLeastOne(choices: readonly string[]): readonly string[] {
  return choices.length === 0 ? [""] : choices;
}

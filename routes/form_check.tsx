/** `POST /debugger/check`: what the model makes of the form while it is typed. Nothing is computed but tokens. */
import { type Context, Hono } from "hono";
import { type Engine, EngineError, type Token } from "../engine/mod.ts";
import { type CheckedPrompt, FormCheck, type FormCheckProps, piecesInWords } from "../views/parts/form_check.tsx";
import { quotedToken } from "../views/format.ts";
import type { PromptFields, QuestionFields } from "../views/props.ts";
import { readView } from "../views/view_state.ts";
import { parseInterventions, parseTrace } from "./change_text.ts";
import type { AppEnv, Deps } from "./env.ts";
import { dictionariesOf, fieldsOfRun, submittedFields } from "./question_form.ts";
import { originOf, withSwitchedOff } from "./run_page.ts";

export function formCheckRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>().post("/debugger/check", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const fields = submittedFields(form, engine.models()[0]?.id ?? "");
    return c.render(<FormCheck {...checkedForm(c, engine, { form, fields })} />, { title: "Check" });
  });
}

/** What the model makes of a form, and whether the answer on its page is to another question. */
export function checkedForm(
  c: Context<AppEnv>,
  engine: Engine,
  { form, fields }: { readonly form: URLSearchParams; readonly fields: QuestionFields },
): FormCheckProps {
  const { runId, query } = originOf(c, form);
  const isStale = runId !== null && differsFromRun(engine, fields, { runId, query });
  return { ...checkedPrompts(engine, fields), isStale };
}

function checkedPrompts(
  engine: Engine,
  { model, bos, prompts }: QuestionFields,
): { readonly prompts: readonly CheckedPrompt[]; readonly problem: string | null } {
  try {
    const { bos: start } = engine.model(model);
    const titles = prompts.length > 1 ? ["Left", "Right"] : ["The prompt"];
    return {
      prompts: prompts.map((prompt, index) => ({
        title: titles[index] ?? "",
        tokens: engine.tokenize(model, prompt.text, bos && start !== null),
        warnings: warningsOf(prompt, (text) => engine.tokenize(model, text, false)),
      })),
      problem: null,
    };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { prompts: [], problem: error.message };
  }
}

function warningsOf(
  { text, targets, distractors }: PromptFields,
  tokenize: (text: string) => readonly Token[],
): readonly string[] {
  return [
    ...text.endsWith(" ")
      ? ["The text ends in a space: most tokens begin with one, so the model may not expect this."]
      : [],
    ...[...targets, ...distractors].filter((choice) => choice !== "").flatMap((choice) => {
      const pieces = tokenize(choice);
      if (pieces.length !== 1) return [piecesInWords(choice, pieces)];
      return choice.startsWith(" ") ? [] : [
        `${quotedToken(choice)} has no leading space: inside a text, most tokens are “␣word”.`,
      ];
    }),
  ];
}

/** Whether the form asks something else than the run that is shown. */
function differsFromRun(
  engine: Engine,
  fields: QuestionFields,
  { runId, query }: { readonly runId: string; readonly query: URLSearchParams },
): boolean {
  try {
    const run = engine.storedRun(runId);
    const { model } = run.spec;
    const summary = engine.models().find(({ id }) => id === model);
    const shown = fieldsOfRun(run, summary, dictionariesOf(engine, model));
    const { off } = readView(query, run.sides.length);
    const tokenCount = run.sides[0]?.tokens.length ?? 0;
    const asText = (form: QuestionFields) => JSON.stringify(comparable(form, tokenCount));
    return asText(withSwitchedOff(shown, off)) !== asText(fields);
  } catch (error) {
    // The run is gone, or its store: nothing can be said.
    if (error instanceof EngineError) return false;
    throw error;
  }
}

/** Fields without what makes no difference: empty choices, the order of lines, spaces, how a number or a position is written. */
function comparable(
  { prompts, interventions, position, topK, trace, ...rest }: QuestionFields,
  tokenCount: number,
): unknown {
  const { interventions: changes } = parseInterventions(interventions);
  return {
    model: rest.model,
    objective: rest.objective,
    bos: rest.bos,
    freezeFinalNorm: rest.freezeFinalNorm,
    basis: [rest.mlpBasis, rest.attentionBasis],
    dictionaries: rest.dictionaries.toSorted(),
    dropErrors: rest.dropErrors,
    position: Number(position) < 0
      ? Number(position) + tokenCount
      : position.trim() === ""
      ? tokenCount - 1
      : Number(position),
    topK: Number(topK),
    trace: parseTrace(trace).trace,
    prompts: prompts.map(({ text, targets, distractors }) => ({
      text,
      targets: targets.filter((choice) => choice !== ""),
      distractors: distractors.filter((choice) => choice !== ""),
    })),
    interventions: changes.map((change) => JSON.stringify(change)).sort(),
  };
}

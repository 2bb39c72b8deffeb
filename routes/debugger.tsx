/** The question form before it is asked. */
import { type Context, Hono } from "hono";
import { type Engine, EngineError } from "../engine/mod.ts";
import { DebuggerPage } from "../views/pages/debugger_page.tsx";
import { MEANS_ACTION, QuestionForm, VIEW_FIELD } from "../views/parts/question_form.tsx";
import type { FieldMessage, QuestionFields, ShownRun } from "../views/props.ts";
import { DEFAULT_VIEW } from "../views/view_state.ts";
import type { AppEnv, Deps } from "./env.ts";
import { checkedForm } from "./form_check.tsx";
import { applyAction, askForm, dictionariesOf, linkedFields, submittedFields } from "./question_form.ts";
import { isFragmentRequest } from "./renderer.tsx";
import { originOf, runOfOrigin, shownRun } from "./run_page.ts";

const TITLE = "Ask a question";

/** How long a press of the button waits for the means. */
const PATIENCE_MS = 3000;

/** Begins to compute a model's means, waits a moment, and says how far it is. */
async function computeMeans(engine: Engine, model: string): Promise<FieldMessage> {
  const begun = await engine.startJob({ kind: "means", model });
  await Promise.race([engine.finishedJob(begun.id), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
  const { state, done, total, problem } = engine.jobs().find(({ id }) => id === begun.id) ?? begun;
  const message = state === "done"
    ? `The means of ${model} over ${total} texts are known: “= mean” works now.`
    : `The means of ${model} are being computed: ${done} of ${total} texts. Press again to look${
      problem === null ? "" : ` (it failed: ${problem})`
    }.`;
  return { path: "means", message };
}

/** `GET /debugger`, filled in by the query, and `POST /debugger`, which changes the form without asking. */
export function debuggerRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .get("/debugger", async (c) => {
      const models = engine.models();
      const query = new URL(c.req.url).searchParams;
      const fields = linkedFields(query, models[0]?.id ?? "");
      // A bare address shows the default question with its answer, if the model can be asked it.
      const run = query.has("prompt") ? null : await defaultRun(c, engine, fields);
      const dictionaries = dictionariesOf(engine, fields.model);
      return c.render(
        <DebuggerPage models={models} dictionaries={dictionaries} fields={fields} messages={[]} run={run} />,
        { title: TITLE },
      );
    })
    .post("/debugger", async (c) => {
      const models = engine.models();
      const form = new URLSearchParams(await c.req.text());
      const submitted = submittedFields(form, models[0]?.id ?? "");
      const action = form.get("action") ?? "";
      const [fields, messages] = action === MEANS_ACTION
        ? [submitted, [await computeMeans(engine, submitted.model)]]
        // Without an action, another model was chosen: the form shows what that one has.
        : [action === "" ? submitted : applyAction(submitted, action), []];
      const check = checkedForm(c, engine, { form, fields });
      const dictionaries = dictionariesOf(engine, fields.model);
      const props = { models, dictionaries, fields, messages, check };
      if (isFragmentRequest(c.req.raw.headers)) {
        const view = form.get(VIEW_FIELD) ?? "";
        return c.render(
          <QuestionForm {...props} view={view} />,
          { title: TITLE },
        );
      }
      // Without script this is a new page: the answer stays on it.
      const run = await runOfOrigin(c, engine, originOf(c, form));
      return c.render(
        <DebuggerPage {...props} run={run} />,
        { title: TITLE },
      );
    });
}

async function defaultRun(c: Context<AppEnv>, engine: Engine, fields: QuestionFields): Promise<ShownRun | null> {
  try {
    const asked = await askForm(engine, fields, c.req.raw.signal);
    if ("messages" in asked) return null;
    return await shownRun(c, engine, { result: asked.answer.result, view: DEFAULT_VIEW });
  } catch (error) {
    // The form is of use without an answer; what is wrong is said when it is asked.
    if (error instanceof EngineError) return null;
    throw error;
  }
}

/** The question form before it is asked. */
import { Hono } from "hono";
import type { Engine } from "../engine/mod.ts";
import { DebuggerPage } from "../views/pages/debugger_page.tsx";
import { MEANS_ACTION, QuestionForm } from "../views/parts/question_form.tsx";
import type { FieldMessage } from "../views/props.ts";
import type { AppEnv, Deps } from "./env.ts";
import { applyAction, linkedFields, submittedFields } from "./question_form.ts";
import { isFragmentRequest } from "./renderer.tsx";

const TITLE = "Ask a question";

/** How long a press of the button waits for the means. */
const PATIENCE_MS = 3000;

/** Begins to compute a model's means, waits a moment, and says how far it is. */
async function computeMeans(engine: Engine, model: string): Promise<FieldMessage> {
  const { id } = await engine.startJob({ kind: "means", model });
  await Promise.race([engine.finishedJob(id), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
  const { state, done, total, problem } = await engine.startJob({ kind: "means", model });
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
    .get("/debugger", (c) => {
      const models = engine.models();
      const fields = linkedFields(new URL(c.req.url).searchParams, models[0]?.id ?? "");
      return c.render(<DebuggerPage models={models} fields={fields} messages={[]} run={null} />, { title: TITLE });
    })
    .post("/debugger", async (c) => {
      const models = engine.models();
      const form = new URLSearchParams(await c.req.text());
      const submitted = submittedFields(form, models[0]?.id ?? "");
      const action = form.get("action") ?? "";
      const [fields, messages] = action === MEANS_ACTION
        ? [submitted, [await computeMeans(engine, submitted.model)]]
        : [applyAction(submitted, action), []];
      const props = { models, fields, messages, run: null };
      return c.render(
        isFragmentRequest(c.req.raw.headers) ? <QuestionForm {...props} /> : <DebuggerPage {...props} />,
        { title: TITLE },
      );
    });
}

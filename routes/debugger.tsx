/** The question form before it is asked. */
import { Hono } from "hono";
import { DebuggerPage } from "../views/pages/debugger_page.tsx";
import { QuestionForm } from "../views/parts/question_form.tsx";
import type { AppEnv, Deps } from "./env.ts";
import { applyAction, linkedFields, submittedFields } from "./question_form.ts";
import { isFragmentRequest } from "./renderer.tsx";

const TITLE = "Ask a question";

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
      const fields = applyAction(submittedFields(form, models[0]?.id ?? ""), form.get("action") ?? "");
      const props = { models, fields, messages: [], run: null };
      return c.render(
        isFragmentRequest(c.req.raw.headers) ? <QuestionForm {...props} /> : <DebuggerPage {...props} />,
        { title: TITLE },
      );
    });
}

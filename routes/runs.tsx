/** Asking a question, and the page of its answer. */
import { type Context, Hono } from "hono";
import type { RunResult } from "../engine/mod.ts";
import { DebuggerPage } from "../views/pages/debugger_page.tsx";
import { NodeTable } from "../views/parts/node_table.tsx";
import { QuestionForm } from "../views/parts/question_form.tsx";
import { RunShell } from "../views/parts/run_shell.tsx";
import type { DebuggerProps, FieldMessage, QuestionFields } from "../views/props.ts";
import { curlCommand } from "./curl.ts";
import type { AppEnv, Deps } from "./env.ts";
import { askForm, fieldsOfRun, submittedFields } from "./question_form.ts";
import { isFragmentRequest } from "./renderer.tsx";
import { runViewState } from "./run_view_state.ts";

type ShownRun = NonNullable<DebuggerProps["run"]>;

/** `POST /runs` and `GET /runs/:id`. */
export function runRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .post("/runs", async (c) => {
      const models = engine.models();
      const fields = submittedFields(new URLSearchParams(await c.req.text()), models[0]?.id ?? "");
      const asked = await askForm(engine, fields, c.req.raw.signal);
      if ("messages" in asked) return refuse(c, { models, fields, messages: asked.messages });
      const { result } = asked.answer;
      const url = `/runs/${result.id}`;
      if (!isFragmentRequest(c.req.raw.headers)) return c.redirect(url, 303);
      c.header("HX-Push-Url", url);
      return c.render(<RunShell {...shownRun(c, result)} />, { title: titleOf(result) });
    })
    .get("/runs/:id", (c) => {
      const result = engine.storedRun(c.req.param("id"));
      const run = shownRun(c, result);
      const title = titleOf(result);
      if (isFragmentRequest(c.req.raw.headers)) {
        const part = c.req.header("HX-Target") === "nodes" ? <NodeTable {...run} /> : <RunShell {...run} />;
        return c.render(part, { title });
      }
      const models = engine.models();
      const fields = fieldsOfRun(result, models.find(({ id }) => id === result.spec.model));
      return c.render(<DebuggerPage models={models} fields={fields} messages={[]} run={run} />, { title });
    });
}

interface Refusal {
  readonly models: DebuggerProps["models"];
  readonly fields: QuestionFields;
  readonly messages: readonly FieldMessage[];
}

/** The form again, everything kept, with messages beside its fields. */
function refuse(c: Context<AppEnv>, refusal: Refusal): Response | Promise<Response> {
  const props: DebuggerProps = { ...refusal, run: null };
  const title = "Cannot ask this yet";
  c.status(422);
  if (!isFragmentRequest(c.req.raw.headers)) return c.render(<DebuggerPage {...props} />, { title });
  c.header("HX-Retarget", "#question-form");
  c.header("HX-Reswap", "outerHTML");
  return c.render(<QuestionForm {...props} />, { title });
}

function shownRun(c: Context<AppEnv>, result: RunResult): ShownRun {
  const { origin, searchParams } = new URL(c.req.url);
  return {
    result,
    view: runViewState(searchParams, result.sides.length),
    curl: curlCommand(origin, result.spec),
  };
}

function titleOf({ spec: { model, prompts } }: RunResult): string {
  const [target] = prompts[0]?.targets ?? [];
  return target === undefined ? `Run on ${model}` : `Why ${JSON.stringify(target)} · ${model}`;
}

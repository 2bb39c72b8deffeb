/** Asking a question, and the page of its answer. */
import { type Context, Hono } from "hono";
import type { Engine, Measurement, RunResult } from "../engine/mod.ts";
import { DebuggerPage } from "../views/pages/debugger_page.tsx";
import { MEASURED_ID, MeasuredCard } from "../views/parts/measured_card.tsx";
import { NodeTable } from "../views/parts/node_table.tsx";
import { QuestionForm } from "../views/parts/question_form.tsx";
import { RunShell } from "../views/parts/run_shell.tsx";
import type { DebuggerProps, FieldMessage, QuestionFields, ShownRun } from "../views/props.ts";
import { formatIntervention, formatTrace } from "./change_text.ts";
import { curlCommand } from "./curl.ts";
import type { AppEnv, Deps } from "./env.ts";
import { applyChange, askForm, fieldsOfRun, submittedFields } from "./question_form.ts";
import { isFragmentRequest } from "./renderer.tsx";
import { runViewState } from "./run_view_state.ts";

/** How long a page without script waits for a measurement. */
const PATIENCE_MS = 3000;

/** `POST /runs` and `GET /runs/:id`. */
export function runRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .post("/runs", async (c) => {
      const models = engine.models();
      const form = new URLSearchParams(await c.req.text());
      const change = form.get("change");
      const submitted = submittedFields(form, models[0]?.id ?? "");
      const fields = change === null ? submitted : applyChange(submitted, change);
      const asked = await askForm(engine, fields, c.req.raw.signal);
      if ("messages" in asked) return refuse(c, { models, fields, messages: asked.messages });
      const { result } = asked.answer;
      const url = `/runs/${result.id}`;
      if (!isFragmentRequest(c.req.raw.headers)) return c.redirect(url, 303);
      c.header("HX-Push-Url", url);
      const shell = <RunShell {...shownRun(c, engine, result)} />;
      if (change === null) return c.render(shell, { title: titleOf(result) });
      // The form says what was asked now.
      const askedForm = <QuestionForm models={models} fields={fields} messages={[]} isOutOfBand />;
      return c.render(<>{shell}{askedForm}</>, { title: titleOf(result) });
    })
    .post("/runs/:id/measured", async (c) => {
      const id = c.req.param("id");
      const measurement = await engine.measure(id, {});
      // A page without script does not look again by itself: it gets what is there after a moment.
      if (!isFragmentRequest(c.req.raw.headers)) {
        await Promise.race([
          engine.finishedMeasurement(id, {}),
          new Promise((resolve) => setTimeout(resolve, PATIENCE_MS)),
        ]);
      }
      return measuredAnswer(c, id, measurement);
    })
    .post("/runs/:id/measured/cancel", (c) => {
      const { id } = engine.storedRun(c.req.param("id"));
      engine.cancelMeasurement(id, {});
      return measuredAnswer(c, id, engine.measurement(id, {}));
    })
    .get("/runs/:id/measured", (c) => {
      const { id } = engine.storedRun(c.req.param("id"));
      return measuredAnswer(c, id, engine.measurement(id, {}));
    })
    .get("/runs/:id", (c) => {
      const result = engine.storedRun(c.req.param("id"));
      const run = shownRun(c, engine, result);
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

/** The card of a measurement, or for those without script the page that holds it. */
function measuredAnswer(c: Context<AppEnv>, id: string, measurement: Measurement | null): Response | Promise<Response> {
  if (!isFragmentRequest(c.req.raw.headers)) return c.redirect(`/runs/${encodeURIComponent(id)}#${MEASURED_ID}`, 303);
  return c.render(<MeasuredCard id={id} measurement={measurement} />, { title: "Measured effects" });
}

function shownRun(c: Context<AppEnv>, engine: Engine, result: RunResult): ShownRun {
  const { origin, searchParams } = new URL(c.req.url);
  return {
    result,
    view: runViewState(searchParams, result.sides.length),
    curl: curlCommand(origin, result.spec),
    changes: result.spec.interventions.map(formatIntervention),
    trace: result.spec.trace === null ? null : formatTrace(result.spec.trace),
    measurement: engine.measurement(result.id, {}),
  };
}

function titleOf({ spec: { model, prompts } }: RunResult): string {
  const [target] = prompts[0]?.targets ?? [];
  return target === undefined ? `Run on ${model}` : `Why ${JSON.stringify(target)} · ${model}`;
}

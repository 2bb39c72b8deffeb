/** Asking a question, and the page of its answer. */
import { type Context, Hono } from "hono";
import type { Measurement, RunResult } from "../engine/mod.ts";
import { PageTitle } from "../views/document.tsx";
import { DataPage } from "../views/pages/data_page.tsx";
import { DebuggerPage } from "../views/pages/debugger_page.tsx";
import { MEASURED_ID, MeasuredCard } from "../views/parts/measured_card.tsx";
import { FILTER_FIELD } from "../views/parts/node_filter.tsx";
import { QuestionForm, VIEW_FIELD } from "../views/parts/question_form.tsx";
import { RunShell } from "../views/parts/run_shell.tsx";
import type { DebuggerProps } from "../views/props.ts";
import { runUrl } from "../views/urls.ts";
import { readView } from "../views/view_state.ts";
import { changeLines } from "./change_text.ts";
import { applyChange, withEdits } from "./changes.ts";
import { logitsCsv, nodesCsv } from "./csv.ts";
import type { AppEnv, Deps } from "./env.ts";
import { checkedForm } from "./form_check.tsx";
import { PAGE_PATIENCE_MS } from "./loaded.ts";
import { askForm, dictionariesOf, fieldsOfRun, submittedFields } from "./question_form.ts";
import { isFragmentRequest } from "./renderer.tsx";
import { nextView, originOf, runOfOrigin, shownRun, withSwitchedOff } from "./run_page.ts";
import { cardData } from "./run_data.ts";

/** `POST /runs`, and everything at and below `/runs/:id` that shows the stored answer. */
export function runRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .post("/runs", async (c) => {
      const models = engine.models();
      const form = new URLSearchParams(await c.req.text());
      const change = form.get("change");
      const submitted = submittedFields(form, models[0]?.id ?? "");
      const edited = withEdits(submitted, form);
      const fields = change === null ? edited : applyChange(edited, change);
      const dictionaries = dictionariesOf(engine, fields.model);
      const origin = originOf(c, form);
      const asked = await askForm(engine, fields, c.req.raw.signal);
      if ("messages" in asked) {
        const run = isFragmentRequest(c.req.raw.headers) ? null : await runOfOrigin(c, engine, origin);
        // What is wrong stands beside its field; that the answer is to another question is still to be said.
        const check = { ...checkedForm(c, engine, { form, fields }), prompts: [], problem: null };
        return refuse(
          c,
          { models, dictionaries, fields, messages: asked.messages, check, run },
          form.get(VIEW_FIELD) ?? "",
        );
      }
      const { result } = asked.answer;
      const isChanged = fields !== submitted;
      const view = nextView(origin, result.sides.length, {
        off: changeLines(fields.interventions).filter(({ isOn }) => !isOn).map(({ line }) => line),
        previous: isChanged && origin.runId !== result.id ? origin.runId : null,
      });
      const url = runUrl(result.id, view);
      if (!isFragmentRequest(c.req.raw.headers)) return c.redirect(url, 303);
      c.header("HX-Push-Url", url);
      const shell = (
        <>
          <PageTitle title={titleOf(result)} />
          <RunShell {...await shownRun(c, engine, { result, view })} />
        </>
      );
      if (!isChanged) return c.render(shell, { title: titleOf(result) });
      // The form says what was asked now.
      const props = { models, dictionaries, fields, messages: [], view: url };
      const askedForm = <QuestionForm {...props} isOutOfBand />;
      return c.render(<>{shell}{askedForm}</>, { title: titleOf(result) });
    })
    .post("/runs/:id/measured", async (c) => {
      const id = c.req.param("id");
      const measurement = await engine.measure(id, {});
      // A page without script does not look again by itself: it gets what is there after a moment.
      if (!isFragmentRequest(c.req.raw.headers)) {
        await Promise.race([
          engine.finishedMeasurement(id, {}),
          new Promise((resolve) => setTimeout(resolve, PAGE_PATIENCE_MS)),
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
    .get("/runs/:id/data", (c) => {
      const result = engine.storedRun(c.req.param("id"));
      const { title, data } = cardData(result, c.req.query("card") ?? null);
      return c.render(<DataPage title={title} text={JSON.stringify(data, null, 2)} runId={result.id} />, { title });
    })
    .get("/runs/:file{[0-9a-f]+\\.json}", (c) => c.json(engine.storedRun(c.req.param("file").replace(".json", ""))))
    .get("/runs/:id/nodes.csv", (c) => csvAnswer(c, "nodes", nodesCsv(engine.storedRun(c.req.param("id")))))
    .get("/runs/:id/logits.csv", (c) => csvAnswer(c, "logits", logitsCsv(engine.storedRun(c.req.param("id")))))
    .get("/runs/:id", async (c) => {
      const result = engine.storedRun(c.req.param("id"));
      const { searchParams } = new URL(c.req.url);
      const view = readView(searchParams, result.sides.length);
      const isFragment = isFragmentRequest(c.req.raw.headers);
      // The filter form's fields make a long address; the page gets the short one.
      if (searchParams.has(FILTER_FIELD)) {
        if (!isFragment) return c.redirect(runUrl(result.id, view), 303);
        c.header("HX-Replace-Url", runUrl(result.id, view));
      }
      const run = await shownRun(c, engine, { result, view });
      const title = titleOf(result);
      const { runId } = originOf(c, new URLSearchParams());
      if (isFragment && (runId === null || runId === result.id)) return c.render(<RunShell {...run} />, { title });
      const models = engine.models();
      const { spec: { model } } = result;
      const dictionaries = dictionariesOf(engine, model);
      const asked = fieldsOfRun(result, models.find(({ id }) => id === model), dictionaries);
      const props = { models, dictionaries, fields: withSwitchedOff(asked, view.off), messages: [] };
      if (isFragment) {
        // Undo leads to another run than the page shows: the form asks that one's question then.
        const url = runUrl(result.id, view);
        return c.render(
          <>
            <PageTitle title={title} />
            <RunShell {...run} />
            <QuestionForm {...props} view={url} isOutOfBand />
          </>,
          { title },
        );
      }
      return c.render(<DebuggerPage {...props} run={run} />, { title });
    });
}

/** The form again, everything kept, with messages beside its fields. */
function refuse(c: Context<AppEnv>, props: DebuggerProps, view: string): Response | Promise<Response> {
  const title = "Cannot ask this yet";
  c.status(422);
  if (!isFragmentRequest(c.req.raw.headers)) return c.render(<DebuggerPage {...props} />, { title });
  c.header("HX-Retarget", "#question-form");
  c.header("HX-Reswap", "outerHTML");
  return c.render(<QuestionForm {...props} view={view} />, { title });
}

/** The card of a measurement, or for those without script the page that holds it. */
function measuredAnswer(c: Context<AppEnv>, id: string, measurement: Measurement | null): Response | Promise<Response> {
  if (isFragmentRequest(c.req.raw.headers)) {
    return c.render(<MeasuredCard id={id} measurement={measurement} />, { title: "Measured effects" });
  }
  const referrer = URL.parse(c.req.header("Referer") ?? "");
  const query = referrer?.pathname === `/runs/${id}` ? referrer.search : "";
  return c.redirect(`/runs/${encodeURIComponent(id)}${query}#${MEASURED_ID}`, 303);
}

function csvAnswer(c: Context<AppEnv>, what: string, text: string): Response {
  return c.body(text, 200, {
    "Content-Type": "text/csv; charset=utf-8",
    "Content-Disposition": `attachment; filename="run-${c.req.param("id")}-${what}.csv"`,
  });
}

export function titleOf({ spec: { model, prompts } }: RunResult): string {
  const [target] = prompts[0]?.targets ?? [];
  return target === undefined ? `Run on ${model}` : `Why ${JSON.stringify(target)} · ${model}`;
}

/** The search of explanations, who explains how well, and the buttons that make, score and remove them, one by one or many at once. */
import { type Context, Hono } from "hono";
import { type ExplainTaskInput, type Generator, GENERATORS, ValidationError } from "../engine/mod.ts";
import { EXPLANATION_ROWS, ExplanationsPage } from "../views/pages/explanations_page.tsx";
import { defaultCatalogue } from "../views/catalogue_view.ts";
import { componentKind } from "../views/component_kinds.ts";
import { EXPLAIN_MANY_ID } from "../views/parts/explain_many.tsx";
import { EXPLANATIONS_ID } from "../views/parts/explanations_card.tsx";
import { catalogueUrl, componentUrl, type ExplanationsView } from "../views/urls.ts";
import type { AppEnv, Deps } from "./env.ts";
import { backPath } from "./preferences.ts";

const PATH = "/models/:model/components/:kind/:layer/:index";

/** `GET /explanations` and the forms of a component's page. */
export function explanationRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  const { explanations } = engine;
  return new Hono<AppEnv>()
    .get("/explanations", async (c) => {
      const view = viewOf(new URL(c.req.url).searchParams);
      const models = engine.models();
      const model = engine.model(view.model ?? models[0]?.id ?? "");
      const { q = "", page = 1 } = view;
      const isAsked = q.trim() !== "";
      const found = isAsked
        ? await explanations.search({ q, model: model.id, page, pageSize: EXPLANATION_ROWS })
        : null;
      const comparison = isAsked ? null : await explanations.compare(model.id, { signal: c.req.raw.signal });
      const props = { models, model, view, found, comparison };
      return c.render(<ExplanationsPage {...props} />, { title: "Search explanations" });
    })
    .post("/models/:model/explain", async (c) => {
      const { id: model } = engine.model(c.req.param("model"));
      const form = await formOf(c);
      await engine.startJob({ kind: "explain", model, ...given(form, "textSet"), explain: taskOf(form) });
      const view = {
        ...defaultCatalogue(componentKind(form.get("kind")) ?? "head"),
        layer: indexOf(form.get("layer")),
      };
      return c.redirect(`${backPath(c.req.raw, catalogueUrl(model, view))}#${EXPLAIN_MANY_ID}`, 303);
    })
    .post(`${PATH}/explanations`, async (c) => {
      const form = await formOf(c);
      await explanations.explain({
        ...aboutOf(c),
        ...given(form, "dictionary"),
        ...given(form, "textSet"),
        by: generatorOf(form),
      });
      return backTo(c);
    })
    .post(`${PATH}/written`, async (c) => {
      const form = await formOf(c);
      const asked = { ...aboutOf(c), ...given(form, "dictionary") };
      const { id, model, dictionary } = await explanations.write({ ...asked, text: form.get("text") ?? "" });
      const sweeps = await engine.sweeps(model, dictionary);
      const textSet = given(form, "textSet");
      if ("textSet" in textSet || sweeps.some(({ state }) => state !== "none")) {
        await explanations.score({ explanation: id, ...textSet });
      }
      return backTo(c);
    })
    .post(`${PATH}/scores`, async (c) => {
      const form = await formOf(c);
      await explanations.score({ explanation: idOf(form), ...given(form, "textSet"), by: generatorOf(form) });
      return backTo(c);
    })
    .post(`${PATH}/remove`, async (c) => {
      explanations.remove(idOf(await formOf(c)));
      return backTo(c);
    });
}

/** A field of the form by its name, if it was posted. */
function given<Name extends string>(form: URLSearchParams, name: Name): { readonly [_ in Name]?: string } {
  const value = form.get(name);
  return value === null ? {} : { [name]: value } as { readonly [_ in Name]?: string };
}

function aboutOf(c: Context<AppEnv>): { readonly model: string; readonly component: string } {
  const { model = "", kind = "", layer = "", index = "" } = c.req.param() as Readonly<Record<string, string>>;
  return { model, component: `${kind}/${layer}/${index}` };
}

async function formOf(c: Context<AppEnv>): Promise<URLSearchParams> {
  return new URLSearchParams(await c.req.text());
}

/** What a form asks a job to explain. */
function taskOf(form: URLSearchParams): ExplainTaskInput {
  const by = generatorOf(form);
  const layer = indexOf(form.get("layer"));
  const listed = (form.get("listed") ?? "").split(" ").filter((name) => name !== "");
  return {
    by,
    ...given(form, "dictionary"),
    ...form.get("of") === "layer" && layer !== null
      ? { layer: { kind: form.get("kind") ?? "", index: layer } }
      : { components: listed },
    ...by === "statistical" ? {} : { budget: { tokens: amountOf(form, "tokens"), money: amountOf(form, "money") } },
  };
}

/** A number that was typed; null for none. */
function amountOf(form: URLSearchParams, name: "tokens" | "money"): number | null {
  const text = (form.get(name) ?? "").trim();
  const pattern = name === "tokens" ? /^\d{1,12}$/ : /^\d{1,9}(\.\d{1,6})?$/;
  if (text === "") return null;
  if (pattern.test(text)) return Number(text);
  throw new ValidationError([{
    path: `explain.budget.${name}`,
    message: `${JSON.stringify(text.slice(0, 40))} is no budget: expected ${
      name === "tokens" ? "a whole number of tokens" : "an amount of money as in 2.50"
    }, or nothing for any`,
  }]);
}

function indexOf(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null;
}

function idOf(form: URLSearchParams): number {
  const text = form.get("explanation") ?? "";
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ValidationError([{
    path: "explanation",
    message: `${JSON.stringify(text.slice(0, 40))} is no number of an explanation`,
  }]);
}

function generatorOf(form: URLSearchParams): Generator {
  const by = form.get("by");
  const found = GENERATORS.find((known) => known === by);
  if (found !== undefined) return found;
  throw new ValidationError([{ path: "by", message: `Expected one of ${GENERATORS.join(", ")}` }]);
}

/** The page on which the button stood, at its explanations; no longer with what would be sent. */
function backTo(c: Context<AppEnv>): Response {
  const { model, component } = aboutOf(c);
  const back = new URL(backPath(c.req.raw, componentUrl(model, component)), "http://page.invalid");
  back.searchParams.delete("plan");
  return c.redirect(`${back.pathname}${back.search}#${EXPLANATIONS_ID}`, 303);
}

function viewOf(query: URLSearchParams): ExplanationsView {
  const [q, model, page] = [query.get("q"), query.get("model"), query.get("page")];
  return {
    ...q === null ? {} : { q: q.slice(0, 200) },
    ...model === null || model === "" ? {} : { model },
    ...page !== null && /^[1-9]\d{0,4}$/.test(page) ? { page: Number(page) } : {},
  };
}

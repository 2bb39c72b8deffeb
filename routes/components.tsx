/** The page of a component, and the way to it from a name. */
import { Hono } from "hono";
import { type Engine, EngineError, type ModelSummary, NotFoundError, type RunResult } from "../engine/mod.ts";
import { type Component, ComponentPage, componentRef } from "../views/pages/component_page.tsx";
import { componentUrl } from "../views/urls.ts";
import type { AppEnv, Deps } from "./env.ts";
import { renderLanding } from "./home.tsx";
import { askForm, DEFAULT_FIELDS } from "./question_form.ts";
import { questionOfSide } from "./run_question.ts";

const LISTED_TOKENS = 15;

/** `GET /models/:model/components/:kind/:layer/:index` and `GET /jump`. */
export function componentRoutes(deps: Pick<Deps, "engine">): Hono<AppEnv> {
  const { engine } = deps;
  return new Hono<AppEnv>()
    .get("/models/:model/components/:kind/:layer/:index", async (c) => {
      const model = engine.model(c.req.param("model"));
      const { kind, layer, index } = c.req.param();
      const found = componentOf(model, `${kind}/${layer}/${index}`);
      if ("problem" in found) throw new NotFoundError(found.problem);
      const runId = c.req.query("run");
      const run = runId === undefined ? await defaultRun(engine, model.id, c.req.raw.signal) : engine.storedRun(runId);
      const alone = found.kind === "mlp" && run !== null && run.spec.model === model.id
        ? await aloneList(engine, run, found)
        : null;
      return c.render(
        <ComponentPage model={model} component={found} run={run} keepsRun={runId !== undefined} alone={alone} />,
        { title: `${componentRef(found)} · ${model.id}` },
      );
    })
    .get("/jump", (c) => {
      const { to = "", kind = "mlp", model: id = engine.models()[0]?.id ?? "" } = c.req.query();
      const model = engine.model(id);
      const short = /^\s*(\d+)\s*[:/]\s*(\d+)\s*$/.exec(to);
      const name = short === null ? to.trim() : `${kind === "head" ? "head" : "mlp"}/${short[1]}/${short[2]}`;
      const found = componentOf(model, name);
      if (!("problem" in found)) return c.redirect(componentUrl(model.id, componentRef(found)), 303);
      c.status(422);
      return renderLanding(c, deps, { to, kind, model: id, problem: found.problem });
    });
}

/** The component of a name, or what is wrong with it. */
function componentOf(
  { id, layerCount, headCount, mlpWidth }: ModelSummary,
  name: string,
): Component | { readonly problem: string } {
  const [, kind, layer, index] = /^(head|mlp)\/(\d{1,9})\/(\d{1,9})$/.exec(name) ?? [];
  if (kind !== "head" && kind !== "mlp") {
    return {
      problem: `${
        JSON.stringify(name.slice(0, 60))
      } names no component: expected head/LAYER/HEAD, mlp/LAYER/NEURON or LAYER:INDEX`,
    };
  }
  const component = { kind, layer: Number(layer), index: Number(index) } as const;
  const count = kind === "head" ? headCount : mlpWidth;
  if (component.layer < layerCount && component.index < count) return component;
  return {
    problem: `${id} has no ${name}: expected layers 0..${layerCount - 1} and ${
      kind === "head" ? "heads" : "neurons"
    } 0..${count - 1}`,
  };
}

/** The default question, if the model can be asked it. */
async function defaultRun(engine: Engine, model: string, signal: AbortSignal): Promise<RunResult | null> {
  try {
    const asked = await askForm(engine, { ...DEFAULT_FIELDS, model }, signal);
    return "messages" in asked ? null : asked.answer.result;
  } catch (error) {
    if (error instanceof EngineError) return null;
    throw error;
  }
}

/** Independent of the prompt, but asked with one. Left out where the run's weights are not loaded. */
async function aloneList(engine: Engine, run: RunResult, component: Component) {
  try {
    await engine.requireWeightsOf(run.id);
    const { alone } = await engine.scoredTokens({
      ...questionOfSide(run, 0),
      node: `${componentRef(component)}@0`,
      top: LISTED_TOKENS,
    });
    return alone;
  } catch (error) {
    if (error instanceof EngineError) return null;
    throw error;
  }
}

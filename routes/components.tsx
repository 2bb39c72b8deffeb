/** The page of a component, the catalogue of all of them, and the way to one from its name. */
import { type Context, Hono } from "hono";
import {
  type ComponentExplanations,
  type ComponentRecords,
  type Engine,
  EngineError,
  type Job,
  type ModelSummary,
  NotFoundError,
  PUBLISHED_SOURCE,
  type RunResult,
  type ScoredTokens,
} from "../engine/mod.ts";
import { type ComponentView, readComponentView } from "../views/component_view.ts";
import { type Component, ComponentContent, ComponentPage, componentRef } from "../views/pages/component_page.tsx";
import { COMPONENT_ID } from "../views/parts/example_list.tsx";
import type { Loaded } from "../views/props.ts";
import { componentUrl } from "../views/urls.ts";
import type { AppEnv, Deps } from "./env.ts";
import { renderLanding } from "./home.tsx";
import { FRAGMENT_PATIENCE_MS, loaded, PAGE_PATIENCE_MS } from "./loaded.ts";
import { askForm, DEFAULT_FIELDS } from "./question_form.ts";
import { isFragmentRequest } from "./renderer.tsx";

const LISTED_TOKENS = 10;
/** What reading a list takes at the most. */
const LISTING_MS = 500;
/** Examples that are read; the page shows some of them first. */
const READ_EXAMPLES = { top: 20, random: 12 } as const;

/** `GET /models/:model/components/:kind/:layer/:index` and `GET /jump`. */
export function componentRoutes(deps: Pick<Deps, "engine">): Hono<AppEnv> {
  const { engine } = deps;
  return new Hono<AppEnv>()
    .get("/models/:model/components/:kind/:layer/:index", async (c) => {
      const model = engine.model(c.req.param("model"));
      const { kind, layer, index } = c.req.param();
      const component = componentOf(model, `${kind}/${layer}/${index}`);
      if ("problem" in component) throw new NotFoundError(component.problem);
      const view = readComponentView(new URL(c.req.url).searchParams);
      const props = { model, component, view, ...await componentProps(c, engine, { model, component, view }) };
      const isPart = isFragmentRequest(c.req.raw.headers) && c.req.header("HX-Target") === COMPONENT_ID;
      return c.render(isPart ? <ComponentContent {...props} /> : <ComponentPage {...props} />, {
        title: `${componentRef(component)} · ${model.id}`,
      });
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

interface Shown {
  readonly model: ModelSummary;
  readonly component: Component;
  readonly view: ComponentView;
}

/** Everything that the page shows; each part is there, on its way, or failed by itself. */
async function componentProps(c: Context<AppEnv>, engine: Engine, { model, component, view }: Shown) {
  const patience = isFragmentRequest(c.req.raw.headers) ? FRAGMENT_PATIENCE_MS : PAGE_PATIENCE_MS;
  const asked = { model: model.id, component: componentRef(component) };
  const run = view.run === null ? await defaultRun(engine, model.id, c.req.raw.signal) : engine.storedRun(view.run);
  const texts = run === null ? [] : run.spec.prompts.flatMap((prompt) => "text" in prompt ? [prompt.text] : []);
  const [sweeps, textSets] = await Promise.all([engine.sweeps(model.id), engine.textSets(model.id)]);
  const swept = sweeps.filter(({ state }) => state !== "none").map(({ textSet }) => textSet);
  const published = textSets.map(({ id }) => id).filter((id) => id === PUBLISHED_SOURCE);
  const sources = [...swept, ...published];
  const chosen = view.textSet ?? sources[0];
  const hasRecords = chosen !== undefined && sources.includes(chosen);
  const textSet = chosen === undefined ? {} : { textSet: chosen };
  const work = hasRecords ? engine.records({ ...asked, ...textSet, ...READ_EXAMPLES }) : null;
  const { explanations: said } = engine;
  const isPlanned = view.plan && said.assistant !== null && hasRecords;
  const [records, inRun, own, tokens, related, explanations, plan] = await Promise.all([
    work === null ? null : loaded(work, patience),
    texts.length === 0 ? null : loaded(engine.activations({ ...asked, texts }), patience),
    view.own.length === 0 ? null : loaded(engine.activations({ ...asked, texts: [...view.own] }), patience),
    work === null ? null : loaded(tokensOnTop(engine, { model, component }, work), patience),
    loaded(engine.related({ ...asked, ...textSet }), patience),
    loaded(nowOrSettled(engine, asked, patience), patience + LISTING_MS),
    isPlanned ? loaded(said.plan({ ...asked, ...textSet, by: "assistant" }), patience) : null,
  ]);
  const job = sweepJob(engine, model.id);
  const { assistant } = said;
  const shown = { records, inRun, own, tokens: withoutNull(tokens), related, explanations, plan };
  return { run, sweeps, sources, job, assistant, ...shown };
}

/** What is said of a component; what is under way has a moment to end. */
async function nowOrSettled(
  { explanations }: Engine,
  { model, component }: { readonly model: string; readonly component: string },
  patience: number,
): Promise<ComponentExplanations> {
  await loaded(explanations.settled(model, component, { signal: AbortSignal.timeout(patience) }), patience);
  return await explanations.list(model, component);
}

/** The job that sweeps a model now, or rests. */
export function sweepJob(engine: Engine, model: string): Job | null {
  const states: readonly Job["state"][] = ["running", "queued", "paused", "failed"];
  return engine.jobs().find((job) => job.kind === "sweep" && job.model === model && states.includes(job.state)) ?? null;
}

/** What the component promotes and what drives it, where it is strongest; null where it is nowhere. */
async function tokensOnTop(
  engine: Engine,
  { model, component }: Pick<Shown, "model" | "component">,
  work: Promise<ComponentRecords>,
): Promise<ScoredTokens | null> {
  const [example] = (await work).top;
  const [place, key] = example?.at ?? [];
  // Published records may hold texts that are no tokens of this tokenizer.
  if (example === undefined || place === undefined || example.tokens.some(({ id }) => id < 0)) return null;
  return engine.scoredTokens({
    model: model.id,
    prompts: [{ tokens: example.tokens.map(({ id }) => id), targets: [0] }],
    node: `${componentRef(component)}@${place}${key === undefined ? "" : `<${key}`}`,
    top: LISTED_TOKENS,
  });
}

function withoutNull<T>(part: Loaded<T | null> | null): Loaded<T> | null {
  if (part?.state !== "ready") return part;
  return part.value === null ? null : { state: "ready", value: part.value };
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

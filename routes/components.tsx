/** The page of a component, the catalogue of all of them, and the way to one from its name. */
import { type Context, Hono } from "hono";
import {
  type ComponentExplanations,
  type ComponentName,
  type ComponentRecords,
  type DictionaryDetail,
  type Engine,
  EngineError,
  type Job,
  MAX_SCORED_TOKENS,
  type ModelSummary,
  NotFoundError,
  PUBLISHED_SOURCE,
  readsHeads,
  type RunResult,
  type ScoredTokens,
} from "../engine/mod.ts";
import { componentKind } from "../views/component_kinds.ts";
import { type ComponentView, readComponentView } from "../views/component_view.ts";
import { type Component, ComponentContent, ComponentPage, componentRef } from "../views/pages/component_page.tsx";
import { COMPONENT_ID } from "../views/parts/example_list.tsx";
import { FIRST_TOKENS } from "../views/parts/vocabulary.tsx";
import type { Loaded, TextSources } from "../views/props.ts";
import { componentUrl } from "../views/urls.ts";
import { findComponent } from "./component_names.ts";
import type { AppEnv, Deps } from "./env.ts";
import { renderLanding } from "./home.tsx";
import { FRAGMENT_PATIENCE_MS, loaded, PAGE_PATIENCE_MS } from "./loaded.ts";
import { nodeSources, sourcesOfNode } from "./node_sources.ts";
import { askForm, DEFAULT_FIELDS } from "./question_form.ts";
import { isFragmentRequest } from "./renderer.tsx";
import { questionOf } from "./run_question.ts";

/** Of the strongest examples, those of which it is told where an attention latent comes from. */
const SOURCED_EXAMPLES = 6;
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
      const view = readComponentView(new URL(c.req.url).searchParams);
      const inRun = view.run === null ? [] : engine.storedRun(view.run).spec.dictionaries;
      const named = findComponent(model, `${kind}/${layer}/${index}`, { wanted: view.dictionary, inUse: inRun });
      if ("problem" in named) throw new NotFoundError(named.problem);
      const { component } = named;
      const props = { model, ...named, view, ...await componentProps(c, engine, { model, ...named, view }) };
      const isPart = isFragmentRequest(c.req.raw.headers) && c.req.header("HX-Target") === COMPONENT_ID;
      return c.render(isPart ? <ComponentContent {...props} /> : <ComponentPage {...props} />, {
        title: `${componentRef(component)} · ${model.id}`,
      });
    })
    .get("/jump", (c) => {
      const { to = "", kind = "mlp", model: id = engine.models()[0]?.id ?? "" } = c.req.query();
      const model = engine.model(id);
      const short = /^\s*(\d+)\s*[:/]\s*(\d+)\s*$/.exec(to);
      const name = short === null ? to.trim() : `${componentKind(kind) ?? "mlp"}/${short[1]}/${short[2]}`;
      const found = findComponent(model, name);
      if (!("problem" in found)) return c.redirect(componentUrl(model.id, componentRef(found.component)), 303);
      c.status(422);
      return renderLanding(c, deps, { to, kind, model: id, problem: found.problem });
    });
}

interface Shown {
  readonly model: ModelSummary;
  readonly component: Component;
  /** Of a latent; else null. */
  readonly dictionary: DictionaryDetail | null;
  readonly view: ComponentView;
}

/** Everything that the page shows; each part is there, on its way, or failed by itself. */
async function componentProps(c: Context<AppEnv>, engine: Engine, shown: Shown) {
  const { model, component, dictionary, view } = shown;
  const patience = isFragmentRequest(c.req.raw.headers) ? FRAGMENT_PATIENCE_MS : PAGE_PATIENCE_MS;
  const own = dictionary === null ? {} : { dictionary: dictionary.id };
  const asked = { model: model.id, component: componentRef(component), ...own };
  const run = view.run === null ? await defaultRun(engine, shown, c.req.raw.signal) : engine.storedRun(view.run);
  const texts = run === null ? [] : run.spec.prompts.flatMap((prompt) => "text" in prompt ? [prompt.text] : []);
  const [sweeps, textSets] = await Promise.all([
    engine.sweeps(model.id, dictionary?.id ?? null),
    engine.textSets(model.id),
  ]);
  const swept = sweeps.filter(({ state }) => state !== "none").map(({ textSet }) => textSet);
  // What others publish is of neurons and heads.
  const published = textSets.map(({ id }) => id).filter((id) => id === PUBLISHED_SOURCE && dictionary === null);
  const sources = [...swept, ...published];
  const chosen = view.textSet ?? sources[0];
  const hasRecords = chosen !== undefined && sources.includes(chosen);
  const textSet = chosen === undefined ? {} : { textSet: chosen };
  const work = hasRecords ? engine.records({ ...asked, ...textSet, ...READ_EXAMPLES }) : null;
  const strongest = run === null ? null : strongestNode(run, asked.component);
  const sourced = run === null || strongest === null ? null : sourcesOfNode(engine, run, strongest);
  const { explanations: said } = engine;
  const isPlanned = view.plan && said.assistant !== null && hasRecords;
  const [records, inRun, ownTexts, tokens, related, sourceTokens, onTop, explanations, plan] = await Promise.all([
    work === null ? null : loaded(work, patience),
    texts.length === 0 ? null : loaded(engine.activations({ ...asked, texts }), patience),
    view.own.length === 0 ? null : loaded(engine.activations({ ...asked, texts: [...view.own] }), patience),
    work === null ? null : loaded(tokensOnTop(engine, shown, work), patience),
    loaded(engine.related({ ...asked, ...textSet }), patience),
    run === null || sourced === null ? null : loaded(nodeSources(engine, run, sourced), patience),
    work === null ? null : loaded(sourcesOnTop(engine, shown, work), patience),
    loaded(nowOrSettled(engine, asked, patience), patience + LISTING_MS),
    isPlanned ? loaded(said.plan({ ...asked, ...textSet, by: "assistant" }), patience) : null,
  ]);
  const from = strongest === null || sourceTokens === null ? null : { name: strongest, sources: sourceTokens };
  const job = sweepJob(engine, model.id, dictionary?.id ?? null);
  const found = { records, inRun, own: ownTexts, tokens: withoutNull(tokens), related, from, explanations, plan };
  const mostTokens = Math.min(MAX_SCORED_TOKENS, model.vocabularySize);
  return { run, sweeps, sources, job, mostTokens, assistant: said.assistant, onTop: withoutNull(onTop), ...found };
}

/** What is said of a component; what is under way has a moment to end. */
async function nowOrSettled(
  { explanations }: Engine,
  asked: ComponentName,
  patience: number,
): Promise<ComponentExplanations> {
  await loaded(explanations.settled(asked, { signal: AbortSignal.timeout(patience) }), patience);
  return await explanations.list(asked);
}

/** The job that sweeps a model, or one of its dictionaries, now, or rests. */
export function sweepJob(engine: Engine, model: string, dictionary: string | null): Job | null {
  const states: readonly Job["state"][] = ["running", "queued", "paused", "failed"];
  const isIt = (job: Job) => job.kind === "sweep" && job.model === model && (job.dictionary ?? null) === dictionary;
  return engine.jobs().find((job) => isIt(job) && states.includes(job.state)) ?? null;
}

/** The component's node with the largest activation on a run's first side; null where the run lists none. */
function strongestNode({ nodes }: RunResult, component: string): string | null {
  const own = nodes.flatMap(({ ref, refs, activation: [activation] }) => {
    const name = refs === undefined ? ref : refs[0];
    return name?.startsWith(`${component}@`) ? [{ name, size: Math.abs(activation ?? 0) }] : [];
  });
  return own.toSorted((a, b) => b.size - a.size)[0]?.name ?? null;
}

/** What the component promotes and what drives it, where it is strongest; null where it is nowhere. */
async function tokensOnTop(
  engine: Engine,
  { model, component, dictionary, view }: Shown,
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
    top: view.whole.includes("tokens") ? MAX_SCORED_TOKENS : FIRST_TOKENS,
    ...dictionary === null ? {} : { dictionaries: [dictionary.id] },
  });
}

/** Which tokens an attention latent comes from, on its strongest texts; null for what does not read heads. */
async function sourcesOnTop(
  engine: Engine,
  { model, component, dictionary }: Shown,
  work: Promise<ComponentRecords>,
): Promise<readonly TextSources[] | null> {
  if (dictionary === null || component.kind !== "attn-latent" || !readsHeads(dictionary)) return null;
  const examples = (await work).top.slice(0, SOURCED_EXAMPLES);
  const found = examples.map(async ({ sequence, tokens: own, at: [place = 0] }): Promise<TextSources[]> => {
    const { tokens, latents } = await engine.attributedTokens({
      model: model.id,
      prompts: [{ tokens: own.map(({ id }) => id), targets: [0] }],
      nodes: [`${componentRef(component)}@${place}`],
      dictionaries: [dictionary.id],
    });
    return latents.map((latent) => ({ sequence, tokens, latent }));
  });
  return (await Promise.all(found)).flat();
}

function withoutNull<T>(part: Loaded<T | null> | null): Loaded<T> | null {
  if (part?.state !== "ready") return part;
  return part.value === null ? null : { state: "ready", value: part.value };
}

/** The default question, in latents where the component is one, if the model can be asked it. */
async function defaultRun(
  engine: Engine,
  { model: { id: model }, component: { kind }, dictionary }: Shown,
  signal: AbortSignal,
): Promise<RunResult | null> {
  try {
    const asked = await askForm(engine, { ...DEFAULT_FIELDS, model }, signal);
    if ("messages" in asked) return null;
    const { result } = asked.answer;
    if (dictionary === null) return result;
    const basis = {
      mlp: kind === "mlp-latent" ? "latent" : "neuron",
      attention: kind === "attn-latent" ? "latent" : "head",
    } as const;
    const inLatents = { ...questionOf(result), topK: result.spec.topK, basis, dictionaries: [dictionary.id] };
    return (await engine.run(inLatents, { signal })).result;
  } catch (error) {
    if (error instanceof EngineError) return null;
    throw error;
  }
}

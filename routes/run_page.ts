/** What the page of a run is made from: the stored result, the view that its address says, and the parts that take a moment. */
import type { Context } from "hono";
import { type ComponentExplanations, type Engine, EngineError, parseNodeRef, type RunResult } from "../engine/mod.ts";
import { LENS_TOKENS } from "../views/parts/lens_card.tsx";
import { VIEW_FIELD } from "../views/parts/question_form.tsx";
import type { Change, Loaded, NodeDetail, QuestionFields, ShownRun } from "../views/props.ts";
import { componentOf, layerOf } from "../views/refs.ts";
import { isOpen, readView, type RunViewState } from "../views/view_state.ts";
import { formatIntervention, formatTrace } from "./change_text.ts";
import { findComponent } from "./component_names.ts";
import type { AppEnv } from "./env.ts";
import { FRAGMENT_PATIENCE_MS, loaded, PAGE_PATIENCE_MS } from "./loaded.ts";
import { isFragmentRequest } from "./renderer.tsx";
import { questionOf, questionOfSide } from "./run_question.ts";
import { nodeSources, sourcesRequest } from "./node_sources.ts";
import { codeSnippets } from "./snippets.ts";

/** Tokens at either end of a list in an open row. */
const LISTED_TOKENS = 10;

/** A run with everything that its page shows in a view. */
export async function shownRun(
  c: Context<AppEnv>,
  engine: Engine,
  { result, view }: { readonly result: RunResult; readonly view: RunViewState },
): Promise<ShownRun> {
  const { spec } = result;
  const { origin } = new URL(c.req.url);
  const patience = isFragmentRequest(c.req.raw.headers) ? FRAGMENT_PATIENCE_MS : PAGE_PATIENCE_MS;
  const isShown = (ref: string) => view.group === null && result.nodes.some((row) => row.ref === ref);
  const details = Promise.all(
    view.open.filter(isShown).map(async (ref): Promise<readonly [string, Loaded<NodeDetail>]> => [
      ref,
      await loaded(nodeDetail(engine, result, { ref, pair: view.pair }), patience),
    ]),
  );
  const asked = isOpen(view, "nodes") ? sourcesRequest(engine, result, view) : null;
  const sources = asked === null ? null : loaded(nodeSources(engine, result, asked), patience);
  const lens = isOpen(view, "lens") ? loaded(lensOf(engine, result, view), patience) : null;
  return {
    result,
    view,
    code: codeSnippets(origin, spec),
    changes: changesOf(result, view),
    firstChangedLayer: firstChangedLayer(result),
    trace: spec.trace === null ? null : formatTrace(spec.trace),
    measurement: engine.measurement(result.id, {}),
    details: new Map(await details),
    explanations: await explanationsOf(engine, result, view.open.filter(isShown)),
    sources: await sources,
    lens: await lens,
  };
}

/** What is stored about the components of some nodes; embeddings have none. A failure here is no failure of the page. */
async function explanationsOf(
  engine: Engine,
  { spec: { model, dictionaries } }: RunResult,
  refs: readonly string[],
): Promise<ReadonlyMap<string, ComponentExplanations>> {
  const found = new Map<string, ComponentExplanations>();
  for (const ref of refs) {
    const component = componentOf(ref);
    if (component === null) continue;
    try {
      const named = findComponent(engine.model(model), component, { wanted: null, inUse: dictionaries });
      if ("problem" in named) continue;
      const dictionary = named.dictionary?.id;
      found.set(ref, await engine.explanations.list({ model, component, dictionary }));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
    }
  }
  return found;
}

/** Interventions that hold, then those that are switched off. */
export function changesOf({ spec }: RunResult, { off }: Pick<RunViewState, "off">): readonly Change[] {
  return [
    ...spec.interventions.map((intervention) => ({ line: formatIntervention(intervention), isOn: true })),
    ...off.map((line) => ({ line, isOn: false })),
  ];
}

/** The form's text of all changes, those switched off included. */
export function withSwitchedOff(fields: QuestionFields, off: readonly string[]): QuestionFields {
  return { ...fields, interventions: [fields.interventions, ...off.map((line) => `# ${line}`)].join("\n").trim() };
}

/** Layer of the first intervention: embeddings come before all. */
function firstChangedLayer({ spec: { interventions } }: RunResult): number | null {
  const layers = interventions.map(({ node: ref }) => layerOf(ref) ?? -1);
  return layers.length === 0 ? null : Math.min(...layers);
}

async function nodeDetail(
  engine: Engine,
  run: RunResult,
  { ref, pair }: { readonly ref: string; readonly pair: readonly number[] },
): Promise<NodeDetail> {
  await engine.requireWeightsOf(run.id);
  const row = run.nodes.find((other) => other.ref === ref);
  const detail = [];
  for (const side of run.sides.length > 1 ? pair : [0]) {
    const own = row?.refs === undefined ? ref : row.refs[side];
    if (own === null || own === undefined) continue;
    parseNodeRef(own);
    const tokens = await engine.scoredTokens({ ...questionOfSide(run, side), node: own, top: LISTED_TOKENS });
    detail.push({ label: run.sides[side]?.label ?? "", tokens });
  }
  return detail;
}

async function lensOf(engine: Engine, run: RunResult, { lensFrom, pair }: RunViewState) {
  await engine.requireWeightsOf(run.id);
  const side = run.sides.length > 1 ? pair[0] : 0;
  const last = (run.sides[side]?.tokens.length ?? 1) - 1;
  const from = lensFrom === null ? null : Math.min(lensFrom, last);
  return engine.lens({ ...questionOf(run), side, from, count: LENS_TOKENS });
}

/** The page that a request comes from: the run it shows, if it shows one, and what of its view lasts. */
export interface Origin {
  readonly runId: string | null;
  readonly query: URLSearchParams;
}

/** From htmx's word for the page's address, or else the form's: for browsers without script, and pages that show a run elsewhere. */
export function originOf(c: Context<AppEnv>, form: URLSearchParams): Origin {
  for (const address of [c.req.header("HX-Current-URL"), form.get(VIEW_FIELD)]) {
    const found = URL.parse(address ?? "", "http://page.invalid");
    const [, runId] = /^\/runs\/([0-9a-f]{8,64})$/.exec(found?.pathname ?? "") ?? [];
    if (found !== null && runId !== undefined) return { runId, query: found.searchParams };
  }
  return { runId: null, query: new URLSearchParams() };
}

/** The run of that page as it was shown; null if it showed none, or it is gone. */
export async function runOfOrigin(
  c: Context<AppEnv>,
  engine: Engine,
  { runId, query }: Origin,
): Promise<ShownRun | null> {
  if (runId === null) return null;
  try {
    const result = engine.storedRun(runId);
    return await shownRun(c, engine, { result, view: readView(query, result.sides.length) });
  } catch (error) {
    if (error instanceof EngineError) return null;
    throw error;
  }
}

/** The view of a fresh answer: the table stays as it was. */
export function nextView(origin: Origin, sideCount: number, changed: Partial<RunViewState>): RunViewState {
  return { ...readView(origin.query, sideCount), ...changed };
}

/** `GET /search`: components by what fires on a text, or by the texts of a sweep that hold a phrase. */
import { type Context, Hono } from "hono";
import {
  type Engine,
  type Firing,
  type FiringSort,
  LATENT_KINDS,
  latentKind,
  type ModelDetail,
  type ModelSummary,
  type SearchResult,
} from "../engine/mod.ts";
import { isLatentKind } from "../views/component_kinds.ts";
import { SearchContent, SearchPage } from "../views/pages/search_page.tsx";
import { SEARCH_ROWS } from "../views/parts/found_table.tsx";
import type { LatentChoice } from "../views/parts/search_filter.tsx";
import { SEARCH_FIELD, SEARCH_ID } from "../views/parts/search_form.tsx";
import { readSearchView, type SearchView } from "../views/search_view.ts";
import { searchUrl } from "../views/urls.ts";
import { sweepJob } from "./components.tsx";
import type { AppEnv, Deps } from "./env.ts";
import { loaded, PAGE_PATIENCE_MS } from "./loaded.ts";
import { isFragmentRequest } from "./renderer.tsx";

/** How long a fragment waits. Longer than for other parts: a search is the whole answer, and mostly there by then. */
const SEARCH_PATIENCE_MS = 1000;

export function searchRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>().get("/search", async (c) => {
    const { searchParams } = new URL(c.req.url);
    const view = readSearchView(searchParams);
    const isFragment = isFragmentRequest(c.req.raw.headers);
    // The fields of a form make a long address; the page gets the short one.
    if (searchParams.has(SEARCH_FIELD)) {
      if (!isFragment) return c.redirect(searchUrl(view), 303);
      c.header("HX-Push-Url", searchUrl(view));
    }
    const props = await searchProps(c, engine, view);
    const isPart = isFragment && c.req.header("HX-Target") === SEARCH_ID;
    return c.render(isPart ? <SearchContent {...props} /> : <SearchPage {...props} />, { title: titleOf(view) });
  });
}

async function searchProps(c: Context<AppEnv>, engine: Engine, view: SearchView) {
  const models = engine.models();
  const model = engine.model(view.model ?? models[0]?.id ?? "");
  const patience = isFragmentRequest(c.req.raw.headers) ? SEARCH_PATIENCE_MS : PAGE_PATIENCE_MS;
  const latents = latentsOf(model, view);
  const { dictionary } = latents;
  const isNowhere = view.kind !== null && isLatentKind(view.kind) && dictionary === null;
  const swept = isNowhere ? [] : (await engine.sweeps(model.id, dictionary)).filter(({ state }) => state !== "none");
  const sources = swept.map(({ textSet }) => textSet);
  const source = view.textSet === null ? sources[0] ?? null : sources.find((set) => set === view.textSet) ?? null;
  const isAsked = view.q !== "" && !isNowhere;
  const [firing, found] = await Promise.all([
    isAsked && view.in === "firing" ? loaded(firingOf(engine, { model, view, dictionary, source }), patience) : null,
    isAsked && view.in === "text" && source !== null
      ? loaded(foundOf(engine, { model, view, dictionary, source }), patience)
      : null,
  ]);
  return { models, model, view, latents, sources, source, job: sweepJob(engine, model.id, dictionary), firing, found };
}

/** Which latents can be looked for, and the dictionary that is: the one of the address, or the first of its kind. */
function latentsOf({ dictionaries }: ModelDetail, { kind, dictionary: wanted }: SearchView): LatentChoice {
  const own = dictionaries.filter((detail) => latentKind(detail) === kind).map(({ id }) => id);
  return {
    kinds: LATENT_KINDS.filter((known) => dictionaries.some((detail) => latentKind(detail) === known)),
    dictionaries: own,
    dictionary: own.find((id) => id === wanted) ?? own[0] ?? null,
  };
}

interface Asked {
  readonly model: ModelSummary;
  readonly view: SearchView;
  /** Of latents; else null. */
  readonly dictionary: string | null;
  /** Null without records. */
  readonly source: string | null;
}

function scopeOf({ model, view: { kind, layers, page }, dictionary, source }: Asked) {
  const textSet = source === null ? {} : { textSet: source };
  // A dictionary is of one layer.
  const where = dictionary === null ? { layers: [...layers] } : { dictionary };
  return { model: model.id, kind, ...where, page, pageSize: SEARCH_ROWS, ...textSet };
}

/** A page past the end is the last one. */
async function firingOf(engine: Engine, asked: Asked): Promise<Firing> {
  const { view: { q, token, sort, page }, source } = asked;
  // Without records there is nothing to be relative to.
  const known: FiringSort = sort === "value" || source === null ? "value" : "relative";
  const request = { ...scopeOf(asked), text: q, token, sort: known };
  const found = await engine.firing(request);
  const last = lastPage(found.kept);
  return page <= last ? found : await engine.firing({ ...request, page: last });
}

/** Pages past the end are the last ones. */
async function foundOf(engine: Engine, asked: Asked): Promise<SearchResult> {
  const { q, match, sort, page, texts: textsPage } = asked.view;
  const request = { ...scopeOf(asked), q, match, ...sort === null ? {} : { sort }, textsPage };
  const found = await engine.search(request);
  const last = { page: lastPage(found.components?.kept ?? 0), textsPage: lastPage(found.texts?.total ?? 0) };
  if (page <= last.page && textsPage <= last.textsPage) return found;
  return await engine.search({
    ...request,
    page: Math.min(page, last.page),
    textsPage: Math.min(textsPage, last.textsPage),
  });
}

function lastPage(rows: number): number {
  return Math.max(1, Math.ceil(rows / SEARCH_ROWS));
}

function titleOf({ q }: SearchView): string {
  const short = q.length > 40 ? `${q.slice(0, 40)}…` : q;
  return q === "" ? "Find components" : `“${short}” · Find components`;
}

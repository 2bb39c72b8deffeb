/** `GET /models/:model/catalogue`: all heads, neurons, or latents of a dictionary, by what a sweep found. */
import { Hono } from "hono";
import {
  type Catalogue,
  type CatalogueRow,
  type ComponentKind,
  type Engine,
  type Explanation,
  type Job,
  latentKind,
  NotFoundError,
} from "../engine/mod.ts";
import { capitalized, isLatentKind, KIND_NAMES } from "../views/component_kinds.ts";
import { CATALOGUE_ID, CATALOGUE_ROWS, CatalogueContent, CataloguePage } from "../views/pages/catalogue_page.tsx";
import { type CatalogueView, readCatalogueView } from "../views/catalogue_view.ts";
import { sweepJob } from "./components.tsx";
import type { AppEnv, Deps } from "./env.ts";
import { isFragmentRequest } from "./renderer.tsx";

/** Heads that are read at a time for the grid. */
const GRID_ROWS = 200;

/** Jobs of explanations that are shown. */
const SHOWN_JOBS = 3;

export function catalogueRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>().get("/models/:model/catalogue", async (c) => {
    const model = engine.model(c.req.param("model"));
    const view = readCatalogueView(new URL(c.req.url).searchParams);
    const dictionaries = model.dictionaries.filter((detail) => latentKind(detail) === view.kind);
    const dictionary = dictionaries.find(({ id }) => id === view.dictionary) ?? dictionaries[0] ?? null;
    const own = dictionary?.id ?? null;
    const sweeps = isLatentKind(view.kind) && own === null ? [] : await engine.sweeps(model.id, own);
    const hasRecords = sweeps.some(({ state }) => state !== "none");
    const catalogue = hasRecords ? await listed(engine, model.id, { ...view, dictionary: own }) : null;
    const heads = catalogue === null || view.kind !== "head" ? [] : await allHeads(engine, model.id, view);
    const job = sweepJob(engine, model.id, own);
    const said = await saidOf(engine, { model: model.id, dictionary: own }, catalogue?.rows ?? []);
    const { assistant } = engine.explanations;
    const explainJobs = jobsThatExplain(engine, { model: model.id, kind: view.kind, dictionary: own });
    const swept = { sweeps, catalogue, heads, job };
    const props = { model, dictionaries, dictionary, view, ...swept, said, assistant, explainJobs };
    const isPart = isFragmentRequest(c.req.raw.headers) && c.req.header("HX-Target") === CATALOGUE_ID;
    return c.render(isPart ? <CatalogueContent {...props} /> : <CataloguePage {...props} />, {
      title: `${capitalized(KIND_NAMES[view.kind].many)} of ${model.id}`,
    });
  });
}

/** The best that is said of each component of a list; those of which nothing is are left out. */
async function saidOf(
  { explanations }: Engine,
  { model, dictionary }: { readonly model: string; readonly dictionary: string | null },
  rows: readonly CatalogueRow[],
): Promise<ReadonlyMap<string, Explanation>> {
  const own = dictionary === null ? {} : { dictionary };
  const found = await Promise.all(rows.map(({ component }) => explanations.list({ model, component, ...own })));
  return new Map(
    found.flatMap(({ component, explanations: [best] }) => best === undefined ? [] : [[component, best] as const]),
  );
}

function jobsThatExplain(
  engine: Engine,
  { model, kind, dictionary }: {
    readonly model: string;
    readonly kind: ComponentKind;
    readonly dictionary: string | null;
  },
): readonly Job[] {
  const isSuch = (job: Job) => {
    const { layer, components, dictionary: of = null } = job.explain ?? {};
    const named = layer?.kind ?? components?.[0]?.split("/")[0];
    return job.model === model && named === kind && of === dictionary;
  };
  return engine.jobs().filter(isSuch).toReversed().slice(0, SHOWN_JOBS);
}

function requestOf(model: string, { kind, dictionary, textSet }: CatalogueView) {
  return {
    model,
    kind,
    ...dictionary === null || !isLatentKind(kind) ? {} : { dictionary },
    ...textSet === null ? {} : { textSet },
  };
}

async function listed(engine: Engine, model: string, view: CatalogueView): Promise<Catalogue | null> {
  const { kind, layer, sort, direction, page } = view;
  const request = {
    ...requestOf(model, view),
    // A dictionary is of one layer.
    layer: isLatentKind(kind) ? null : layer,
    sort,
    direction: direction === "asc" ? "ascending" as const : "descending" as const,
    pageSize: CATALOGUE_ROWS,
  };
  try {
    const found = await engine.catalogue({ ...request, page });
    const last = Math.max(1, Math.ceil(found.total / CATALOGUE_ROWS));
    return page <= last ? found : await engine.catalogue({ ...request, page: last });
  } catch (error) {
    // The text set of the address has no records: they can be made.
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

async function allHeads(engine: Engine, model: string, view: CatalogueView): Promise<readonly CatalogueRow[]> {
  const rows: CatalogueRow[] = [];
  for (let page = 1;; page++) {
    const found = await engine.catalogue({ ...requestOf(model, view), page, pageSize: GRID_ROWS });
    rows.push(...found.rows);
    if (found.rows.length === 0 || rows.length >= found.total) return rows;
  }
}

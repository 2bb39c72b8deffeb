/** The landing page. */
import { type Context, Hono } from "hono";
import { LandingPage } from "../views/pages/landing_page.tsx";
import type { JumpFields } from "../views/parts/jump_form.tsx";
import type { AppEnv, Deps } from "./env.ts";
import { examplesFor } from "./examples.ts";
import { jumpLists } from "./jump_lists.ts";
import { dictionariesOf } from "./question_form.ts";

const RECENT_RUNS = 10;

/** `GET /`. */
export function homeRoutes(deps: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>().get("/", (c) => renderLanding(c, deps));
}

/** The landing page, with what was typed into its jump box where that led nowhere. */
export async function renderLanding(
  c: Context<AppEnv>,
  { engine }: Pick<Deps, "engine">,
  jump: JumpFields = { to: "", kind: "mlp", model: "", problem: null },
): Promise<Response> {
  const models = engine.models();
  const ofModels = await Promise.all(models.map(async (model) => {
    const sweeps = await engine.sweeps(model.id);
    return { model, sweeps, lists: await jumpLists(engine, model, sweeps) };
  }));
  return c.render(
    <LandingPage
      models={models}
      sweeps={ofModels.flatMap(({ sweeps }) => sweeps)}
      sweepJobs={engine.jobs().filter(({ kind, state }) =>
        kind === "sweep" && state !== "done" && state !== "cancelled"
      )}
      jumpLists={new Map(ofModels.map(({ model, lists }) => [model.id, lists]))}
      dictionaryCounts={new Map(models.map(({ id }) => [id, dictionariesOf(engine, id).length]))}
      examples={examplesFor(models[0]?.id ?? "")}
      recentRuns={engine.recentRuns(RECENT_RUNS)}
      status={engine.status()}
      jump={jump}
    />,
    { title: "Transformer Debugger" },
  );
}

/** The landing page. */
import { type Context, Hono } from "hono";
import { LandingPage } from "../views/pages/landing_page.tsx";
import type { JumpFields } from "../views/parts/jump_form.tsx";
import type { AppEnv, Deps } from "./env.ts";
import { examplesFor } from "./examples.ts";
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
  const sweeps = (await Promise.all(models.map(({ id }) => engine.sweeps(id)))).flat();
  const dictionaryCounts = new Map(models.map(({ id }) => [id, dictionariesOf(engine, id).length]));
  return c.render(
    <LandingPage
      models={models}
      dictionaryCounts={dictionaryCounts}
      sweeps={sweeps}
      examples={examplesFor(models[0]?.id ?? "")}
      recentRuns={engine.recentRuns(RECENT_RUNS)}
      status={engine.status()}
      jump={jump}
    />,
    { title: "Transformer Debugger" },
  );
}

/** The landing page. */
import { Hono } from "hono";
import { LandingPage } from "../views/pages/landing_page.tsx";
import type { AppEnv, Deps } from "./env.ts";
import { examplesFor } from "./examples.ts";

const RECENT_RUNS = 10;

/** `GET /`. */
export function homeRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>().get("/", (c) => {
    const models = engine.models();
    const examples = examplesFor(models[0]?.id ?? "");
    const recentRuns = engine.recentRuns(RECENT_RUNS);
    return c.render(
      <LandingPage models={models} examples={examples} recentRuns={recentRuns} status={engine.status()} />,
      { title: "Transformer Debugger" },
    );
  });
}

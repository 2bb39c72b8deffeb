/** The page of jobs, and the buttons that begin, pause and end them. */
import { type Context, Hono } from "hono";
import { ValidationError } from "../engine/mod.ts";
import { JOBS_ID, JobsContent, JobsPage } from "../views/pages/jobs_page.tsx";
import { jobsUrl } from "../views/urls.ts";
import type { AppEnv, Deps } from "./env.ts";
import { backPath } from "./preferences.ts";
import { isFragmentRequest } from "./renderer.tsx";

/** `GET /jobs`, `POST /jobs/:id/:action` and `POST /models/:model/sweep`. */
export function jobRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .get("/jobs", (c) => {
      const jobs = engine.jobs().toReversed();
      const isPart = isFragmentRequest(c.req.raw.headers) && c.req.header("HX-Target") === JOBS_ID;
      return c.render(isPart ? <JobsContent jobs={jobs} /> : <JobsPage jobs={jobs} />, { title: "Jobs" });
    })
    .post("/jobs/:id/:action", (c) => {
      const { id, action } = c.req.param();
      switch (action) {
        case "pause":
          engine.pauseJob(id);
          break;
        case "resume":
          engine.resumeJob(id);
          break;
        case "cancel":
          engine.cancelJob(id);
          break;
        default:
          throw new ValidationError([{
            path: "action",
            message: `There is no ${JSON.stringify(action.slice(0, 40))} of a job: expected pause, resume or cancel`,
          }]);
      }
      return backTo(c);
    })
    .post("/models/:model/sweep", async (c) => {
      const { id: model } = engine.model(c.req.param("model"));
      const form = new URLSearchParams(await c.req.text());
      const [textSet, dictionary] = ["textSet", "dictionary"].map((name) => form.get(name) ?? undefined);
      await engine.startJob({
        kind: "sweep",
        model,
        ...textSet === undefined ? {} : { textSet },
        ...dictionary === undefined ? {} : { dictionary },
      });
      return backTo(c);
    });
}

/** The page on which the button stood. */
function backTo(c: Context<AppEnv>): Response {
  return c.redirect(backPath(c.req.raw, jobsUrl()), 303);
}

/** Composition of the web application: middleware in their order, then the routes. */
import { Hono } from "hono";
import { compress } from "hono/compress";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { apiRoutes } from "./api.ts";
import { attentionRoutes } from "./attention.tsx";
import { catalogueRoutes } from "./catalogue.tsx";
import { circuitRoutes } from "./circuit.tsx";
import { compareRoutes } from "./compare.tsx";
import { componentRoutes } from "./components.tsx";
import { assetRoutes, assetUrls, loadAssets } from "./assets.ts";
import { debuggerRoutes } from "./debugger.tsx";
import { dictionaryRoutes } from "./dictionaries.tsx";
import { API_PREFIX, type AppEnv, type Deps } from "./env.ts";
import { answerProblem, errorHandler } from "./errors.tsx";
import { explanationRoutes } from "./explanations.tsx";
import { formCheckRoutes } from "./form_check.tsx";
import { homeRoutes } from "./home.tsx";
import { jobRoutes } from "./jobs.tsx";
import { trainingRoutes } from "./training.tsx";
import { nodeRoutes } from "./nodes.tsx";
import { helpRoutes } from "./help.tsx";
import { operationRoutes } from "./operations.ts";
import { preferenceRoutes } from "./preferences.ts";
import { renderer } from "./renderer.tsx";
import { runRoutes } from "./runs.tsx";
import { searchRoutes } from "./search.tsx";
import { bodyLimit, contentTypeCheck, hostCheck, pageHeaders, sameOriginCheck } from "./security.ts";
import { accessLog, countRequests, RequestMetrics } from "./telemetry.ts";

/** The whole application over an engine. */
export function createApp(deps: Deps): Hono<AppEnv> {
  const metrics = new RequestMetrics();
  const assets = loadAssets();
  const app = new Hono<AppEnv>();
  app.use(requestId());
  app.use(accessLog(deps));
  app.use(countRequests(metrics));
  app.use(compress());
  app.use(pageHeaders());
  // Before the checks, so that their refusals are pages too.
  app.use(renderer(assetUrls(assets)));
  app.use(hostCheck(deps.allowedHosts));
  app.use(bodyLimit());
  app.use(sameOriginCheck());
  app.use(methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) => {
      const allow = methods.join(", ");
      return answerProblem(c, {
        status: 405,
        detail: `This address does not take ${c.req.method}: expected ${allow}`,
        headers: { Allow: allow },
      });
    },
  }));
  app.use(contentTypeCheck());
  app.route("/", operationRoutes(deps, metrics));
  app.route("/", assetRoutes(assets));
  app.route(API_PREFIX, apiRoutes(deps));
  app.route("/", homeRoutes(deps));
  app.route("/", debuggerRoutes(deps));
  app.route("/", formCheckRoutes(deps));
  app.route("/", runRoutes(deps));
  app.route("/", nodeRoutes(deps));
  app.route("/", attentionRoutes(deps));
  app.route("/", circuitRoutes(deps));
  app.route("/", compareRoutes(deps));
  app.route("/", dictionaryRoutes(deps));
  app.route("/", componentRoutes(deps));
  app.route("/", catalogueRoutes(deps));
  app.route("/", searchRoutes(deps));
  app.route("/", explanationRoutes(deps));
  app.route("/", jobRoutes(deps));
  app.route("/", trainingRoutes(deps));
  app.route("/", helpRoutes());
  app.route("/", preferenceRoutes());
  app.notFound((c) => answerProblem(c, { status: 404, detail: "There is nothing at this address" }));
  app.onError(errorHandler(deps));
  return app;
}

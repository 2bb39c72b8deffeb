/** `GET /models/:model/dictionaries`: what was understood of each dictionary of a model, and what one is measured to be. */
import { Hono } from "hono";
import { DictionariesPage } from "../views/pages/dictionaries_page.tsx";
import type { AppEnv, Deps } from "./env.ts";
import { FRAGMENT_PATIENCE_MS, loaded, PAGE_PATIENCE_MS } from "./loaded.ts";
import { dictionariesOf } from "./question_form.ts";
import { isFragmentRequest } from "./renderer.tsx";

export function dictionaryRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>().get("/models/:model/dictionaries", async (c) => {
    const model = engine.model(c.req.param("model"));
    const dictionary = c.req.query("measured") || null;
    const patience = isFragmentRequest(c.req.raw.headers) ? FRAGMENT_PATIENCE_MS : PAGE_PATIENCE_MS;
    const measured = dictionary === null
      ? null
      : { dictionary, report: await loaded(engine.measureDictionary({ model: model.id, dictionary }), patience) };
    return c.render(
      <DictionariesPage model={model} dictionaries={dictionariesOf(engine, model.id)} measured={measured} />,
      { title: `Dictionaries of ${model.id}` },
    );
  });
}

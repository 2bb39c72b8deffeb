/** `GET /models/:model/dictionaries`: what was understood of each dictionary of a model. */
import { Hono } from "hono";
import { DictionariesPage } from "../views/pages/dictionaries_page.tsx";
import type { AppEnv, Deps } from "./env.ts";
import { dictionariesOf } from "./question_form.ts";

export function dictionaryRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>().get("/models/:model/dictionaries", (c) => {
    const model = engine.model(c.req.param("model"));
    return c.render(<DictionariesPage model={model} dictionaries={dictionariesOf(engine, model.id)} />, {
      title: `Dictionaries of ${model.id}`,
    });
  });
}

/** `/api/v1` about finding components: by what fires on a text, and by texts that hold a phrase. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { type Engine, firingRequestSchema, searchRequestSchema } from "../engine/mod.ts";
import { documented, idParameter, jsonBody, jsonContent, numberOf, readProblems, workProblems } from "./api_parts.ts";
import { firingSchema, searchResultSchema } from "./api_search_schemas.ts";
import type { AppEnv } from "./env.ts";

const { shape } = searchRequestSchema;

const layers = z.string().regex(/^\d{1,9}(,\d{1,9})*$/, "Expected layers with commas between, as in 0,3")
  .transform((text) => text.split(",").map(Number)).optional()
  .meta({ description: "Only these layers, with commas between; default: all" });

/** GET /search */
const searchTexts = createRoute({
  method: "get",
  path: "/search",
  summary: "Texts of a sweep that hold a word or phrase, and components whose top sequences are strongest on it",
  request: {
    query: z.object({
      q: shape.q,
      model: shape.model,
      textSet: shape.textSet,
      in: shape.in.optional(),
      match: shape.match.optional(),
      kind: shape.kind.unwrap().unwrap().optional(),
      layers,
      dictionary: shape.dictionary,
      sort: shape.sort.optional(),
      page: numberOf(shape.page.unwrap()),
      textsPage: numberOf(shape.textsPage.unwrap()),
      pageSize: numberOf(shape.pageSize.unwrap()),
    }),
  },
  responses: { 200: { description: "What was found", ...jsonContent(searchResultSchema) }, ...readProblems },
});

/** POST /models/{id}/firing */
const findFiring = createRoute({
  method: "post",
  path: "/models/{id}/firing",
  summary: "Which components fire on a text of your own, each at its strongest place; the first 200 of them",
  request: {
    params: idParameter,
    body: jsonBody(documented(firingRequestSchema.omit({ model: true }).strict(), "FiringRequest")),
  },
  responses: { 200: { description: "A page of components", ...jsonContent(firingSchema) }, ...workProblems },
});

/** Adds the addresses to the API's own. */
export function addSearchRoutes(api: OpenAPIHono<AppEnv>, engine: Engine): void {
  api
    .openapi(searchTexts, async (c) => {
      return c.json(await engine.search(c.req.valid("query"), { signal: c.req.raw.signal }), 200);
    })
    .openapi(findFiring, async (c) => {
      const { id: model } = c.req.valid("param");
      return c.json(await engine.firing({ ...c.req.valid("json"), model }, { signal: c.req.raw.signal }), 200);
    });
}

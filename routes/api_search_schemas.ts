/** Shapes of what `/api/v1` answers about searches, for the OpenAPI document and the type checker. */
import { z } from "@hono/zod-openapi";
import { FIRING_SORTS, searchRequestSchema } from "../engine/mod.ts";
import { tokenListSchema } from "./api_schemas.ts";

const count = z.int();
const places = z.array(count).readonly();
const dictionary = z.string().nullable().meta({ description: "Of latents: id of their dictionary; else null" });

/** Components that fire on a text. */
export const firingSchema = z.object({
  model: z.string(),
  source: z.string().nullable().meta({ description: "Text set that values are compared with; null without records" }),
  dictionary,
  tokens: tokenListSchema,
  token: count.nullable(),
  sort: z.enum(FIRING_SORTS),
  considered: count,
  total: count.meta({ description: "Components whose value is above 0" }),
  kept: count.meta({ description: "Those of them that pages show" }),
  rows: z.array(z.object({
    component: z.string(),
    value: z.number(),
    largest: z.number().nullable(),
    relative: z.number().nullable(),
    at: places,
  })).readonly(),
}).openapi("Firing");

/** Texts and components that a phrase was found in. */
export const searchResultSchema = z.object({
  model: z.string(),
  source: z.string(),
  dictionary,
  q: z.string(),
  match: searchRequestSchema.shape.match.unwrap(),
  sequenceCount: count,
  texts: z.object({
    total: count,
    occurrences: count,
    rows: z.array(z.object({
      sequence: count,
      occurrences: count,
      tokens: places,
      before: z.string(),
      match: z.string(),
      after: z.string(),
    })).readonly(),
  }).nullable(),
  components: z.object({
    considered: count,
    total: count,
    kept: count,
    rows: z.array(z.object({
      component: z.string(),
      matches: count.meta({ description: "Top sequences whose maximum is on the phrase" }),
      containing: count.meta({ description: "Top sequences that hold the phrase anywhere" }),
      listed: count.meta({ description: "Top sequences in all" }),
      value: z.number(),
      largest: z.number(),
      relative: z.number().nullable(),
      sequence: count,
      at: places,
      on: z.enum(["token", "query", "key", "both"]),
    })).readonly(),
  }).nullable(),
}).openapi("SearchResult");

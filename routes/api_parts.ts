/** What the descriptions of the API's addresses have in common: parameters, bodies, problems. */
import { z } from "@hono/zod-openapi";
import { problemSchema } from "./api_schemas.ts";

const PROBLEMS = {
  400: "The body is not JSON",
  403: "The request comes from another site",
  404: "No such model or run",
  409: "The run's model is not loaded",
  413: "The body is larger than 1 MiB",
  415: "The content type is not application/json",
  421: "The server does not answer to this host",
  422: "A field is wrong; `issues` says which, and what is allowed",
  429: "The waiting line is full; see Retry-After",
  499: "The caller gave up",
  500: "An unknown error; the log has the details",
  503: "The engine is not available now; see Retry-After",
} as const;

/** A model or run in an address. */
export const idParameter = z.object({ id: z.string().max(500) });

/** Reading something needs no body and no engine time. */
export const readProblems = problemResponses([404, 421, 422, 500]);
/** What can be wrong with a request that has a body. */
export const bodyProblems = problemResponses([400, 403, 404, 413, 415, 421, 422, 500]);
/** What can be wrong where the engine has to work. */
export const workProblems = { ...bodyProblems, ...problemResponses([409, 429, 499, 503]) };

/** Content of one schema, as OpenAPI writes it. */
interface JsonContent<Schema> {
  content: { "application/json": { schema: Schema } };
}

/** A body that must be there. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema): JsonContent<Schema> & { required: true } {
  return { required: true, ...jsonContent(schema) };
}

/** Content of one schema. */
export function jsonContent<Schema extends z.ZodType>(schema: Schema): JsonContent<Schema> {
  return { content: { "application/json": { schema } } };
}

interface ProblemResponse {
  description: string;
  content: { "application/problem+json": { schema: typeof problemSchema } };
}

/** Answers of the form `problem+json`. */
export function problemResponses<Status extends keyof typeof PROBLEMS>(
  statuses: readonly Status[],
): Record<Status, ProblemResponse> {
  return Object.fromEntries(statuses.map((status) => [status, {
    description: PROBLEMS[status],
    content: { "application/problem+json": { schema: problemSchema } },
  }])) as unknown as Record<Status, ProblemResponse>;
}

/** A number in an address, checked as the engine's own field. */
export function numberOf<Schema extends z.ZodType<number, number>>(
  schema: Schema,
): z.ZodOptional<z.ZodPipe<z.ZodCoercedNumber<string>, Schema>> {
  return z.coerce.number<string>().pipe(schema).optional();
}

/** A schema of the engine under a name in the document. It was made before schemas learnt of OpenAPI; its copy has. */
export function documented<Schema extends z.ZodObject>(schema: Schema, name: string): Schema {
  return schema.clone().openapi(name);
}

/** From zod's issues to ours: one dotted path and one sentence each. */
import type { z } from "zod";
import { type FieldIssue, ValidationError } from "../errors.ts";

/** Parses with a schema. @throws {ValidationError} that lists every wrong field. */
export function parseOrThrow<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw toValidationError(parsed.error);
}

/** The part of a zod error that is read; zod's own type differs between its entry points. */
interface ZodErrorLike {
  readonly issues: readonly z.core.$ZodIssue[];
}

/** The error that says which fields are wrong. */
export function toValidationError(error: ZodErrorLike): ValidationError {
  return new ValidationError(fieldIssues(error.issues), { cause: error });
}

/** Flattens zod's issues. Of a union's branches, the one that fits best speaks: the one with the fewest complaints. */
export function fieldIssues(
  issues: readonly z.core.$ZodIssue[],
  prefix: readonly PropertyKey[] = [],
): readonly FieldIssue[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === "invalid_union") {
      const [best] = issue.errors.toSorted((a, b) => complaints(a) - complaints(b));
      // Where every branch complains of the type itself, the union's own message says more than any of them.
      if (best !== undefined && best.some((inner) => inner.path.length > 0 || inner.code === "unrecognized_keys")) {
        return fieldIssues(best, path);
      }
    }
    return [{ path: path.map(String).join("."), message: issue.message }];
  });
}

/** Fields that a branch does not know weigh most: they show that another branch was meant. */
function complaints(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((sum, { code }) => sum + (code === "unrecognized_keys" ? 10 : 1), 0);
}

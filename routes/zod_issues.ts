/** From zod's issues to the fields of a request: one dotted path and one message each. */
import type { z } from "zod";
import { type FieldIssue, ValidationError } from "../engine/mod.ts";

/** The part of a zod error that is read; zod's own type differs between its entry points. */
interface ZodErrorLike {
  readonly issues: readonly z.core.$ZodIssue[];
}

/** The error that says which fields are wrong. */
export function toValidationError(error: ZodErrorLike): ValidationError {
  return new ValidationError(fieldIssuesOf(error.issues), { cause: error });
}

/**
 * Flattens zod's issues. Of a union's branches, the one that comes closest speaks, unless all of them complain of the
 * type itself: then the union's own message says more.
 */
export function fieldIssuesOf(
  issues: readonly z.core.$ZodIssue[],
  prefix: readonly PropertyKey[] = [],
): readonly FieldIssue[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === "invalid_union") {
      const [closest] = issue.errors.toSorted((a, b) => distance(a) - distance(b));
      if (closest?.some((inner) => inner.path.length > 0 || inner.code === "unrecognized_keys")) {
        return fieldIssuesOf(closest, path);
      }
    }
    return [{ path: path.map(String).join("."), message: issue.message }];
  });
}

/** Unknown keys weigh most: they show that another branch was meant. */
function distance(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((sum, { code }) => sum + (code === "unrecognized_keys" ? 10 : 1), 0);
}

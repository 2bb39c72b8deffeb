/** What becomes of the lines of an imported file: the component that each is about, and its publisher's numbers. */
import { formatComponent, resolveComponent } from "./corpus/component.ts";
import { ValidationError } from "./errors.ts";
import type { PublishedScore, StoredScore } from "./explain/explanation.ts";
import type { ImportedExplanation } from "./explain/imported_explanations.ts";
import type { Dictionary } from "./model/dictionary.ts";
import type { LanguageModel } from "./model/language_model.ts";

/** The component of a line of a file. @throws {ValidationError} that names the line */
export function importedComponent(
  { component: name, dictionary: id }: Pick<ImportedExplanation, "component" | "dictionary">,
  model: LanguageModel,
  index: number,
): { readonly component: string; readonly dictionary: Dictionary | null } {
  try {
    const { component, dictionary } = resolveComponent({ component: name, dictionary: id }, model);
    return { component: formatComponent(component), dictionary };
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    throw new ValidationError([{ path: "lines", message: `Explanation ${index + 1}: ${error.issues[0]?.message}` }]);
  }
}

/** The publisher's numbers as a score, beside which ours may stand. */
export function publishedScore(published: PublishedScore): StoredScore {
  const value = published.correlation ?? published.area;
  return {
    scorer: "published",
    version: null,
    assistant: null,
    state: "done",
    problem: null,
    textSet: null,
    headline: value === null ? null : { value, interval: null },
    score: null,
    published,
    control: null,
    createdAt: new Date().toISOString(),
    ms: null,
    spent: null,
  };
}

/** What the buttons of an answer change in the question, and what was edited in its list of changes. */
import { ValidationError } from "../engine/mod.ts";
import { EDITED_FIELD, EDITED_FROM_FIELD } from "../views/parts/changes_card.tsx";
import type { QuestionFields } from "../views/props.ts";
import { changeLines, plainLine } from "./change_text.ts";

const VERBS = ["ablate", "trace", "untrace", "off", "on", "remove", "basis"] as const;

/**
 * The form with what a button of the answer asks for: `ablate NODE`, `trace NODE PATH`, `untrace`, of a listed intervention `off LINE`,
 * `on LINE`, `remove LINE`, and `basis PART WORD` as in `basis mlp latent`.
 *
 * @throws {ValidationError} if there is no such change.
 */
export function applyChange(fields: QuestionFields, change: string): QuestionFields {
  const [verb, ...words] = change.split(" ");
  const rest = words.join(" ");
  const { interventions } = fields;
  switch (VERBS.find((known) => known === verb)) {
    case "ablate":
      return { ...fields, interventions: withLine(interventions, `${rest} = 0`) };
    case "trace":
      return { ...fields, trace: rest };
    case "untrace":
      return { ...fields, trace: "" };
    case "off":
      return { ...fields, interventions: replaced(interventions, rest, `# ${rest}`) };
    case "on":
      return { ...fields, interventions: replaced(interventions, rest, rest) };
    case "remove":
      return { ...fields, interventions: replaced(interventions, rest, null) };
    case "basis":
      if (words[0] === "mlp") return { ...fields, mlpBasis: words[1] ?? "" };
      if (words[0] === "attention") return { ...fields, attentionBasis: words[1] ?? "" };
      throw noSuchChange(change);
    default:
      throw noSuchChange(change);
  }
}

function noSuchChange(change: string): ValidationError {
  return new ValidationError([{
    path: "change",
    message: `There is no change ${JSON.stringify(change.slice(0, 200))}: expected ${VERBS.join(", ")}`,
  }]);
}

/** The form with what was edited in the list of changes of the answer; lines that were not touched stay. */
export function withEdits(fields: QuestionFields, form: URLSearchParams): QuestionFields {
  const before = form.getAll(EDITED_FROM_FIELD);
  const edited = form.getAll(EDITED_FIELD).map((text, index) => ({ from: before[index] ?? "", to: text.trim() }))
    .filter(({ from, to }) => from !== "" && from !== to);
  return edited.reduce(
    (changed, { from, to }) => ({
      ...changed,
      interventions: replaced(changed.interventions, from, to === "" ? null : to),
    }),
    fields,
  );
}

function withLine(text: string, line: string): string {
  const kept = text.trim();
  return kept === "" ? line : `${kept}\n${line}`;
}

/** The text with the line that says the same as `line`, on or off, replaced or left out. A line that is not there is not missed. */
function replaced(text: string, line: string, by: string | null): string {
  const wanted = plainLine(line);
  return changeLines(text).flatMap((known) => {
    if (plainLine(known.line) !== wanted) return [known.isOn ? known.line : `# ${known.line}`];
    return by === null ? [] : [by];
  }).join("\n");
}

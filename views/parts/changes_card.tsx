/** What was changed in the model for a run: each change can be edited, switched off and on, and removed; the last one undone. */
import type { VNode } from "preact";
import type { ShownRun } from "../props.ts";
import { runUrl } from "../urls.ts";
import { ChangeButton, QUESTION_FORM_ID } from "./change_button.tsx";
import { RUN_ID, swapLink } from "./card.tsx";

/** Names of the fields with a change's new text, and with the text that it had. */
export const EDITED_FIELD = "edited";
export const EDITED_FROM_FIELD = "edited-from";

/** Id of the card. */
export const CHANGES_ID = "changes-card";

export function ChangesCard({ result, changes, trace, view }: ShownRun): VNode | null {
  if (changes.length === 0 && trace === null && view.previous === null) return null;
  const { sides, spec } = result;
  return (
    <section id={CHANGES_ID} class="card changes-card" aria-labelledby="changes-title">
      <div class="card-head">
        <h2 id="changes-title">Changed for this answer</h2>
        {view.previous === null ? null : (
          <a
            id="undo"
            class="button small"
            {...swapLink(runUrl(view.previous, { ...view, previous: null }), `#${RUN_ID}`)}
          >
            Undo: back to the answer before
          </a>
        )}
      </div>
      {changes.length === 0 ? null : (
        <p class="fine-print">
          {sides.length === 2 && spec.prompts.length === 1
            ? "Beside it stands the same prompt without them."
            : spec.prompts.length > 1
            ? "They hold on both prompts; tokens count in the left one. Sides named “clean” are without them."
            : "None is switched on: this is the model as it is."}
        </p>
      )}
      <ul class="change-list">
        {changes.map(({ line, isOn }, index) => (
          <li data-on={String(isOn)}>
            <ChangeButton
              change={`${isOn ? "off" : "on"} ${line}`}
              title={isOn ? "Keep it, but switch it off" : "Switch it on again"}
              role="switch"
              isChecked={isOn}
            >
              {isOn ? "on" : "off"}
              <span class="visually-hidden">: {line}</span>
            </ChangeButton>
            <input type="hidden" form={QUESTION_FORM_ID} name={EDITED_FROM_FIELD} value={line} />
            <input
              id={`change-${index}`}
              class="change-text"
              form={QUESTION_FORM_ID}
              name={EDITED_FIELD}
              value={line}
              size={Math.max(24, line.length + 2)}
              aria-label={`Intervention ${index + 1}`}
              spellcheck={false}
              autocomplete="off"
            />
            <button type="submit" class="small" form={QUESTION_FORM_ID} name="action" value="run">
              Apply<span class="visually-hidden">: intervention {index + 1}</span>
            </button>
            <ChangeButton change={`remove ${line}`}>
              Remove<span class="visually-hidden">: {line}</span>
            </ChangeButton>
          </li>
        ))}
        {trace === null ? null : (
          <li>
            traced: <code>{trace}</code> <ChangeButton change="untrace">Back to the objective</ChangeButton>
          </li>
        )}
      </ul>
      {changes.length === 0 ? null : (
        <p class="fine-print">
          A text may end in <code>= 0</code>, <code>= 1.5</code>, <code>= mean</code>, <code>* 0.5</code>{" "}
          or, with two prompts, <code>from right</code>.
        </p>
      )}
    </section>
  );
}
